//! The code that the attributes write, as files to read: `tests/expand/<name>.rs` is the author's code,
//! `<name>.expanded.rs` its expansion. `EXPAND=overwrite cargo test -p charm-tracing-macros` writes the expansions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, File, Item, Meta, Type};

use crate::{block, charm, foreign, function};

#[test]
fn expansions_are_those_on_record() {
    let overwrite = std::env::var_os("EXPAND").is_some_and(|value| value == "overwrite");
    let (mut on_record, sources): (BTreeSet<_>, BTreeSet<_>) =
        files().partition(|path| path.to_string_lossy().ends_with(".expanded.rs"));
    let mut changed = Vec::new();
    for source in sources {
        let record = source.with_extension("expanded.rs");
        on_record.remove(&record);
        let expanded = expanded(&source);
        if fs::read_to_string(&record).is_ok_and(|text| text.replace("\r\n", "\n") == expanded) {
            continue;
        }
        if overwrite {
            fs::write(&record, expanded).unwrap();
        } else {
            changed.push(format!("{}, which is now\n\n{expanded}", record.display()));
        }
    }
    assert!(
        changed.is_empty(),
        "`EXPAND=overwrite cargo test -p charm-tracing-macros` writes these down:\n{}",
        changed.join("\n")
    );
    assert_eq!(on_record, BTreeSet::new(), "these have no source");
}

fn files() -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

/// Expands each annotated item of the file once; attributes in the expansion are not expanded.
fn expanded(source: &Path) -> String {
    let file = syn::parse_file(&fs::read_to_string(source).unwrap()).unwrap();
    let items: TokenStream = file.items.into_iter().map(expand).collect();
    let mut file: File = syn::parse2(items).unwrap();
    WithoutNumbers.visit_file_mut(&mut file);
    prettyplease::unparse(&file)
}

fn expand(mut item: Item) -> TokenStream {
    let attributes = match &mut item {
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        Item::Macro(item) if item.mac.path.is_ident("traced_type") => {
            return foreign::traced_type(item.mac.tokens.clone());
        }
        other => return other.to_token_stream(),
    };
    let ours = |attribute: &Attribute| {
        attribute.path().get_ident().is_some_and(|name| attribute_named(name).is_some())
    };
    let Some(at) = attributes.iter().position(ours) else { return item.to_token_stream() };
    let attribute = attributes.remove(at);
    let arguments = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let expand = attribute.path().get_ident().and_then(attribute_named).unwrap();
    expand(arguments, &item.into_token_stream())
}

fn attribute_named(name: &syn::Ident) -> Option<fn(TokenStream, &TokenStream) -> TokenStream> {
    match name.to_string().as_str() {
        "trace_charm" => Some(charm::trace_charm),
        "trace_fn" => Some(|arguments, item| function::trace_fn(&arguments, item)),
        "trace_type" => Some(block::trace_type),
        _ => None,
    }
}

/// Replaces the number of an `impl` block by `Number`, because the number is a hash that depends on the compiler's
/// release.
struct WithoutNumbers;

impl VisitMut for WithoutNumbers {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if is_number(ty) {
            *ty = syn::parse_quote!(Number);
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}

/// Returns true for `([(); 0], ...)`.
fn is_number(ty: &Type) -> bool {
    let Type::Tuple(number) = ty else { return false };
    matches!(number.elems.first(), Some(Type::Array(bit)) if matches!(&*bit.elem, Type::Tuple(_)))
}
