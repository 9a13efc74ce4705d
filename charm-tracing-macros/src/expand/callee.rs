use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{Ident, LitStr, Signature};

use crate::names::line;

/// The description of a traced function for the runtime: a `Site`. For a method whose type is unknown to the attribute,
/// it also says where to ask for the type's name.
pub(crate) struct Callee {
    name: String,
    path: String,
    line: u32,
    owner_at_run_time: bool,
}

impl Callee {
    /// Describes a method of a block for the type `owner`, which has the name `ty` in spans if given. `name` is the
    /// name of the method's own span if given.
    pub(crate) fn of_method(
        owner: &str,
        signature: &Signature,
        ty: Option<&LitStr>,
        name: Option<&LitStr>,
    ) -> Self {
        let method = signature.ident.unraw();
        let ty = ty.map_or_else(|| owner.to_owned(), LitStr::value);
        Self {
            name: name.map_or_else(|| format!("method call: {ty}.{method}"), LitStr::value),
            path: format!("::{owner}::{method}"),
            line: line(method.span()),
            owner_at_run_time: false,
        }
    }

    /// Describes a method with a body in the definition of the trait `owner`; its type is known only at run time. `ty`
    /// and `name` are those of [`of_method`](Self::of_method).
    pub(crate) fn of_default_method(
        owner: &Ident,
        signature: &Signature,
        ty: Option<&LitStr>,
        name: Option<&LitStr>,
    ) -> Self {
        let owner = owner.unraw().to_string();
        let owner_at_run_time = ty.is_none() && name.is_none();
        let mut callee = Self::of_method(&owner, signature, ty, name);
        if owner_at_run_time {
            callee.name = signature.ident.unraw().to_string();
        }
        Self { owner_at_run_time, ..callee }
    }

    /// Describes a function, or a method with its own `#[trace_fn]` outside of a traced block.
    pub(crate) fn of_function(signature: &Signature, name: Option<&LitStr>) -> Self {
        let function = signature.ident.unraw();
        let owner_at_run_time = name.is_none() && signature.receiver().is_some();
        Self {
            name: match name {
                Some(name) => name.value(),
                None if owner_at_run_time => function.to_string(),
                None => format!("function call: {function}"),
            },
            path: format!("::{function}"),
            line: line(function.span()),
            owner_at_run_time,
        }
    }

    /// Writes an expression of the type `__private::Callee`.
    pub(crate) fn to_tokens(&self, krate: &TokenStream) -> TokenStream {
        let Self { name, path, line, owner_at_run_time } = self;
        let callee = if *owner_at_run_time {
            quote_spanned!(Span::mixed_site()=> #krate::__private::Site::method_of(&SITE, #krate::__private::type_name::<Self>))
        } else {
            quote_spanned!(Span::mixed_site()=> #krate::__private::Site::callee(&SITE))
        };
        quote_spanned! {Span::mixed_site()=> {
            static SITE: #krate::__private::Site = #krate::__private::Site::new(
                #name,
                #krate::__private::concat!(#krate::__private::module_path!(), #path),
                #krate::__private::file!(),
                #line,
            );
            #callee
        }}
    }
}
