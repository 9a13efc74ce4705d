//! The door for the fuzz targets, which are in `fuzz`: it is there in their build and in that of the tests, in no other. Each
//! function checks what holds of any input; `cargo test` does so for each file in `fuzz/corpus`.

pub use crate::buffer::fuzzed::{buffer_file, python_buffer};
pub use crate::delivery::fuzzed::answer;
use crate::encode::flight;

/// Whatever a killed dispatch has left makes a trace that is not much larger, or none.
///
/// # Panics
///
/// If that does not hold.
pub fn flight_log(input: &[u8]) {
    if let Some(left) = flight::left(input) {
        // An open span of two bytes gets an end and a status.
        assert!(left.request.len() <= 32 * input.len() + 1024, "{} bytes", left.request.len());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn buffer_files_of_the_corpus_are_survived() {
        replay("buffer_file", super::buffer_file);
    }

    #[test]
    fn python_buffers_of_the_corpus_are_taken_over() {
        replay("python_buffer", super::python_buffer);
    }

    #[test]
    fn flight_logs_of_the_corpus_make_a_trace_or_none() {
        replay("flight_log", super::flight_log);
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
