//! What a killed dispatch leaves becomes one record, whenever it or those after it are killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::disk::{Chance, Disk};
use super::super::flight::{Chunk, FlightFile, path_of};
use super::super::fs::FileSystem as _;
use super::history::{OPERATIONS, seeds};
use super::{Buffer, BufferConfig, Duration, NewRecord, Priority, drain, now};

const PATH: &str = "/charm/buffer";
/// So many dispatches run at once at most.
const SLOTS: u32 = 4;

fn on(disk: &Disk) -> Buffer {
    let config = BufferConfig {
        path: PATH.into(),
        max_dispatches: 1000,
        max_bytes: 10 << 20,
        max_age: Duration::MAX,
        lock_wait: Duration::from_secs(20),
    };
    Buffer::with_file_system(config, Box::new(disk.clone()))
}

fn write(flight: &mut FlightFile, text: &str) {
    let mut chunk = Chunk::default();
    chunk.bytes().extend_from_slice(text.as_bytes());
    flight.write(&mut chunk).unwrap();
}

/// The first character tells the traces apart, or the first byte if they are no text.
fn record(payload: &[u8]) -> NewRecord<'_> {
    let first = std::str::from_utf8(payload).ok().and_then(|text| text.chars().next());
    let number = first.unwrap_or_else(|| payload[0].into());
    NewRecord { trace_id: trace_id(number), priority: Priority::Interesting, payload }
}

fn trace_id(number: char) -> [u8; 16] {
    u128::from(u32::from(number)).to_be_bytes()
}

fn append(buffer: &Buffer, text: &str) {
    buffer.append(&record(text.as_bytes()), now()).unwrap();
}

/// What there is in a flight is its trace here.
fn recover(buffer: &Buffer, flight: &mut FlightFile) -> bool {
    let left = flight.read().unwrap();
    let left = (!left.is_empty()).then(|| record(&left));
    buffer.recover(flight, left.as_ref(), now()).unwrap()
}

/// Begins a dispatch as sessions do.
fn take_off(buffer: &Buffer, number: char) -> FlightFile {
    let mut flight = buffer.open_flight().unwrap();
    if !flight.is_empty() {
        recover(buffer, &mut flight);
    }
    flight.begin(&trace_id(number)).unwrap();
    flight
}

/// What the next dispatch finds, all of which it takes out.
fn found(disk: &Disk) -> Vec<String> {
    let buffer = on(disk);
    let mut own = take_off(&buffer, '?');
    for mut flight in buffer.forsaken_flights().unwrap() {
        recover(&buffer, &mut flight);
    }
    own.clear().unwrap();
    drop(own);
    let found = drain(&buffer);
    assert!(buffer.forsaken_flights().unwrap().is_empty(), "none is found twice");
    assert_eq!(drain(&on(disk)), [""; 0]);
    for slot in 1..SLOTS {
        assert_eq!(disk.identity(&path_of(Path::new(PATH), slot)).unwrap(), None, "no file is left");
    }
    found
}

/// A flight of two chunks: its disk, its file, and where the first chunk ends.
fn two_chunks() -> (Disk, PathBuf, u64) {
    let disk = Disk::new(1);
    let path = path_of(Path::new(PATH), 0);
    let mut flight = take_off(&on(&disk), '7');
    write(&mut flight, "one ");
    let whole = disk.len(&path);
    write(&mut flight, "two");
    (disk, path, whole)
}

#[test]
fn chunks_are_read_as_far_as_they_are_whole() {
    let (disk, path, whole) = two_chunks();
    let end = disk.len(&path);
    for len in 0..=end {
        let disk = disk.survivors();
        disk.open(&path).unwrap().set_len(len).unwrap();
        let expected: &[&str] = match len {
            _ if len == end => &["one two"],
            _ if len >= whole => &["one "],
            _ => &[],
        };
        assert_eq!(found(&disk), expected, "cut off at {len}");
    }
}

#[test]
fn damage_costs_what_is_behind_it() {
    let (disk, path, whole) = two_chunks();
    let bytes = disk.read(&path).unwrap();
    for (at, byte) in bytes.iter().enumerate() {
        let disk = disk.survivors();
        let damaged = [byte ^ 0x20];
        disk.open(&path).unwrap().write_all_at(&damaged, at as u64).unwrap();
        let found = found(&disk);
        let expected = if at as u64 >= whole { "one " } else { "" };
        assert_eq!(found.concat(), expected, "byte {at}");
    }
}

