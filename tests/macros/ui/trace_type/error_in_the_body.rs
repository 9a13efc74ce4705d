use charm_tracing::trace_type;

struct Workload;

#[trace_type]
impl Workload {
    fn restart(&self) -> Result<u8, String> {
        let units: u8 = "three";
        Ok(units)
    }
}

fn main() {}
