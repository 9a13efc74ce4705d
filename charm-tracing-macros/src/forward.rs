//! The body of one method of `traced_type!`: a call of the same method of the foreign type.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Error, FnArg, GenericArgument, GenericParam, Pat, PathArguments, Receiver, ReceiverKind,
    ReturnType, Safety, Signature, Token, Type, Visibility,
};

use crate::errors::Errors;
use crate::expand::located;
use crate::names::{is_called, type_name};
use crate::tokens::idents;

/// A parsed `fn listed(&self);`.
pub(crate) struct Method {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    pub(crate) signature: Signature,
}

impl Parse for Method {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        if input.peek(Token![type]) || (input.peek(Token![const]) && !input.peek2(Token![fn])) {
            return Err(input.error("only functions are listed here: `fn method(&self);`"));
        }
        let signature: Signature = input.parse()?;
        if input.peek(syn::token::Brace) {
            return Err(input.error(format!(
                "`{}` is forwarded, so it has no body here: end it with `;`. What has a body goes into another `impl` block",
                signature.ident
            )));
        }
        input.parse::<Token![;]>()?;
        Ok(Self { attributes, visibility, signature })
    }
}

/// Returns the method with its body; `None` after a mistake, when the foreign type's own method can still be called.
pub(crate) fn method(
    krate: &TokenStream,
    foreign: &Type,
    method: &Method,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let Method { attributes, visibility, signature } = method;
    let mistakes = mistakes(signature);
    if !mistakes.is_empty() {
        errors.extend(mistakes);
        return None;
    }
    let doc = (!attributes.iter().any(|attribute| attribute.path().is_ident("doc")))
        .then(|| doc(foreign, signature));
    let body = body(krate, signature);
    Some(quote_spanned! {Span::mixed_site()=>
        #doc
        #(#attributes)*
        #visibility #signature {
            #body
        }
    })
}

