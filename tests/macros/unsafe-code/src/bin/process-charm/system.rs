//! The system calls that a charm may make behind the back of its libraries, without their safety.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd as _, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{io, ptr};

use libc::{c_int, pid_t};

use crate::LONGEST;

/// Runs this in a child, which ends with the returned code without any destructor, and with 101 after a panic.
#[expect(unsafe_code, reason = "so is forking")]
pub(crate) fn fork(run: impl FnOnce() -> i32) -> pid_t {
    match checked(unsafe { libc::fork() }).expect("can fork") {
        0 => {
            // Whoever is stuck ends with SIGALRM.
            unsafe { libc::alarm(u32::try_from(LONGEST.as_secs()).expect("small")) };
            end_now(catch_unwind(AssertUnwindSafe(run)).unwrap_or(101))
        }
        pid => pid,
    }
}

#[expect(unsafe_code, reason = "nothing is cleaned up")]
pub(crate) fn end_now(code: i32) -> ! {
    unsafe { libc::_exit(code) }
}

/// Forks; true in the child.
#[expect(unsafe_code, reason = "so is forking")]
pub(crate) fn is_child() -> (bool, pid_t) {
    let pid = checked(unsafe { libc::fork() }).expect("can fork");
    (pid == 0, pid)
}

/// Waits for a child: its number and exit code, which is 128 and the signal for one that was killed.
#[expect(unsafe_code, reason = "the number may be that of any child")]
pub(crate) fn wait(pid: pid_t, options: c_int) -> io::Result<(pid_t, i32)> {
    let mut status = 0;
    let ended = checked(unsafe { libc::waitpid(pid, &raw mut status, options) })?;
    let code = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) };
    Ok((ended, code))
}

/// Returns true if there is no child, neither running nor ended.
pub(crate) fn has_no_child() -> bool {
    wait(-1, libc::WNOHANG).is_err_and(|error| error.raw_os_error() == Some(libc::ECHILD))
}

/// Returns true if this process ignores that its children end, so that the system forgets them at once.
#[expect(unsafe_code, reason = "a signal is for the whole process")]
pub(crate) fn ignore_children(ignored: bool) {
    unsafe { libc::signal(libc::SIGCHLD, if ignored { libc::SIG_IGN } else { libc::SIG_DFL }) };
}

#[expect(unsafe_code, reason = "the number may be another process by now")]
pub(crate) fn exists(pid: pid_t) -> bool {
    unsafe { libc::kill(pid, 0) == 0 }
}

#[expect(unsafe_code, reason = "the number may be another process by now")]
pub(crate) fn kill(pid: pid_t) {
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

#[expect(unsafe_code, reason = "others own them")]
pub(crate) fn close_from(first: RawFd) {
    let (first, last) = (first.cast_unsigned(), libc::c_uint::MAX);
    checked(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).expect("Linux 5.9");
}

/// Makes `number` another name of a file.
#[expect(unsafe_code, reason = "another one owns the number")]
pub(crate) fn replace(number: RawFd, by: RawFd) {
    checked(unsafe { libc::dup2(by, number) }).expect("both are open");
}

#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn closes_on_exec(number: RawFd) -> io::Result<bool> {
    Ok(checked(unsafe { libc::fcntl(number, libc::F_GETFD) })? & libc::FD_CLOEXEC != 0)
}

#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn new_session() {
    checked(unsafe { libc::setsid() }).expect("not a leader");
}

/// Becomes another user; an error says that only root can.
#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn become_nobody() -> io::Result<()> {
    const NOBODY: u32 = 65534;
    checked(unsafe { libc::setgroups(0, ptr::null()) })?;
    checked(unsafe { libc::setgid(NOBODY) })?;
    checked(unsafe { libc::setuid(NOBODY) }).map(drop)
}

/// Moves to a root in which there is nothing; an error says that only root can.
#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn change_root() -> io::Result<()> {
    _ = std::fs::create_dir("empty");
    let path = CString::new("empty")?;
    checked(unsafe { libc::chroot(path.as_ptr()) })?;
    std::env::set_current_dir("/")
}

/// Moves to a network in which there is nothing; an error says that only root can.
pub(crate) fn leave_the_network() -> io::Result<()> {
    unshare(libc::CLONE_NEWNET)
}

#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn unshare(what: c_int) -> io::Result<()> {
    checked(unsafe { libc::unshare(what) }).map(drop)
}

/// Enters a mount namespace as its root; an error says that this user cannot.
pub(crate) fn enter_mount_namespace() -> io::Result<()> {
    let (user, group) = ids();
    unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// Enters this namespace.
#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn enter_namespace(namespace: &File) -> io::Result<()> {
    checked(unsafe { libc::setns(namespace.as_raw_fd(), 0) }).map(drop)
}

