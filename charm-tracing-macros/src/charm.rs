use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{
    Error, Expr, FnArg, Generics, Ident, ImplItem, Item, ItemImpl, ItemStruct, Path, ReceiverKind,
    ReturnType, Signature, Type,
};

use crate::args::{self, Accept, Args, Kind, SpanAttribute};
use crate::block::{self, TypeArgs};
use crate::errors::{Errors, refuse_item};
use crate::extra_types;
use crate::lints;
use crate::marker::marker;
use crate::names::{is_called, type_name};
use crate::tokens::lifetimes;

/// The arguments of `#[trace_charm]`.
#[derive(Default)]
struct CharmArgs {
    /// Arguments that name a method or field of the charm. Its value is given to the method of the argument's name of
    /// `__private::Members`.
    members: Vec<(Ident, Ident)>,
    /// Arguments whose value is given to the method of the argument's name of `Config`.
    settings: Vec<(Ident, Expr)>,
    resource_attributes: Vec<SpanAttribute>,
    span_exporters: Vec<Expr>,
    extra_types: Vec<Type>,
    krate: Option<Path>,
}

impl Args for CharmArgs {
    const ACCEPTED: &'static [(&'static str, Accept<Self>)] = &[
        ("tracing_endpoint", Self::member),
        ("server_cert", Self::member),
        ("client_cert", Self::member),
        ("client_key", Self::member),
        ("headers", Self::member),
        ("ca_relation", |given, key, input| given.setting(key, input, Kind::Text)),
        ("service_name", |given, key, input| given.setting(key, input, Kind::Text)),
        ("charm_type", |given, key, input| given.setting(key, input, Kind::Text)),
        ("resource_attributes", |given, key, input| {
            args::attributes(key, input).map(|attributes| given.resource_attributes = attributes)
        }),
        ("extra_types", |given, key, input| args::types(key, input).map(|types| given.extra_types = types)),
        ("buffer_max_events", |given, key, input| given.setting(key, input, Kind::Number("100"))),
        ("buffer_max_size_mib", |given, key, input| given.setting(key, input, Kind::Number("10"))),
        ("buffer_path", |given, key, input| given.setting(key, input, Kind::Text)),
        ("max_bytes_per_trace", |given, key, input| given.setting(key, input, Kind::Number("4_500_000"))),
        ("request_timeout", |given, key, input| given.setting(key, input, Kind::Duration)),
        ("delivery_timeout", |given, key, input| given.setting(key, input, Kind::Duration)),
        ("span_exporters", |given, key, input| {
            args::expressions(key, input).map(|exporters| given.span_exporters = exporters)
        }),
        ("log", |given, key, input| given.setting(key, input, Kind::Text)),
        ("crate", |given, key, input| args::krate(key, input).map(|path| given.krate = Some(path))),
    ];
}

impl CharmArgs {
    fn member(&mut self, key: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        self.members.push((key.clone(), args::member(key, input)?));
        Ok(())
    }

    fn setting(&mut self, key: &Ident, input: ParseStream<'_>, kind: Kind) -> syn::Result<()> {
        self.settings.push((key.clone(), args::expression(key, input, kind)?));
        Ok(())
    }

    /// Notes an error for each that is missing.
    fn check(&self, errors: &mut Errors) {
        let member = |name: &str| self.members.iter().find(|(key, _)| key == name).map(|(_, member)| member);
        if member("tracing_endpoint").is_none() {
            errors.push(Error::new(
                Span::call_site(),
                "`tracing_endpoint` is missing: name the method or field that holds the URL traces are pushed to, \
                 `tracing_endpoint = \"endpoint\"`",
            ));
        }
        for (key, other) in [("client_cert", "client_key"), ("client_key", "client_cert")] {
            if let (Some(given), None) = (member(key), member(other)) {
                let remedy = format!("name the method or field that holds it, `{other} = \"my_{other}\"`");
                let message = format!("`{key}` is of no use without `{other}`: {remedy}");
                errors.push(Error::new(given.span(), message));
            }
        }
    }

    fn check_extra_types(&self, krate: &TokenStream) -> TokenStream {
        self.extra_types.iter().map(|ty| extra_types::assertion(krate, ty)).collect()
    }
}

pub(crate) fn trace_charm(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = CharmArgs::parse(args, &mut errors);
    // A value that could not be parsed is no missing one.
    if errors.is_empty() {
        args.check(&mut errors);
    }
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(block)) => on_block(&args, block, errors),
        Ok(Item::Struct(charm)) => on_struct(&args, &charm, errors),
        _ => refuse_item(
            item,
            errors,
            &["impl", "struct"],
            "`#[trace_charm]` goes on the charm's `impl` block or on its `struct`",
        ),
    }
}

