//! The size that tracing adds to a charm's binary: the example charm as its author would build it, without tracing, traced, and
//! traced without the feature `tls`.
//!
//!     cargo bench -p examples --bench sizes
//!
//! In a package of its own, because the tests beside it in this workspace ask its dependencies for features that a charm
//! does not. Their versions and the profile are the workspace's.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints what it measured, rounded"
)]

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A row, the binary, and the features it is built with.
const VARIANTS: [(&str, &str, &str); 3] = [
    ("untraced", "untraced", "untraced"),
    ("traced, without `tls`", "traced", "traced"),
    ("traced", "traced", "tls"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sizes");
    write(&package)?;
    println!("| the example charm's binary, optimised and stripped | MB |");
    println!("|---|---|");
    for (row, binary, features) in VARIANTS {
        let size = fs::metadata(build(&package, binary, features)?)?.len();
        println!("| {row} | {:.2} |", size as f64 / 1e6);
    }
    Ok(())
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
name = "sizes"
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

fn build(package: &Path, binary: &str, features: &str) -> Result<PathBuf, Box<dyn Error>> {
    let target = package.join("target");
    let status = Command::new(env::var_os("CARGO").ok_or("run this with cargo")?)
        .args(["build", "--release", "--offline", "--quiet", "--bin", binary, "--features", features])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(package)
        .status()?;
    if !status.success() {
        return Err(format!("the {binary} charm does not build").into());
    }
    Ok(target.join("release").join(binary))
}
