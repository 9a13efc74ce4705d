use std::sync::{Mutex, OnceLock, PoisonError};

use opentelemetry::KeyValue;

use super::EncodedSite;
use crate::names;

/// The facts about a traced function that are known when it is compiled, in one static per function.
///
/// The bytes that are the same in every span are encoded once.
#[derive(Debug)]
pub struct Site {
    name: &'static str,
    /// The path of the function; `None` for a span of the crate `tracing`, which does not know it.
    function: Option<&'static str>,
    file: &'static str,
    line: u32,
    weight: u32,
    /// The parts that are made at the first call, because a program has many sites and calls few of them.
    called: OnceLock<Box<Called>>,
}

#[derive(Debug)]
struct Called {
    encoded: EncodedSite,
    /// The sites of this method for types that are known only by their `type_name`.
    methods: Mutex<Vec<(&'static str, &'static Site)>>,
}

impl Site {
    /// Describes a function. `name` is the name of the span, or that of the method for [`method_of`](Self::method_of);
    /// `function` is the path of the function; `file` and `line` are its place in the source.
    #[must_use]
    pub const fn new(name: &'static str, function: &'static str, file: &'static str, line: u32) -> Self {
        // Three keys, and the bytes before each of seven texts and a number.
        const REST: usize = 120;
        #[expect(clippy::cast_possible_truncation, reason = "4 GiB of names do not compile")]
        let weight = (name.len() + function.len() + file.len() + REST) as u32;
        Self { name, function: Some(function), file, line, weight, called: OnceLock::new() }
    }

    /// Describes a span of the crate `tracing`.
    #[cfg(feature = "tracing")]
    pub(crate) fn of_span(name: &'static str, file: &'static str, line: u32) -> Self {
        Self { function: None, ..Self::new(name, "", file, line) }
    }

    /// Returns the callee of a function whose span has the name of the site.
    #[inline]
    #[must_use]
    pub const fn callee(&'static self) -> Callee {
        Callee { site: self, owner: None }
    }

    /// Returns the callee of a method of a type that is known only by its `type_name`.
    #[inline]
    #[must_use]
    pub const fn method_of(&'static self, type_name: fn() -> &'static str) -> Callee {
        Callee { site: self, owner: Some(type_name) }
    }

    /// The keys of [`attributes`](Self::attributes).
    pub(crate) const KEYS: [&str; 3] = ["code.function.name", "code.file.path", "code.line.number"];

    /// Returns the `code.*` attributes of the OpenTelemetry semantic conventions.
    pub(crate) fn attributes(&self) -> Vec<KeyValue> {
        let [function, file, line] = Self::KEYS;
        let function = self.function.map(|path| KeyValue::new(function, path));
        let place = [KeyValue::new(file, self.file), KeyValue::new(line, i64::from(self.line))];
        function.into_iter().chain(place).collect()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the weight of the site: at least the number of bytes that it takes in a request.
    #[inline]
    pub(crate) fn weight(&self) -> usize {
        self.weight as usize
    }

    pub(crate) fn encoded(&self) -> &EncodedSite {
        &self.called().encoded
    }

    fn called(&self) -> &Called {
        self.called.get_or_init(|| {
            let encoded = EncodedSite::new(self.name, &self.attributes());
            Box::new(Called { encoded, methods: Mutex::new(Vec::new()) })
        })
    }

    /// Returns the site of the method of this type. It is never freed, because there are no more of them than types in the
    /// program.
    fn method(&self, type_name: &'static str) -> &'static Self {
        let mut methods = self.called().methods.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, site)) = methods.iter().find(|(known, _)| *known == type_name) {
            return site;
        }
        let name = names::method_call(&names::short_type_name(type_name), self.name);
        let site = Self {
            function: self.function,
            ..Self::new(String::leak(name), self.function.unwrap_or_default(), self.file, self.line)
        };
        let site: &'static Self = Box::leak(Box::new(site));
        methods.push((type_name, site));
        site
    }
}

/// A function that is about to be called.
#[derive(Clone, Copy, Debug)]
pub struct Callee {
    site: &'static Site,
    owner: Option<fn() -> &'static str>,
}

impl Callee {
    /// Returns the site with the name of the span that is about to begin.
    #[inline]
    pub(crate) fn site(self) -> &'static Site {
        match self.owner {
            None => self.site,
            Some(type_name) => self.site.method(type_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_small() {
        assert_eq!(size_of::<Site>(), 72);
    }

    #[test]
    fn a_method_of_several_types_has_a_site_for_each() {
        static SITE: Site = Site::new("check", "app::Check::check", "src/lib.rs", 7);
        let one = SITE.method_of(|| "app::One").site();
        let two = SITE.method_of(|| "app::Two").site();
        assert_eq!((one.name(), two.name()), ("method call: One.check", "method call: Two.check"));
        assert!(std::ptr::eq(one, SITE.method_of(|| "app::One").site()));
    }
}
