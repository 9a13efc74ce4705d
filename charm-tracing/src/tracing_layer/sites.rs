//! The call sites of the spans of `tracing`, so that the name and the place of a span are encoded once.

use std::sync::{PoisonError, RwLock};

use tracing_core::Metadata;

use crate::span::Site;

/// The sites, sorted by the address of the metadata, which is static. They are never freed, because a program has a fixed number
/// of them.
static SITES: RwLock<Vec<(usize, &'static Site)>> = RwLock::new(Vec::new());

/// Returns the site of the spans with this metadata.
pub(super) fn site(metadata: &'static Metadata<'static>) -> &'static Site {
    let address = std::ptr::from_ref(metadata).addr();
    // A statement of its own, so that the lock is free when the site is added.
    let known = find(&SITES.read().unwrap_or_else(PoisonError::into_inner), address);
    known.unwrap_or_else(|_| add(address, metadata))
}

fn find(sites: &[(usize, &'static Site)], address: usize) -> Result<&'static Site, usize> {
    sites.binary_search_by_key(&address, |(address, _)| *address).map(|at| sites[at].1)
}

#[cold]
fn add(address: usize, metadata: &'static Metadata<'static>) -> &'static Site {
    let (file, line) = (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default());
    let mut sites = SITES.write().unwrap_or_else(PoisonError::into_inner);
    // Another thread may have added it.
    find(&sites, address).unwrap_or_else(|at| {
        let site: &'static Site = Box::leak(Box::new(Site::of_span(metadata.name(), file, line)));
        sites.insert(at, (address, site));
        site
    })
}
