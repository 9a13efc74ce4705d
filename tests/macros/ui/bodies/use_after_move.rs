use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain(name: Vec<u8>) -> usize {
    drop(name);
    name.len()
}

#[trace_fn]
fn fallible(name: Vec<u8>) -> Result<usize, Failure> {
    drop(name);
    Ok(name.len())
}

#[trace_fn]
async fn future(name: Vec<u8>) -> usize {
    drop(name);
    name.len()
}

#[trace_fn]
#[track_caller]
fn tracked(name: Vec<u8>) -> Result<usize, Failure> {
    drop(name);
    Ok(name.len())
}

struct Workload(Vec<u8>);

impl Workload {
    #[trace_fn]
    fn by_value(self) -> Result<usize, Failure> {
        drop(self);
        Ok(self.0.len())
    }

    #[trace_fn]
    fn by_reference(&self) -> Result<usize, Failure> {
        drop(self.0);
        Ok(3)
    }
}

fn main() {}
