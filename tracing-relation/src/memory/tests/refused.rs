//! Files that cannot be changed, though an event demands it.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{CWD, IFlags, Mode, ioctl_getflags, ioctl_setflags, mkfifoat};

use super::unit::{A_URL, Unit, endpoint};
use crate::ReceiverProtocol::OtlpHttp;
use crate::juju::Dispatch;

/// The warnings that are new in Juju's log.
fn warnings(unit: &Unit, before: usize) -> Vec<String> {
    let lines = unit.juju.log().into_iter().skip(before);
    lines.filter(|line| line.level == "WARNING").map(|line| line.message).collect()
}

/// Asserts that this dispatch says once which file it could not forget, and neither uses nor saves anything of it.
fn assert_refused(unit: &Unit, begin: impl FnOnce() -> Dispatch) {
    let before = unit.juju.log().len();
    let dispatch = begin();
    assert!(!dispatch.relation_memory().is_used());
    assert_refused_before(unit, before, &dispatch);
}

fn assert_refused_before(unit: &Unit, before: usize, dispatch: &Dispatch) {
    unit.juju.clear_calls();
    endpoint(dispatch, &[OtlpHttp]);
    assert_eq!(unit.juju.calls()[0][0], "relation-ids", "Juju is asked");
    dispatch.forget_relations();
    dispatch.remember_relations();
    unit.juju.commit_hook();
    let warnings = warnings(unit, before);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let says = format!("cannot forget what {} says about relations (", unit.file().display());
    assert!(warnings[0].contains(&says) && warnings[0].contains("): remove it, or"), "{warnings:?}");
}

/// Takes the file's place, and can be neither written nor removed by anybody.
fn make_directory_with_a_file(path: &Path) {
    _ = fs::remove_file(path);
    fs::create_dir(path).expect("made");
    fs::write(path.join("file"), "").expect("written");
}

#[test]
fn what_can_be_neither_changed_nor_removed_is_said_when_an_event_demands_it() {
    let (unit, id) = Unit::ready(false);
    make_directory_with_a_file(&unit.file());
    let before = unit.juju.log().len();
    assert_eq!(unit.status().0.as_deref(), Some(A_URL));
    assert_eq!(warnings(&unit, before), [""; 0], "nothing has changed");
    for hook in ["start", "upgrade-charm", "leader-elected", "database-relation-changed"] {
        assert_refused(&unit, || unit.hook(hook));
    }
    for event in ["created", "joined", "changed", "departed", "broken"] {
        assert_refused(&unit, || unit.relation_hook(event, id));
    }
    assert!(unit.file().join("file").exists());
}

#[test]
fn what_cannot_be_forgotten_after_a_failed_delivery_is_said() {
    let (unit, _) = Unit::ready(false);
    let before = unit.juju.log().len();
    let dispatch = unit.hook("update-status");
    assert_eq!(endpoint(&dispatch, &[OtlpHttp]).as_deref(), Some(A_URL));
    make_directory_with_a_file(&unit.file());
    dispatch.forget_relations();
    assert_refused_before(&unit, before, &dispatch);
}

#[test]
fn what_can_be_removed_is_removed_without_a_word() {
    let stranger = |path: &Path| {
        fs::write(path, "text").expect("written");
        chown(path, Some(12345), None).expect("only root may");
    };
    let mut make: Vec<fn(&Path)> = vec![
        |path| symlink(path.with_extension("nowhere"), path).expect("linked"),
        |path| {
            let target = path.with_extension("target");
            fs::write(&target, "text").expect("written");
            symlink(target, path).expect("linked");
        },
        |path| mkfifoat(CWD, path, Mode::RUSR).expect("made"),
        |path| fs::write(path, vec![b' '; 300 * 1024]).expect("written"),
    ];
    if rustix::process::geteuid().is_root() {
        make.push(stranger);
    } else {
        not_run("files of other users", "only root may make them");
    }
    for make in make {
        for event in ["relation", "start"] {
            let (unit, id) = Unit::ready(false);
            let before = unit.juju.log().len();
            fs::remove_file(unit.file()).expect("removed");
            make(&unit.file());
            assert_eq!(unit.status().0.as_deref(), Some(A_URL));
            let still_there = fs::read(unit.file().with_extension("target"));
            assert_ne!(unit.status().1, [""; 0], "it is not used");
            let dispatch =
                if event == "start" { unit.hook(event) } else { unit.relation_hook("changed", id) };
            assert_eq!(unit.use_it(&dispatch, &[OtlpHttp]).0.as_deref(), Some(A_URL));
            assert_eq!(unit.status(), (Some(A_URL.to_owned()), vec![]), "from now on it is used");
            assert_eq!(warnings(&unit, before), [""; 0]);
            let target = fs::read(unit.file().with_extension("target"));
            assert_eq!(target.ok(), still_there.ok(), "nothing is written through a link");
        }
    }
}

#[test]
fn where_there_is_no_file_nothing_is_said() {
    let (unit, id) = Unit::ready(false);
    let before = unit.juju.log().len();
    fs::remove_file(unit.file()).expect("removed");
    fs::write(unit.file(), "").expect("written");
    let nowhere = [unit.file().with_extension("absent").join("file"), unit.file().join("file")];
    for file in nowhere {
        for dispatch in [unit.hook("start"), unit.relation_hook("broken", id)] {
            let dispatch = dispatch.with_relation_memory_at(file.clone(), unit.now);
            endpoint(&dispatch, &[OtlpHttp]);
            dispatch.forget_relations();
            dispatch.remember_relations();
            unit.juju.commit_hook();
        }
    }
    assert_eq!(warnings(&unit, before), [""; 0]);
}

