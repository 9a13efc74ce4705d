//! The argument lists of the attributes: `key = value` and `key(list)`, separated by commas.
//!
//! A key that is unknown, is given twice, or has a value of the wrong form is one error at its token; parsing continues
//! after the next comma.

use std::collections::HashSet;
use std::env;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, Lit, LitStr, Path, Token, Type, bracketed, parenthesized};

use crate::errors::Errors;
use crate::names;

/// A function that parses the `= value` or `(list)` after a key.
pub(crate) type Accept<A> = fn(&mut A, &Ident, ParseStream<'_>) -> syn::Result<()>;

/// The arguments that an attribute accepts. Each may be given once.
pub(crate) trait Args: Default + 'static {
    /// The only list of the arguments, with the function that takes each. Keys that begin with `__` are not for
    /// authors.
    const ACCEPTED: &'static [(&'static str, Accept<Self>)];

    fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut given = Vec::new();
        let list = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = args.accept_next(input, &mut given) {
                    errors.push(error);
                    skip(input, |input| input.peek(Token![,]));
                }
                if !input.is_empty() {
                    errors.note(input.parse::<Token![,]>());
                }
            }
            Ok(())
        };
        // The closure notes its errors itself.
        let _ = list.parse2(tokens);
        args
    }

    fn accept_next(&mut self, input: ParseStream<'_>, given: &mut Vec<Ident>) -> syn::Result<()> {
        // `parse_any`, because the key `crate` is a keyword.
        let key = input
            .call(Ident::parse_any)
            .map_err(|error| Error::new(error.span(), format!("expected an argument: {}", Self::names())))?;
        let Some((_, accept)) = Self::ACCEPTED.iter().find(|(name, _)| key == name) else {
            let meant = similar(&key.to_string(), Self::for_authors());
            let meant = meant.map_or_else(String::new, |name| format!("did you mean `{name}`? "));
            let message = format!("unknown argument `{key}`; {meant}accepted are {}", Self::names());
            return Err(Error::new(key.span(), message));
        };
        accept(self, &key, input)?;
        if given.contains(&key) {
            return Err(Error::new(key.span(), format!("`{key}` is given twice")));
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error(format!("expected a comma after the value of `{key}`")));
        }
        given.push(key);
        Ok(())
    }

    fn for_authors() -> impl Iterator<Item = &'static str> {
        Self::ACCEPTED.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("__"))
    }

    fn names() -> String {
        Self::for_authors().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the accepted name that is most similar to `key`; `None` if none is similar enough to be meant.
fn similar(key: &str, accepted: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // An author may remember one word of a name: `endpoint` for `tracing_endpoint`.
    let similarity = |name: &str| {
        let parts = name.split('_').chain([name]);
        parts.map(|part| strsim::jaro(key, part)).fold(0.0, f64::max)
    };
    let rated = accepted.map(|name| (similarity(name), name)).filter(|(similarity, _)| *similarity > 0.8);
    // Of two equal ones, `min_by` takes the first.
    rated.min_by(|(one, _), (other, _)| other.total_cmp(one)).map(|(_, name)| name)
}

/// Skips tokens after a mistake, up to the next one that `until` accepts.
pub(crate) fn skip(input: ParseStream<'_>, until: impl Fn(ParseStream<'_>) -> bool) {
    while !input.is_empty() && !until(input) {
        // A token tree always parses where the input is not empty.
        let _ = input.parse::<TokenTree>();
    }
}

/// Parses `key = "name"`, the name of a method or field. Accepts `key = name` as well, because the compiler suggests
/// that form for a misspelt name.
pub(crate) fn member(key: &Ident, input: ParseStream<'_>) -> syn::Result<Ident> {
    if let Some(member) = bare_member(&input.fork()) {
        input.parse::<Token![=]>()?;
        input.parse::<Ident>()?;
        return Ok(member);
    }
    let literal = string(key, input, &format!("name the method or field: `{key} = \"my_{key}\"`"))?;
    let mut member = literal.parse_with(member_name).map_err(|_| {
        let text = literal.value();
        let meant = text.trim().strip_prefix("self.").unwrap_or(text.trim());
        let meant = syn::parse_str::<Ident>(meant.strip_suffix("()").unwrap_or(meant));
        let meant = meant.map_or_else(|_| format!("my_{key}"), |name| name.to_string());
        let remedy = format!("write `{key} = \"{meant}\"`");
        let message = format!("`{key}` takes the name of a method or field, which this is not: {remedy}");
        Error::new(literal.span(), message)
    })?;
    member.set_span(literal.span());
    Ok(member)
}

