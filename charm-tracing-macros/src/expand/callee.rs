use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{LitStr, Signature};

use crate::expand::located;

/// The description of a traced function for the runtime: a `Site`. For a method whose type is unknown to the attribute,
/// it also says where to ask for the type's name.
pub(crate) struct Callee {
    name: String,
    path: String,
    /// The place of the function's name.
    place: Span,
    owner_at_run_time: bool,
}

/// The owner of a traced method.
pub(crate) struct CalleeOwner<'a> {
    /// The name of the type or trait.
    pub(crate) path: String,
    /// The type's name in spans, if the author chose one.
    pub(crate) ty: Option<&'a LitStr>,
    /// True for the definition of a trait, whose methods are those of a type that is known only at run time.
    pub(crate) is_definition: bool,
}

impl Callee {
    /// Describes a function. `name` is the name of its span if the author chose one. `owner` is the type or trait whose
    /// block or definition the function is in; `None` outside of a traced one.
    pub(crate) fn of(signature: &Signature, name: Option<&LitStr>, owner: Option<&CalleeOwner<'_>>) -> Self {
        let function = signature.ident.unraw();
        let is_unknown =
            owner.map_or(signature.receiver().is_some(), |owner| owner.is_definition && owner.ty.is_none());
        Self {
            name: match (name, owner) {
                (Some(name), _) => name.value(),
                _ if is_unknown => function.to_string(),
                (None, Some(CalleeOwner { path, ty, .. })) => {
                    let ty = ty.map_or_else(|| path.clone(), LitStr::value);
                    format!("method call: {ty}.{function}")
                }
                (None, None) => format!("function call: {function}"),
            },
            path: owner.map(|owner| format!("::{}", owner.path)).unwrap_or_default()
                + &format!("::{function}"),
            place: function.span(),
            owner_at_run_time: is_unknown && name.is_none(),
        }
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