/// Makes a file immutable, until this is dropped.
struct Immutable(PathBuf);

impl Immutable {
    fn new(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path)?;
        ioctl_setflags(&file, ioctl_getflags(&file)? | IFlags::IMMUTABLE)?;
        Ok(Self(path))
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        let file = File::open(&self.0).expect("it can be read");
        let flags = ioctl_getflags(&file).expect("they were read before");
        ioctl_setflags(&file, flags - IFlags::IMMUTABLE).expect("they were written before");
    }
}

#[test]
fn an_immutable_file_is_said_and_after_its_mend_it_holds_for_a_day() {
    let (mut unit, id) = Unit::ready(false);
    let kept = fs::read(unit.file()).expect("it was written");
    let immutable = match Immutable::new(unit.file()) {
        Ok(immutable) => immutable,
        Err(error) => return not_run("a file that is immutable", &error.to_string()),
    };
    assert_refused(&unit, || unit.relation_hook("broken", id));
    unit.juju.remove_relation(id);
    let before = unit.juju.log().len();
    assert_eq!(unit.status().0, None, "it is not trusted");
    assert_eq!(warnings(&unit, before), [""; 0]);
    assert_eq!(fs::read(unit.file()).expect("it is there"), kept);
    drop(immutable);
    assert_eq!(unit.status().0.as_deref(), Some(A_URL), "nobody knows any more that it is wrong");
    unit.now += Duration::from_hours(24);
    assert_eq!(unit.status().0, None);

    let (unit, _) = Unit::ready(false);
    let before = unit.juju.log().len();
    let dispatch = unit.hook("update-status");
    let _immutable = Immutable::new(unit.file()).expect("as before");
    dispatch.forget_relations();
    assert_refused_before(&unit, before, &dispatch);
}

/// Forbids to write to a file and to its directory, until this is dropped.
struct Forbidden(PathBuf);

impl Forbidden {
    fn set(&self, of_file: u32, of_directory: u32) {
        let directory = self.0.parent().expect("it has one");
        for (path, mode) in [(&*self.0, of_file), (directory, of_directory)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is one's own");
        }
    }
}

impl Drop for Forbidden {
    fn drop(&mut self) {
        self.set(0o600, 0o700);
    }
}

#[test]
fn a_file_that_may_not_be_written_is_said_if_it_cannot_be_removed_either() {
    if rustix::process::geteuid().is_root() {
        return not_run("a file that may not be written", "root may");
    }
    let (unit, id) = Unit::ready(false);
    let forbidden = Forbidden(unit.file());
    forbidden.set(0o400, 0o500);
    assert_refused(&unit, || unit.relation_hook("broken", id));
    let before = unit.juju.log().len();
    forbidden.set(0o600, 0o500);
    unit.use_it(&unit.relation_hook("changed", id), &[OtlpHttp]);
    forbidden.set(0o400, 0o700);
    unit.use_it(&unit.relation_hook("changed", id), &[OtlpHttp]);
    assert_eq!(warnings(&unit, before), [""; 0], "it can be emptied, or removed");
}

/// Set in the process that may mount.
const NAMESPACE: &str = "MEMORY_IN_A_NAMESPACE";

#[test]
fn a_file_on_a_file_system_that_is_read_only_for_a_while_is_said() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]);
        command
    };
    match unshare().arg("true").output() {
        Ok(output) if output.status.success() => {}
        why => return not_run("a file system that is read-only", &format!("{why:?}")),
    }
    let test = "memory::tests::refused::a_read_only_file_system_in_a_namespace";
    let mut inside = unshare();
    inside.arg(env::current_exe().expect("Linux")).args(["--exact", test, "--ignored", "--nocapture"]);
    let output = inside.env(NAMESPACE, "1").output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

#[test]
#[ignore = "the test before runs it in a namespace of its own"]
fn a_read_only_file_system_in_a_namespace() {
    assert!(env::var_os(NAMESPACE).is_some(), "it would mount where everybody sees it");
    let (unit, id) = Unit::ready(false);
    let directory = unit.file().parent().expect("the charm's").to_owned();
    let mount = |options: &[&str]| {
        let status = Command::new("mount").args(options).arg(&directory).status().expect("it starts");
        assert!(status.success(), "{options:?}");
    };
    let source = directory.to_str().expect("text");
    mount(&["--bind", source]);
    mount(&["-o", "remount,bind,ro"]);
    assert_refused(&unit, || unit.relation_hook("broken", id));
    unit.juju.remove_relation(id);
    assert_eq!(unit.status().0, None);
    mount(&["-o", "remount,bind,rw"]);
    unit.use_it(&unit.hook("start"), &[OtlpHttp]);
    fs::remove_file(unit.file()).expect("it can be removed again");
    mount(&["-o", "remount,bind,ro"]);
    let before = unit.juju.log().len();
    for hook in ["start", "update-status"] {
        unit.use_it(&unit.hook(hook), &[OtlpHttp]);
    }
    unit.use_it(&unit.relation_hook("broken", id), &[OtlpHttp]);
    assert_eq!(warnings(&unit, before), [""; 0], "there is no file");
    assert!(Command::new("umount").arg(&directory).status().expect("it starts").success());
}

/// Says on standard error, however the tests are run, that something was not.
fn not_run(what: &str, why: &str) {
    writeln!(io::stderr(), "NOT RUN: {what}: {why}").expect("it is open");
}
