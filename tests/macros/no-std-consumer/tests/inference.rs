//! The dependencies of charm-tracing without the feature `session` leave the inference of types as it is; see
//! `src/inference.rs`.

use std::path::Path;
use std::process::Command;

#[test]
fn comparisons_infer_their_types_beside_charm_tracing() {
    // By itself, without the dependencies of the tests. What they share is compiled already.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO"));
    // What this package is would be a reason for build scripts to run again.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            command.env_remove(name);
        }
    }
    let built = command
        .args(["build", "--quiet", "--locked", "--offline", "--features", "inference"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "--target-dir"])
        .arg(target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
