//! The place of the directory of traces, and the files in it, are not as the charm has left them.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use charm_testing::Juju;
use charm_testing::collector::{Answer, Reply};
use charm_testing::queue;
use rustix::fs::{CWD, FileType, FlockOperation, Mode, fcntl_lock, mknodat};

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::{Trial, session_charm_by};

/// The contents of the Python library's own buffer: protobuf, and a text between two records.
const PYTHONS_BUFFER: &[u8] =
    b"\n\x08\n\x06\n\x04test__CHARM_TRACING_BUFFER_SPAN_SEP__\n\x08\n\x06\n\x04test";

const DAMAGED: [&str; 2] =
    ["exit code 0, garbage is posted as if it were a trace", "every hook fails until the file is removed"];

#[test]
fn whatever_is_in_the_place_of_the_buffer() {
    assert_documented(
        "The place of the buffer",
        &[
            offline("an empty directory", |trial| fs::create_dir(&trial.buffer).unwrap()),
            offline("a symbolic link to a directory", |trial| {
                fs::create_dir(trial.path("target")).unwrap();
                symlink("target", &trial.buffer).unwrap();
            })
            .loses(2)
            .mended(|trial| {
                assert_eq!(fs::read_dir(trial.path("target")).unwrap().count(), 0);
                fs::remove_file(&trial.buffer).unwrap();
            }),
            offline("a symbolic link, and the backend is healthy", |trial| {
                trial.knows_backend = true;
                symlink("nowhere", &trial.buffer).unwrap();
            })
            .mended(|trial| fs::remove_file(&trial.buffer).unwrap()),
            offline("a pipe that nobody reads", |trial| {
                mknodat(CWD, &trial.buffer, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            })
            .loses(2)
            .mended(|trial| fs::remove_file(&trial.buffer).unwrap()),
            offline("a socket", |trial| drop(UnixListener::bind(&trial.buffer).unwrap()))
                .loses(2)
                .mended(|trial| fs::remove_file(&trial.buffer).unwrap()),
            offline("nothing, and the directories above it are missing", |trial| {
                trial.keep_in(trial.path("not/there/yet/buffer"));
            }),
            offline("nothing, and the directory above it is a file", |trial| {
                trial.keep_in(trial.path("metadata.yaml/buffer"));
            })
            .loses(2)
            .mended(|trial| trial.keep_in(trial.path(".charm_tracing_buffer"))),
            offline("an empty file", |trial| in_its_place(trial, b"")),
            offline("a text", |trial| in_its_place(trial, "{\"json\": true}\n".repeat(100).as_bytes())),
            offline("5000 random bytes", |trial| in_its_place(trial, &noise(5000)))
                .peers(DAMAGED[0], DAMAGED[1]),
            offline("the Python library's buffer, in which no trace is", |trial| {
                in_its_place(trial, PYTHONS_BUFFER);
            }),
            offline("a directory that others can enter and write to", |trial| {
                fs::create_dir(&trial.buffer).unwrap();
                fs::set_permissions(&trial.buffer, Permissions::from_mode(0o777)).unwrap();
            })
            .mended(|trial| {
                let mode = fs::metadata(&trial.buffer).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o700);
            }),
            offline("no file may grow beyond 512 bytes (`ulimit -f`)", |_| {}).of(|| limited(1)).loses(2),
            offline("no file may grow beyond 2 KiB (`ulimit -f`)", |_| {}).of(|| limited(4)),
            Fault::new(
                "no file may grow beyond 512 bytes (`ulimit -f`), and the backend is healthy",
                |trial| {
                    trial.hooks(2);
                },
            )
            .of(|| session_charm_by("ulimit -f 1\nexec \"$CHARM\"")),
            locked("another process sends, and the backend is healthy", |trial| trial.buffer.join("sending")),
            locked("another process sends", |trial| trial.buffer.join("sending")).offline(),
            locked("another process has the unit's lock, and the backend is healthy", |trial| {
                trial.path(".charm_tracing_lock")
            }),
            locked("another process has the unit's lock", |trial| trial.path(".charm_tracing_lock"))
                .offline(),
        ],
    );
}

