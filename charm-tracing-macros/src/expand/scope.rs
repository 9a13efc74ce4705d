//! Lifetimes, as far as tokens tell about them.
//!
//! The generated code finds out by method lookup what a type can do. Method lookup does not see lifetimes: it accepts
//! `impl<T: 'static> Error for Full<T>` for any `T`, and then the function does not compile. So the generated code does
//! not ask this of a type that may borrow.

use std::collections::HashMap;

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    GenericArgument, GenericParam, Generics, Ident, ImplItem, ItemImpl, PathArguments, Signature, Type,
    TypeParamBound, TypePath, WherePredicate,
};

use crate::names::bare;
use crate::tokens::{flat, lifetimes};

/// The context that gives the types of a signature their meaning.
#[derive(Clone)]
pub(crate) struct Scope {
    /// True for a block that implements a trait.
    of_trait_block: bool,
    /// The type parameters; true for one without a lifetime bound.
    free: HashMap<String, bool>,
    this: This,
    /// The associated types of the block: `Self::Error`.
    associated: HashMap<String, Type>,
}

/// The meaning of `Self`.
#[derive(Clone, Copy, PartialEq)]
enum This {
    /// A type that borrows nothing.
    Lasting,
    /// A type that may borrow.
    Borrowing,
    /// The type parameter of a trait.
    Parameter,
    /// Unknown: the function is no method, or its block is not known.
    Unknown,
}

impl Scope {
    pub(crate) fn of_block(block: &ItemImpl) -> Self {
        let free = free(&block.generics);
        let lifetimes = block.generics.lifetimes().next().is_some();
        let associated = block.items.iter().filter_map(|item| match item {
            ImplItem::Type(item) => Some((item.ident.to_string(), item.ty.clone())),
            _ => None,
        });
        let mut scope = Self {
            of_trait_block: block.trait_.is_some(),
            free,
            this: This::Lasting,
            associated: associated.collect(),
        };
        if lifetimes || scope.borrows(&block.self_ty) {
            scope.this = This::Borrowing;
        }
        scope
    }

    pub(crate) fn of_trait(generics: &Generics) -> Self {
        Self { free: free(generics), this: This::Parameter, ..Self::unknown() }
    }

    pub(crate) fn unknown() -> Self {
        Self { of_trait_block: false, free: HashMap::new(), this: This::Unknown, associated: HashMap::new() }
    }

    /// Returns true if a trait prescribes the signatures of the functions.
    pub(super) const fn is_of_trait_block(&self) -> bool {
        self.of_trait_block
    }

    /// Returns true if the block of the function is not known, or there is none.
    pub(super) fn is_unknown(&self) -> bool {
        self.this == This::Unknown
    }

    /// Returns the scope inside a function.
    pub(super) fn of(&self, signature: &Signature) -> Self {
        let mut scope = self.clone();
        scope.free.extend(free(&signature.generics));
        scope
    }

