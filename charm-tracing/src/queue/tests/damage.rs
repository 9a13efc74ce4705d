use rustix::io::Errno;

use super::super::disk::Fault;
use super::*;

#[test]
fn changed_bytes_cost_their_trace_which_is_counted() {
    for damage in [&b"oNe"[..], b"on", b"", b"one\0"] {
        let disk = disk_with_queue();
        let queue = unlimited(&disk);
        let [one, two] = ["one", "two"].map(|text| store(&queue, text));
        disk.put_file(format!("{PATH}/{one}"), damage);
        let mut damaged = 0;
        assert_eq!(queue.waiting().unwrap().len(), 2);
        for _ in 0..2 {
            assert_eq!(queue.read(one, &mut damaged).unwrap(), None);
        }
        assert_eq!(queue.read(two, &mut damaged).unwrap().unwrap(), b"two");
        assert_eq!((damaged, texts(&queue)), (1, vec!["two".to_owned()]));
    }
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let disk = disk_with_queue();
    let queue = limited(&disk, 1, 100);
    let name = store(&queue, "one").to_string();
    let [directory, link] = ["1", "2"].map(|digit| format!("{PATH}/{digit}{}", &name[1..]));
    disk.put(&directory, Kind::Directory, b"");
    disk.put(&link, Kind::Other, b"");
    for foreign in ["README", "1.otlp", "replaced-1", "app-0.journal"] {
        disk.put_file(format!("{PATH}/{foreign}"), &[b'?'; 1000]);
    }
    disk.age();
    let before = names(&disk).len();
    let two = store_at(&queue, "two", false, now()).unwrap();
    assert_eq!(two.dropped.names.len(), 1);
    assert_eq!(texts(&queue), ["two"]);
    assert_eq!(names(&disk).len(), before);
    assert!(disk.paths().contains(&directory) && disk.paths().contains(&link));
}

#[test]
fn half_written_files_are_removed_when_they_are_old() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    disk.fail_after(2, Fault::Torn(Errno::IO));
    assert!(store_at(&queue, "half", false, now()).is_err());
    assert_eq!(texts(&queue), [""; 0]);
    assert!(!disk.has_fault_to_come() && half_made(&disk) == 1);
    disk.age();
    assert_eq!(texts(&queue), [""; 0]);
    assert_eq!(half_made(&disk), 0);
}

#[test]
fn half_written_file_that_cannot_be_removed_is_left() {
    let disk = disk_with_queue();
    let queue = limited(&disk, 1, 1000);
    let part = format!("{PATH}/0123456789abcdef.part");
    disk.put_file(&part, b"half");
    disk.pin(&part);
    disk.age();
    for text in ["one", "two"] {
        assert_eq!(store_at(&queue, text, false, now()).unwrap().waiting.unwrap().len(), 1);
    }
    assert_eq!((texts(&queue), half_made(&disk)), (vec!["two".to_owned()], 1));
}

#[test]
fn rest_of_a_trace_takes_its_place() {
    let disk = disk_with_queue();
    let queue = unlimited(&disk);
    let [one, _] = ["one", "two"].map(|text| store(&queue, text));
    let rest = queue.replace(one, b"o").unwrap();
    assert_eq!(texts(&queue), ["o", "two"]);
    assert_eq!(queue.replace(rest, b"o").unwrap(), rest);
    assert_eq!(texts(&queue), ["o", "two"]);
}

#[test]
fn state_is_there_for_the_next_dispatch_until_there_is_none() {
    let disk = disk_with_queue();
    let losses = Losses { lost_traces: 3, ..Losses::default() };
    let state = State { losses, ..State::default() };
    assert_eq!(unlimited(&disk).state().unwrap(), State::default());
    unlimited(&disk).set_state(&state).unwrap();
    assert_eq!(unlimited(&disk.process()).state().unwrap(), state);
    unlimited(&disk).set_state(&State::default()).unwrap();
    assert_eq!(names(&disk), [""; 0]);
}