/// Expands the attribute on an `impl` block: configuration and spans.
fn on_block(args: &CharmArgs, mut block: ItemImpl, mut errors: Errors) -> TokenStream {
    let krate = args::krate_path(args.krate.as_ref(), &mut errors);
    if let Some((path, _)) = &block.trait_ {
        errors.push(Error::new_spanned(
            path,
            "`#[trace_charm]` goes on the charm's own `impl` block; for the block of a trait use `#[trace_type]`",
        ));
    }
    for method in block::methods(&block) {
        if args.members.iter().any(|(_, member)| *member == method.sig.ident) {
            errors.note(readable(&method.sig));
        }
    }
    let is_method = |member: &Ident| block::methods(&block).any(|method| method.sig.ident == *member);
    let destination = destination(&krate, args, is_method);
    let marker = marker(&krate, &block);
    block::refuse_another(&mut block.attrs, &mut errors);
    refuse_borrowed_dispatch(&mut block);
    block::trace_methods(&krate, &TypeArgs::default(), &mut block, &errors);
    let charm = implement(&krate, args, destination, &block.generics, &block.self_ty, errors.is_empty());
    let (lints, extra_types) = (lints::allowed_by(&block.attrs), args.check_extra_types(&krate));
    quote!(#errors #block #(#lints)* #charm #marker #extra_types)
}

/// Expands the attribute on a struct: configuration only.
fn on_struct(args: &CharmArgs, charm: &ItemStruct, mut errors: Errors) -> TokenStream {
    let krate = args::krate_path(args.krate.as_ref(), &mut errors);
    let is_field = |member: &Ident| charm.fields.iter().any(|field| field.ident.as_ref() == Some(member));
    let destination = destination(&krate, args, |member| !is_field(member));
    let name = &charm.ident;
    let (_, arguments, _) = charm.generics.split_for_impl();
    let ty: Type = syn::parse_quote!(#name #arguments);
    let implementation = implement(&krate, args, destination, &charm.generics, &ty, errors.is_empty());
    let (lints, extra_types) = (lints::allowed_by(&charm.attrs), args.check_extra_types(&krate));
    quote!(#errors #charm #(#lints)* #implementation #extra_types)
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
            "the session reads `{name}` when the event is over, so it takes only `&self` and is not async: make it `fn {name}(&self) -> ...`"
        ),
    ))
}

/// Refuses a charm that borrows from the `Dispatch`. The compiler would only say at the call of `run` that `new` is not
/// general enough.
///
/// The error becomes a part of the argument's type, because then the compiler reports nothing else about the argument or
/// about calls of the function. It is the length of an array: in the place of a type, an error would count as `()`.
fn refuse_borrowed_dispatch(block: &mut ItemImpl) {
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        if let Some(dispatch) = borrowed_dispatch(&mut method.sig, &block.generics) {
            let error = Error::new_spanned(
                &*dispatch,
                "the charm cannot borrow from the `Dispatch`, which `run` lends only while it calls `new`; let it keep \
                 a clone, which is cheap: `fn new(dispatch: &Dispatch)` and `dispatch.clone()`",
            );
            let error = error.into_compile_error();
            *dispatch = syn::parse_quote!([#dispatch; #error]);
        }
    }
}

/// Returns the type `Dispatch` in the signature of a `new` whose result borrows from it; `None` if it does not.
fn borrowed_dispatch<'a>(signature: &'a mut Signature, generics: &Generics) -> Option<&'a mut Type> {
    if signature.ident != "new" || signature.receiver().is_some() {
        return None;
    }
    let ReturnType::Type(_, returned) = &signature.output else { return None };
    let lifetimes = lifetimes(returned);
    let returns = |lifetime: &str| lifetimes.iter().any(|name| name == lifetime);
    signature.inputs.iter_mut().find_map(|input| {
        let FnArg::Typed(argument) = input else { return None };
        let Type::Reference(reference) = &mut *argument.ty else { return None };
        let is_dispatch = matches!(&*reference.elem, Type::Path(ty) if is_called(&ty.path, "Dispatch"));
        let borrows = match &reference.lifetime {
            None => returns("_"),
            Some(lifetime) => {
                let of_block = generics.lifetimes().any(|known| known.lifetime == *lifetime);
                of_block || returns(&lifetime.ident.to_string())
            }
        };
        (is_dispatch && borrows).then_some(&mut *reference.elem)
    })
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
    let none = quote_spanned!(Span::mixed_site()=> #krate::__private::Option::None);
    let (settings, destination) =
        if whole { (settings(args), destination) } else { (TokenStream::new(), none) };
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
    let calls = args.settings.iter().map(|(key, value)| {
        let setter = Ident::new(&key.to_string(), Span::mixed_site());
        quote_spanned!(value.span()=> .#setter(#value))
    });
    let attributes = args
        .resource_attributes
        .iter()
        .map(|SpanAttribute { key, value }| quote_spanned!(value.span()=> .resource_attribute(#key, #value)));
    let exporters = args
        .span_exporters
        .iter()
        .map(|exporter| quote_spanned!(exporter.span()=> .span_exporter(#exporter)));
    calls.chain(attributes).chain(exporters).collect()
}

/// Writes the code that reads the named methods and fields, each at the literal that names it: the compiler then shows
/// a wrong type there.
fn destination(krate: &TokenStream, args: &CharmArgs, is_method: impl Fn(&Ident) -> bool) -> TokenStream {
    let calls = args.members.iter().map(|(key, member)| {
        // The `self` of `fn destination(&self)`, which is ours, at the place of the author's literal.
        let place = Span::mixed_site().located_at(member.span());
        let (this, reader) = (Ident::new("self", place), Ident::new(&key.to_string(), place));
        let call = is_method(member).then(|| quote!(()));
        quote_spanned!(member.span()=> .#reader(&#this.#member #call))
    });
    quote_spanned!(Span::mixed_site()=> #krate::__private::Members::new() #(#calls)* .destination())
}
