use std::rc::Rc;
use std::thread;

use charm_tracing::with_current_context;

fn main() {
    let files = Rc::new(3);
    let counted = with_current_context(move || *files);
    thread::spawn(counted);
}
