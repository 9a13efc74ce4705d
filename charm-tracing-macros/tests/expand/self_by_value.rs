#[trace_type]
impl Workload {
    fn stop(self) -> Result<Stopped, Error> {
        self.child.kill()?;
        Ok(Stopped)
    }
}
