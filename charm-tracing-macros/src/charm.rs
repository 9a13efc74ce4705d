use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{
    Error, Expr, Fields, FnArg, Generics, Ident, ImplItem, Item, ItemImpl, ItemStruct, Lifetime, Path,
    ReceiverKind, ReturnType, Signature, Type,
};

use crate::args::{self, Arg, Args, Kind};
use crate::block::{self, TypeArgs};
use crate::errors::Errors;
use crate::marker;
use crate::names::{is_called, type_name};

struct CharmArgs {
    tracing_endpoint: Arg<Ident>,
    server_cert: Arg<Ident>,
    client_cert: Arg<Ident>,
    client_key: Arg<Ident>,
    ca_relation: Arg<Expr>,
    service_name: Arg<Expr>,
    extra_types: Arg<Vec<Type>>,
    buffer_max_events: Arg<Expr>,
    buffer_max_size_mib: Arg<Expr>,
    buffer_path: Arg<Expr>,
    max_bytes_per_trace: Arg<Expr>,
    krate: Arg<Path>,
}

impl Default for CharmArgs {
    fn default() -> Self {
        Self {
            tracing_endpoint: Arg::new("tracing_endpoint"),
            server_cert: Arg::new("server_cert"),
            client_cert: Arg::new("client_cert"),
            client_key: Arg::new("client_key"),
            ca_relation: Arg::new("ca_relation"),
            service_name: Arg::new("service_name"),
            extra_types: Arg::new("extra_types"),
            buffer_max_events: Arg::new("buffer_max_events"),
            buffer_max_size_mib: Arg::new("buffer_max_size_mib"),
            buffer_path: Arg::new("buffer_path"),
            max_bytes_per_trace: Arg::new("max_bytes_per_trace"),
            krate: Arg::new("crate"),
        }
    }
}

impl Args for CharmArgs {
    const ACCEPTED: &'static str = "`tracing_endpoint`, `server_cert`, `client_cert`, `client_key`, `ca_relation`, \
        `service_name`, `extra_types`, `buffer_max_events`, `buffer_max_size_mib`, `buffer_path`, \
        `max_bytes_per_trace`, `crate`";

    fn accept(&mut self, key: &Ident, input: ParseStream<'_>) -> Option<syn::Result<()>> {
        Some(match key.to_string().as_str() {
            "tracing_endpoint" => args::member(&mut self.tracing_endpoint, key, input),
            "server_cert" => args::member(&mut self.server_cert, key, input),
            "client_cert" => args::member(&mut self.client_cert, key, input),
            "client_key" => args::member(&mut self.client_key, key, input),
            "ca_relation" => args::expression(&mut self.ca_relation, key, input, Kind::Text),
            "service_name" => args::expression(&mut self.service_name, key, input, Kind::Text),
            "extra_types" => args::types(&mut self.extra_types, key, input),
            "buffer_max_events" => {
                args::expression(&mut self.buffer_max_events, key, input, Kind::Number("100"))
            }
            "buffer_max_size_mib" => {
                args::expression(&mut self.buffer_max_size_mib, key, input, Kind::Number("10"))
            }
            "buffer_path" => args::expression(&mut self.buffer_path, key, input, Kind::Text),
            "max_bytes_per_trace" => {
                args::expression(&mut self.max_bytes_per_trace, key, input, Kind::Number("4_500_000"))
            }
            "crate" => args::krate(&mut self.krate, key, input),
            _ => return None,
        })
    }
}

impl CharmArgs {
    /// Notes an error for each that is missing.
    fn check(&self, errors: &mut Errors) {
        if self.tracing_endpoint.value.is_none() {
            errors.push(Error::new(
                Span::call_site(),
                "`tracing_endpoint` is missing: name the method or field that holds the URL traces are pushed to, \
                 `tracing_endpoint = \"endpoint\"`",
            ));
        }
        for (given, other) in [(&self.client_cert, &self.client_key), (&self.client_key, &self.client_cert)] {
            if let (Some(member), None) = (&given.value, &other.value) {
                let remedy = format!("name the method or field that holds it, `{0} = \"my_{0}\"`", other.key);
                let message = format!("`{}` is of no use without `{}`: {remedy}", given.key, other.key);
                errors.push(Error::new(member.span(), message));
            }
        }
    }

    /// Returns the arguments that name a method or field.
    fn members(&self) -> impl Iterator<Item = &Ident> {
        [&self.tracing_endpoint, &self.server_cert, &self.client_cert, &self.client_key]
            .into_iter()
            .filter_map(|arg| arg.value.as_ref())
    }
}

pub(crate) fn trace_charm(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = CharmArgs::parse(args, &mut errors);
    // A value that could not be parsed is no missing one.
    if errors.is_empty() {
        args.check(&mut errors);
    }
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(block)) => on_block(&args, block, errors),
        Ok(Item::Struct(charm)) => on_struct(&args, &charm, errors),
        _ => block::not_a_block(
            item,
            errors,
            &["impl", "struct"],
            "`#[trace_charm]` goes on the charm's `impl` block or on its `struct`",
        ),
    }
}

