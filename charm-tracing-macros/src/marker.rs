//! Markers for `extra_types`: every traced `impl` block registers its type.
//!
//! A marker must compile wherever its block does, and must not hide a warning. The first argument of its trait is a
//! type of its own, so that coherence accepts it. The second has the parameters of the block, so that each of them is
//! used. The third is a number, by which `extra_types` picks one of several blocks. The trait is implemented for the
//! block's type, because then the marker does not count as a use of that type. Where the orphan rule might forbid that,
//! it is implemented for a type of `charm_tracing`: an alias may hide a `Box<T>` or an associated type.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::visit::{self, Visit};
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, ExprPath, GenericArgument, GenericParam, Generics, Ident, ItemImpl, Lifetime, Macro, Path,
    PathArguments, Type, TypePath, WherePredicate,
};

use crate::extra_types::number;
use crate::lints;
use crate::names::bare;
use crate::tokens::idents;

/// Registers the type of the block as traced. A block that belongs to no type in particular gets no marker.
pub(crate) fn marker(krate: &TokenStream, block: &ItemImpl) -> TokenStream {
    let mut ty = (*block.self_ty).clone();
    if is_parameter(&ty, &block.generics) || block.modifiers.polarity.is_some() {
        return TokenStream::new();
    }
    let Some(mut generics) = generics_of(&ty, &block.generics) else { return TokenStream::new() };
    OurLifetimes.visit_type_mut(&mut ty);
    OurLifetimes.visit_generics_mut(&mut generics);

    let lints = lints::allowed_by(&block.attrs);
    let number = number(block);
    let parameters: Vec<_> = generics.params.iter().collect();
    let types = generics.type_params().map(|parameter| &parameter.ident);
    let consts: Vec<_> = generics.const_params().collect();
    let names = consts.iter().map(|parameter| &parameter.ident);
    let subject = if block.trait_.is_some() && generics.type_params().next().is_some() {
        quote_spanned!(Span::mixed_site()=> #krate::__private::extra_types::Blocks)
    } else {
        ty.to_token_stream()
    };
    let predicates =
        generics.where_clause.as_ref().map(|clause| clause.predicates.iter()).into_iter().flatten();
    quote_spanned! {Span::mixed_site()=>
        #(#lints)*
        const _: () = {
            // Public, because a module that lists the type must be able to infer this type.
            #[doc(hidden)]
            pub struct __TracedBlock<#(#consts),*>;
            #[doc(hidden)]
            #[automatically_derived]
            impl<#(#parameters),*> #krate::__private::extra_types::Block<
                __TracedBlock<#(#names),*>,
                (#(#krate::__private::PhantomData<#types>,)*),
                #number,
                #ty,
            > for #subject
            where #(#predicates),*
            {}
        };
    }
}

/// Returns true for a type parameter, also behind pointers: such a block belongs to no type that `extra_types` can
/// name.
fn is_parameter(ty: &Type, generics: &Generics) -> bool {
    match bare(ty) {
        Type::Reference(reference) => is_parameter(&reference.elem, generics),
        Type::Path(path) => {
            if let Some(name) = path.path.get_ident() {
                return generics.type_params().any(|parameter| parameter.ident == *name);
            }
            let Some(last) = path.path.segments.last() else { return false };
            let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
            let pointer = last.ident == "Box" || last.ident == "Pin";
            pointer
                && matches!(arguments.args.first(), Some(GenericArgument::Type(ty)) if is_parameter(ty, generics))
        }
        _ => false,
    }
}

/// Returns the generics of the block that belong to its type: `impl<T> From<T> for Workload` registers `Workload` for
/// any `T`. `None` if they cannot be separated from the others.
///
/// The bounds of the type's own parameters must stay, because else the type may not be well-formed.
fn generics_of(ty: &Type, generics: &Generics) -> Option<Generics> {
    if generics.params.iter().any(|parameter| !attributes(parameter).is_empty()) {
        return None;
    }
    let names = || {
        let types = generics.type_params().map(|parameter| &parameter.ident);
        types.chain(generics.const_params().map(|parameter| &parameter.ident))
    };
    let mut known = Parameters { names: names().collect(), determined: Vec::new(), opaque: false };
    known.visit_type(ty);
    let (kept, mut foreign): (Vec<_>, Vec<_>) =
        names().cloned().partition(|name| known.opaque || known.determined.contains(name));
    if mentions(ty, &foreign) {
        return None;
    }
    // `Self` is another type in the marker.
    foreign.push(Ident::new("Self", Span::mixed_site()));

    let mut own = Generics::default();
    let is_own = |parameter: &&GenericParam| match parameter {
        GenericParam::Type(parameter) => !foreign.contains(&parameter.ident),
        GenericParam::Const(parameter) => !foreign.contains(&parameter.ident),
        GenericParam::Lifetime(_) => true,
    };
    for parameter in generics.params.iter().filter(is_own) {
        if mentions(parameter, &foreign) {
            return None;
        }
        own.params.push(parameter.clone());
    }
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        if !mentions(predicate, &foreign) {
            own.make_where_clause().predicates.push(predicate.clone());
        } else if !kept.is_empty() && !bounds_one_of(predicate, &foreign) {
            return None;
        }
    }
    Some(own)
}

/// Returns true if the predicate bounds only one of the parameters; such a bound says nothing about the others.
fn bounds_one_of(predicate: &WherePredicate, names: &[Ident]) -> bool {
    let WherePredicate::Type(predicate) = predicate else { return false };
    let Type::Path(TypePath { qself: None, path, .. }) = &predicate.bounded_ty else { return false };
    path.get_ident().is_some_and(|name| names.contains(name))
}

fn attributes(parameter: &GenericParam) -> &[Attribute] {
    match parameter {
        GenericParam::Lifetime(parameter) => &parameter.attrs,
        GenericParam::Type(parameter) => &parameter.attrs,
        GenericParam::Const(parameter) => &parameter.attrs,
    }
}

/// The parameters that a type determines: for `Either<L, <T as Trait>::Type>` it is `L`.
struct Parameters<'a> {
    names: Vec<&'a Ident>,
    determined: Vec<Ident>,
    /// True if a macro stands for the type or for a part of it.
    opaque: bool,
}

