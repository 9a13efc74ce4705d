use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain(name: Vec<u8>) -> usize {
    name.push(0);
    name.len()
}

#[trace_fn]
fn fallible(name: Vec<u8>) -> Result<usize, Failure> {
    name.push(0);
    Ok(name.len())
}

#[trace_fn]
async fn future(name: Vec<u8>) -> usize {
    name.push(0);
    name.len()
}

struct Workload(Vec<u8>);

impl Workload {
    #[trace_fn]
    fn by_value(self) -> Result<usize, Failure> {
        self.0.push(0);
        Ok(self.0.len())
    }

    #[trace_fn]
    fn by_reference(&self) -> Result<usize, Failure> {
        self.0.push(0);
        Ok(self.0.len())
    }

    #[trace_fn]
    async fn future(&self) -> usize {
        self.0.push(0);
        self.0.len()
    }
}

fn main() {}