/// Parses `= name`; `None` if it is the start of an expression.
fn bare_member(input: ParseStream<'_>) -> Option<Ident> {
    input.parse::<Token![=]>().ok()?;
    let name = input.parse().ok()?;
    let goes_on = input.peek(syn::token::Paren) || input.peek(Token![.]) || input.peek(Token![::]);
    (!goes_on).then_some(name)
}

/// Parses an identifier. A keyword becomes a raw identifier, because a member can have that name only in raw form.
fn member_name(input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.peek(Ident) {
        return input.parse();
    }
    let keyword = input.call(Ident::parse_any)?;
    syn::parse_str::<Ident>(&format!("r#{keyword}"))
}

/// Parses `key = "text"`.
pub(crate) fn text(key: &Ident, input: ParseStream<'_>) -> syn::Result<LitStr> {
    let literal = string(key, input, &format!("write `{key} = \"...\"`"))?;
    if literal.value().is_empty() {
        return Err(Error::new(literal.span(), format!("`{key}` must not be empty")));
    }
    Ok(literal)
}

/// Parses `key = expression`. Refuses literals of the wrong kind here, because an error in the expansion would be
/// harder to understand.
pub(crate) fn expression(key: &Ident, input: ParseStream<'_>, kind: Kind) -> syn::Result<Expr> {
    equals(key, input, &format!("write `{key} = {}`", kind.example()))?;
    let value: Expr = value(key, input)?;
    let wrong = match &value {
        Expr::Lit(literal) => !kind.fits(&literal.lit),
        Expr::Unary(unary) => {
            matches!((&unary.op, kind), (syn::UnOp::Neg(_), Kind::Number(_) | Kind::Duration))
        }
        _ => false,
    };
    if wrong {
        return Err(Error::new(
            value.span(),
            format!("`{key}` takes {}, e.g. `{key} = {}`", kind.name(), kind.example()),
        ));
    }
    Ok(value)
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// A whole number, with an example that makes sense for the argument.
    Number(&'static str),
    /// A `std::time::Duration`, which has no literal.
    Duration,
}

impl Kind {
    fn fits(self, literal: &Lit) -> bool {
        matches!((self, literal), (Self::Text, Lit::Str(_)) | (Self::Number(_), Lit::Int(_)))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number(_) => "a whole number",
            Self::Duration => "a duration",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Text => "\"...\"",
            Self::Number(example) => example,
            Self::Duration => "std::time::Duration::from_secs(2)",
        }
    }
}

/// Parses `key = [A, b::B]`.
pub(crate) fn types(key: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Type>> {
    bracketed_list(key, input, "types", "[Type, other::Type]")
}

/// Parses `key = [function, || expression]`.
pub(crate) fn expressions(key: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    bracketed_list(key, input, "functions", "[function, other::function]")
}

fn bracketed_list<T: Parse>(
    key: &Ident,
    input: ParseStream<'_>,
    kind: &str,
    example: &str,
) -> syn::Result<Vec<T>> {
    equals(key, input, &format!("write `{key} = {example}`"))?;
    if !input.peek(syn::token::Bracket) {
        return Err(input.error(format!("`{key}` takes {kind} in brackets: `{key} = {example}`")));
    }
    let content;
    bracketed!(content in input);
    let mut items = Vec::new();
    while !content.is_empty() {
        if let Some(name) = content.parse::<Option<LitStr>>()? {
            let message = format!("`{key}` takes {kind}, not their names in quotes: `{}`", name.value());
            return Err(Error::new(name.span(), message));
        }
        items.push(content.parse()?);
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(items)
}

/// Parses `key(a, b)`.
pub(crate) fn methods(key: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let remedy = format!("name the methods in parentheses: `{key}(one, another)`");
    list(key, input, &remedy, "method", |name: &Ident| (name.span(), name.to_string()))
}

/// Parses a list in parentheses that is not empty and has nothing twice. `name` returns the place and the name of an item.
fn list<T: Parse>(
    key: &Ident,
    input: ParseStream<'_>,
    remedy: &str,
    kind: &str,
    name: fn(&T) -> (Span, String),
) -> syn::Result<Vec<T>> {
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(key.span(), remedy));
    }
    let content;
    parenthesized!(content in input);
    let items: Vec<T> = Punctuated::<T, Token![,]>::parse_terminated(&content)?.into_iter().collect();
    if items.is_empty() {
        return Err(Error::new(key.span(), format!("`{key}` names no {kind}")));
    }
    let mut names = HashSet::new();
    match items.iter().map(name).find(|(_, name)| !names.insert(name.clone())) {
        Some((place, name)) => Err(Error::new(place, format!("`{name}` is given twice"))),
        None => Ok(items),
    }
}

/// An attribute that the author adds to a span.
pub(crate) struct SpanAttribute {
    pub(crate) key: LitStr,
    pub(crate) value: Expr,
}

