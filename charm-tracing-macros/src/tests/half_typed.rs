//! Code that the author is still typing. Editors expand attributes on it as well, and complete, colour and resolve the
//! tokens of the expansion. So all of the author's tokens must be in it, in their order.

use proc_macro2::{TokenStream, TokenTree};

use crate::{block, charm, foreign, function};

type Attribute = fn(TokenStream, &TokenStream) -> TokenStream;

const TRACE_FN: Attribute = |arguments, item| function::trace_fn(&arguments, item);
const TRACE_TYPE: Attribute = block::trace_type;
const TRACE_CHARM: Attribute = charm::trace_charm;

/// Returns the messages for the author, and the rest of the expansion.
fn expand(attribute: Attribute, arguments: &str, item: &str) -> (Vec<String>, String) {
    let mut messages = Vec::new();
    let mut rest = attribute(tokens(arguments), &tokens(item)).to_string();
    while let Some(error) = rest.strip_prefix(":: core :: compile_error ! {") {
        let (message, after) = error.split_once('}').unwrap();
        messages.push(message.trim().trim_matches('"').to_owned());
        rest = after.trim_start().to_owned();
    }
    (messages, rest)
}

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{error}: {source}"))
}

/// Returns every name, number and sign, in order. The content of a group replaces the group.
fn flat(tokens: TokenStream) -> Vec<String> {
    let flat_token = |token| match token {
        TokenTree::Group(group) => flat(group.stream()),
        TokenTree::Punct(punct) => vec![punct.as_char().to_string()],
        other => vec![other.to_string()],
    };
    tokens.into_iter().flat_map(flat_token).collect()
}

/// Asserts that the expansion has all of the author's tokens, in the same order.
fn assert_holds(expansion: &str, item: &str) {
    let expanded = flat(tokens(expansion));
    let mut left = expanded.iter();
    for token in flat(tokens(item)) {
        assert!(left.any(|other| *other == token), "`{token}` of {item} is lost in {expansion}");
    }
}

const CHARM: &str = "tracing_endpoint = \"endpoint\"";

#[test]
fn an_item_that_does_not_parse_comes_back_as_it_is() {
    for (attribute, arguments, item) in [
        (TRACE_FN, "", "fn f() { let x = foo. }"),
        (TRACE_FN, "", "fn f() -> Result<(), E> { let x = foo }"),
        (TRACE_FN, "", "fn f(a: u8) -> u8 { let x = 1 let y = 2; x + y }"),
        (TRACE_FN, "name = \"f\"", "pub async fn f(&self) -> Result<(), E> { self. }"),
        (TRACE_FN, "", "fn f() { self.name(,) }"),
        (TRACE_FN, "", "fn f() { match x { Some(1) => } }"),
        (TRACE_FN, "", "fn f(a: ) {}"),
        (TRACE_FN, "", "fn f() -> {}"),
        (TRACE_FN, "", "fn f()"),
        (TRACE_FN, "", "fn"),
        (TRACE_TYPE, "", "impl Foo { fn }"),
        (TRACE_TYPE, "", "impl Foo { fn f(&self) }"),
        (TRACE_TYPE, "", "impl Foo { fn f(&self) { self. } #[trace_fn(name = \"g\")] fn g(&self) {} }"),
        (TRACE_TYPE, "", "impl Foo { pub }"),
        (TRACE_TYPE, "skip(f)", "impl Foo for { }"),
        (TRACE_TYPE, "", "impl"),
        (TRACE_TYPE, "", "trait Foo { fn f(&self) { self. } }"),
        (TRACE_TYPE, "", "trait Foo"),
        (TRACE_CHARM, CHARM, "impl Charm { fn new(_: &Dispatch) { Self { endpoint: } } }"),
        (TRACE_CHARM, CHARM, "impl Charm { fn }"),
        (TRACE_CHARM, CHARM, "struct Charm { endpoint: }"),
    ] {
        assert_eq!(expand(attribute, arguments, item), (vec![], tokens(item).to_string()));
    }
}