fn body(krate: &TokenStream, signature: &Signature) -> TokenStream {
    let name = &signature.ident;
    let receiver = signature.receiver().map(|receiver| receiver.self_token);
    let arguments = signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(&argument.pat),
        FnArg::Receiver(_) => None,
    });
    // The call has the author's span, so that the compiler shows its errors at the name.
    let place = name.span();
    let function = if let Some(this) = receiver {
        let this = Ident::new("self", this.span.located_at(place));
        let field = quote_spanned!(place=> #this.0);
        quote_spanned!(place=> #field.#name)
    } else {
        // `Target` is the foreign type with this block's parameters, which may have other names than those of the
        // struct.
        let krate = located(krate, place);
        quote_spanned!(place=> <<Self as #krate::__private::Deref>::Target>::#name)
    };
    let turbofish = turbofish(signature);
    let mut call = quote_spanned!(place=> #function #turbofish(#(#arguments),*));
    if signature.asyncness.is_some() {
        call = quote_spanned!(place=> #call.await);
    }
    match Returns::of(&signature.output) {
        Returns::Foreign => quote_spanned!(Span::mixed_site()=> Self(#call)),
        Returns::Inside => quote_spanned!(Span::mixed_site()=> #call.map(Self)),
        Returns::Reference => quote_spanned! {Span::mixed_site()=>
            let _ = #call;
            #receiver
        },
        Returns::Other => call,
    }
}

/// Returns the type arguments of the call; `None` if the compiler can infer them from the arguments and the result.
fn turbofish(signature: &Signature) -> Option<TokenStream> {
    let names = signature.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
        GenericParam::Lifetime(_) => None,
    });
    let names: Vec<_> = names.collect();
    let (inputs, output) = (&signature.inputs, &signature.output);
    let said = quote!(#inputs #output);
    let is_unsaid = |name: &&Ident| !idents(&said).any(|said| said == **name);
    names.iter().any(is_unsaid).then(|| quote_spanned!(Span::mixed_site()=> ::<#(#names),*>))
}

/// Returns the documentation of a method that has none, for authors whose lints demand it.
fn doc(foreign: &Type, signature: &Signature) -> TokenStream {
    let path = format!("{}::{}", type_name(foreign), signature.ident);
    let mut doc = format!(" Calls `{path}`, in a span.");
    let returned = match &signature.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    if matches!(returned, Some(Type::Path(path)) if is_called(&path.path, "Result")) {
        doc.push_str("\n\n # Errors\n\n Those of the call.");
    }
    quote_spanned!(Span::mixed_site()=> #[doc = #doc])
}

/// The form in which a method returns `Self`.
enum Returns {
    /// `Self`
    Foreign,
    /// `Option<Self>`, `Result<Self, E>`
    Inside,
    /// `&Self`, `&mut Self`
    Reference,
    /// The result has no `Self` that has to be wrapped.
    Other,
}

impl Returns {
    fn of(output: &ReturnType) -> Self {
        let ReturnType::Type(_, ty) = output else { return Self::Other };
        match &**ty {
            ty if is_self(ty) => Self::Foreign,
            Type::Reference(reference) if is_self(&reference.elem) => Self::Reference,
            ty if inside(ty).is_some() => Self::Inside,
            _ => Self::Other,
        }
    }
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self"))
}

/// Returns the other arguments of an `Option` or `Result` of `Self`; `None` for any other type.
fn inside(ty: &Type) -> Option<TokenStream> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let mut arguments = arguments.args.iter();
    let wraps = last.ident == "Option" || last.ident == "Result";
    match arguments.next() {
        Some(GenericArgument::Type(first)) if wraps && is_self(first) => Some(quote!(#(#arguments)*)),
        _ => None,
    }
}

/// Returns the reasons why the method cannot be forwarded, each at its token.
fn mistakes(signature: &Signature) -> Vec<Error> {
    let mut mistakes = Vec::new();
    if let Some(constness) = signature.constness {
        mistakes.push(Error::new(
            constness.span,
            "a `const fn` may run while compiling, where no span can be opened; remove `const`",
        ));
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        mistakes.push(Error::new(
            unsafety.span,
            "an `unsafe fn` is not forwarded: its caller is to know which promise it makes; it stays reachable without \
             a span",
        ));
    }
    if let Some(variadic) = &signature.variadic {
        mistakes.push(Error::new_spanned(variadic, "what has any number of arguments cannot be forwarded"));
    }
    for argument in &signature.inputs {
        mistakes.extend(match argument {
            FnArg::Receiver(this) => receiver(this),
            FnArg::Typed(argument) => match &*argument.pat {
                _ if !argument.attrs.is_empty() => Some(Error::new_spanned(
                    &argument.attrs[0],
                    "an argument that is forwarded has no attributes",
                )),
                Pat::Ident(name)
                    if name.by_ref.is_none() && name.mutability.is_none() && name.subpat.is_none() =>
                {
                    None
                }
                pattern => Some(Error::new_spanned(
                    pattern,
                    "an argument that is forwarded is a plain name: `name: Type`",
                )),
            },
        });
    }
    mistakes.extend(selves(signature));
    mistakes
}

fn receiver(this: &Receiver) -> Option<Error> {
    match (&this.kind, this.mutability) {
        (ReceiverKind::Value | ReceiverKind::Reference(..), None) => None,
        (_, Some(mutability)) => {
            Some(Error::new(mutability.span, "there is no body here that could change it; write `self`"))
        }
        _ => Some(Error::new_spanned(this, "accepted are `self`, `&self` and `&mut self`")),
    }
}

/// Returns an error for every `Self` that means the wrapper to the caller and cannot be converted for the call.
fn selves(signature: &Signature) -> Vec<Error> {
    let mut tokens = signature.generics.to_token_stream();
    signature.generics.where_clause.to_tokens(&mut tokens);
    for argument in &signature.inputs {
        if let FnArg::Typed(argument) = argument {
            argument.ty.to_tokens(&mut tokens);
        }
    }
    if let ReturnType::Type(_, ty) = &signature.output {
        match Returns::of(&signature.output) {
            Returns::Foreign => {}
            Returns::Reference if signature.receiver().is_some() => {}
            Returns::Inside => tokens.extend(inside(ty)),
            Returns::Reference | Returns::Other => ty.to_tokens(&mut tokens),
        }
    }
    let accepted = "`Self` cannot be forwarded here; accepted are the results `Self`, `Option<Self>` and \
                    `Result<Self, E>`, and `&Self` or `&mut Self` of a method that returns what it was called on";
    idents(&tokens).filter(|name| name == "Self").map(|place| Error::new(place.span(), accepted)).collect()
}