/// Three dispatches, the first two of them together, of which the second never ends; killed at every moment.
#[test]
fn a_dispatch_that_is_killed_at_any_moment_is_found_once() {
    let disk = Disk::new(1);
    disk.record_moments();
    let (mut steps, mut deaths) = (0, 0);
    // What must be found, and what may be found instead of the last.
    let mut step = |what: &str, sure: &[&str], perhaps: &[&[&str]], run: &mut dyn FnMut()| {
        run();
        steps += 1;
        for moment in disk.take_moments() {
            deaths += 1;
            let found = found(&moment.survivors());
            assert!(found == sure || perhaps.iter().any(|perhaps| found == *perhaps), "{what}: {found:?}");
        }
    };
    let (first, second) = (on(&disk), on(&disk));
    let (mut flight, mut other) = (None, None);
    step("takes off", &[], &[], &mut || flight = Some(take_off(&first, '1')));
    step("writes", &[], &[&["1 a"]], &mut || write(flight.as_mut().unwrap(), "1 a"));
    step("another takes off", &["1 a"], &[], &mut || other = Some(take_off(&second, '2')));
    step("writes, too", &["1 a"], &[&["1 a", "2 a"]], &mut || write(other.as_mut().unwrap(), "2 a"));
    step("writes more", &["1 a", "2 a"], &[&["1 ab", "2 a"]], &mut || write(flight.as_mut().unwrap(), "b"));
    step("lands", &["1 ab", "2 a"], &[&["1 whole", "2 a"]], &mut || {
        first.land(flight.take().unwrap());
        append(&first, "1 whole");
    });
    // Its process ends.
    drop(first);
    drop(other.take());
    let third = on(&disk);
    step("a third takes off", &["1 whole", "2 a"], &[], &mut || flight = Some(take_off(&third, '3')));
    step("writes", &["1 whole", "2 a"], &[&["1 whole", "3 a", "2 a"]], &mut || {
        write(flight.as_mut().unwrap(), "3 a");
    });
    step("finds the second", &["1 whole", "3 a", "2 a"], &[&["1 whole", "2 a", "3 a"]], &mut || {
        for mut flight in third.forsaken_flights().unwrap() {
            assert!(recover(&third, &mut flight));
        }
    });
    step("ends", &["1 whole", "2 a", "3 a"], &[&["1 whole", "2 a", "3 whole"]], &mut || {
        third.land(flight.take().unwrap());
        append(&third, "3 whole");
    });
    assert!(steps == 10 && deaths > 40, "{deaths} deaths");
    assert_eq!(found(&disk.survivors()), ["1 whole", "2 a", "3 whole"]);
}

/// A dispatch that runs.
struct Dispatch {
    number: char,
    buffer: Buffer,
    flight: FlightFile,
}

/// Dispatches at random, up to four at once: some are killed, the others store their trace, and some of them look for what
/// others have left or deliver what waits. All are killed together at every moment of it.
#[test]
fn whoever_is_killed_in_a_random_course_of_dispatches_is_found_once() {
    for seed in seeds(5) {
        let (disk, mut chance) = (Disk::new(seed), Chance::of(seed));
        disk.record_moments();
        let mut running: Vec<Dispatch> = Vec::new();
        // What must be found, by the number of the dispatch; those that were delivered are never to be found again.
        let mut sure: BTreeMap<char, String> = BTreeMap::new();
        let (mut next, mut deaths) = ('\u{100}', 0);
        for _ in 0..OPERATIONS {
            let before = sure.clone();
            let choice = chance.below(12);
            if running.is_empty() || (choice < 2 && running.len() < SLOTS as usize) {
                let buffer = on(&disk);
                let flight = take_off(&buffer, next);
                running.push(Dispatch { number: next, buffer, flight });
                next = char::from_u32(u32::from(next) + 1).unwrap();
            } else {
                let who = chance.below(running.len());
                let Dispatch { number, buffer, flight } = &mut running[who];
                match choice {
                    0..=4 => {
                        let more = "ab".repeat(chance.below(40));
                        let text = sure.entry(*number).or_default();
                        // The number is in the first chunk only.
                        let chunk = if text.is_empty() { format!("{number}{more}") } else { more };
                        write(flight, &chunk);
                        text.push_str(&chunk);
                    }
                    5 | 6 => {
                        for mut left in buffer.forsaken_flights().unwrap() {
                            recover(buffer, &mut left);
                        }
                    }
                    7 => {
                        for _ in 0..6 {
                            let Some(record) = buffer.oldest().unwrap() else { break };
                            sure.remove(&number_of(&record.payload));
                            assert!(buffer.acknowledge(&record).unwrap());
                        }
                    }
                    8 | 9 => {
                        let Dispatch { number, buffer, flight } = running.remove(who);
                        let whole = format!("{number} whole");
                        buffer.land(flight);
                        append(&buffer, &whole);
                        sure.insert(number, whole);
                    }
                    _ => drop(running.remove(who)),
                }
            }
            // What is written stays as it is, so that a copy of the disk is small.
            disk.settle();
            for moment in disk.take_moments() {
                deaths += 1;
                let found = found(&moment.survivors());
                let texts: BTreeMap<_, _> =
                    found.iter().map(|text| (number_of(text.as_bytes()), text.clone())).collect();
                assert_eq!(texts.len(), found.len(), "one of them twice: {found:?}");
                for number in before.keys().chain(sure.keys()).chain(texts.keys()) {
                    let text = texts.get(number);
                    let expected = [before.get(number), sure.get(number)];
                    assert!(expected.contains(&text), "{seed}: {number:?} {text:?} {expected:?}");
                }
            }
        }
        assert!(deaths > OPERATIONS, "{deaths} deaths");
    }
}

