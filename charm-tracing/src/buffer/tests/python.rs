//! The buffer of the Python library.

use std::os::unix::fs::symlink;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use rustix::io::Errno;

use super::super::disk::{Disk, Fault};
use super::super::import_python;
use super::super::python::requests;
use super::*;

const FILE: &str = "/.charm_tracing_buffer.raw";
const SEPARATOR: &[u8] = b"__CHARM_TRACING_BUFFER_SPAN_SEP__";

/// What the library writes of a dispatch. The second span is the root, which began first.
fn request(number: u8) -> Vec<u8> {
    let span = |span_id, start| Span {
        trace_id: vec![number; 16],
        span_id: vec![span_id; 8],
        name: format!("app/0: event {number}"),
        start_time_unix_nano: start,
        ..Span::default()
    };
    let spans = vec![span(2, u64::from(number) * 10 + 5), span(1, u64::from(number) * 10)];
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource = Some(Resource::default());
    let resource_spans = vec![ResourceSpans { resource, scope_spans, schema_url: String::new() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn joined(numbers: &[u8]) -> Vec<u8> {
    numbers.iter().map(|number| request(*number)).collect::<Vec<_>>().join(SEPARATOR)
}

fn disk_with(file: &[u8]) -> Disk {
    let disk = Disk::new(7);
    disk.put(Path::new(FILE), file);
    disk
}

fn buffer_on(disk: &Disk) -> Buffer {
    Buffer::with_file_system(config(Path::new("/"), 100, 10 << 20), Box::new(disk.clone()))
}

fn import_on(disk: &Disk) -> u32 {
    import_python(&buffer_on(disk), Path::new("/"), now())
}

/// The numbers of the requests that wait in our buffer, after a check that they are whole.
fn waiting_on(disk: &Disk) -> Vec<u8> {
    let buffer = buffer_on(disk);
    let mut numbers = Vec::new();
    while let Some(record) = buffer.oldest().unwrap() {
        let number = record.trace_id[0];
        assert_eq!(record.payload, request(number));
        assert_eq!(record.trace_id, [number; 16]);
        numbers.push(number);
        assert!(buffer.acknowledge(&record).unwrap());
    }
    numbers
}

#[test]
fn traces_are_taken_over_oldest_first_and_their_file_is_removed() {
    // As later versions write it, and as earlier ones do.
    for file in [joined(&[1, 2, 3]), [request(3), request(2), request(1)].concat()] {
        let disk = disk_with(&file);
        assert_eq!(import_on(&disk), 3);
        assert_eq!(disk.read(Path::new(FILE)), None);
        assert_eq!(import_on(&disk), 0);
        assert_eq!(waiting_on(&disk), [1, 2, 3]);
    }
}

#[test]
fn no_file_costs_one_operation() {
    let disk = Disk::new(7);
    assert_eq!(import_on(&disk), 0);
    assert_eq!(disk.operations(), 1);
}

#[test]
fn file_without_traces_is_removed() {
    for file in [&b""[..], SEPARATOR, b"no traces", &joined(&[0])] {
        let disk = disk_with(file);
        assert_eq!(import_on(&disk), 0);
        assert!(disk.names().is_empty());
    }
}

#[test]
fn death_at_any_moment_loses_nothing_and_at_most_one_is_there_twice() {
    let numbers: Vec<u8> = (1..=9).collect();
    let disk = disk_with(&joined(&numbers));
    disk.record_moments();
    assert_eq!(import_on(&disk), 9);
    let moments = disk.take_moments();
    assert!(moments.len() > 9 * 4);
    let mut twice = 0;
    for moment in moments.iter().map(Disk::survivors) {
        import_on(&moment);
        assert_eq!(moment.read(Path::new(FILE)), None);
        let mut found = waiting_on(&moment);
        let before = found.len();
        assert!(found.is_sorted());
        found.dedup();
        assert_eq!(found, numbers);
        assert!(before <= 10);
        twice += before - found.len();
    }
    assert!(twice > 0, "the moment between the two was not met");
}

#[test]
fn refused_change_loses_nothing() {
    let numbers: Vec<u8> = (1..=5).collect();
    for fault in [Fault::Refused(Errno::NOSPC), Fault::Refused(Errno::IO), Fault::Torn(Errno::NOSPC)] {
        let mut changes = 0;
        loop {
            let disk = disk_with(&joined(&numbers));
            disk.fail_after(changes, fault);
            import_on(&disk);
            if disk.has_fault_to_come() {
                break;
            }
            import_on(&disk);
            assert_eq!(import_on(&disk), 0, "{fault:?} after {changes}");
            let mut found = waiting_on(&disk);
            let before = found.len();
            found.dedup();
            assert_eq!(found, numbers, "{fault:?} after {changes}");
            assert!(before <= 6);
            changes += 1;
        }
        assert!(changes > 5 * 4, "{changes}");
    }
}

#[test]
fn what_a_full_disk_has_no_room_for_stays_where_it_is() {
    let disk = disk_with(&joined(&[1, 2, 3]));
    disk.set_capacity(joined(&[1, 2, 3]).len() + 600);
    let imported = import_on(&disk);
    assert!((1..3).contains(&imported), "{imported}");
    assert!(disk.read(Path::new(FILE)).is_some());
    disk.set_capacity(usize::MAX);
    assert_eq!(import_on(&disk), 3 - imported);
    assert_eq!(waiting_on(&disk), [1, 2, 3]);
}

#[test]
fn what_can_never_fit_is_passed_over() {
    let large = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            schema_url: "x".repeat(5000),
            ..ExportTraceServiceRequest::decode(&*request(2)).unwrap().resource_spans.remove(0)
        }],
    };
    let disk = disk_with(&[request(1), large.encode_to_vec(), request(3)].join(SEPARATOR));
    let small = Buffer::with_file_system(config(Path::new("/"), 10, 1000), Box::new(disk.clone()));
    assert_eq!(import_python(&small, Path::new("/"), now()), 2);
    assert_eq!(disk.read(Path::new(FILE)), None);
    assert_eq!(waiting_on(&disk), [1, 3]);
}

