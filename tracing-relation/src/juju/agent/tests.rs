//! The codec against exchanges of Go's own client and server, and against anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::fuzzed::agent_answer;
use super::gob::GobError;
use super::gob_writer;
use super::rpc::{Answer, Answers, Response, encode_call};
use crate::juju::HookToolCall;
use crate::juju::testing::agent::{Calls, encode_answer};
use crate::juju::testing::{AgentRequest, ToolResult};

/// The values in a call, as the charm sends and the agent receives them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    context_id: String,
    directory: Vec<u8>,
    tool: String,
    args: Vec<String>,
    stdin: Option<Vec<u8>>,
}

impl Request {
    fn encode(&self, sequence: u64) -> Vec<u8> {
        let call = self.args.iter().fold(HookToolCall::new(&self.tool), HookToolCall::arg);
        let call = self.stdin.iter().fold(call, |call, stdin| call.stdin(stdin.clone()));
        encode_call(&self.context_id, &self.directory, &call, sequence)
    }
}

/// A call of a fixture: see the README beside them.
#[derive(Debug)]
struct Exchange {
    /// The values that are asked with, by their names in the line.
    asked: Vec<(String, Vec<Vec<u8>>)>,
    sent: Vec<u8>,
    answered: Vec<u8>,
    understood: Vec<(String, Vec<Vec<u8>>)>,
}

impl Exchange {
    fn asked(&self, name: &str) -> &[Vec<u8>] {
        of(&self.asked, name)
    }

    fn request(&self) -> Request {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let one = |name| self.asked(name).first().map(text).unwrap_or_default();
        Request {
            context_id: one("context"),
            directory: self.asked("dir")[0].clone(),
            tool: one("command"),
            args: self.asked("args").iter().map(text).collect(),
            stdin: (one("stdin_set") == "true").then(|| self.asked("stdin")[0].clone()),
        }
    }

    fn result(&self) -> Result<Response, String> {
        let one = |name| of(&self.understood, name)[0].clone();
        let text = |name| String::from_utf8_lossy(&one(name)).into_owned();
        match text("error") {
            error if error.is_empty() => Ok(Response {
                code: text("code").parse().expect("a number"),
                stdout: one("stdout"),
                stderr: one("stderr"),
            }),
            error => Err(error),
        }
    }
}

fn of<'a>(values: &'a [(String, Vec<Vec<u8>>)], name: &str) -> &'a [Vec<u8>] {
    let found = values.iter().find(|(known, _)| known == name);
    &found.unwrap_or_else(|| panic!("no {name} in {values:?}")).1
}

/// Each file with its exchanges.
static FIXTURES: LazyLock<Vec<(String, Vec<Exchange>)>> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/juju/agent/fixtures");
    let entries = fs::read_dir(directory).expect("fixtures").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension() == Some("txt".as_ref())).collect();
    files.sort();
    assert!(files.len() > 50, "{}", files.len());
    files
        .into_iter()
        .map(|path| (path.file_stem().expect("a name").display().to_string(), read(&path)))
        .collect()
});

fn read(path: &Path) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in fs::read_to_string(path).expect("a fixture").lines() {
        let Some((mark, rest)) = line.split_once(' ') else { continue };
        match mark {
            "?" => exchanges.push(Exchange {
                asked: values(rest),
                sent: Vec::new(),
                answered: Vec::new(),
                understood: Vec::new(),
            }),
            ">" => exchanges.last_mut().expect("a question").sent = bytes(rest),
            "<" => exchanges.last_mut().expect("a question").answered = bytes(rest),
            "=" => exchanges.last_mut().expect("a question").understood = values(rest),
            _ => assert_eq!(mark, "#", "{line}"),
        }
    }
    exchanges
}

/// Hexadecimal bytes, `61*200` for a byte that is repeated.
fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().fold(Vec::new(), |mut bytes, word| {
        let (byte, times) = word.split_once('*').unwrap_or((word, "1"));
        let byte = u8::from_str_radix(byte, 16).expect("a byte");
        bytes.extend(std::iter::repeat_n(byte, times.parse().expect("a number")));
        bytes
    })
}

/// `name=value` with a word, a text in quotes, or a list of such texts.
fn values(line: &str) -> Vec<(String, Vec<Vec<u8>>)> {
    let (mut rest, mut values) = (line, Vec::new());
    while let Some((name, after)) = rest.split_once('=') {
        let mut items = Vec::new();
        rest = if let Some(mut list) = after.strip_prefix('[') {
            while !list.starts_with(']') {
                let (item, after) = quoted(list);
                items.push(item);
                list = after.trim_start();
            }
            &list[1..]
        } else if after.starts_with('"') {
            let (item, after) = quoted(after);
            items.push(item);
            after
        } else {
            let (word, after) = after.split_at(after.find(' ').unwrap_or(after.len()));
            items.push(word.as_bytes().to_vec());
            after
        };
        values.push((name.trim().to_owned(), items));
    }
    values
}