/// The number of the dispatch whose trace this is.
fn number_of(text: &[u8]) -> char {
    std::str::from_utf8(text).unwrap().chars().next().unwrap()
}

#[test]
fn a_record_that_was_counted_is_not_made_again_of_its_flight() {
    let disk = Disk::new(1);
    let (path, buffer) = (path_of(Path::new(PATH), 0), on(&disk));
    let mut flight = take_off(&buffer, '1');
    write(&mut flight, "part");
    let written = disk.read(&path).unwrap();
    disk.record_moments();
    buffer.land(flight);
    append(&buffer, "1 whole");
    let closing = disk.take_moments().into_iter().filter(|moment| moment.read(&path).unwrap() == written);
    let last = closing.last().unwrap().survivors();
    // The record is delivered before anybody looks for flights.
    assert_eq!(drain(&on(&last)), ["1 whole"]);
    assert_eq!(found(&last), [""; 0]);
}

#[test]
fn a_full_disk_has_room_for_the_trace_instead_of_its_flight() {
    let disk = Disk::new(1);
    let buffer = on(&disk);
    let mut flight = take_off(&buffer, '1');
    write(&mut flight, &"x".repeat(5000));
    disk.set_capacity(6000);
    buffer.land(flight);
    append(&buffer, &"y".repeat(4000));
    assert_eq!(found(&disk.survivors()), ["y".repeat(4000)]);
}

#[test]
fn a_trace_that_was_not_stored_leaves_its_flight_to_whoever_landed_it() {
    let disk = Disk::new(1);
    let buffer = on(&disk);
    let flight = take_off(&buffer, '1');
    buffer.land(flight);
    let large = vec![0; 11 << 20];
    let refused = buffer.append(&record(&large), now());
    assert!(matches!(refused, Err(crate::buffer::BufferError::TooLarge { .. })), "{refused:?}");
    let mut flight = buffer.landed().unwrap();
    write(&mut flight, "late");
    drop(flight);
    assert!(buffer.landed().is_none());
    assert_eq!(found(&disk.survivors()), ["late"]);
}

#[test]
fn what_was_left_is_recovered_into_a_buffer_without_a_flight_of_its_own() {
    let disk = Disk::new(1);
    write(&mut take_off(&on(&disk), '1'), "left");
    let buffer = on(&disk);
    let mut flight = buffer.open_flight().unwrap();
    assert!(recover(&buffer, &mut flight) && flight.is_empty());
    assert!(!recover(&buffer, &mut flight), "nothing is left");
    assert_eq!(drain(&buffer), ["left"]);
}

#[test]
fn only_so_many_fly_at_once() {
    let disk = Disk::new(1);
    let buffers: Vec<_> = (0..64).map(|_| on(&disk)).collect();
    let flights: Vec<_> =
        buffers.iter().zip('a'..).map(|(buffer, number)| take_off(buffer, number)).collect();
    let refused = on(&disk).open_flight().unwrap_err();
    assert!(std::error::Error::source(&refused).unwrap().to_string().contains("too many"), "{refused:?}");
    drop(flights);
    assert!(on(&disk).open_flight().is_ok());
}

/// As of a dispatch that had a larger limit than the one that finds it.
#[test]
fn what_was_left_and_does_not_fit_is_counted() {
    let disk = Disk::new(1);
    let large = "x".repeat(11 << 20);
    write(&mut take_off(&on(&disk), '1'), &large);
    let buffer = on(&disk);
    let mut flight = buffer.open_flight().unwrap();
    assert!(!recover(&buffer, &mut flight));
    assert!(flight.is_empty(), "it is gone");
    let losses = buffer.legacy().unwrap().losses;
    assert_eq!(losses.dropped_traces + losses.lost_traces, 1, "{losses:?}");
}

/// Two flights of one trace, as Juju may give it to several dispatches: the header of the first is to be scanned anew
/// while the second is in the air.
#[test]
fn a_scan_does_not_empty_the_flight_of_a_dispatch_that_lives() {
    let disk = Disk::new(1);
    let first = on(&disk);
    let flight = take_off(&first, '1');
    first.land(flight);
    append(&first, "1 whole");
    drop(first);
    let second = on(&disk);
    let mut flight = take_off(&second, '1');
    write(&mut flight, "1 second");
    // Damage to the header.
    disk.open(Path::new(PATH)).unwrap().write_all_at(&[0xFF], 30).unwrap();
    assert_eq!(on(&disk).waiting().unwrap(), 1);
    drop(flight);
    assert_eq!(found(&disk), ["1 whole", "1 second"]);
}
