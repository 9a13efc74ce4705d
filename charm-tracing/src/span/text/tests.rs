use std::cell::Cell;
use std::io;

use proptest::prelude::*;

use super::*;

/// A value that formats itself with the function, and counts how often.
struct Formatted<F>(F, Cell<u32>);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Formatted<F> {
    fn by(format: F) -> Self {
        Self(format, Cell::new(0))
    }
}

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Formatted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.set(self.1.get() + 1);
        (self.0)(f)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Failed {
    text: String,
    source: Option<Box<Failed>>,
}

fn chain(texts: &[&str]) -> Option<Box<Failed>> {
    let (first, rest) = texts.split_first()?;
    Some(Box::new(Failed { text: (*first).to_owned(), source: chain(rest) }))
}

#[test]
fn a_text_that_never_ends_is_cut() {
    let stops = Formatted::by(|f| {
        loop {
            f.write_str("more and ")?;
        }
    });
    let does_not_listen = Formatted::by(|f| {
        loop {
            let _ = f.write_str("more and ");
        }
    });
    for text in [display(&stops), display(&does_not_listen)] {
        let text = text.expect("what there is of it");
        assert_eq!(text.len(), MAX_BYTES + '…'.len_utf8());
        assert!(text.starts_with("more and more") && text.ends_with('…'));
    }
}

#[test]
fn no_more_is_formatted_than_is_recorded() {
    let written = Cell::new(0);
    let long = Formatted::by(|f| {
        (0..1_000_000).try_for_each(|_| {
            written.set(written.get() + 1);
            f.write_str("0123456789")
        })
    });
    assert!(display(&long).is_some());
    assert_eq!(written.get(), MAX_BYTES / 10 + 1);
}

#[test]
fn a_text_that_fails_or_panics_is_none() {
    let fails = Formatted::by(|f| f.write_str("begun").and(Err(fmt::Error)));
    let panics = Formatted::by(|f| f.write_str("begun").map(|()| panic!("in Display")));
    assert_eq!(display(&fails), None);
    assert_eq!(display(&panics), None);
}

#[test]
fn causes_are_listed_as_far_as_there_is_room() {
    let error = chain(&["cannot start", "no config", "not found"]).expect("an error");
    assert_eq!(causes(&*error).as_deref(), Some("Caused by:\n    no config\n    not found"));
    assert_eq!(causes(&io::Error::other("alone")), None);
    let long = "x".repeat(MAX_BYTES);
    let error = chain(&["cannot start", "no config", &long, "not reached"]).expect("an error");
    let text = causes(&*error).expect("causes");
    assert_eq!(text.len(), MAX_BYTES + '…'.len_utf8());
    assert!(text.starts_with("Caused by:\n    no config\n    xx") && text.ends_with("x…"));
}

#[test]
fn a_cause_that_cannot_be_shown_hides_no_other() {
    #[derive(Debug)]
    struct Bomb(io::Error);
    impl fmt::Display for Bomb {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("begun")?;
            panic!("in Display")
        }
    }
    impl Error for Bomb {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    #[derive(Debug, thiserror::Error)]
    #[error("above")]
    struct Above(#[source] Bomb);
    let error = io::Error::other(Bomb(io::Error::other("below")));
    assert_eq!(causes(&Above(Bomb(io::Error::other("below")))).as_deref(), Some("Caused by:\n    below"));
    assert_eq!(causes(&error).as_deref(), Some("Caused by:\n    below"));
}

#[test]
fn a_chain_that_never_ends_is_cut() {
    #[derive(Debug, thiserror::Error)]
    #[error("again")]
    struct Circle;
    #[derive(Debug)]
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Circle.fmt(f)
        }
    }
    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }
    assert_eq!(causes(&Endless).expect("causes").matches("again").count(), MAX_CAUSES);
}

#[test]
fn a_headline_is_one_line_and_nothing_below_it_is_formatted() {
    struct Report<'a>(&'a Cell<bool>);
    impl fmt::Debug for Report<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot start\n\nCaused by:")?;
            self.0.set(true);
            Ok(())
        }
    }
    let went_on = Cell::new(false);
    assert_eq!(headline(&Report(&went_on)), "cannot start");
    assert!(!went_on.get());
    assert_eq!(headline(&"plain"), "plain");
    assert_eq!(first_line(&"cannot start\n\nCaused by:"), "cannot start");
    assert_eq!(first_line(&r#""plain""#), "plain");
    assert_eq!(first_line(&""), "");
}

proptest! {
    #[test]
    fn a_text_is_the_beginning_of_what_was_written(pieces in prop::collection::vec("[a-zäß€𝄞\n]{0,3000}", 0..6)) {
        let whole = pieces.concat();
        let text = display(&Formatted::by(|f| pieces.iter().try_for_each(|piece| f.write_str(piece)))).expect("a text");
        if let Some(beginning) = text.strip_suffix('…') {
            prop_assert!(whole.starts_with(beginning) && whole.len() > beginning.len());
            prop_assert!(beginning.len() > MAX_BYTES - 4 && beginning.len() <= MAX_BYTES);
        } else {
            prop_assert_eq!(&text, &whole);
        }
        prop_assert_eq!(cut(&whole), text);
    }
}
