//! The call sites of the spans of `tracing`, so that the name and the place of a span are encoded once.

use std::sync::{PoisonError, RwLock};

use tracing_core::Metadata;

use crate::span::Site;

/// A call site, with what is written of its target.
#[derive(Debug)]
pub(super) struct SpanSite {
    pub(super) site: Site,
    /// The target, if it is not the module.
    pub(super) target: Option<&'static str>,
}

/// The sites, sorted by the address of the metadata, which is static. They are never freed, because a program has a fixed number
/// of them.
static SITES: RwLock<Vec<(usize, &'static SpanSite)>> = RwLock::new(Vec::new());

/// Returns the site of the spans with this metadata.
pub(super) fn site(metadata: &'static Metadata<'static>) -> &'static SpanSite {
    let address = std::ptr::from_ref(metadata).addr();
    // A statement of its own, so that the lock is free when the site is added.
    let known = find(&SITES.read().unwrap_or_else(PoisonError::into_inner), address);
    known.unwrap_or_else(|_| add(address, metadata))
}

fn find(sites: &[(usize, &'static SpanSite)], address: usize) -> Result<&'static SpanSite, usize> {
    sites.binary_search_by_key(&address, |(address, _)| *address).map(|at| sites[at].1)
}

#[cold]
fn add(address: usize, metadata: &'static Metadata<'static>) -> &'static SpanSite {
    let (file, line) = (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default());
    let mut sites = SITES.write().unwrap_or_else(PoisonError::into_inner);
    // Another thread may have added it.
    find(&sites, address).unwrap_or_else(|at| {
        let target = Some(metadata.target()).filter(|_| metadata.module_path() != Some(metadata.target()));
        let site = SpanSite { site: Site::of_span(metadata.name(), file, line), target };
        let site: &'static SpanSite = Box::leak(Box::new(site));
        sites.insert(at, (address, site));
        site
    })
}
