//! Checks of what holds for any bytes from the agent.

use super::rpc::Answers;

/// Whatever arrives, and however it is cut on the way, gives the same answers until the first error, and no more than arrived.
///
/// # Panics
///
/// If that does not hold.
pub fn agent_answer(input: &[u8]) {
    let whole = read(input, input.len().max(1));
    assert_eq!(read(input, 1), whole);
    assert_eq!(read(input, 7), whole);
    let length: usize = whole.iter().map(Vec::len).sum();
    assert!(length <= 3 * input.len(), "{length} bytes were made of {}", input.len());
}

/// All texts of the answers.
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