/// Parses `key(one.key = expression, "another" = expression)`.
pub(crate) fn attributes(key: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<SpanAttribute>> {
    let remedy = format!("write `{key}(my.key = expression, ...)`");
    list(key, input, &remedy, "attribute", |attribute: &SpanAttribute| {
        (attribute.key.span(), attribute.key.value())
    })
}

impl Parse for SpanAttribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = if input.peek(LitStr) { input.parse()? } else { dotted_key(input)? };
        if key.value().is_empty() {
            return Err(Error::new(key.span(), "the key of an attribute must not be empty"));
        }
        if !input.peek(Token![=]) {
            let remedy = format!("`{}` needs a value: `{0} = expression`", key.value());
            return Err(Error::new(key.span(), remedy));
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(Error::new(key.span(), format!("`{}` has no value", key.value())));
        }
        Ok(Self { key, value: input.parse()? })
    }
}

/// Parses `one.key`, the form that OpenTelemetry uses, at the place of its first part.
fn dotted_key(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let part = |input: ParseStream<'_>| {
        input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), "expected the key of an attribute: `my.key` or `\"my-key\"`")
        })
    };
    let first = part(input)?;
    let mut key = first.unraw().to_string();
    while input.peek(Token![.]) {
        input.parse::<Token![.]>()?;
        key.push('.');
        key.push_str(&part(input)?.unraw().to_string());
    }
    Ok(LitStr::new(&key, first.span()))
}

/// Parses `key = off`.
pub(crate) fn off(key: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    let remedy = format!("write `{key} = off`, or leave it out");
    equals(key, input, &remedy)?;
    let at = input.span();
    match value::<TokenTree>(key, input)? {
        TokenTree::Ident(off) if off == "off" => Ok(()),
        _ => Err(Error::new(at, format!("`{key}` can only be switched off: {remedy}"))),
    }
}

/// Parses `crate = path`.
pub(crate) fn krate(key: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    equals(key, input, "write `crate = path::to::charm_tracing`")?;
    input.call(Path::parse_mod_style).map_err(|error| {
        Error::new(
            error.span(),
            "`crate` takes the path of the charm_tracing crate, e.g. `crate = my_lib::charm_tracing`",
        )
    })
}

/// Returns the path of `charm_tracing` in generated code. Notes an error if the crate has another name in this package.
pub(crate) fn krate_path(given: Option<&Path>, errors: &mut Errors) -> TokenStream {
    if let Some(given) = given {
        return given.to_token_stream();
    }
    let mut name = Ident::new("charm_tracing", Span::mixed_site());
    if let Some(other) = names::other_name(env::args_os()) {
        let message = format!(
            "`charm_tracing` has the name `{other}` in this package: write `crate = {other}` among the arguments"
        );
        errors.push(Error::new(Span::call_site(), message));
        // The compiler then finds the crate, and reports nothing else.
        name = Ident::new(&other, Span::mixed_site());
    }
    quote::quote_spanned!(Span::mixed_site()=> ::#name)
}

fn equals(key: &Ident, input: ParseStream<'_>, remedy: &str) -> syn::Result<()> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>().map(drop)
    } else {
        Err(Error::new(key.span(), format!("`{key}` needs a value: {remedy}")))
    }
}

fn string(key: &Ident, input: ParseStream<'_>, remedy: &str) -> syn::Result<LitStr> {
    equals(key, input, remedy)?;
    let at = input.span();
    value(key, input)
        .map_err(|error| Error::new(error.span(), format!("`{key}` takes a string literal: {remedy}")))
        .and_then(|literal: Lit| match literal {
            Lit::Str(text) => Ok(text),
            _ => Err(Error::new(at, format!("`{key}` takes a string literal: {remedy}"))),
        })
}

fn value<T: Parse>(key: &Ident, input: ParseStream<'_>) -> syn::Result<T> {
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new(key.span(), format!("`{key}` has no value")));
    }
    input.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_guessed_only_if_it_is_similar() {
        let accepted =
            ["tracing_endpoint", "server_cert", "client_cert", "buffer_max_events", "only", "name", "crate"];
        let similar = |key: &str| similar(key, accepted.into_iter());
        for (key, meant) in [
            ("nam", "name"),
            ("named", "name"),
            ("onyl", "only"),
            ("endpoint", "tracing_endpoint"),
            ("tracing_endpont", "tracing_endpoint"),
            ("endpont", "tracing_endpoint"),
            ("cert", "server_cert"),
            ("server_certificate", "server_cert"),
            ("buffer_max_event", "buffer_max_events"),
            ("crates", "crate"),
        ] {
            assert_eq!(similar(key), Some(meant), "{key}");
        }
        for key in ["level", "x", "skip_all", "timeout", "err"] {
            assert_eq!(similar(key), None, "{key}");
        }
    }
}
