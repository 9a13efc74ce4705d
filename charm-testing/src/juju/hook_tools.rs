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
    "secret-get",
    "secret-info-get",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
];

/// The hook tools in the directory of a unit.
#[derive(Debug)]
pub(super) struct HookTools {
    /// The directory that is first in `PATH`.
    directory: PathBuf,
    program: PathBuf,
}

impl HookTools {
    /// Writes the program into the directory of a unit. Each name is linked by [`HookTools::link`].
    ///
    /// Only if the program is called `jujuc`, a charm takes the tools for Juju's own, and may ask the agent itself.
    pub(super) fn install(unit: &Path, are_jujus_own: bool) -> io::Result<Self> {
        let name = if are_jujus_own { "jujuc" } else { "shadowing-tool" };
        let tools = Self { directory: unit.join("tools"), program: unit.join(name) };
        fs::create_dir(&tools.directory)?;
        fs::write(&tools.program, PROGRAM)?;
        fs::set_permissions(&tools.program, PermissionsExt::from_mode(0o755))?;
        tools.wait_until_executable()?;
        Ok(tools)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Puts the tool on `PATH`, if it is not there.
    pub(super) fn link(&self, name: &str) -> io::Result<()> {
        match symlink(&self.program, self.directory.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    }

    /// Takes the tool away.
    pub(super) fn unlink(&self, name: &str) {
        _ = fs::remove_file(self.directory.join(name));
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
