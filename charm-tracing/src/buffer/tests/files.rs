use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::super::BufferError;
use super::super::header::{FIRST_RECORD, HEADER};
use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn mode_is_0600() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    assert_eq!(mode(fixture.path()), 0o600);
}

#[test]
fn access_of_others_is_taken_away() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    std::fs::set_permissions(fixture.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(drain(&fixture.reopened()), ["a"]);
    assert_eq!(mode(fixture.path()), 0o600);
}

#[test]
fn makes_parent_directories() {
    let directory = tempfile::tempdir().unwrap();
    let buffer = open(&directory.path().join("a/b/c"), 10, 1000);
    append(&buffer, "a");
    assert_eq!(drain(&buffer), ["a"]);
}

#[test]
fn refuses_symlink() {
    let fixture = Fixture::roomy();
    let target = fixture.directory.path().join("target");
    std::fs::write(&target, "precious").unwrap();
    symlink(&target, fixture.path()).unwrap();
    let error = fixture.buffer.append(&trace(Priority::Interesting, b"a"), now()).unwrap_err();
    assert!(matches!(error, BufferError::NotAFile { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(target).unwrap(), "precious");
}

#[test]
fn refuses_directory_and_pipe() {
    let fixture = Fixture::roomy();
    std::fs::create_dir(fixture.path()).unwrap();
    let error = fixture.buffer.oldest().unwrap_err();
    assert!(matches!(error, BufferError::NotAFile { .. }), "{error:?}");

    std::fs::remove_dir(fixture.path()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(fixture.path()).status();
    assert!(made.unwrap().success());
    let error = fixture.buffer.oldest().unwrap_err();
    assert!(matches!(error, BufferError::NotAFile { .. }), "{error:?}");
}

#[test]
fn foreign_file_is_set_aside() {
    for foreign in
        [&b"{\"json\": true}\n"[..], &[0xFF; 4096], &[0; 60], b"\x0a\x90\x01spans of another library"]
    {
        let fixture = Fixture::roomy();
        std::fs::write(fixture.path(), foreign).unwrap();
        append(&fixture.buffer, "a");
        assert_eq!(fixture.files(), ["buffer", "buffer.damaged"]);
        assert_eq!(std::fs::read(fixture.directory.path().join("buffer.damaged")).unwrap(), foreign);
        assert_eq!(drain(&fixture.reopened()), ["a"]);
    }
}

#[test]
fn file_of_a_later_version_is_kept() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    let mut later = std::fs::read(fixture.path()).unwrap();
    later[16] = 7;
    let crc = crc32fast::hash(&later[0..20]);
    later[20..24].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(fixture.path(), &later).unwrap();

    append(&fixture.buffer, "b");
    assert_eq!(std::fs::read(fixture.directory.path().join("buffer.v7")).unwrap(), later);
    assert_eq!(drain(&fixture.buffer), ["b"]);
}

/// A file of this version as it was once written stays readable, and this writer still writes the same bytes.
#[test]
fn version_2_is_read_and_written() {
    let written = include_bytes!("../fixtures/v2.buffer");
    let fixture = Fixture::roomy();
    append_as(&fixture.buffer, Priority::Boring, "gone");
    append_as(&fixture.buffer, Priority::Boring, "boring");
    append_as(&fixture.buffer, Priority::Interesting, "interesting");
    let gone = fixture.buffer.oldest().unwrap().unwrap();
    assert!(fixture.buffer.acknowledge(&gone).unwrap());
    let boring = fixture.buffer.oldest().unwrap().unwrap();
    assert!(fixture.buffer.set_progress(&boring, HALF).unwrap());
    assert_eq!(std::fs::read(fixture.path()).unwrap(), written, "the layout changed: it needs a new version");

    std::fs::write(fixture.path(), written).unwrap();
    assert_eq!(fixture.reopened().oldest().unwrap().unwrap().progress, HALF);
    assert_eq!(drain(&fixture.reopened()), ["boring", "interesting"]);
}

const HALF: Progress = Progress { done: 1, parts: 2 };

/// A file of version 1 as it was once written, whole or cut off anywhere, becomes one of this version.
#[test]
fn version_1_is_carried_over() {
    let written = include_bytes!("../fixtures/v1.buffer");
    for end in 0..=written.len() {
        let fixture = Fixture::roomy();
        std::fs::write(fixture.path(), &written[..end]).unwrap();
        append(&fixture.buffer, "new");
        // The records end at 188, 250 and 317; the first is dead.
        let expected: &[&str] = match end {
            317 => &["boring", "interesting", "new"],
            250.. => &["boring", "new"],
            _ => &["new"],
        };
        assert_eq!(drain(&fixture.reopened()), expected, "cut off at {end}");
        assert_eq!(std::fs::read(fixture.path()).unwrap()[16], 2);
        assert!(end < 24 || fixture.files() == ["buffer"], "{:?} at {end}", fixture.files());
    }
}

#[test]
fn progress_outlives_a_rewrite_and_ends_with_its_record() {
    let fixture = Fixture::new(2, 10 << 20);
    append(&fixture.buffer, "makes room");
    append(&fixture.buffer, "first");
    append(&fixture.buffer, "second");
    let first = fixture.buffer.oldest().unwrap().unwrap();
    assert_eq!(first.progress, Progress::default());
    assert!(fixture.buffer.set_progress(&first, HALF).unwrap());
    let inode = std::fs::metadata(fixture.path()).unwrap().ino();
    let mut bytes = std::fs::read(fixture.path()).unwrap();
    // Without a hint and its first record the file is scanned, and rewritten.
    bytes[HEADER - 1] ^= 1;
    bytes[HEADER] ^= 1;
    std::fs::write(fixture.path(), bytes).unwrap();
    let first = fixture.reopened().oldest().unwrap().unwrap();
    assert_eq!((text(&first).as_str(), first.progress), ("first", HALF));
    assert_ne!(std::fs::metadata(fixture.path()).unwrap().ino(), inode, "no rewrite happened");
    assert!(fixture.buffer.acknowledge(&first).unwrap());
    assert!(!fixture.buffer.set_progress(&first, HALF).unwrap());
    assert_eq!(fixture.buffer.oldest().unwrap().unwrap().progress, Progress::default());
}

#[test]
fn space_is_reclaimed_when_everything_is_delivered() {
    let fixture = Fixture::roomy();
    for number in 0..100 {
        append(&fixture.buffer, &number.to_string().repeat(500));
    }
    assert_eq!(drain(&fixture.buffer).len(), 100);
    assert_eq!(std::fs::metadata(fixture.path()).unwrap().len(), HEADER as u64);
}

#[test]
fn space_is_reclaimed_while_nothing_is_delivered() {
    let fixture = Fixture::new(10, 10 << 20);
    for number in 0..1000 {
        append(&fixture.buffer, &format!("{number:03000}"));
        let len = std::fs::metadata(fixture.path()).unwrap().len();
        assert!(len <= FIRST_RECORD + 10 * 3056 + 64 * 1024 + 3056, "{len} bytes after {number}");
    }
    let expected: Vec<_> = (990..1000).map(|number| format!("{number:03000}")).collect();
    assert_eq!(fixture.files(), ["buffer"]);
    assert_eq!(drain(&fixture.reopened()), expected);
}

#[test]
fn rewritten_file_still_belongs_to_whoever_had_it_open() {
    let fixture = Fixture::new(5, 10 << 20);
    let other = fixture.reopened();
    append(&fixture.buffer, "first");
    let first = other.oldest().unwrap().unwrap();
    let inode = std::fs::metadata(fixture.path()).unwrap().ino();
    for number in 0..100 {
        append(&fixture.buffer, &format!("{number:03000}"));
    }
    assert_ne!(std::fs::metadata(fixture.path()).unwrap().ino(), inode, "no rewrite happened");
    assert!(!other.acknowledge(&first).unwrap(), "it made room long ago");
    append(&other, "last");
    assert_eq!(drain(&fixture.buffer).last().unwrap(), "last");
}

#[test]
fn acknowledging_survives_a_rewrite() {
    let fixture = Fixture::new(100, 10 << 20);
    append_as(&fixture.buffer, Priority::Boring, &"x".repeat(100_000));
    append(&fixture.buffer, "kept");
    let boring = fixture.buffer.oldest().unwrap().unwrap();
    append(&fixture.buffer, "also kept");
    assert!(fixture.buffer.acknowledge(&boring).unwrap());
    let kept = fixture.buffer.oldest().unwrap().unwrap();
    let inode = std::fs::metadata(fixture.path()).unwrap().ino();
    append(&fixture.buffer, "third");
    assert_ne!(std::fs::metadata(fixture.path()).unwrap().ino(), inode, "no rewrite happened");
    assert!(fixture.buffer.acknowledge(&kept).unwrap());
    assert_eq!(drain(&fixture.reopened()), ["also kept", "third"]);
}

#[test]
fn file_that_is_removed_meanwhile_is_made_again() {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "a");
    std::fs::remove_file(fixture.path()).unwrap();
    append(&fixture.buffer, "b");
    assert_eq!(drain(&fixture.reopened()), ["b"]);
}
