//! The queue on a real file system.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::recorder::JournalFile as _;

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn queue_in(directory: &tempfile::TempDir) -> (PathBuf, Queue) {
    let path = directory.path().join("deep/queue");
    (path.clone(), Queue::new(path, 50, 1 << 20))
}

#[test]
fn nobody_else_has_access_to_the_directory_and_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let (path, queue) = queue_in(&directory);
    assert!(!queue.prepare(Missing::Own).unwrap());
    assert!(!path.parent().unwrap().exists());
    assert!(queue.prepare(Missing::All).unwrap());
    let name = store(&queue, "one");
    queue
        .set_state(&State { losses: Losses { lost_traces: 1, ..Losses::default() }, ..State::default() })
        .unwrap();
    let _turn = queue.lock_sending().unwrap();
    let mut journal = queue.journal(queue.lock_unit(directory.path()).unwrap(), "app/0", 0);
    journal.append(b"a").unwrap();
    journal.append(b"b").unwrap();
    let mut found: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let names: Vec<_> = found.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, [&*name.to_string(), "app-0.journal", "sending", "state"]);
    assert_eq!(fs::read(&found[1]).unwrap(), b"ab");
    assert!(found.iter().all(|file| mode(file) == 0o600) && mode(&path) == 0o700);

    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    assert!(queue.prepare(Missing::Own).unwrap());
    assert_eq!((mode(&path), texts(&queue)), (0o700, vec!["one".to_owned()]));
}

#[test]
fn symbolic_links_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (path, queue) = queue_in(&directory);
    let target = directory.path().join("target");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::create_dir(&target).unwrap();
    symlink(&target, &path).unwrap();
    assert!(matches!(queue.prepare(Missing::All), Err(QueueError::Refused { .. })));
    fs::remove_file(&path).unwrap();

    queue.prepare(Missing::All).unwrap();
    let name = store(&queue, "one").to_string();
    fs::rename(path.join(&name), target.join("file")).unwrap();
    for link in [&*name, "state", "sending"] {
        symlink(target.join("file"), path.join(link)).unwrap();
    }
    fs::create_dir(path.join(name.replacen('0', "1", 1))).unwrap();
    assert_eq!(texts(&queue), [""; 0]);
    assert!(queue.state().is_err() && queue.lock_sending().is_err());
    assert_eq!(fs::read(target.join("file")).unwrap(), b"one");
}

#[test]
fn file_in_its_place_is_moved_into_it() {
    let directory = tempfile::tempdir().unwrap();
    let (path, queue) = queue_in(&directory);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // Larger than any that is read.
    fs::File::create(&path).unwrap().set_len(65 << 20).unwrap();
    assert!(queue.prepare(Missing::Own).unwrap());
    store(&queue, "one");
    let names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.to_str().unwrap().starts_with("replaced-")), "{names:?}");
    assert_eq!(texts(&queue), ["one"]);
}

#[test]
fn those_who_store_at_once_all_do() {
    let directory = tempfile::tempdir().unwrap();
    let (path, queue) = queue_in(&directory);
    queue.prepare(Missing::All).unwrap();
    let store_all = |texts: &[String]| {
        std::thread::scope(|scope| {
            for text in texts {
                let queue = Queue::new(path.clone(), 50, 1 << 20);
                scope.spawn(move || {
                    queue.prepare(Missing::All).unwrap();
                    let trace_id = [text.parse().unwrap(); 16];
                    let new = NewTrace { trace_id, idle: false, request: text.as_bytes() };
                    store_new(&queue, &new, SystemTime::now(), false).unwrap();
                });
            }
        });
    };
    let all: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    store_all(&all);
    let mut stored = texts(&queue);
    stored.sort_by_key(|text| text.parse::<u8>().unwrap());
    assert_eq!(stored, all);
    store_all(&(100..150).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(texts(&queue).iter().all(|text| text.len() == 3));
    assert!((1..=50).contains(&texts(&queue).len()));
}
