//! The queue's directory is missing, or something else is in its place.

use super::python::{SEPARATOR, request, waiting};
use super::*;

#[test]
fn nothing_is_made_above_a_queue_that_may_make_only_its_own_directory() {
    let disk = Disk::new(7);
    let deep = || Queue::on(Arc::new(disk.clone()), "/charm/storage/deep/queue".into(), 9, 999);
    assert!(!deep().prepare(Missing::Own).unwrap());
    assert_eq!(disk.paths(), [""; 0]);
    assert!(deep().prepare(Missing::All).unwrap());
    assert_eq!(disk.paths(), ["/charm/storage", "/charm/storage/deep", "/charm/storage/deep/queue"]);
    assert!(unlimited(&disk).prepare(Missing::Own).unwrap());
    assert_eq!(disk.paths()[0], PATH);
}

#[test]
fn directory_that_others_can_enter_is_made_private() {
    let disk = disk_with_queue();
    disk.publish(PATH);
    assert!(unlimited(&disk).prepare(Missing::Own).unwrap());
    let fs: &dyn super::super::file_system::FileSystem = &disk;
    assert!(fs.look(Path::new(PATH)).unwrap().unwrap().private);
}

#[test]
fn place_that_is_anothers_or_a_link_is_refused() {
    for kind in [Kind::Directory, Kind::File, Kind::Other] {
        let disk = Disk::new(7);
        disk.put(PATH, kind, b"");
        if kind != Kind::Other {
            disk.disown(PATH);
        }
        let error = unlimited(&disk).prepare(Missing::All).unwrap_err();
        assert!(matches!(error, QueueError::Refused { .. }), "{error}");
        assert_eq!(disk.paths(), [PATH]);
    }
}

#[test]
fn queue_is_elsewhere_after_the_root_has_changed() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    disk.change_root();
    assert!(matches!(queue.prepare(Missing::All), Err(QueueError::Elsewhere { .. })));
}

/// Returns files that may be in the directory's place, and the numbers of the traces in each.
fn files() -> [(Vec<u8>, Vec<u8>); 3] {
    let python = [1, 2, 3].map(request).join(SEPARATOR);
    [(python, vec![1, 2, 3]), (b"something else".to_vec(), vec![]), (Vec::new(), vec![])]
}

#[track_caller]
fn assert_replaced(disk: &Disk, file: &[u8], traces: &[u8]) {
    assert_eq!(waiting(disk), traces);
    let moved: Vec<_> = names(disk).into_iter().filter(|name| name.starts_with("replaced-")).collect();
    match &*moved {
        [] => assert!(!traces.is_empty(), "the file is gone"),
        [moved] => assert!(traces.is_empty() && disk.get(format!("{PATH}/{moved}")).unwrap() == file),
        _ => panic!("{moved:?}"),
    }
    assert_eq!(half_made(disk), 0);
}

#[test]
fn file_in_its_place_is_taken_over_or_moved_into_it_whenever_a_process_dies() {
    for (file, traces) in files() {
        let disk = Disk::new(7);
        disk.put_file(PATH, &file);
        disk.record_moments();
        assert!(unlimited(&disk).prepare(Missing::Own).unwrap());
        assert_replaced(&disk, &file, &traces);
        let moments = disk.take_moments();
        assert!(moments.len() > 2 + 3 * traces.len(), "{}", moments.len());
        for left in moments {
            assert!(unlimited(&left).prepare(Missing::Own).unwrap());
            left.age();
            assert_replaced(&left, &file, &traces);
        }
    }
}

#[test]
fn two_processes_that_take_the_file_over_at_once_lose_nothing() {
    for (file, traces) in files() {
        for calls in 0.. {
            let disk = Disk::new(7);
            disk.put_file(PATH, &file);
            let other = unlimited(&disk.process());
            disk.interrupt_after(calls, move || {
                other.prepare(Missing::Own).unwrap();
                store(&other, "other");
            });
            let opened = unlimited(&disk).prepare(Missing::Own);
            if disk.take_interruption() {
                break;
            }
            // The slower one of the two may fail.
            let opened = opened.or_else(|_| unlimited(&disk).prepare(Missing::Own));
            assert!(opened.unwrap(), "after {calls}");
            let other =
                unlimited(&disk).waiting().unwrap().into_iter().find(|name| name.trace_id()[0] == b'o');
            assert!(unlimited(&disk).remove(other.expect("the other's trace")).unwrap(), "after {calls}");
            assert_eq!(waiting(&disk), traces, "after {calls}");
        }
    }
}
