use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{ImplItem, ItemImpl, ItemTrait, LitStr, Signature};

use super::{Callee, CalleeOwner, Scope};
use crate::names::type_name;

/// The place of a function, as far as it is known.
pub(crate) enum Owner {
    /// A free function, or a method of a block that is not traced.
    Unknown,
    /// A block, reduced to its header and its associated types; and the type's name in spans.
    Block(Box<ItemImpl>, Option<LitStr>),
    /// A trait definition, reduced to its header; and the type's name in spans.
    Trait(Box<ItemTrait>, Option<LitStr>),
}

impl Owner {
    pub(crate) fn of_block(block: &ItemImpl, name: Option<&LitStr>) -> Self {
        let mut header = ItemImpl { attrs: Vec::new(), items: Vec::new(), ..block.clone() };
        header.items.extend(block.items.iter().filter(|item| matches!(item, ImplItem::Type(_))).cloned());
        Self::Block(Box::new(header), name.cloned())
    }

    pub(crate) fn of_trait(definition: &ItemTrait, name: Option<&LitStr>) -> Self {
        let header = ItemTrait { attrs: Vec::new(), items: Vec::new(), ..definition.clone() };
        Self::Trait(Box::new(header), name.cloned())
    }

    /// Describes the function for the runtime; `name` is the span name that the author chose.
    pub(crate) fn callee(&self, signature: &Signature, name: Option<&LitStr>) -> Callee {
        let owner = match self {
            Self::Unknown => None,
            Self::Block(block, ty) => Some((type_name(&block.self_ty), ty, false)),
            Self::Trait(definition, ty) => Some((definition.ident.unraw().to_string(), ty, true)),
        };
        let owner =
            owner.map(|(path, ty, is_definition)| CalleeOwner { path, ty: ty.as_ref(), is_definition });
        Callee::of(signature, name, owner.as_ref())
    }

    pub(crate) fn scope(&self) -> Scope {
        match self {
            Self::Unknown => Scope::unknown(),
            Self::Block(block, _) => Scope::of_block(block),
            Self::Trait(definition, _) => Scope::of_trait(&definition.generics),
        }
    }

    /// Writes the content of `__last(...)` after the crate's path.
    pub(crate) fn to_tokens(&self) -> TokenStream {
        match self {
            Self::Unknown => TokenStream::new(),
            Self::Block(block, name) => quote!(, #name #block),
            Self::Trait(definition, name) => quote!(, #name #definition),
        }
    }
}
