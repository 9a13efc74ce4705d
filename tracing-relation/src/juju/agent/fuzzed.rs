//! Checks the properties that hold for any bytes from the agent.

use super::rpc::Answers;

/// Checks that the answers up to the first error do not depend on how the input is split, and that they are not longer than
/// the input allows.
///
/// # Panics
///
/// Panics if one of these properties does not hold.
pub fn agent_answer(input: &[u8]) {
    let whole = read(input, input.len().max(1));
    assert_eq!(read(input, 1), whole);
    assert_eq!(read(input, 7), whole);
    let length: usize = whole.iter().map(Vec::len).sum();
    assert!(length <= 3 * input.len(), "{length} bytes were made of {}", input.len());
}

/// Returns all texts of the answers.
fn read(input: &[u8], cut: usize) -> Vec<Vec<u8>> {
    let (mut answers, mut texts) = (Answers::default(), Vec::new());
    for bytes in input.chunks(cut) {
        answers.feed(bytes);
        loop {
            match answers.next() {
                Ok(Some(answer)) => texts.push(match answer.result {
                    Ok(response) => [response.stdout, response.stderr].concat(),
                    Err(error) => error.into_bytes(),
                }),
                Ok(None) => break,
                Err(_) => return texts,
            }
        }
    }
    texts
}