#[test]
fn file_of_another_user_is_left_alone() {
    let disk = disk_with(&joined(&[1]));
    disk.disown(Path::new(FILE));
    assert_eq!(import_on(&disk), 0);
    assert_eq!(disk.read(Path::new(FILE)), Some(joined(&[1])));
}

#[test]
fn file_that_another_dispatch_takes_over_is_left_to_it() {
    use super::super::fs::FileSystem as _;

    let disk = disk_with(&joined(&[1]));
    let other = disk.open_existing(Path::new(FILE)).unwrap().unwrap();
    assert!(other.try_lock().unwrap());
    assert_eq!(import_on(&disk), 0);
    assert_eq!(disk.read(Path::new(FILE)), Some(joined(&[1])));
    drop(other);
    assert_eq!(import_on(&disk), 1);
}

#[test]
fn what_is_no_file_is_left_alone() {
    let fixture = Fixture::roomy();
    let directory = fixture.directory.path();
    let path = directory.join(&FILE[1..]);
    let import = || import_python(&fixture.buffer, directory, now());

    let target = directory.join("target");
    std::fs::write(&target, joined(&[1])).unwrap();
    symlink(&target, &path).unwrap();
    assert_eq!(import(), 0);
    assert_eq!(std::fs::read(&target).unwrap(), joined(&[1]));
    std::fs::remove_file(&path).unwrap();

    std::fs::create_dir(&path).unwrap();
    assert_eq!(import(), 0);
    std::fs::remove_dir(&path).unwrap();

    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    assert_eq!(import(), 0);
    std::fs::remove_file(&path).unwrap();

    std::fs::rename(&target, &path).unwrap();
    assert_eq!(import(), 1);
    assert_eq!(fixture.files(), ["buffer"]);
}

/// The traces that are found, in the order of the file.
fn found(file: &[u8]) -> Vec<u8> {
    requests(file).map(|request| request.trace_id[0]).collect()
}

proptest! {
    #[test]
    fn arbitrary_bytes_yield_only_what_is_there(file in vec(any::<u8>(), 0..300)) {
        let mut end = 0;
        for request in requests(&file) {
            prop_assert!(request.offset >= end);
            end = request.offset + request.bytes.len();
            prop_assert_eq!(&file[request.offset..end], request.bytes);
        }
    }

    #[test]
    fn every_request_is_found_whatever_else_is_in_the_file(
        // With or without a separator in front, or garbage between separators.
        parts in vec((1_u8..=255, 0..3), 0..12), garbage in vec(vec(any::<u8>(), 0..40), 12),
    ) {
        let mut file = Vec::new();
        let mut numbers = Vec::new();
        for ((number, kind), garbage) in parts.into_iter().zip(garbage) {
            if kind > 0 {
                file.extend_from_slice(SEPARATOR);
            }
            if kind == 2 {
                // A request that is cut off: most of the file after a disk was full.
                file.extend_from_slice(&request(number)[..garbage.len()]);
                file.extend_from_slice(SEPARATOR);
                file.extend_from_slice(&garbage);
                file.extend_from_slice(SEPARATOR);
            }
            file.extend_from_slice(&request(number));
            numbers.push(number);
        }
        prop_assert_eq!(found(&file), numbers);
    }

    #[test]
    fn cut_off_file_has_its_whole_requests(separated: bool, cut in 0.0_f64..1.0) {
        let separator = if separated { SEPARATOR } else { b"" };
        let all: Vec<_> = (1..=6).map(request).collect();
        let file = all.join(separator);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part")]
        let len = (file.len() as f64 * cut) as usize;
        let ends = (1..=6).map(|number| all[..number].join(separator).len());
        let whole = u8::try_from(ends.filter(|end| *end <= len).count()).unwrap();
        prop_assert_eq!(found(&file[..len]), (1..=whole).collect::<Vec<_>>());
    }

    #[test]
    fn flipped_bits_cost_only_the_requests_that_they_hit(flips in vec((any::<prop::sample::Index>(), 0..8), 1..4)) {
        let all: Vec<_> = (1..=6).map(request).collect();
        let mut file = all.join(SEPARATOR);
        let step = all[0].len() + SEPARATOR.len();
        let mut intact = [true; 7];
        for (at, bit) in flips {
            let at = at.index(file.len());
            file[at] ^= 1_u8 << bit;
            // A separator that is hit joins two.
            intact[at / step] = false;
            intact[at / step + 1] &= at % step < all[0].len();
        }
        let found: Vec<_> = requests(&file).map(|request| request.bytes).collect();
        for (number, intact) in (0..6).zip(intact) {
            prop_assert!(!intact || found.contains(&&*all[number]), "{number}");
        }
    }
}
