//! What is in the place of the buffer, and what has become of it.

use std::fs::{self, File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};

use flate2::Crc;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tests::juju::Deployment;

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::{Trial, length, session_charm_by};
use crate::waits::LOCK;

/// The parts of a buffer file, as its module says.
const HEADER: u64 = 256;
const VERSION: u64 = 16;
const IDENTITY: Range<u64> = 0..20;
const PAUSE: u64 = 104;
const HINT: Range<u64> = 24..252;

/// What the Python library leaves in its own buffer: protobuf, and a text between two records.
const PYTHONS_BUFFER: &[u8] =
    b"\n\x08\n\x06\n\x04test__CHARM_TRACING_BUFFER_SPAN_SEP__\n\x08\n\x06\n\x04test";

const DAMAGED: [&str; 2] =
    ["exit code 0, garbage is posted as if it were a trace", "every hook fails until the file is removed"];

#[test]
fn whatever_is_in_the_place_of_the_buffer() {
    assert_documented(
        "The place of the buffer",
        &[
            offline("a directory", |trial| fs::create_dir(&trial.buffer).unwrap()).loses(2).mended(|trial| {
                fs::remove_dir(&trial.buffer).unwrap();
            }),
            Fault::new("a directory, and the backend is healthy", |trial| {
                fs::remove_file(&trial.buffer).unwrap();
                fs::create_dir(&trial.buffer).unwrap();
                trial.hooks(2);
            }),
            offline("a symbolic link", |trial| {
                let target = trial.file("target", "precious");
                symlink(target, &trial.buffer).unwrap();
            })
            .loses(2)
            .mended(|trial| {
                assert_eq!(fs::read(trial.path("target")).unwrap(), b"precious");
                fs::remove_file(&trial.buffer).unwrap();
            }),
            offline("a pipe that nobody reads", |trial| {
                mknodat(CWD, &trial.buffer, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            })
            .loses(2)
            .mended(|trial| fs::remove_file(&trial.buffer).unwrap()),
            offline("a device", |trial| trial.keep_in("/dev/null".into())).loses(2).mended(|trial| {
                trial.keep_in(trial.path(".charm_tracing_buffer"));
            }),
            offline("directories that are missing", |trial| {
                trial.keep_in(trial.path("not/there/yet/buffer"));
            }),
            offline("a directory that is a file", |trial| trial.keep_in(trial.path("metadata.yaml/buffer")))
                .loses(2)
                .mended(|trial| trial.keep_in(trial.path(".charm_tracing_buffer"))),
            offline("an empty file", |trial| drop(trial.file(".charm_tracing_buffer", ""))),
            offline("a text", |trial| {
                drop(trial.file(".charm_tracing_buffer", "{\"json\": true}\n".repeat(100)));
            }),
            offline("5000 random bytes", |trial| drop(trial.file(".charm_tracing_buffer", noise(5000))))
                .peers(DAMAGED[0], DAMAGED[1]),
            offline("the Python library's buffer", |trial| {
                drop(trial.file(".charm_tracing_buffer", PYTHONS_BUFFER));
            }),
            offline("a file that others can read", |trial| {
                fs::write(&trial.buffer, "").unwrap();
                fs::set_permissions(&trial.buffer, fs::Permissions::from_mode(0o666)).unwrap();
            })
            .mended(|trial| {
                let mode = fs::metadata(&trial.buffer).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }),
            offline("a file that may not grow beyond 1 KiB (`ulimit -f`)", |_| {}).of(|| limited(1)).loses(2),
            offline("a file that may not grow beyond 2 KiB (`ulimit -f`)", |_| {}).of(|| limited(2)),
            Fault::new(
                "a file that may not grow beyond 1 KiB (`ulimit -f`), and the backend is healthy",
                |trial| trial.hooks(2),
            )
            .of(|| session_charm_by("ulimit -f 2\nexec \"$CHARM\"")),
            locked("a file that another process has locked, and the backend is healthy"),
            locked("a file that another process has locked").offline().loses(1),
        ],
    );
}

#[test]
fn whatever_happens_to_the_buffer() {
    assert_documented(
        "Damage to the buffer",
        &[
            damaged("the buffer is removed", |trial| fs::remove_file(&trial.buffer).unwrap()).loses(3),
            damaged("the buffer is emptied", |trial| drop(file(trial).set_len(0))).loses(3),
            damaged("the first half of the header is all that is left", |trial| {
                file(trial).set_len(HEADER / 2).unwrap();
            })
            .loses(3),
            damaged("the header is all that is left", |trial| file(trial).set_len(HEADER).unwrap()).loses(3),
            damaged("the last trace is cut off in its middle", |trial| cut(trial, trace(trial) / 2)).loses(1),
            damaged("the last trace lacks one byte", |trial| cut(trial, 1)).loses(1),
            damaged("the last trace and half of the one before are cut off", |trial| {
                cut(trial, trace(trial) * 3 / 2);
            })
            .loses(2),
            damaged("the header is all zeros", |trial| write(trial, 0, &[0; 256]))
                .peers(DAMAGED[0], DAMAGED[1]),
            damaged("the header's counts and cursors are random", |trial| {
                write(trial, HINT.start, &noise(228));
            }),
            damaged("one bit of a trace is wrong", |trial| {
                let at = HEADER + trace(trial) / 2;
                let mut byte = [0];
                file(trial).read_exact_at(&mut byte, at).unwrap();
                write(trial, at, &[byte[0] ^ 1]);
            })
            .loses(1)
            .peers(DAMAGED[0], DAMAGED[1]),
            damaged("a block of zeros is where the second trace was", |trial| {
                let length = usize::try_from(trace(trial)).unwrap();
                write(trial, HEADER + trace(trial), &vec![0; length]);
            })
            .loses(1),
            damaged("all of the traces are random bytes", |trial| {
                write(trial, HEADER, &noise(length(&trial.buffer) - HEADER));
            })
            .loses(3),
            damaged("random bytes are added to it", |trial| {
                write(trial, length(&trial.buffer), &noise(3000));
            }),
            damaged("version 1 has written it", make_version_1),
            damaged("a version before the first has written it", |trial| set_version(trial, 0))
                .loses(3)
                .mended(|trial| {
                    assert!(fs::exists(trial.path(".charm_tracing_buffer.v0")).unwrap());
                }),
            damaged("a newer version has written it", |trial| set_version(trial, 999)).loses(3).mended(
                |trial| {
                    assert!(fs::exists(trial.path(".charm_tracing_buffer.v999")).unwrap());
                },
            ),
            damaged("the clock is set back by a day, and a pause lies in the future", |trial| {
                let tomorrow = now() + 24 * 3600 * 1000;
                write(trial, PAUSE, &tomorrow.to_le_bytes());
                reseal(trial, HINT);
            }),
        ],
    );
}

/// Two hooks of a charm that knows of no backend find this in the place of the buffer.
fn offline(name: &'static str, place: impl Fn(&mut Trial) + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |trial| {
        _ = fs::remove_file(&trial.buffer);
        place(trial);
        trial.hooks(2);
    })
    .offline()
}

