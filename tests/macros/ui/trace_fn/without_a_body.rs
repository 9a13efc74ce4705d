use charm_tracing::trace_fn;

trait Workload {
    #[trace_fn]
    fn restart(&self);
}

fn main() {}
