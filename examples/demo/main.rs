//! The demo: a small Juju around two of the example charms, and a collector that shows the traces it gets.
//!
//! One program plays both charms, too: started as `dispatch` it is the charm of the unit it is started for. So all processes
//! of the story are real, and `cargo run -p examples` builds them all.

mod arguments;
mod page;
mod paint;
#[path = "../provider/src/main.rs"]
mod provider_charm;
#[path = "../requirer/src/main.rs"]
mod requirer_charm;
mod stop;
mod story;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use arguments::Arguments;
use stop::Stop;
use story::Halt;

fn main() -> ExitCode {
    if env::args_os().next().is_some_and(|program| Path::new(&program).ends_with("dispatch")) {
        let of_tempo = env::var("JUJU_UNIT_NAME").is_ok_and(|unit| unit == story::TEMPO);
        return if of_tempo { provider_charm::main() } else { requirer_charm::main() };
    }
    match arguments::parse(env::args().skip(1)) {
        Ok(Some(arguments)) => tell(&arguments),
        Ok(None) => arguments::help(),
        Err(mistake) => arguments::refuse(&mistake),
    }
}

fn tell(arguments: &Arguments) -> ExitCode {
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return arguments::fail(&format!("cannot listen for signals: {error}")),
    };
    let told = story::tell(arguments, &stop);
    // Now the units' directories are removed.
    stop.obey();
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(Halt::Signal) => ExitCode::FAILURE,
        Err(Halt::Failure(why)) => arguments::fail(&why),
    }
}
