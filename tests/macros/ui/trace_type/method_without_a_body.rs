use charm_tracing::trace_type;

#[trace_type(only(start, stop))]
trait Service {
    fn start(&self);
    fn stop(&self) {}
}

fn main() {}
