//! The functions that the fuzz targets in `fuzz` call. They exist only in the builds of those and of the tests. Each checks what
//! holds of any input, and `cargo test` calls it with each file in `fuzz/corpus`.

pub use crate::delivery::fuzzed_answer::answer;
use crate::otlp::journal_format::interrupted;
use crate::protobuf::{Field, fields, next_field};
pub use crate::queue::fuzzed_files::{python_buffer, queue_directory};

/// Checks that any journal makes a trace that is not much larger, or none.
///
/// If the first byte of the input is odd, the rest is a sequence of fields that get the checksums which make them records: no
/// search would find those.
///
/// # Panics
///
/// If that does not hold.
pub fn journal(input: &[u8]) {
    let Some((how, rest)) = input.split_first() else { return };
    let journal = if how & 1 == 0 { rest.to_vec() } else { with_checksums(rest) };
    let Some(left) = interrupted(&journal) else { return };
    // An open span of two bytes gets an end and a status.
    assert!(left.request.len() <= 32 * journal.len() + 1024, "{} bytes", left.request.len());
    let request: Option<Vec<_>> = fields(&left.request).collect();
    let Some([(1, Field::Bytes(resource_spans))]) = request.as_deref() else { panic!("no request") };
    let (mut scopes, mut resources) = (0, 0);
    for field in fields(resource_spans) {
        match field.expect("a field") {
            (1, Field::Bytes(_)) => resources += 1,
            (2, Field::Bytes(_)) => scopes += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(resources == 1 && scopes > 0);
}

fn with_checksums(mut fields: &[u8]) -> Vec<u8> {
    let mut journal = Vec::new();
    loop {
        let mut rest = fields;
        let Some((_, _, field)) = next_field(&mut rest) else { break };
        journal.extend_from_slice(field);
        journal.extend_from_slice(&crc32fast::hash(field).to_le_bytes());
        fields = rest;
    }
    journal.extend_from_slice(fields);
    journal
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn files_of_the_corpus_in_the_queue_are_survived() {
        replay("queue_directory", super::queue_directory);
    }

    #[test]
    fn python_buffers_of_the_corpus_are_taken_over() {
        replay("python_buffer", super::python_buffer);
    }

    #[test]
    fn journals_of_the_corpus_make_a_trace_or_none() {
        replay("journal", super::journal);
    }

    #[test]
    fn answers_of_the_corpus_get_a_verdict() {
        replay("answer", super::answer);
    }

    fn replay(target: &str, check: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        let mut inputs: Vec<_> = fs::read_dir(&corpus)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", corpus.display()))
            .map(|entry| entry.expect("an entry").path())
            .collect();
        inputs.sort();
        assert!(inputs.len() > 5, "{} has inputs", corpus.display());
        for input in inputs {
            // The last one is the one that fails, and only then is this shown.
            println!("{}", input.display());
            check(&fs::read(&input).expect("a file"));
        }
    }
}
