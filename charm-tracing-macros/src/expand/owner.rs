use proc_macro2::TokenStream;
use quote::quote;
use syn::{ImplItem, ItemImpl, ItemTrait, LitStr};

use super::Scope;

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
