use charm_tracing::trace_type;

struct Failure;

struct Workload;

#[trace_type]
impl Workload {
    fn restart(&self) -> Result<(), Failure> {
        let units = self.;
        Ok(())
    }
}

fn main() {
    let _ = Workload.restart();
}
