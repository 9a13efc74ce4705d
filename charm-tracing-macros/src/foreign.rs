//! `traced_type!`: a wrapper around a type of another crate, whose listed methods open spans.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Fields, Generics, Ident, ItemStruct, LitStr, Meta, Path, Token, Type, WhereClause,
    braced,
};

use crate::args::{self, Accept, Args};
use crate::errors::Errors;
use crate::forward;
use crate::lints;
use crate::names::{is_called, type_name};

/// The arguments of `#[traced(...)]` on the struct.
#[derive(Default)]
struct TracedArgs {
    name: Option<LitStr>,
    krate: Option<Path>,
}

impl Args for TracedArgs {
    const ACCEPTED: &'static [(&'static str, Accept<Self>)] = &[
        ("name", |given, key, input| args::text(key, input).map(|name| given.name = Some(name))),
        ("crate", |given, key, input| args::krate(key, input).map(|path| given.krate = Some(path))),
    ];
}

/// A parsed `impl Wrapper { fn listed(&self); }`.
struct Block {
    attributes: Vec<Attribute>,
    generics: Generics,
    ty: Type,
    methods: Vec<forward::Method>,
}

pub(crate) fn traced_type(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let parse = |input: ParseStream<'_>| {
        let wrapper = input.parse::<ItemStruct>().map_err(|error| {
            Error::new(
                error.span(),
                format!(
                    "{error}; `traced_type!` takes a struct around the type, and `impl` blocks that list methods of it"
                ),
            )
        })?;
        let mut blocks = Vec::new();
        while !input.is_empty() {
            match block(input, &mut errors) {
                Ok(block) => blocks.push(block),
                Err(error) => {
                    errors.push(error);
                    args::skip(input, |input| input.peek(Token![impl]) || input.peek(Token![#]));
                }
            }
        }
        Ok((wrapper, blocks))
    };
    match parse.parse2(input) {
        Ok((wrapper, blocks)) => expand(wrapper, &blocks, errors),
        Err(error) => {
            errors.push(error);
            errors.into_token_stream()
        }
    }
}

fn expand(mut wrapper: ItemStruct, blocks: &[Block], mut errors: Errors) -> TokenStream {
    let args = take_attribute(&mut wrapper.attrs, &mut errors);
    let krate = args::krate_path(args.krate.as_ref(), &mut errors);
    let Some(foreign) = foreign_type(&wrapper).cloned() else {
        errors.push(Error::new(
            wrapper.ident.span(),
            format!(
                "this takes one field without a name, the type to trace: `struct {}(other::Type);`",
                wrapper.ident
            ),
        ));
        return quote!(#errors #wrapper);
    };
    if blocks.is_empty() && errors.is_empty() {
        let example =
            format!("list the methods that have spans: `impl {} {{ fn method(&self); }}`", wrapper.ident);
        errors.push(Error::new(wrapper.ident.span(), example));
    }
    let name = args.name.unwrap_or_else(|| LitStr::new(&type_name(&foreign), foreign.span()));
    let mut lists_into_inner = false;
    let mut tokens = TokenStream::new();
    for block in blocks {
        if !check(block, &wrapper.ident, &mut errors) {
            continue;
        }
        lists_into_inner |= block.methods.iter().any(|method| method.signature.ident == "into_inner");
        let methods: Vec<_> = block
            .methods
            .iter()
            .filter_map(|method| forward::method(&krate, &foreign, method, &mut errors))
            .collect();
        let Block { attributes, generics, ty, .. } = block;
        let (parameters, _, bounds) = generics.split_for_impl();
        let conditions = conditions(&wrapper.attrs);
        tokens.extend(quote_spanned! {Span::mixed_site()=>
            #(#conditions)*
            #(#attributes)*
            #[#krate::trace_type(name = #name, crate = #krate)]
            impl #parameters #ty #bounds {
                #(#methods)*
            }
        });
    }
    let conversions = conversions(&krate, &wrapper, &foreign, lists_into_inner);
    quote!(#errors #wrapper #conversions #tokens)
}

/// Writes the impls that let the wrapper be used like the foreign type: `Deref`, `DerefMut`, `From` and `into_inner`.
fn conversions(
    krate: &TokenStream,
    wrapper: &ItemStruct,
    foreign: &Type,
    lists_into_inner: bool,
) -> TokenStream {
    let ItemStruct { ident, vis, generics, .. } = wrapper;
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let mut attributes = conditions(&wrapper.attrs);
    attributes.extend(lints::allowed_by(&wrapper.attrs));
    let into_inner = (!lists_into_inner).then(|| {
        let doc = format!("The `{}` itself, whose calls open no spans.", type_name(foreign));
        quote_spanned! {Span::mixed_site()=>
            #(#attributes)*
            impl #parameters #ident #arguments #bounds {
                #[doc = #doc]
                #[inline]
                #[must_use]
                #vis fn into_inner(self) -> #foreign {
                    self.0
                }
            }
        }
    });
    quote_spanned! {Span::mixed_site()=>
        #(#attributes)*
        impl #parameters #krate::__private::Deref for #ident #arguments #bounds {
            type Target = #foreign;
            #[inline]
            fn deref(&self) -> &#foreign {
                &self.0
            }
        }
        #(#attributes)*
        impl #parameters #krate::__private::DerefMut for #ident #arguments #bounds {
            #[inline]
            fn deref_mut(&mut self) -> &mut #foreign {
                &mut self.0
            }
        }
        #(#attributes)*
        impl #parameters #krate::__private::From<#foreign> for #ident #arguments #bounds {
            #[inline]
            fn from(foreign: #foreign) -> Self {
                Self(foreign)
            }
        }
        #into_inner
    }
}

