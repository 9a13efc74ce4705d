use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};

/// The names and keywords in a piece of code, including those in string literals.
pub(super) struct Words {
    names: HashSet<String>,
    /// Literals, because of `format!("{name}")`.
    literals: Vec<String>,
}

impl Words {
    pub(super) fn of(tokens: TokenStream) -> Self {
        let mut words = Self { names: HashSet::new(), literals: Vec::new() };
        words.add(tokens);
        words
    }

    fn add(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    self.names.insert(name.to_string());
                }
                TokenTree::Literal(literal) => self.literals.push(literal.to_string()),
                TokenTree::Group(group) => self.add(group.stream()),
                TokenTree::Punct(_) => {}
            }
        }
    }

    pub(super) fn contain(&self, word: &str) -> bool {
        self.names.contains(word) || self.literals.iter().any(|literal| literal.contains(word))
    }
}
