use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Error, Ident, Signature};

use crate::args;
use crate::errors::Errors;

/// The choice of methods that get a span: all, `only` some, or all except those in `skip`.
#[derive(Default)]
pub(crate) struct Selection {
    only: Option<Vec<Ident>>,
    skip: Option<Vec<Ident>>,
}

/// A method of the item, with a flag that is true if it has a body that could open a span.
pub(crate) struct Candidate<'a> {
    pub(crate) signature: &'a Signature,
    pub(crate) has_body: bool,
}

impl Selection {
    pub(crate) fn only(&mut self, key: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        self.only = Some(args::methods(key, input)?);
        self.refuse_both(key, "skip")
    }

    pub(crate) fn skip(&mut self, key: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        self.skip = Some(args::methods(key, input)?);
        self.refuse_both(key, "only")
    }

    fn refuse_both(&self, key: &Ident, other: &str) -> syn::Result<()> {
        if self.only.is_none() || self.skip.is_none() {
            return Ok(());
        }
        let both = format!("`{key}` and `{other}` exclude each other: keep one of them");
        Err(Error::new(key.span(), both))
    }

    /// Notes an error for each name that selects nothing.
    pub(crate) fn check<'a>(&self, candidates: impl Iterator<Item = Candidate<'a>>, errors: &mut Errors) {
        let candidates: Vec<_> = candidates.collect();
        for name in self.only.iter().chain(&self.skip).flatten() {
            match candidates.iter().find(|candidate| same(&candidate.signature.ident, name)) {
                None => errors.push(Error::new(name.span(), unknown(name, &candidates))),
                Some(candidate) if !candidate.has_body => errors.push(Error::new(
                    name.span(),
                    format!("`{name}` has no body here, so its spans belong to its implementations"),
                )),
                Some(Candidate { signature, .. }) if signature.constness.is_some() && self.only.is_some() => {
                    errors.push(Error::new(
                        name.span(),
                        format!(
                            "`{name}` is a `const fn`, which may run while compiling, where no span can be opened; \
                             remove `const`, or its name from this list"
                        ),
                    ));
                }
                Some(_) => {}
            }
        }
    }

    /// Returns true if the method gets a span. A `const fn` never gets one.
    pub(crate) fn takes(&self, signature: &Signature) -> bool {
        let named = |list: &Option<Vec<Ident>>| {
            list.as_ref().map(|names| names.iter().any(|name| same(name, &signature.ident)))
        };
        signature.constness.is_none()
            && named(&self.only).unwrap_or(true)
            && !named(&self.skip).unwrap_or(false)
    }
}

fn same(one: &Ident, another: &Ident) -> bool {
    one.unraw() == another.unraw()
}

fn unknown(name: &Ident, candidates: &[Candidate<'_>]) -> String {
    let methods: Vec<_> =
        candidates.iter().map(|candidate| format!("`{}`", candidate.signature.ident)).collect();
    if methods.is_empty() {
        return format!("no method `{name}` here: there are none");
    }
    format!("no method `{name}` here; known are {}", methods.join(", "))
}