/// Returns the struct's `cfg` attributes, which the generated impls need as well.
fn conditions(attributes: &[Attribute]) -> Vec<TokenStream> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .map(ToTokens::to_token_stream)
        .collect()
}

fn foreign_type(wrapper: &ItemStruct) -> Option<&Type> {
    match &wrapper.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first().map(|field| &field.ty),
        _ => None,
    }
}

fn take_attribute(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> TracedArgs {
    let Some(at) = attributes.iter().position(|attribute| attribute.path().is_ident("traced")) else {
        return TracedArgs::default();
    };
    match attributes.remove(at).meta {
        Meta::List(list) => TracedArgs::parse(list.tokens, errors),
        other => {
            errors.push(Error::new_spanned(
                other,
                "write `#[traced(name = \"...\")]` or `#[traced(crate = path)]`",
            ));
            TracedArgs::default()
        }
    }
}

/// Returns true if the block belongs to the wrapper and has no `#[trace_type]`; else notes an error.
fn check(block: &Block, wrapper: &Ident, errors: &mut Errors) -> bool {
    let is_wrapper = matches!(&block.ty, Type::Path(path) if is_called(&path.path, &wrapper.to_string()));
    if !is_wrapper {
        errors.push(Error::new_spanned(
            &block.ty,
            format!("this lists methods of `{wrapper}`: `impl {wrapper}`"),
        ));
    }
    let traced = block.attributes.iter().find(|attribute| is_called(attribute.path(), "trace_type"));
    if let Some(traced) = traced {
        errors.push(Error::new_spanned(traced, "this block is traced already"));
    }
    is_wrapper && traced.is_none()
}

fn block(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Block> {
    let attributes = input.call(Attribute::parse_outer)?;
    if !input.peek(Token![impl]) {
        return Err(
            input.error("expected an `impl` block that lists methods: `impl Wrapper { fn method(&self); }`")
        );
    }
    input.parse::<Token![impl]>()?;
    let mut generics: Generics = input.parse()?;
    let ty: Type = input.parse()?;
    if input.peek(Token![for]) {
        return Err(input.error(
            "only methods of the type itself can be listed; implement a trait outside, with `#[trace_type]`",
        ));
    }
    generics.where_clause = input.parse::<Option<WhereClause>>()?;
    let content;
    braced!(content in input);
    let mut methods = Vec::new();
    while !content.is_empty() {
        match content.parse() {
            Ok(method) => methods.push(method),
            Err(error) => {
                errors.push(error);
                args::skip(&content, |input| input.peek(Token![;]) || input.peek(syn::token::Brace));
                let _ = content.parse::<TokenTree>();
            }
        }
    }
    Ok(Block { attributes, generics, ty, methods })
}