    /// Returns true if the error that a function returns, or that its future yields, may borrow.
    pub(super) fn error_may_borrow(&self, returned: &Type) -> bool {
        let returned = self.resolved(returned);
        if let Some(arguments) = result_in(returned) {
            let types = arguments.iter().filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            });
            let [_, error] = types.collect::<Vec<_>>()[..] else {
                // An alias has its own error, but may pass a lifetime on to it.
                return arguments.iter().any(|argument| match argument {
                    GenericArgument::Lifetime(lifetime) => lifetime.ident != "static",
                    _ => false,
                });
            };
            return self.may_borrow(error);
        }
        match returned {
            Type::ImplTrait(_) => true,
            Type::Path(_) => self.may_borrow(returned),
            _ => false,
        }
    }

    /// Returns true if the output of a boxed future may have a shorter lifetime than the box.
    pub(super) fn output_may_not_last(&self, returned: &Type) -> bool {
        self.names_free(self.resolved(returned))
    }

    /// Returns true if a bound of the type may require a lifetime.
    fn may_borrow(&self, ty: &Type) -> bool {
        match bare(self.resolved(bare(ty))) {
            Type::Reference(reference) => self.may_borrow(&reference.elem),
            Type::ImplTrait(_) => true,
            ty @ Type::Path(path) => !self.is_parameter(path) && !is_pointer(path) && self.borrows(ty),
            _ => false,
        }
    }

    /// Returns the type that `Self::Error` stands for, and any other type as it is.
    fn resolved<'a>(&'a self, ty: &'a Type) -> &'a Type {
        let Type::Path(TypePath { qself, path, .. }) = ty else { return ty };
        let of_self = match qself {
            None => path.segments.len() == 2 && path.segments[0].ident == "Self",
            Some(qself) => matches!(&*qself.ty, Type::Path(path) if path.path.is_ident("Self")),
        };
        let last = path.segments.last().map(|last| last.ident.to_string());
        last.filter(|_| of_self).and_then(|last| self.associated.get(&last)).unwrap_or(ty)
    }

    /// Returns true for a type parameter or an associated type of one: its written bounds decide what it can do.
    fn is_parameter(&self, TypePath { qself, path, .. }: &TypePath) -> bool {
        let is_one = |name: &Ident| {
            self.free.contains_key(&name.to_string()) || name == "Self" && self.this == This::Parameter
        };
        match qself {
            Some(qself) => {
                matches!(&*qself.ty, Type::Path(path) if path.path.get_ident().is_some_and(is_one))
            }
            None => path.segments.first().is_some_and(|first| is_one(&first.ident)),
        }
    }

    fn borrows(&self, code: &impl ToTokens) -> bool {
        let borrows = |token: &TokenTree| match token {
            TokenTree::Ident(name) => self.is_free(name),
            TokenTree::Punct(punct) => punct.as_char() == '&',
            _ => false,
        };
        flat(code).iter().any(borrows) || lifetimes(code).iter().any(|name| name != "static")
    }

    fn names_free(&self, code: &impl ToTokens) -> bool {
        // `S::Response` belongs to a trait whose arguments are not written here.
        let any_free = self.free.values().any(|free| *free);
        let tokens = flat(code);
        tokens.iter().enumerate().any(|(at, token)| {
            let TokenTree::Ident(name) = token else { return false };
            let path = matches!(tokens.get(at + 1), Some(TokenTree::Punct(next)) if next.as_char() == ':');
            self.is_free(name) || any_free && path && self.free.contains_key(&name.to_string())
        })
    }

    fn is_free(&self, name: &Ident) -> bool {
        let name = name.to_string();
        if name == "Self" {
            return self.this != This::Lasting;
        }
        // In an unknown block, a single capital letter counts as a type parameter.
        let unseen = || {
            self.this == This::Unknown
                && name.len() == 1
                && name.starts_with(|letter: char| letter.is_ascii_uppercase())
        };
        self.free.get(&name).copied().unwrap_or_else(unseen)
    }
}

/// Returns the type parameters; true for those without a lifetime among their bounds.
fn free(generics: &Generics) -> HashMap<String, bool> {
    fn outlive<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> bool {
        bounds.into_iter().any(|bound| matches!(bound, TypeParamBound::Lifetime(_)))
    }
    let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let outliving: Vec<&Type> = predicates
        .filter_map(|predicate| match predicate {
            WherePredicate::Type(predicate) => outlive(&predicate.bounds).then_some(&predicate.bounded_ty),
            _ => None,
        })
        .collect();
    let outlives =
        |name: &Ident| outliving.iter().any(|ty| matches!(ty, Type::Path(path) if path.path.is_ident(name)));
    let parameters = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(parameter),
        _ => None,
    });
    parameters
        .map(|parameter| {
            let free = !outlive(&parameter.bounds) && !outlives(&parameter.ident);
            (parameter.ident.to_string(), free)
        })
        .collect()
}

/// Returns the arguments of the `Result<...>` that the type is or that its future yields; `None` if there is none.
fn result_in(ty: &Type) -> Option<Vec<&GenericArgument>> {
    #[derive(Default)]
    struct Results<'ast>(Option<Vec<&'ast GenericArgument>>);
    impl<'ast> Visit<'ast> for Results<'ast> {
        fn visit_type_path(&mut self, ty: &'ast TypePath) {
            let Some(last) = ty.path.segments.last().filter(|last| last.ident == "Result") else {
                visit::visit_type_path(self, ty);
                return;
            };
            self.0.get_or_insert(match &last.arguments {
                PathArguments::AngleBracketed(arguments) => arguments.args.iter().collect(),
                _ => Vec::new(),
            });
        }
    }
    let mut results = Results::default();
    results.visit_type(ty);
    results.0
}

