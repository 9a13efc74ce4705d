use charm_tracing::trace_fn;

struct Failure;

struct Workload;

impl Workload {
    #[trace_fn]
    fn method(&self) -> u8 {
        self.restrat()
    }

    #[trace_fn]
    fn field(&self) -> Result<u8, Failure> {
        Ok(self.units)
    }

    #[trace_fn]
    fn variable(&self) -> Result<u8, Failure> {
        Ok(units)
    }

    #[trace_fn]
    async fn future(&self) -> Result<u8, Failure> {
        self.restrat().await
    }
}

fn main() {}