impl Parameters<'_> {
    /// Notes a parameter that the path determines. Returns true if the path's arguments have to be visited.
    fn path(&mut self, path: &Path) -> bool {
        let first = path.segments.first().filter(|first| self.names.contains(&&first.ident));
        if path.segments.len() == 1 {
            self.determined.extend(first.map(|first| first.ident.clone()));
            return true;
        }
        first.is_none()
    }
}

impl<'ast> Visit<'ast> for Parameters<'_> {
    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        if ty.qself.is_none() && self.path(&ty.path) {
            visit::visit_type_path(self, ty);
        }
    }

    fn visit_expr_path(&mut self, value: &'ast ExprPath) {
        if value.qself.is_none() && self.path(&value.path) {
            visit::visit_expr_path(self, value);
        }
    }

    fn visit_macro(&mut self, _: &'ast Macro) {
        self.opaque = true;
    }
}

/// Gives the author's lifetimes our span, because lints would report a lifetime that the marker uses only once.
struct OurLifetimes;

impl VisitMut for OurLifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        lifetime.set_span(Span::mixed_site().located_at(lifetime.span()));
    }
}

fn mentions(code: &impl ToTokens, names: &[Ident]) -> bool {
    idents(code).any(|name| names.contains(&name))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// Returns the generics of the marker of a block.
    fn own(header: &str) -> Option<String> {
        let block: ItemImpl = syn::parse_str(&format!("{header} {{}}")).unwrap();
        let generics = generics_of(&block.self_ty, &block.generics)?;
        let (parameters, bounds) = (generics.params, generics.where_clause);
        Some(quote!(<#parameters> #bounds).to_string().replace(' ', ""))
    }

    #[test]
    fn what_only_the_trait_knows_is_left_out() {
        for (header, expected) in [
            ("impl<T> From<T> for X", "<>"),
            ("impl<'a, T> From<&'a T> for X", "<'a>"),
            ("impl<const N: usize> PartialEq<[u8; N]> for X", "<>"),
            ("impl<V: Into<Self>> FromIterator<V> for X where V: Debug, V::Out: Debug", "<>"),
            ("impl<L: Eq, R, T> AsRef<T> for Either<L, R> where T: AsRef<L>", "<L:Eq,R>"),
            ("impl<'a, T: 'a + ?Sized> X<T> where T: Debug", "<'a,T:'a+?Sized>whereT:Debug"),
            ("impl<T> Tr for X<T> where Self: Sized, T: Debug", "<T>whereT:Debug"),
            ("impl<const N: usize> Tr for [u8; N]", "<constN:usize>"),
            ("impl<T> Tr for my_type!(T)", "<T>"),
        ] {
            assert_eq!(own(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_has_no_marker() {
        for header in [
            "impl<L, T> AsRef<T> for Either<L> where L: AsRef<T>",
            "impl<L: AsRef<T>, T> AsRef<T> for Either<L>",
            "impl<L: Into<Self>> Tr for Either<L>",
            "impl<I: Iterator> Tr<I> for X<I::Item>",
            "impl<I> Tr<I> for <I as Iterator>::Item",
            "impl<I, T> Tr<I> for X<T> where Vec<I>: Into<T>",
            "impl<#[cfg(any())] T> X<T>",
        ] {
            assert_eq!(own(header), None, "{header}");
        }
    }
}
