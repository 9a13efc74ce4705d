#![deny(unconditional_recursion)]

use charm_tracing::{trace_fn, trace_type};

pub struct Failure;

#[trace_fn]
pub fn plain(units: u8) -> u8 {
    plain(units)
}

#[trace_fn]
pub fn fallible(units: u8) -> Result<u8, Failure> {
    let units = fallible(units)?;
    Ok(units)
}

#[trace_fn]
#[track_caller]
pub fn tracked(units: u8) -> Result<u8, Failure> {
    tracked(units)
}

pub struct Unit;

#[trace_type]
impl Unit {
    pub fn on_each_way(&self, units: u8) -> Result<u8, Failure> {
        if units == 0 { self.on_each_way(1) } else { Self::on_each_way(self, 0) }
    }

    pub fn that_ends(&self, units: u8) -> Result<u8, Failure> {
        if units == 0 {
            return Ok(0);
        }
        self.that_ends(units - 1)
    }
}

pub trait Start {
    fn start(&self, units: u8) -> Result<u8, Failure>;

    fn stop(&self) -> Result<u8, Failure>;
}

#[trace_type]
impl Start for Unit {
    fn start(&self, units: u8) -> Result<u8, Failure> {
        match units {
            0 => self.start(1),
            units => self.start(units - 1).map(|units| units + 1),
        }
    }

    /// Calls the method of the type.
    fn stop(&self) -> Result<u8, Failure> {
        self.stop()
    }
}

impl Unit {
    #[trace_fn]
    pub fn stop(&self) -> Result<u8, Failure> {
        Err(Failure)
    }
}

fn main() {}