#[test]
fn whatever_happens_to_the_buffer() {
    assert_documented(
        "Damage to the buffer",
        &[
            damaged("the directory is removed", |trial| fs::remove_dir_all(&trial.buffer).unwrap()).loses(3),
            damaged("one trace is removed", |trial| fs::remove_file(second(trial)).unwrap()).loses(1),
            damaged("one trace is empty", |trial| drop(File::create(second(trial)).unwrap())).loses(1),
            damaged("one trace is cut off in its middle", |trial| {
                change(&second(trial), |bytes| bytes.truncate(bytes.len() / 2));
            })
            .loses(1),
            damaged("one trace lacks its last byte", |trial| {
                change(&second(trial), |bytes| bytes.truncate(bytes.len() - 1));
            })
            .loses(1),
            damaged("one bit of a trace is wrong", |trial| {
                change(&second(trial), |bytes| bytes[100] ^= 1);
            })
            .loses(1)
            .peers(DAMAGED[0], DAMAGED[1]),
            damaged("one trace is a block of zeros", |trial| change(&second(trial), |bytes| bytes.fill(0)))
                .loses(1)
                .peers(DAMAGED[0], DAMAGED[1]),
            damaged("random bytes are added to a trace", |trial| {
                change(&second(trial), |bytes| bytes.extend(noise(3000)));
            })
            .loses(1),
            damaged("all traces are random bytes", |trial| {
                for trace in queue::traces(&trial.buffer) {
                    change(&trace.path, |bytes| *bytes = noise(5000));
                }
            })
            .loses(3),
            damaged("one trace has another name", |trial| {
                fs::rename(second(trial), trial.buffer.join("second.otlp")).unwrap();
            })
            .loses(1)
            .mended(|trial| assert!(trial.buffer.join("second.otlp").exists())),
            damaged("`state` is random bytes", |trial| {
                fs::write(trial.buffer.join("state"), noise(5000)).unwrap();
            }),
            damaged("`state` and `sending` are directories", |trial| {
                for name in ["state", "sending"] {
                    _ = fs::remove_file(trial.buffer.join(name));
                    fs::create_dir(trial.buffer.join(name)).unwrap();
                }
            })
            .mended(|trial| {
                for name in ["state", "sending"] {
                    fs::remove_dir(trial.buffer.join(name)).unwrap();
                }
            }),
            damaged("files of others are in the directory", |trial| {
                for name in ["notes", "0001795918619123.otlp", "app-1-0.journal"] {
                    fs::write(trial.buffer.join(name), noise(5000)).unwrap();
                }
            })
            .mended(|trial| {
                for name in ["notes", "0001795918619123.otlp", "app-1-0.journal"] {
                    assert_eq!(fs::read(trial.buffer.join(name)).unwrap(), noise(5000));
                    fs::remove_file(trial.buffer.join(name)).unwrap();
                }
            }),
            damaged("a process died an hour ago while it wrote a trace", |trial| {
                let part = File::create(trial.buffer.join("0123456789abcdef.part")).unwrap();
                part.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
            })
            .mended(|trial| assert!(!trial.buffer.join("0123456789abcdef.part").exists())),
            damaged("the clock was ahead by a year until now", |trial| {
                let ahead = |stamp| stamp + 365 * 24 * 3600 * 1000;
                set_stamps(trial, ahead);
            }),
            damaged("the clock was at 1970 until now", |trial| {
                let first = stamp(&queue::traces(&trial.buffer)[0].path);
                set_stamps(trial, |stamp| stamp - first);
            }),
            Fault::new("the clock is set back by a day, and a pause lies in the future", |trial| {
                trial.backend.answer(Answer::from(Reply::new(429).header("retry-after", "3600")));
                trial.hooks(1);
                trial.backend.answer(Answer::Accept);
                let state = fs::read_to_string(trial.buffer.join("state")).unwrap();
                let pause = state.lines().find(|line| line.starts_with("not_before ")).unwrap();
                let tomorrow = pause["not_before ".len()..].parse::<u64>().unwrap() + 24 * 3600 * 1000;
                let state = state.replace(pause, &format!("not_before {tomorrow}"));
                fs::write(trial.buffer.join("state"), state).unwrap();
                trial.hooks(1);
            }),
        ],
    );
}

/// Two hooks of a charm that knows of no backend find this in the place of the directory.
fn offline(name: &'static str, place: impl Fn(&mut Trial) + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |trial| {
        fs::remove_dir_all(&trial.buffer).unwrap();
        place(trial);
        trial.hooks(2);
    })
    .offline()
}

/// Puts a file in the place of the directory.
fn in_its_place(trial: &Trial, content: &[u8]) {
    fs::write(&trial.buffer, content).unwrap();
}

/// Two hooks find this file locked by another process, which is this one.
fn locked(name: &'static str, file: impl Fn(&Trial) -> PathBuf + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |trial| {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(file(trial)).unwrap();
        fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        trial.hooks(2);
    })
}

/// Three traces wait when this happens; then there is a hook of a charm that knows of no backend.
fn damaged(name: &'static str, damage: impl Fn(&mut Trial) + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |trial| {
        trial.buffered(3);
        damage(trial);
        trial.hooks(1);
    })
    .offline()
}

/// The second of the traces that wait.
fn second(trial: &Trial) -> PathBuf {
    queue::traces(&trial.buffer).swap_remove(1).path
}

fn change(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// Gives all traces the names that another clock would have given them.
fn set_stamps(trial: &Trial, clock: impl Fn(u64) -> u64) {
    for trace in queue::traces(&trial.buffer) {
        let name = trace.path.file_name().unwrap().to_str().unwrap();
        let renamed = format!("{:016}{}", clock(stamp(&trace.path)), &name[16..]);
        fs::rename(&trace.path, trial.buffer.join(renamed)).unwrap();
    }
}

/// The milliseconds in the name of a trace.
fn stamp(trace: &Path) -> u64 {
    trace.file_name().unwrap().to_str().unwrap()[..16].parse().unwrap()
}

/// A charm whose files may have this many blocks of 512 bytes while it knows of no backend.
fn limited(blocks: u32) -> Juju {
    session_charm_by(&format!("test -n \"$TRACE_ENDPOINT\" || ulimit -f {blocks}\nexec \"$CHARM\""))
}

fn noise(length: u64) -> Vec<u8> {
    let state = |at: u64| {
        at.wrapping_mul(6_364_136_223_846_793_005).rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    };
    (1..=length).map(|at| state(at).to_be_bytes()[0]).collect()
}
