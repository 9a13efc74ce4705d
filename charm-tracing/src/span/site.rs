use std::borrow::Cow;

use opentelemetry::KeyValue;

use crate::names;

/// What is known about a traced function when it is compiled: one static per function.
#[derive(Debug)]
pub struct Site {
    name: &'static str,
    function: &'static str,
    file: &'static str,
    line: u32,
}

impl Site {
    /// `name` is the span's, or that of the method for [`method_of`](Self::method_of); `function` is the path of the
    /// function, `file` and `line` are where it stands.
    #[must_use]
    pub const fn new(name: &'static str, function: &'static str, file: &'static str, line: u32) -> Self {
        Self { name, function, file, line }
    }

    /// A function whose span has the name of the site.
    #[inline]
    #[must_use]
    pub const fn callee(&'static self) -> Callee {
        Callee { site: self, owner: None }
    }

    /// A method of a type that only its `type_name` tells.
    #[inline]
    #[must_use]
    pub const fn method_of(&'static self, type_name: fn() -> &'static str) -> Callee {
        Callee { site: self, owner: Some(type_name) }
    }
}

/// A function that is about to be called.
#[derive(Clone, Copy, Debug)]
pub struct Callee {
    site: &'static Site,
    owner: Option<fn() -> &'static str>,
}

impl Callee {
    pub(super) fn span_name(self) -> Cow<'static, str> {
        match self.owner {
            None => self.site.name.into(),
            Some(owner) => names::method_call(&names::short_type_name(owner()), self.site.name).into(),
        }
    }

    /// The `code.*` attributes of the OpenTelemetry semantic conventions, and the author's own.
    pub(super) fn attributes(self, own: Vec<KeyValue>) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(3 + own.len());
        attributes.extend([
            KeyValue::new("code.function.name", self.site.function),
            KeyValue::new("code.file.path", self.site.file),
            KeyValue::new("code.line.number", i64::from(self.site.line)),
        ]);
        attributes.extend(own);
        attributes
    }
}
