//! Blocks of shell commands: they parse, and every program has the subcommands, options and packages that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use tests_guide::{read, root};

use crate::block::{Block, blocks};

/// The commands of programs that are not here, as `juju help COMMAND` of Juju 3.6 and `charmcraft pack --help` of
/// charmcraft 4.5 document them: the command and its options.
const ELSEWHERE: [(&str, &[&str]); 10] = [
    ("charmcraft pack", &["--destructive-mode"]),
    ("juju consume", &[]),
    ("juju debug-log", &["--include"]),
    ("juju deploy", &[]),
    ("juju exec", &[]),
    ("juju integrate", &[]),
    ("juju model-config", &[]),
    ("juju offer", &[]),
    ("juju run", &["--string-args"]),
    ("juju ssh", &["--pty"]),
];

#[test]
fn every_block_parses() {
    for block in blocks().filter(|block| block.kind == "sh") {
        let output = Command::new("sh").args(["-n", "-c", &block.text]).output().expect("a shell");
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn charm_traces_has_the_options_that_a_page_uses() {
    let help = help_of_charm_traces();
    let mut seen = BTreeSet::new();
    for (block, words) in commands("charm-traces") {
        let command = words[1].clone();
        let known = help.get(&command).unwrap_or_else(|| panic!("{block}: no command {command}"));
        for option in options(&words[2..]) {
            assert!(known.contains(&option), "{block}: {command} has no option {option}");
        }
        seen.insert(command);
    }
    assert!(seen.len() > 4, "the check reads the pages: {seen:?}");
}

#[test]
fn cargo_has_the_options_packages_and_targets_that_a_page_uses() {
    let mut seen = 0;
    for (block, words) in commands("cargo") {
        seen += 1;
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        let (own, others) = (&words[..end], &words[end..]);
        let command = &own[1];
        if command == "generate" {
            // Not a part of cargo; what it needs is a directory.
            continue;
        }
        let output = Command::new(env!("CARGO")).args([command, "--help"]).output().expect("cargo runs");
        assert!(output.status.success(), "{block}: cargo has no command {command}");
        let help = String::from_utf8(output.stdout).expect("a text");
        for option in options(own) {
            assert!(help.contains(&option), "{block}: cargo {command} has no option {option}");
        }
        for (option, value) in own.iter().zip(&own[1..]) {
            let is_there = match &**option {
                "-p" => read("Cargo.toml").contains(&format!("\"{}\"", value.replace("tests-", "tests/"))),
                "--bench" => root().join(format!("examples/benches/{value}.rs")).exists(),
                "--path" => {
                    root().join(value.trim_start_matches("charm-tracing/")).join("Cargo.toml").exists()
                }
                _ => true,
            };
            assert!(is_there, "{block}: {option} {value}");
        }
        for option in options(others) {
            assert!(
                own.contains(&"examples".to_owned())
                    && read("examples/demo/arguments.rs").contains(&format!("\"{option}\"")),
                "{block}: the demo has no option {option}"
            );
        }
    }
    assert!(seen > 4, "the check reads the pages: {seen}");
}

#[test]
fn other_programs_are_used_as_they_are_documented() {
    let known: BTreeMap<_, _> = ELSEWHERE.into();
    let mut seen = 0;
    for (block, words) in commands("juju").into_iter().chain(commands("charmcraft")) {
        seen += 1;
        let command = format!("{} {}", words[0], words[1]);
        let accepted = known.get(&*command).unwrap_or_else(|| panic!("{block}: {command}"));
        for option in options(&words[2..]) {
            assert!(accepted.contains(&&*option), "{block}: {command} {option}");
        }
    }
    assert!(seen > 10, "the check reads the pages: {seen}");
}

/// Returns the options of each command of `charm-traces`. Its own test compares this file with its help.
fn help_of_charm_traces() -> BTreeMap<String, BTreeSet<String>> {
    let help = read("charm-traces/tests/program/help.txt");
    let of_commands = help.split("$ charm-traces ").skip(1);
    let sections = of_commands.filter_map(|section| section.split_once(" --help\n"));
    sections
        .map(|(command, text)| {
            let lines = text.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
            let words = lines.flat_map(|line| line.split([' ', ',', '[', '=']));
            let options = words.filter(|word| word.starts_with('-')).map(str::to_owned).collect();
            (command.trim().to_owned(), options)
        })
        .collect()
}

/// Returns the commands of all blocks that start a program, as words.
fn commands(program: &str) -> Vec<(Block, Vec<String>)> {
    let mut found = Vec::new();
    for block in blocks().filter(|block| block.kind == "sh") {
        for line in block.text.replace("\\\n", " ").lines() {
            let line = line.split(" | ").next().unwrap_or_default();
            let words = shlex::split(line).unwrap_or_else(|| panic!("{block}: {line}"));
            if words.first().is_some_and(|word| word == program) {
                let block = Block {
                    text: line.to_owned(),
                    page: block.page.clone(),
                    kind: block.kind.clone(),
                    ..block
                };
                found.push((block, words));
            }
        }
    }
    found
}

/// Returns the options among words, without their values.
fn options(words: &[String]) -> impl Iterator<Item = String> {
    let options = words.iter().filter(|word| word.starts_with('-') && word.len() > 1 && *word != "--");
    options.map(|word| word.split('=').next().unwrap_or_default().to_owned())
}