#[test]
fn a_mistake_in_the_arguments_is_all_that_is_said() {
    for (attribute, arguments, item) in [
        (TRACE_FN, "na", "fn f() { let x = foo. }"),
        (TRACE_FN, "na", "fn f() -> Result<(), E> { g()?; Ok(()) }"),
        (TRACE_FN, "name", "fn f() {}"),
        (TRACE_FN, "name =", "fn f() {}"),
        (TRACE_FN, "attributes(", "fn f() {}"),
        (TRACE_FN, "attributes(a =)", "fn f(a: u8) {}"),
        (TRACE_FN, "attributes(a = a.)", "fn f(a: u8) {}"),
        (TRACE_TYPE, "sk", "impl Foo { fn }"),
        (TRACE_TYPE, "skip(", "impl Foo { fn f(&self) {} }"),
        (TRACE_TYPE, "skip()", "impl Foo { fn f(&self) {} }"),
        (TRACE_CHARM, "tra", "impl Charm { fn }"),
        (TRACE_CHARM, "tra", "struct Charm { endpoint: }"),
    ] {
        // A group that is still open ends with the attribute.
        let arguments = if arguments.ends_with('(') { format!("{arguments})") } else { arguments.to_owned() };
        let (messages, rest) = expand(attribute, &arguments, item);
        assert_eq!(messages.len(), 1, "{arguments}: {messages:?}");
        assert_holds(&rest, item);
    }
}

#[test]
fn the_signature_and_the_body_of_a_function_with_a_mistake_come_back_untraced() {
    let item = "fn f(mut a: u8, (b, _): (u8, u8)) -> Result<u8, E> { a += g(b)?; Ok(a) }";
    let (_, rest) = expand(TRACE_FN, "na", item);
    assert_eq!(flat(tokens(&rest)), flat(tokens(item)));
}

#[test]
fn the_tokens_of_what_is_traced_come_back_in_order() {
    for (attribute, arguments, item) in [
        (
            TRACE_FN,
            "",
            "#[doc = \"f\"] pub fn f(a: u8) -> u8 { const B: u8 = 1; let x = foo.complete_me; x }",
        ),
        (TRACE_FN, "", "fn f(a: u8, (b, _): (u8, u8)) -> Result<u8, E> { self.complete_me; g()?; Ok(a) }"),
        (
            TRACE_FN,
            "",
            "async fn f<'a, T: Tr>(a: &'a T) -> Result<u8, E> where T: U { a.complete_me.await?; Ok(1) }",
        ),
        (TRACE_FN, "", "fn f(self) -> impl Future<Output = u8> + Send { async move { self.complete_me } }"),
        (TRACE_FN, "", "#[track_caller] fn f() -> Result<u8, E> { let x = g(complete_me); return Ok(x); }"),
        (
            TRACE_TYPE,
            "",
            "impl<T> Tr for Foo<T> { type A = u8; fn f(&self) { self.complete_me; } const B: u8 = 1; }",
        ),
        (
            TRACE_TYPE,
            "",
            "trait Tr: Sized { type A; fn f(&self) -> Result<(), E> { self.complete_me } fn g(); }",
        ),
        (TRACE_CHARM, CHARM, "impl Charm { fn new(_: &Dispatch) -> Result<Self, E> { complete_me() } }"),
    ] {
        let (messages, rest) = expand(attribute, arguments, item);
        assert_eq!(messages, Vec::<String>::new());
        assert_holds(&rest, item);
    }
}

#[test]
fn an_attribute_in_the_wrong_place_is_told_so_whatever_words_the_item_has() {
    for (attribute, arguments, item) in [
        (TRACE_FN, "", "impl Tr for fn() {}"),
        (TRACE_FN, "", "type F = fn();"),
        (TRACE_FN, "", "const F: fn() = f;"),
        (TRACE_FN, "", "fn f(&self);"),
        (TRACE_FN, "", "pub fn f();"),
        (TRACE_TYPE, "", "fn f() -> impl Tr { g() }"),
        (TRACE_TYPE, "", "type T = impl Tr;"),
        (TRACE_TYPE, "", "use a::b;"),
        (TRACE_CHARM, CHARM, "fn f() -> impl Tr { g() }"),
        (TRACE_CHARM, CHARM, "enum Charm {}"),
    ] {
        let (messages, rest) = expand(attribute, arguments, item);
        assert!(matches!(&messages[..], [one] if one.starts_with("`#[trace_")), "{item}: {messages:?}");
        assert_eq!(rest, tokens(item).to_string());
    }
}

#[test]
fn a_wrapper_stays_while_its_methods_are_typed() {
    for methods in ["fn f(&self)", "fn", "pub", "fn f(&self, a: );", "fn f(&self) -> ;"] {
        let input = format!(
            "struct Foo(Bar); impl Foo {{ fn before(&self); {methods} }} impl Foo {{ fn after(&self); }}"
        );
        let (messages, rest) = expand(|_, input| foreign::traced_type(input.clone()), "", &input);
        assert_eq!(messages.len(), 1, "{methods}: {messages:?}");
        for kept in ["struct Foo (Bar)", "fn before", "fn after"] {
            assert!(rest.contains(kept), "`{kept}` is lost in {rest}");
        }
    }
}
