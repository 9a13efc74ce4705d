use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use charm_testing::{Juju, Relation};

use super::declared::Declared;
use super::event::event;
use super::relation::RelationFile;
use super::report::report;
use crate::arguments::Run;
use crate::output::{columns, painted_picture, print};
use crate::program::Outcome;
use crate::show::page;
use crate::stored::{QUEUE, Shown, read};

/// Runs one dispatch of a charm, and prints what Juju saw of it, and its trace.
pub(crate) fn run(arguments: &Run) -> anyhow::Result<Outcome> {
    let mut juju = deployed(arguments)?;
    if let Some(unit) = &arguments.unit {
        juju = juju.unit(unit);
    }
    if let Some(version) = &arguments.juju_version {
        juju = juju.juju_version(version);
    }
    juju.set_leader(arguments.leader);
    for (option, value) in &arguments.config {
        juju.set_config_text(option, value).map_err(anyhow::Error::msg)?;
    }
    let declared = Declared::read(&juju.charm_dir())?;
    let relations = relations(arguments, &declared, &mut juju)?;
    let mut played = event(arguments, &declared, &mut juju, &relations).map_err(anyhow::Error::msg)?;
    for (name, value) in &arguments.env {
        played = played.env(name, value);
    }
    let outcome = juju.try_dispatch(played)?;
    print(report(&outcome, &relations))?;

    let reading = read(&juju.charm_dir().join(QUEUE));
    let shown = Shown::all(reading.stored);
    if shown.is_empty() {
        print("\nNo trace waits: it was sent, or nothing was recorded.\n")?;
    }
    for Shown { trace, .. } in &shown {
        print(format_args!("\n{}", painted_picture(&trace.picture(columns()))))?;
    }
    if let Some(path) = &arguments.html {
        let page = page(&arguments.event, &shown);
        fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
        print(format_args!("\n{}\n", path.display()))?;
    }
    Ok(if outcome.success() { Outcome::Good } else { Outcome::Bad })
}

/// Deploys the charm with the files that describe it.
fn deployed(arguments: &Run) -> anyhow::Result<Juju> {
    let text = |name: &str| match fs::read_to_string(arguments.charm.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {name}")),
    };
    if !arguments.charm.is_dir() {
        bail!("{} is no directory", arguments.charm.display());
    }
    let binary = &arguments.binary;
    let mut juju = Juju::try_new(binary)?;
    let metadata = fs::metadata(binary)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        bail!("cannot run {}: it is no program", binary.display());
    }
    juju = match (text("charmcraft.yaml")?, text("metadata.yaml")?) {
        (Some(charmcraft), None) => juju.charmcraft(&charmcraft),
        (Some(charmcraft), Some(metadata)) => juju.charmcraft(&charmcraft).file("metadata.yaml", &metadata),
        (None, Some(metadata)) => juju.metadata(&metadata),
        (None, None) => {
            let directory = arguments.charm.display();
            bail!(
                "{directory} has no charmcraft.yaml and no metadata.yaml: name the charm's directory with --charm"
            );
        }
    };
    for name in ["config.yaml", "actions.yaml"] {
        if let Some(text) = text(name)? {
            juju = juju.file(name, &text);
        }
    }
    Ok(juju)
}

fn relations(arguments: &Run, declared: &Declared, juju: &mut Juju) -> anyhow::Result<Vec<Relation>> {
    let relation = |(endpoint, file): &(String, Option<String>)| {
        let file = file.as_ref().map(|file| RelationFile::read(Path::new(file))).transpose()?;
        let endpoint = declared.find("endpoint", endpoint).map_err(anyhow::Error::msg)?;
        Ok(file.unwrap_or_default().relate(juju, &endpoint.name))
    };
    arguments.relation.iter().map(relation).collect()
}