/// A text as Go quotes it, repeated if a number follows; and the rest of the line.
fn quoted(line: &str) -> (Vec<u8>, &str) {
    let mut chars = line[1..].char_indices();
    let mut text = Vec::new();
    let end = loop {
        match chars.next().expect("an end of the text") {
            (at, '"') => break 1 + at + 1,
            (_, '\\') => {
                let (at, kind) = chars.next().expect("an escape");
                let mut code = |digits: usize| {
                    let hex = &line[1 + at + 1..][..digits];
                    chars.nth(digits - 1);
                    u32::from_str_radix(hex, 16).expect("a number")
                };
                match kind {
                    'x' => text.push(u8::try_from(code(2)).expect("a byte")),
                    'u' | 'U' => {
                        let char =
                            char::from_u32(code(if kind == 'u' { 4 } else { 8 })).expect("a character");
                        text.extend(char.to_string().bytes());
                    }
                    _ => {
                        let at = "abfnrtv\"\\".find(kind).expect("a known escape");
                        text.push(b"\x07\x08\x0c\n\r\t\x0b\"\\"[at]);
                    }
                }
            }
            (_, char) => text.extend(char.to_string().bytes()),
        }
    };
    let rest = &line[end..];
    match rest.strip_prefix('*') {
        Some(after) => {
            let (times, rest) = after.split_at(after.find([' ', ']']).unwrap_or(after.len()));
            (text.repeat(times.parse().expect("a number")), rest)
        }
        None => (text, rest),
    }
}

