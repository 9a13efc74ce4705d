//! The hook tools of a unit: one program, and a link to it under the name of each tool.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process;

/// The program of all hook tools, which `build.rs` compiles from `jujuc.rs`.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/jujuc"));

/// The names that the simulated Juju puts on `PATH`.
pub(super) const NAMES: &[&str] = &[
    "action-fail",
    "action-get",
    "action-log",
    "action-set",
    "application-version-set",
    "close-port",
    "config-get",
    "goal-state",
    "is-leader",
    "juju-log",
    "network-get",
    "open-port",
    "opened-ports",
    "relation-get",
    "relation-ids",
    "relation-list",
    "relation-set",
    "resource-get",
    "secret-add",
    "secret-get",
    "secret-grant",
    "secret-ids",
    "secret-info-get",
    "secret-remove",
    "secret-revoke",
    "secret-set",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
    "storage-get",
    "storage-list",
];

/// Returns true if this version of Juju has the tool: secrets came with Juju 3.
pub(super) fn exists_in(tool: &str, version: (u32, u32)) -> bool {
    version >= (3, 0) || !tool.starts_with("secret-")
}

/// The hook tools in the directory of a unit.
#[derive(Debug)]
pub(super) struct HookTools {
    /// The directory that is first in `PATH`.
    directory: PathBuf,
    program: PathBuf,
}

impl HookTools {
    /// Writes the program into the directory of a unit, as `jujuc`: by that name a charm knows that the tools are Juju's own,
    /// and that it may ask the agent itself.
    pub(super) fn install(unit: &Path) -> io::Result<Self> {
        let tools = Self { directory: unit.join("tools"), program: unit.join("jujuc") };
        fs::create_dir(&tools.directory)?;
        fs::write(&tools.program, PROGRAM)?;
        fs::set_permissions(&tools.program, PermissionsExt::from_mode(0o755))?;
        tools.wait_until_executable()?;
        Ok(tools)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn are_jujus_own(&self) -> bool {
        self.program.ends_with("jujuc")
    }

    /// Gives the program another name, so that a charm takes it for one that shadows Juju's.
    pub(super) fn shadow_jujus_own(&mut self) -> io::Result<()> {
        let renamed = self.program.with_file_name("shadowing-tool");
        fs::rename(&self.program, &renamed)?;
        self.program = renamed;
        Ok(())
    }

    /// Puts those tools on `PATH` for which `is_there` is true, and takes the others away.
    pub(super) fn link(&self, is_there: impl Fn(&str) -> bool) -> io::Result<()> {
        for name in NAMES {
            let link = self.directory.join(name);
            if !is_there(name) {
                _ = fs::remove_file(link);
            } else if link.symlink_metadata().is_err() {
                symlink(&self.program, link)?;
            }
        }
        Ok(())
    }

    /// Starts the program once. A thread that starts a process while the program is written holds a copy of the open file
    /// for an instant, in which the system refuses to execute it: "text file busy". After the first start that succeeds
    /// there are no more copies.
    fn wait_until_executable(&self) -> io::Result<()> {
        let mut command = Command::new(&self.program);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        process::spawn(&mut command)?.wait()?;
        Ok(())
    }
}