/// Two hooks find it locked.
fn locked(name: &'static str) -> Fault {
    Fault::new(name, move |trial| {
        let file = file(trial);
        file.lock().unwrap();
        trial.hooks(2);
    })
    .waits(&[LOCK])
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

/// A charm whose files may have this many KiB while it knows of no backend.
fn limited(kib: u32) -> Deployment {
    // The shell counts in blocks of 512 bytes.
    session_charm_by(&format!("test -n \"$TRACE_ENDPOINT\" || ulimit -f {}\nexec \"$CHARM\"", kib * 2))
}

fn file(trial: &Trial) -> File {
    OpenOptions::new().read(true).write(true).open(&trial.buffer).unwrap()
}

fn write(trial: &Trial, at: u64, bytes: &[u8]) {
    file(trial).write_all_at(bytes, at).unwrap();
}

fn cut(trial: &Trial, bytes: u64) {
    file(trial).set_len(length(&trial.buffer) - bytes).unwrap();
}

/// How much of the file one of the three traces takes. They differ in nothing that has a length.
fn trace(trial: &Trial) -> u64 {
    (length(&trial.buffer) - HEADER) / 3
}

fn set_version(trial: &Trial, version: u16) {
    write(trial, VERSION, &version.to_le_bytes());
    reseal(trial, IDENTITY);
}

/// Makes the file what version 1 would have written: a header of 128 bytes, and the same records behind it.
fn make_version_1(trial: &mut Trial) {
    let mut bytes = fs::read(&trial.buffer).unwrap();
    bytes.drain(128..usize::try_from(HEADER).unwrap());
    bytes[112..128].fill(0);
    for cursor in [24..32, 32..40, 40..48] {
        let place = u64::from_le_bytes(bytes[cursor.clone()].try_into().unwrap());
        bytes[cursor].copy_from_slice(&(place - 128).to_le_bytes());
    }
    bytes[18..20].copy_from_slice(&128_u16.to_le_bytes());
    fs::write(&trial.buffer, bytes).unwrap();
    set_version(trial, 1);
    reseal(trial, 24..124);
}

/// Writes the checksum of this stretch behind it.
fn reseal(trial: &Trial, stretch: Range<u64>) {
    let mut bytes = vec![0; usize::try_from(stretch.end - stretch.start).unwrap()];
    file(trial).read_exact_at(&mut bytes, stretch.start).unwrap();
    let mut crc = Crc::new();
    crc.update(&bytes);
    write(trial, stretch.end, &crc.sum().to_le_bytes());
}

fn noise(length: u64) -> Vec<u8> {
    let state = |at: u64| {
        at.wrapping_mul(6_364_136_223_846_793_005).rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    };
    (1..=length).map(|at| state(at).to_be_bytes()[0]).collect()
}

/// Milliseconds since 1970.
fn now() -> u64 {
    u64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}