#[test]
fn whatever_a_go_server_answers_is_understood() {
    let mut count = 0;
    for (name, exchanges) in &*FIXTURES {
        for cut in [usize::MAX, 1, 5] {
            let mut answers = Answers::default();
            for (sequence, exchange) in (0..).zip(exchanges) {
                let mut answer = None;
                for bytes in exchange.answered.chunks(cut.min(exchange.answered.len())) {
                    assert_eq!(answer, None, "{name}: it is not whole yet");
                    answers.feed(bytes);
                    answer = answers.next().unwrap_or_else(|error| panic!("{name}: {error}"));
                }
                let expected = Answer { sequence, result: exchange.result() };
                assert!(answer.as_ref() == Some(&expected), "{name}: {answer:?} instead of {expected:?}");
                count += 1;
            }
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn requests_are_byte_for_byte_those_of_gos_own_client() {
    let mut count = 0;
    for (name, exchanges) in &*FIXTURES {
        // Those that call something else, pass what cannot be passed here, or come from a client with other types.
        let is_plain = |exchange: &Exchange| {
            exchange.asked("method") == [b"Jujuc.Main"]
                && exchange.asked("token") == [b""]
                && exchange.asked("args").iter().all(|arg| str::from_utf8(arg).is_ok())
        };
        let starts_plain = exchanges[0].sent.starts_with(b"\x2e\x7f\x03\x01\x01\x07Request\x01");
        for (sequence, exchange) in (0..).zip(exchanges) {
            if starts_plain && is_plain(exchange) && is_plain(&exchanges[0]) {
                let sent = exchange.request().encode(sequence);
                assert!(sent == exchange.sent, "{name}: {sent:x?} instead of {:x?}", exchange.sent);
                count += 1;
            }
        }
    }
    assert!(count > 150, "{count}");
}

#[test]
fn requests_of_gos_own_client_are_understood_by_the_simulated_agent() {
    for (name, exchanges) in &*FIXTURES {
        let mut calls = Calls::of(1, 0);
        for (sequence, exchange) in (0..).zip(exchanges) {
            calls.stream.feed(&exchange.sent);
            let (number, asked) = calls.next().expect("a call").expect("all of it");
            let Request { context_id, directory, tool, args, stdin } = exchange.request();
            assert_eq!(number, sequence, "{name}");
            assert_eq!((asked.context_id, asked.tool, asked.args), (context_id, tool, args), "{name}");
            assert_eq!((asked.directory.as_os_str().as_encoded_bytes(), asked.stdin), (&*directory, stdin));
        }
    }
}

/// A message: its length, then this.
fn message(content: &[u8]) -> Vec<u8> {
    [&[u8::try_from(content.len()).expect("a short one")], content].concat()
}

fn answers_of(stream: &[u8]) -> Result<Option<Answer>, GobError> {
    let mut answers = Answers::default();
    answers.feed(stream);
    answers.next()
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_comes() {
    for length in
        [&[0xfc, 0x7f, 0xff, 0xff, 0xff][..], &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]
    {
        assert_eq!(answers_of(length), Err(GobError::TooLong));
    }
    assert!(matches!(answers_of(&[0xf7; 20]), Err(GobError::Malformed(_))), "a number of nine bytes");
}

#[test]
fn a_type_that_contains_itself_is_read_as_deep_as_the_stack_allows() {
    // A struct with a field of its own type, as deep as the message is long.
    let definition =
        [&[0x7f, 0x03, 0x01, 0x02, 0xff, 0x80, 0x00, 0x01, 0x01, 0x01, 0x01][..], b"x\x01\xff\x80\0\0\0"];
    let mut stream = message(&definition.concat());
    stream.extend(message(&[&[0xff, 0x80][..], &[1; 100], &[0; 101]].concat()[..120]));
    assert!(matches!(answers_of(&stream), Err(GobError::Malformed(_))));
    let mut deep = vec![0xff, 0x80];
    deep.extend(vec![1; 1_000_000]);
    let mut stream = message(&definition.concat());
    stream.extend([0xfd, 0x0f, 0x42, 0x42]);
    stream.extend(deep);
    let error = answers_of(&stream).expect_err("too deep");
    assert_eq!(error.to_string(), "not a gob stream: a value is nested too deeply");
}

#[test]
fn a_field_of_another_type_than_jujus_is_no_answer() {
    // A struct `Response` with the id 70, in which `Seq` is a string.
    let mut stream =
        b"\x1e\xff\x8b\x03\x01\x01\x08Response\x01\xff\x8c\0\x01\x01\x01\x03Seq\x01\x0c\0\0\0".to_vec();
    gob_writer::message(&mut stream, 70, &[&|out| gob_writer::bytes(out, b"one")]);
    let error = answers_of(&stream).expect_err("not Juju's");
    assert_eq!(error.to_string(), "not a gob stream: a value or field has another type than Juju's");
}

fn any_request() -> impl Strategy<Value = Request> {
    let stdin = proptest::option::of(vec(any::<u8>(), 0..300));
    (".*", vec(any::<u8>(), 0..50), ".*", vec(".*", 0..5), stdin).prop_map(
        |(context_id, directory, tool, args, stdin)| Request { context_id, directory, tool, args, stdin },
    )
}

fn any_result() -> impl Strategy<Value = Result<ToolResult, String>> {
    let done = (any::<i32>(), vec(any::<u8>(), 0..400), vec(any::<u8>(), 0..400))
        .prop_map(|(code, stdout, stderr)| Ok(ToolResult { code, stdout, stderr }));
    prop_oneof![3 => done, 1 => ".+".prop_map(Err)]
}

proptest! {
    #[test]
    fn whatever_is_asked_arrives(requests in vec(any_request(), 1..5), cut in 1_usize..100) {
        let stream: Vec<u8> =
            (0..).zip(&requests).flat_map(|(sequence, request)| request.encode(sequence)).collect();
        let (mut calls, mut arrived) = (Calls::of(1, 0), Vec::new());
        for bytes in stream.chunks(cut) {
            calls.stream.feed(bytes);
            while let Some((_, AgentRequest { context_id, directory, tool, args, stdin, .. })) = calls.next()? {
                let directory = directory.into_os_string().into_encoded_bytes();
                arrived.push(Request { context_id, directory, tool, args, stdin });
            }
        }
        prop_assert_eq!(arrived, requests);
    }

    #[test]
    fn whatever_is_answered_arrives(results in vec(any_result(), 1..5), cut in 1_usize..100) {
        let encode = |(sequence, result): (u64, &Result<ToolResult, String>)| {
            encode_answer(sequence, result.as_ref().map_err(String::as_str))
        };
        let stream: Vec<u8> = (0..).zip(&results).flat_map(encode).collect();
        let (mut answers, mut arrived) = (Answers::default(), Vec::new());
        for bytes in stream.chunks(cut) {
            answers.feed(bytes);
            while let Some(answer) = answers.next()? {
                arrived.push(answer.result.map(|Response { code, stdout, stderr }| {
                    ToolResult { code: i32::try_from(code).expect("as it was"), stdout, stderr }
                }));
            }
        }
        prop_assert_eq!(arrived, results);
    }

    #[test]
    fn damaged_answers_of_go_are_survived(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        place in any::<prop::sample::Index>(),
    ) {
        let (_, exchanges) = at.get(&FIXTURES);
        let mut stream: Vec<u8> = exchanges.iter().take(3).flat_map(|exchange| exchange.answered.clone()).collect();
        let place = place.index(stream.len());
        stream[place] = byte;
        agent_answer(&stream);
    }

    #[test]
    fn any_bytes_are_survived(stream in vec(any::<u8>(), 0..300)) {
        agent_answer(&stream);
    }
}

#[test]
fn answers_of_the_corpus_are_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/agent_answer");
    let inputs: Vec<_> = fs::read_dir(corpus).expect("a corpus").collect();
    assert!(inputs.len() > 5);
    for input in inputs {
        agent_answer(&fs::read(input.expect("an entry").path()).expect("a file"));
    }
}
