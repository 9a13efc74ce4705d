use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, ReturnType, Token, Type, TypeInfer};

/// Whether the value that a function returns may be a `Result`, as far as its signature tells.
///
/// An alias can hide one, so every path counts but for the names that nobody would give to a `Result`.
pub(crate) fn fallible(output: &ReturnType) -> Option<&Type> {
    let ReturnType::Type(_, ty) = output else { return None };
    let mut ty = &**ty;
    while let Type::Group(syn::TypeGroup { elem, .. }) | Type::Paren(syn::TypeParen { elem, .. }) = ty {
        ty = elem;
    }
    match ty {
        Type::Path(path) => {
            let plain = path.path.get_ident().is_some_and(|name| PLAIN.iter().any(|plain| name == plain));
            let option = path.path.segments.last().is_some_and(|last| last.ident == "Option");
            (!plain && !option).then_some(ty)
        }
        Type::Macro(_) => Some(ty),
        _ => None,
    }
}

const PLAIN: [&str; 18] = [
    "bool", "char", "str", "String", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64",
    "i128", "isize", "f32", "f64",
];

/// Inside the closure `Location::caller()` would be the function itself.
pub(crate) fn tracks_caller(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("track_caller"))
}

/// The type as it may be written on a `let` or a closure: with `_` for each `impl Trait`.
pub(crate) fn nameable(ty: &Type) -> Type {
    struct Erase;
    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                *ty = Type::Infer(TypeInfer {
                    attrs: Vec::new(),
                    underscore_token: Token![_](Span::mixed_site()),
                });
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut ty = ty.clone();
    Erase.visit_type_mut(&mut ty);
    ty
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(source: &str) -> syn::Signature {
        syn::parse_str(source).unwrap()
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
        ] {
            assert!(fallible(&signature(&format!("fn f() -> {may}")).output).is_some(), "{may}");
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
            assert!(fallible(&signature(&format!("fn f() -> {never}")).output).is_none(), "{never}");
        }
        assert!(fallible(&signature("fn f()").output).is_none());
    }

    #[test]
    fn what_cannot_be_named_is_left_to_inference() {
        let signature = signature("fn f() -> Result<impl Iterator<Item = u8> + '_, Box<dyn Error>>");
        let ty = nameable(fallible(&signature.output).unwrap());
        let expected: Type = syn::parse_str("Result<_, Box<dyn Error>>").unwrap();
        assert_eq!(quote::quote!(#ty).to_string(), quote::quote!(#expected).to_string());
    }
}