/// Returns true for a pointer such as `Box<dyn Error + 'a>`, which requires no lifetime.
fn is_pointer(path: &TypePath) -> bool {
    path.path.segments.last().is_some_and(|last| match &last.arguments {
        PathArguments::AngleBracketed(arguments) => {
            ["Box", "Rc", "Arc"].iter().any(|name| last.ident == name)
                && matches!(arguments.args.first(), Some(GenericArgument::Type(Type::TraitObject(_))))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use syn::{ItemTrait, ReturnType, parse_str};

    use super::*;

    fn in_scope(scope: &Scope, function: &str) -> (bool, bool) {
        let function: Signature = parse_str(function).unwrap();
        let ReturnType::Type(_, ty) = &function.output else { panic!("nothing is returned") };
        let scope = scope.of(&function);
        (scope.error_may_borrow(ty), scope.output_may_not_last(ty))
    }

    #[test]
    fn an_error_that_may_borrow_is_found() {
        let alone = |function: &str| in_scope(&Scope::unknown(), function).0;
        for borrows in [
            "fn f<T>(t: T) -> Result<(), Full<T>>",
            "fn f<T: Debug>(t: T) -> Result<(), a::Full<Vec<T>>>",
            "fn f<'a, T: 'static>(t: T) -> Result<(), Full<&'a T>>",
            "fn f(text: &str) -> Result<(), Full<&str>>",
            "fn f(text: &str) -> Result<u8, ParseError<'_>>",
            "fn f(text: &str) -> IResult<&str, u8>",
            "fn f<T>() -> Result<T, impl Error>",
            "fn f(&self) -> Result<(), Full<T>>",
            "fn f() -> Result<Self, Full<Self>>",
            "fn f<'a, T>() -> BoxFuture<'a, Result<(), Full<T>>>",
            "fn f<'a>(text: &'a str) -> parser::Result<'a, u8>",
            "async fn f(text: &str) -> Result<'_, u8>",
        ] {
            assert!(alone(borrows), "{borrows}");
        }
        for lasts in [
            "fn f() -> Result<(), Error>",
            "fn f<T>() -> io::Result<T>",
            "fn f() -> parser::Result<'static, u8>",
            "fn f<T>() -> Result<T, Error>",
            "fn f<E: Error>() -> Result<(), E>",
            "fn f<T: Service>() -> Result<(), T::Error>",
            "fn f<T: Service>() -> Result<(), <T as Service>::Error>",
            "fn f<T: 'static>() -> Result<(), Full<T>>",
            "fn f<T>() -> Result<(), Full<T>> where T: Send + 'static",
            "fn f<'a>(x: &'a str) -> Result<&'a str, Box<dyn Error + 'a>>",
            "fn f<'a>(x: &'a Error) -> Result<(), &'a Error>",
            "fn f<'a>() -> BoxFuture<'a, Result<&'a str, Error>>",
            "fn f<'a, T>() -> Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>",
        ] {
            assert!(!alone(lasts), "{lasts}");
        }
    }

    #[test]
    fn a_block_tells_what_self_is() {
        let block =
            |block: &str, function: &str| in_scope(&Scope::of_block(&parse_str(block).unwrap()), function);
        let error = "fn f(&self) -> Result<(), Self::Error>";
        assert!(block("impl<T> Parse for Unit<T> { type Error = Full<T>; }", error).0);
        assert!(!block("impl<T> Parse for Unit<T> { type Error = Failure; }", error).0);
        assert!(!block("impl<T: Service> Service for Unit<T> { type Error = T::Error; }", error).0);
        assert!(block("impl<T> Unit<T> {}", "fn f(self) -> Result<(), Full<Self>>").0);
        assert!(!block("impl Unit {}", "fn f(self) -> Result<(), Full<Self>>").0);

        let future = "fn f(&self) -> Self::Future";
        let boxed = "type Future = BoxFuture<'static, Result<T, Failure>>;";
        assert!(block(&format!("impl<T> Service for Unit<T> {{ {boxed} }}"), future).1);
        assert!(!block(&format!("impl<T: 'static> Service for Unit<T> {{ {boxed} }}"), future).1);
        assert!(!block("impl Unit {}", "fn f<'a>(&'a self) -> BoxFuture<'a, u8>").1);
        let boxed = "type Future = BoxFuture<'static, S::Response>;";
        assert!(
            block(&format!("impl<S: Service<R> + 'static, R> Service for Unit<S> {{ {boxed} }}"), future).1
        );
        assert!(!block(&format!("impl<S: Service + 'static> Service for Unit<S> {{ {boxed} }}"), future).1);
    }

    #[test]
    fn what_a_trait_asks_of_self_is_known() {
        let definition: ItemTrait = parse_str("trait Parse<T> { type Error: Error; }").unwrap();
        let in_trait = |function: &str| in_scope(&Scope::of_trait(&definition.generics), function).0;
        assert!(!in_trait("fn f(&self) -> Result<(), Self::Error>"));
        assert!(in_trait("fn f(&self) -> Result<(), Full<Self>>"));
        assert!(in_trait("fn f(&self) -> Result<(), Full<T>>"));
    }
}
