use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AssocType, Attribute, GenericArgument, Meta, PathArguments, ReturnType, Signature, Token, Type,
    TypeImplTrait, TypeInfer, TypeParamBound,
};

use super::arguments::is_copied;
use crate::names::{bare, is_called};
use crate::tokens::idents;

/// The way in which a function ends, as far as its signature tells.
pub(super) enum Returning {
    /// An `async fn`; its output may be a `Result`, or is another future.
    Async { fails: bool, yields_future: bool },
    /// A value that is looked at: a `Result` or a boxed future.
    MayFail(Type),
    /// An `impl Future`, with its output.
    Future(Type),
    /// Any other value, which is not looked at; also any value of a function with `#[track_caller]`, because
    /// `Location::caller()` in a closure would be a place in the function itself.
    Plain,
}

impl Returning {
    pub(super) fn of(signature: &Signature, attributes: &[Attribute]) -> Self {
        let ty = output(&signature.output);
        let fails = ty.is_some_and(may_fail);
        if signature.asyncness.is_some() {
            return Self::Async { fails, yields_future: ty.is_some_and(is_future) };
        }
        match ty {
            _ if tracks_caller(attributes) => Self::Plain,
            Some(Type::ImplTrait(ty)) => future_output(ty).map_or(Self::Plain, Self::Future),
            Some(ty) if fails => Self::MayFail(ty.clone()),
            _ => Self::Plain,
        }
    }
}

fn output(output: &ReturnType) -> Option<&Type> {
    let ReturnType::Type(_, ty) = output else { return None };
    Some(bare(ty))
}

/// Returns true if the type may be a `Result` or a boxed future. An alias can hide one, so every path counts except the
/// names that are never given to one.
fn may_fail(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            let plain = path
                .path
                .get_ident()
                .is_some_and(|name| name == "str" || name == "String" || is_copied(name));
            let option = is_called(&path.path, "Option");
            !plain && !option
        }
        Type::Macro(_) => true,
        _ => false,
    }
}

/// Returns true if the output of an `async fn` is itself a future, as far as its name tells.
fn is_future(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            name == "Pin" || name == "JoinHandle" || name.ends_with("Future")
        }),
        _ => false,
    }
}

/// Returns the `T` of `impl Future<Output = T>`; `None` if the function promises a trait that the runtime's future does
/// not pass on.
fn future_output(ty: &TypeImplTrait) -> Option<Type> {
    let mut output = None;
    for bound in &ty.bounds {
        // Lifetimes and `use<...>` hold for whatever the function returns.
        let TypeParamBound::Trait(bound) = bound else { continue };
        let last = bound.path.segments.last()?;
        match &last.arguments {
            PathArguments::AngleBracketed(arguments) if last.ident == "Future" => {
                let mut arguments = arguments.args.iter();
                let Some(GenericArgument::AssocType(AssocType { ident, ty, .. })) = arguments.next() else {
                    return None;
                };
                output = (ident == "Output" && arguments.next().is_none()).then(|| ty.clone());
            }
            _ if PASSED_ON.iter().any(|passed_on| last.ident == passed_on) => {}
            _ => return None,
        }
    }
    output
}

const PASSED_ON: [&str; 5] = ["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];

fn tracks_caller(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if attribute.path().is_ident("cfg_attr") => {
            idents(&list.tokens).any(|name| name == "track_caller")
        }
        _ => attribute.path().is_ident("track_caller"),
    })
}

/// Returns the type as it may be written in a body, with `_` for each `impl Trait`; `None` if it has no `impl Trait`.
pub(super) fn inferred(ty: &Type) -> Option<Type> {
    #[derive(Default)]
    struct Infer(bool);
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                self.0 = true;
                *ty = Type::Infer(TypeInfer {
                    attrs: Vec::new(),
                    underscore_token: Token![_](Span::mixed_site()),
                });
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let (mut ty, mut infer) = (ty.clone(), Infer::default());
    infer.visit_type_mut(&mut ty);
    infer.0.then_some(ty)
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn returning(source: &str) -> String {
        let function: syn::ItemFn = syn::parse_str(&format!("{source} {{}}")).unwrap();
        match Returning::of(&function.sig, &function.attrs) {
            Returning::Async { fails: true, .. } => "async, may fail".into(),
            Returning::Async { fails: false, .. } => "async".into(),
            Returning::MayFail(_) => "may fail".into(),
            Returning::Future(output) => format!("future of {}", output.to_token_stream()),
            Returning::Plain => "plain".into(),
        }
    }

    #[test]
    fn anything_that_may_be_a_result_counts() {
        for may in [
            "Result<(), E>",
            "io::Result<()>",
            "Fallible",
            "Self",
            "anyhow::Result<u8>",
            "T",
            "(Result<(), E>)",
            "Pin<Box<dyn Future<Output = ()>>>",
        ] {
            assert_eq!(returning(&format!("fn f() -> {may}")), "may fail", "{may}");
            assert_eq!(returning(&format!("async fn f() -> {may}")), "async, may fail", "{may}");
        }
        for never in [
            "()",
            "!",
            "u8",
            "String",
            "&T",
            "&mut T",
            "(A, B)",
            "[u8; 4]",
            "Option<T>",
            "impl Iterator",
            "fn()",
        ] {
            assert_eq!(returning(&format!("fn f() -> {never}")), "plain", "{never}");
            assert_eq!(returning(&format!("async fn f() -> {never}")), "async", "{never}");
        }
        assert_eq!(returning("fn f()"), "plain");
        assert_eq!(returning("async fn f()"), "async");
    }

    #[test]
    fn a_future_that_promises_more_than_a_future_is_left_alone() {
        for (future, output) in [
            ("impl Future<Output = u8>", "u8"),
            ("impl core::future::Future<Output = Vec<()>> + Send + 'a", "Vec < () >"),
            ("impl Send + Future<Output = ()> + use<'a, T>", "()"),
        ] {
            assert_eq!(returning(&format!("fn f() -> {future}")), format!("future of {output}"));
        }
        for other in [
            "impl Future",
            "impl Future<Output = ()> + Clone",
            "impl Future<Output = ()> + FusedFuture",
            "impl Stream<Item = u8>",
            "impl futures01::Future<Item = (), Error = ()>",
        ] {
            assert_eq!(returning(&format!("fn f() -> {other}")), "plain", "{other}");
        }
    }

    #[test]
    fn a_function_that_tracks_its_caller_stays_where_it_is() {
        for attribute in ["#[track_caller]", "#[cfg_attr(not(feature = \"x\"), track_caller)]"] {
            for ty in ["Result<(), E>", "impl Future<Output = ()>"] {
                assert_eq!(returning(&format!("{attribute} fn f() -> {ty}")), "plain");
            }
        }
    }

    #[test]
    fn what_cannot_be_written_is_left_to_inference() {
        let inferred = |source: &str| {
            let ty = inferred(&syn::parse_str(source).unwrap());
            ty.map(|ty| ty.to_token_stream().to_string().replace(' ', ""))
        };
        assert_eq!(inferred("Result<Vec<u8>, Box<dyn Error + '_>>"), None);
        let hidden = "Result<impl Iterator<Item = u8> + '_, Box<dyn Error>>";
        assert_eq!(inferred(hidden).as_deref(), Some("Result<_,Box<dynError>>"));
    }
}
