use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{LitStr, Signature};

use super::{Owner, located};
use crate::names::type_name;

/// The description of a traced function for the runtime: a `Site`. For a method whose type is unknown to the attribute,
/// it also says where to ask for the type's name.
pub(crate) struct Callee {
    name: String,
    path: String,
    /// The place of the function's name.
    place: Span,
    owner_at_run_time: bool,
}

impl Callee {
    /// Describes a function. `name` is the name of its span if the author chose one.
    pub(crate) fn of(signature: &Signature, name: Option<&LitStr>, owner: &Owner) -> Self {
        let function = signature.ident.unraw();
        let is_method = !matches!(owner, Owner::Unknown) || signature.receiver().is_some();
        // The name of a trait's type is known only at run time, unless the author chose one.
        let (owner, ty) = match owner {
            Owner::Unknown => (None, None),
            Owner::Block(block, ty) => {
                let owner = type_name(&block.self_ty);
                let ty = ty.as_ref().map_or_else(|| owner.clone(), LitStr::value);
                (Some(owner), Some(ty))
            }
            Owner::Trait(definition, ty) => {
                (Some(definition.ident.unraw().to_string()), ty.as_ref().map(LitStr::value))
            }
        };
        let (name, owner_at_run_time) = match (name, ty) {
            (Some(name), _) => (name.value(), false),
            (None, Some(ty)) => (format!("method call: {ty}.{function}"), false),
            (None, None) if is_method => (function.to_string(), true),
            (None, None) => (format!("function call: {function}"), false),
        };
        let path = owner.map(|owner| format!("::{owner}")).unwrap_or_default() + &format!("::{function}");
        Self { name, path, place: function.span(), owner_at_run_time }
    }

    /// Writes an expression of the type `__private::Callee`.
    pub(crate) fn to_tokens(&self, krate: &TokenStream) -> TokenStream {
        let Self { name, path, place, owner_at_run_time } = self;
        let callee = if *owner_at_run_time {
            quote_spanned!(Span::mixed_site()=> #krate::__private::Site::method_of(&SITE, #krate::__private::type_name::<Self>))
        } else {
            quote_spanned!(Span::mixed_site()=> #krate::__private::Site::callee(&SITE))
        };
        // At the place of the attribute it would be the attribute's line.
        let line = located(&quote_spanned!(*place=> #krate::__private::line!()), *place);
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
