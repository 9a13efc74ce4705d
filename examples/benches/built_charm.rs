//! The example charm as its author would build it: optimised, in a package of its own, because the tests beside it in this
//! workspace ask its dependencies for features that a charm does not. Their versions and the profile are the workspace's.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the example charm: the binary `traced` or `untraced` with these features. Returns its path.
pub(crate) fn build(binary: &str, features: &str) -> Result<PathBuf, Box<dyn Error>> {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("charm");
    write(&package)?;
    let target = package.join("target");
    let status = Command::new(env::var_os("CARGO").ok_or("run this with cargo")?)
        .args(["build", "--release", "--offline", "--quiet", "--bin", binary, "--features", features])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(&package)
        .status()?;
    if !status.success() {
        return Err(format!("the {binary} charm does not build").into());
    }
    Ok(target.join("release").join(binary))
}

fn write(package: &Path) -> Result<(), Box<dyn Error>> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = examples.parent().ok_or("the examples are in a workspace")?;
    let manifest = fs::read_to_string(workspace.join("Cargo.toml"))?;
    let sections = manifest.split("\n[").filter(|section| section.starts_with("profile.release"));
    let profile: String = sections.flat_map(|section| ["[", section, "\n"]).collect();
    let [root, examples] = [workspace, examples].map(Path::display);
    fs::create_dir_all(package)?;
    fs::copy(workspace.join("Cargo.lock"), package.join("Cargo.lock"))?;
    fs::write(
        package.join("Cargo.toml"),
        format!(
            r#"
[workspace]

[package]
name = "charm"
edition = "2024"

[features]
tls = ["traced", "charm-tracing/tls"]
traced = ["charm-tracing/session"]
untraced = ["dep:tracing-relation", "dep:untraced-attributes"]

[dependencies]
anyhow = "1"
charm-tracing = {{ path = "{root}/charm-tracing", default-features = false, optional = true }}
serde_json = "1"
tracing-relation = {{ path = "{root}/tracing-relation", optional = true }}
untraced-attributes = {{ path = "{examples}/untraced/attributes", optional = true }}

[[bin]]
name = "traced"
path = "{examples}/requirer/src/main.rs"
required-features = ["traced"]

[[bin]]
name = "untraced"
path = "{examples}/untraced/main.rs"
required-features = ["untraced"]

{profile}"#
        ),
    )?;
    Ok(())
}