#[expect(unsafe_code, reason = "raw calls")]
fn ids() -> (u32, u32) {
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// Mounts a file system in memory, which is gone when it is unmounted.
#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn mount_storage(directory: &str) {
    let (kind, directory) = (c"tmpfs", CString::new(directory).expect("a path"));
    let result = unsafe { libc::mount(kind.as_ptr(), directory.as_ptr(), kind.as_ptr(), 0, ptr::null()) };
    checked(result).expect("a mount namespace of its own");
}

#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn unmount(directory: &str) -> io::Result<()> {
    let directory = CString::new(directory)?;
    checked(unsafe { libc::umount2(directory.as_ptr(), 0) }).map(drop)
}

#[expect(unsafe_code, reason = "it is one of the whole process")]
pub(crate) fn set_umask(mask: libc::mode_t) {
    unsafe { libc::umask(mask) };
}

/// The set of SIGTERM alone.
#[expect(unsafe_code, reason = "raw calls")]
fn sigterm() -> libc::sigset_t {
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        set
    }
}

/// Blocks SIGTERM in this thread, and in those that it starts.
#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn block_sigterm() {
    checked(unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &sigterm(), ptr::null_mut()) })
        .expect("a signal");
}

/// Sends SIGTERM to this process, any thread of which may get it.
#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn raise_sigterm() {
    checked(unsafe { libc::kill(libc::getpid(), libc::SIGTERM) }).expect("it is this process");
}

/// Takes SIGTERM, if it is pending or comes soon.
#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn wait_for_sigterm() -> bool {
    let time = libc::timespec { tv_sec: 10, tv_nsec: 0 };
    unsafe { libc::sigtimedwait(&sigterm(), ptr::null_mut(), &raw const time) == libc::SIGTERM }
}

/// Makes every lock of a file fail with this error from now on, as file systems do that have none.
#[expect(unsafe_code, reason = "raw calls")]
pub(crate) fn make_locks_fail(error: u32) {
    const OF_CALL: u32 = 0;
    // Of the second argument, where the lower half comes first.
    const OF_COMMAND: u32 = if cfg!(target_endian = "little") { 24 } else { 28 };
    let load = |at| operation(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at);
    let equals = |value, yes, no| operation(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, yes, no, value);
    let end = |how| operation(libc::BPF_RET | libc::BPF_K, 0, 0, how);
    let number = |call: libc::c_long| u32::try_from(call).expect("a call");
    let mut program = [
        load(OF_CALL),
        equals(number(libc::SYS_flock), 5, 0),
        equals(number(libc::SYS_fcntl), 0, 5),
        load(OF_COMMAND),
        equals(libc::F_SETLK.cast_unsigned(), 2, 0),
        equals(libc::F_SETLKW.cast_unsigned(), 1, 0),
        equals(libc::F_OFD_SETLK.cast_unsigned(), 0, 1),
        end(libc::SECCOMP_RET_ERRNO | error),
        end(libc::SECCOMP_RET_ALLOW),
    ];
    let length = u16::try_from(program.len()).expect("few");
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    checked(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).expect("Linux");
    let mode = libc::SECCOMP_MODE_FILTER;
    checked(unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) }).expect("seccomp");
}

fn operation(code: u32, yes: u8, no: u8, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).expect("a code"), jt: yes, jf: no, k: value }
}

#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn thread() -> pid_t {
    unsafe { libc::gettid() }
}

/// Interrupts a thread of this process by SIGUSR1.
#[expect(unsafe_code, reason = "the thread may have ended")]
pub(crate) fn interrupt(thread: pid_t) {
    let process = c_int::try_from(std::process::id()).expect("a process id");
    checked(unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) }).expect("it lives");
}

/// Makes this run in a thread that is [interrupted](interrupt).
#[expect(unsafe_code, reason = "the handler may only do what a handler may")]
pub(crate) fn hold_when_interrupted(hold: extern "C" fn(c_int)) {
    unsafe { libc::signal(libc::SIGUSR1, hold as *const () as libc::sighandler_t) };
}

/// Starts a process that has this number, leads a group of its own, and does nothing.
#[expect(unsafe_code, reason = "the child has none of this process's threads")]
pub(crate) fn start_with_number(number: pid_t) -> io::Result<pid_t> {
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    arguments.set_tid = (&raw const number).addr() as u64;
    arguments.set_tid_size = 1;
    let size = size_of::<libc::clone_args>();
    let pid = checked(unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size) })?;
    if pid == 0 {
        unsafe { libc::setpgid(0, 0) };
        loop {
            unsafe { libc::pause() };
        }
    }
    Ok(pid_t::try_from(pid).expect("a process id"))
}

#[expect(unsafe_code, reason = "a raw call")]
pub(crate) fn group_of(pid: pid_t) -> pid_t {
    unsafe { libc::getpgid(pid) }
}

fn checked<T: PartialOrd + From<i8>>(result: T) -> io::Result<T> {
    if result < T::from(0) { Err(io::Error::last_os_error()) } else { Ok(result) }
}
