#[trace_type(name = "Probe")]
trait HealthCheck {
    fn check(&self) -> bool;

    fn is_down(&self) -> bool {
        !self.check()
    }
}

#[trace_type]
trait Restart {
    fn restart(&self) -> Result<(), Error> {
        self.stop()?;
        self.start()
    }
}
