use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::arguments::{Arguments, Command};
use crate::output::complain;
use crate::stored::Fault;
use crate::{collect, doctor, export, run, send, show};

/// The result of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    /// Something was not as it should be, which the command has said.
    Bad,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Show(arguments) => show::show(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::Send(arguments) => send::send(&arguments),
        Command::Collect(arguments) => collect::collect(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Completions { shell } => {
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "charm-traces", &mut io::stdout());
            Ok(Outcome::Good)
        }
    };
    match done {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

impl Outcome {
    /// Says what could not be read.
    pub(crate) fn after(faults: &[Fault]) -> Self {
        faults.iter().for_each(complain);
        if faults.is_empty() { Self::Good } else { Self::Bad }
    }

    /// Returns the worse of the two.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == Self::Good { other } else { self }
    }
}
