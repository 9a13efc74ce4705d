use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::fixture::run;

#[test]
fn the_help_of_each_command_is_as_in_the_file() {
    let mut help = String::new();
    for command in ["", "show", "export", "send", "collect", "run", "doctor", "completions"] {
        let ran = run([command, "--help"].into_iter().filter(|argument| !argument.is_empty()));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        _ = writeln!(help, "$ charm-traces {command} --help\n{}", ran.out);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/help.txt");
    if env::var_os("HELP").is_some_and(|value| value == "overwrite") {
        fs::write(&file, &help).expect("the file is written");
    }
    let expected = fs::read_to_string(&file).expect("a file");
    assert!(help == expected, "the help has changed; HELP=overwrite writes it:\n{help}");
}

#[test]
fn mistakes_in_the_arguments_end_with_2() {
    for arguments in [&[][..], &["shew"], &["show", "--slowest=many"], &["collect", "--for", "soon"]] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.contains("--help"), "{}", ran.err);
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(["completions", shell]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.out.contains("collect") && ran.out.contains("fail-on"), "{shell}");
    }
}
