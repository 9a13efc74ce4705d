//! The buffer of the Python library.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use rustix::io::Errno;

use super::super::disk::Fault;
use super::super::python::requests;
use super::*;

const FILE: &str = "/charm/.charm_tracing_buffer.raw";
pub(super) const SEPARATOR: &[u8] = b"__CHARM_TRACING_BUFFER_SPAN_SEP__";

/// Encodes a dispatch as the library does. The second span is the root, which began first.
pub(super) fn request(number: u8) -> Vec<u8> {
    let span = |span_id, start: u64| Span {
        trace_id: vec![number; 16],
        span_id: vec![span_id; 8],
        name: format!("app/0: event {number}"),
        start_time_unix_nano: start * 1_000_000,
        ..Span::default()
    };
    let spans = vec![span(2, u64::from(number) * 10 + 5), span(1, u64::from(number) * 10)];
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource = Some(Resource::default());
    let resource_spans = vec![ResourceSpans { resource, scope_spans, schema_url: String::new() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// Reads the numbers of the requests that wait, and checks that those are whole.
#[track_caller]
pub(super) fn waiting(disk: &Disk) -> Vec<u8> {
    let queue = unlimited(disk);
    let whole = |name: TraceName| {
        let number = name.trace_id()[0];
        assert_eq!(queue.read(name, &mut 0).unwrap().unwrap(), request(number));
        assert_eq!(name.stamp(), u64::from(number) * 10);
        number
    };
    queue.waiting().unwrap().into_iter().map(whole).collect()
}

fn disk_with(file: &[u8]) -> Disk {
    let disk = disk_with_queue();
    disk.put_file(FILE, file);
    disk
}

fn import(disk: &Disk) -> Result<(), QueueError> {
    unlimited(disk).import_python(Path::new("/charm"))
}

#[test]
fn traces_are_taken_over_oldest_first_and_their_file_is_removed() {
    // As later versions write it, and as earlier ones do.
    for file in [[1, 2, 3].map(request).join(SEPARATOR), [3, 2, 1].map(request).concat()] {
        let disk = disk_with(&file);
        import(&disk).unwrap();
        assert_eq!((disk.get(FILE), waiting(&disk)), (None, vec![1, 2, 3]));
        import(&disk).unwrap();
        assert_eq!(waiting(&disk), [1, 2, 3]);
    }
}

#[test]
fn file_without_traces_or_of_another_user_is_left_alone() {
    for file in [&b""[..], SEPARATOR, b"no traces", &request(0)] {
        let disk = disk_with(file);
        import(&disk).unwrap();
        assert_eq!((disk.get(FILE).as_deref(), waiting(&disk)), (Some(file), vec![]));
    }
    let disk = disk_with(&request(1));
    disk.disown(FILE);
    import(&disk).unwrap();
    assert!(disk.get(FILE).is_some());
    for kind in [Kind::Directory, Kind::Other] {
        disk.put(FILE, kind, &request(1));
        import(&disk).unwrap();
    }
    assert_eq!(waiting(&disk), [0; 0]);
}

#[test]
fn neither_death_nor_a_refused_change_loses_or_doubles_a_trace() {
    let numbers: Vec<u8> = (1..=9).collect();
    let file = numbers.iter().map(|number| request(*number)).collect::<Vec<_>>().join(SEPARATOR);
    let disk = disk_with(&file);
    disk.record_moments();
    import(&disk).unwrap();
    let mut left = disk.take_moments();
    assert!(left.len() > 9 * 3);
    for fault in [Fault::Refused(Errno::NOSPC), Fault::Torn(Errno::IO)] {
        for changes in 0.. {
            let disk = disk_with(&file);
            disk.fail_after(changes, fault);
            let imported = import(&disk);
            if disk.has_fault_to_come() {
                break;
            }
            assert!(imported.is_err() && disk.get(FILE).is_some());
            left.push(disk);
        }
    }
    for disk in left {
        import(&disk).unwrap();
        assert_eq!((disk.get(FILE), waiting(&disk)), (None, numbers.clone()));
    }
}

#[test]
fn what_does_not_fit_on_a_full_disk_stays_where_it_is() {
    let file = [1, 2, 3].map(request).join(SEPARATOR);
    let disk = disk_with(&file);
    disk.set_capacity(file.len() + 200);
    assert!(import(&disk).unwrap_err().is_full());
    assert!(waiting(&disk).len() < 3 && disk.get(FILE) == Some(file));
    disk.set_capacity(usize::MAX);
    import(&disk).unwrap();
    assert_eq!((disk.get(FILE), waiting(&disk)), (None, vec![1, 2, 3]));
}

/// Lists the numbers of the traces that are found, in the order of the file.
fn found(file: &[u8]) -> Vec<u8> {
    requests(file).map(|request| request.trace_id[0]).collect()
}

proptest! {
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
    fn cut_off_file_has_its_whole_requests(separated: bool, cut in any::<prop::sample::Index>()) {
        let separator = if separated { SEPARATOR } else { b"" };
        let all: Vec<_> = (1..=6).map(request).collect();
        let file = all.join(separator);
        let len = cut.index(file.len() + 1);
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