/// Expands the attribute on an `impl` block: configuration and spans.
fn on_block(args: &CharmArgs, mut block: ItemImpl, mut errors: Errors) -> TokenStream {
    let krate = args::krate_path(&args.krate);
    if let Some((path, _)) = &block.trait_ {
        errors.push(Error::new_spanned(
            path,
            "`#[trace_charm]` goes on the charm's own `impl` block; for the block of a trait use `#[trace_type]`",
        ));
    }
    for method in block::methods(&block) {
        if args.members().any(|member| *member == method.sig.ident) {
            errors.note(readable(&method.sig));
        }
    }
    let destination = destination(&krate, args, |member| {
        let declared = block::methods(&block).any(|method| method.sig.ident == *member);
        if declared { Place::Method } else { Place::Field }
    });
    let marker = marker::marker(&krate, &block);
    block::refuse_another(&mut block.attrs, &mut errors);
    refuse_borrowed_dispatch(&mut block, &mut errors);
    block::trace_methods(&krate, &TypeArgs::default(), &mut block, &errors);
    let charm = implement(&krate, args, destination, &block.generics, &block.self_ty, errors.is_empty());
    let mut tokens = errors.into_tokens();
    block.to_tokens(&mut tokens);
    let lints = marker::lints(&block.attrs);
    tokens.extend([quote!(#(#lints)* #charm), marker, extra_types(&krate, args)]);
    tokens
}

/// Expands the attribute on a struct: configuration only.
fn on_struct(args: &CharmArgs, charm: &ItemStruct, errors: Errors) -> TokenStream {
    let krate = args::krate_path(&args.krate);
    let destination = destination(&krate, args, |member| match &charm.fields {
        Fields::Named(fields) if fields.named.iter().any(|field| field.ident.as_ref() == Some(member)) => {
            Place::Field
        }
        _ => Place::Method,
    });
    let name = &charm.ident;
    let (_, arguments, _) = charm.generics.split_for_impl();
    let ty: Type = syn::parse_quote!(#name #arguments);
    let implementation = implement(&krate, args, destination, &charm.generics, &ty, errors.is_empty());
    let mut tokens = errors.into_tokens();
    charm.to_tokens(&mut tokens);
    let lints = marker::lints(&charm.attrs);
    tokens.extend([quote!(#(#lints)* #implementation), extra_types(&krate, args)]);
    tokens
}

enum Place {
    Method,
    Field,
}

/// Checks that the session can read a setting by the method: through `&self`, without arguments and without `await`.
fn readable(signature: &Signature) -> syn::Result<()> {
    let by_reference = signature.receiver().is_some_and(|receiver| {
        matches!(&receiver.kind, ReceiverKind::Reference(_, _, None))
            || matches!(&receiver.kind, ReceiverKind::Typed(_, ty) if matches!(&**ty, Type::Reference(ty) if ty.mutability.is_none()))
    });
    if by_reference && signature.inputs.len() == 1 && signature.asyncness.is_none() {
        return Ok(());
    }
    let name = &signature.ident;
    Err(Error::new(
        name.span(),
        format!(
            "`{name}` is to be read when the event is over, which this cannot; make it `fn {name}(&self) -> ...`"
        ),
    ))
}

/// Notes an error if the charm borrows from the `Dispatch`. Then it renames the author's `new` and writes one that does
/// not borrow, so that the compiler reports nothing about the calls of `new`.
fn refuse_borrowed_dispatch(block: &mut ItemImpl, errors: &mut Errors) {
    let generics = block.generics.clone();
    let mut written = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some(place) = borrows_dispatch(&method.sig, &generics) else { continue };
        errors.push(Error::new(
            place,
            "the charm cannot borrow from the `Dispatch`, which `run` lends only while it calls `new`; let it keep a \
             clone, which is cheap: `fn new(dispatch: &Dispatch)` and `dispatch.clone()`",
        ));
        let mut new = method.clone();
        method.sig.ident = Ident::new("__new", method.sig.ident.span());
        method.attrs.push(syn::parse_quote!(#[allow(dead_code)]));
        Lasting.visit_signature_mut(&mut new.sig);
        new.attrs.push(syn::parse_quote!(#[allow(unused_variables)]));
        new.block = syn::parse_quote!({ loop {} });
        written.push(ImplItem::Fn(new));
    }
    block.items.extend(written);
}

/// Removes the lifetimes of reference arguments and makes the returned value `'static`.
struct Lasting;

impl VisitMut for Lasting {
    fn visit_fn_arg_mut(&mut self, argument: &mut FnArg) {
        if let FnArg::Typed(argument) = argument
            && let Type::Reference(reference) = &mut *argument.ty
        {
            reference.lifetime = None;
        }
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            lifetime.ident = Ident::new("static", lifetime.ident.span());
        }
    }
}

/// Returns the place where the signature of `new` says that its result borrows from the `Dispatch`; `None` if it does
/// not. The compiler would only say at the call of `run` that `new` is not general enough.
fn borrows_dispatch(signature: &Signature, generics: &Generics) -> Option<Span> {
    if signature.ident != "new" || signature.receiver().is_some() {
        return None;
    }
    let ReturnType::Type(_, returned) = &signature.output else { return None };
    let returns = |lifetime: &str| has_lifetime(&returned.to_token_stream(), lifetime);
    signature.inputs.iter().find_map(|input| {
        let FnArg::Typed(argument) = input else { return None };
        let Type::Reference(reference) = &*argument.ty else { return None };
        let is_dispatch = matches!(&*reference.elem, Type::Path(ty) if is_called(&ty.path, "Dispatch"));
        let borrows = match &reference.lifetime {
            None => returns("_"),
            Some(lifetime) => {
                let of_block = generics.lifetimes().any(|known| known.lifetime == *lifetime);
                of_block || returns(&lifetime.ident.to_string())
            }
        };
        (is_dispatch && borrows).then(|| argument.ty.span())
    })
}

fn has_lifetime(tokens: &TokenStream, name: &str) -> bool {
    let mut tokens = tokens.clone().into_iter();
    while let Some(token) = tokens.next() {
        let found = match token {
            TokenTree::Punct(quote) if quote.as_char() == '\'' => {
                matches!(tokens.next(), Some(TokenTree::Ident(lifetime)) if lifetime == name)
            }
            TokenTree::Group(group) => has_lifetime(&group.stream(), name),
            _ => false,
        };
        if found {
            return true;
        }
    }
    false
}

/// Writes `impl TracedCharm`. After a mistake it has no settings, so that the compiler reports only the mistake.
fn implement(
    krate: &TokenStream,
    args: &CharmArgs,
    destination: TokenStream,
    generics: &Generics,
    ty: &Type,
    whole: bool,
) -> TokenStream {
    let charm_type = type_name(ty);
    let (generics, _, bounds) = generics.split_for_impl();
    let (settings, destination) =
        if whole { (settings(args), destination) } else { (TokenStream::new(), none(krate)) };
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl #generics #krate::__private::TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks for #ty #bounds {
            fn config() -> #krate::Config {
                #krate::Config::new().charm_type(#charm_type) #settings
            }
            fn destination(&self) -> #krate::__private::Option<#krate::Destination> {
                #destination
            }
        }
    }
}

fn settings(args: &CharmArgs) -> TokenStream {
    let mut calls = TokenStream::new();
    for arg in [
        &args.ca_relation,
        &args.service_name,
        &args.buffer_max_events,
        &args.buffer_max_size_mib,
        &args.buffer_path,
        &args.max_bytes_per_trace,
    ] {
        if let Some(value) = &arg.value {
            let setter = Ident::new(arg.key, Span::mixed_site());
            calls.extend(quote_spanned!(value.span()=> .#setter(#value)));
        }
    }
    calls
}

fn destination(krate: &TokenStream, args: &CharmArgs, place: impl Fn(&Ident) -> Place) -> TokenStream {
    let read = |read: &str, arg: &Arg<Ident>| match &arg.value {
        Some(member) => setting(krate, read, member, &place(member)),
        None => none(krate),
    };
    let endpoint = read("setting", &args.tracing_endpoint);
    let server_cert = read("certificate", &args.server_cert);
    let destination =
        quote_spanned!(Span::mixed_site()=> #krate::__private::destination(#endpoint, #server_cert));
    if args.client_cert.value.is_none() {
        return destination;
    }
    let client_cert = read("pem", &args.client_cert);
    let client_key = read("pem", &args.client_key);
    quote_spanned! {Span::mixed_site()=>
        #krate::__private::with_client_certificate(#destination, #client_cert, #client_key)
    }
}

fn none(krate: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #krate::__private::Option::None)
}

/// Writes the code that reads a setting, at the literal that names it: the compiler then shows a wrong type there.
fn setting(krate: &TokenStream, read: &str, member: &Ident, place: &Place) -> TokenStream {
    // The `self` of `fn destination(&self)`, which is ours, at the place of the author's literal.
    let this = Ident::new("self", Span::mixed_site().located_at(member.span()));
    let value = match place {
        Place::Method => quote!(#this.#member()),
        Place::Field => quote!(#this.#member),
    };
    let read = Ident::new(read, member.span());
    quote_spanned!(member.span()=> #krate::__private::#read(&#value))
}

fn extra_types(krate: &TokenStream, args: &CharmArgs) -> TokenStream {
    args.extra_types.value.iter().flatten().map(|ty| marker::assertion(krate, ty)).collect()
}
