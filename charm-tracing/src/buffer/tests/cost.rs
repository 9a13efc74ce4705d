use super::super::disk::Disk;
use super::*;

fn on_disk(max_dispatches: u32) -> (Disk, Buffer) {
    let disk = Disk::new(0);
    let config = config(Path::new("/"), max_dispatches, 100 << 20);
    (disk.clone(), Buffer::with_file_system(config, Box::new(disk)))
}

/// How many times this reads and writes.
fn cost(disk: &Disk, operation: impl FnOnce()) -> usize {
    let before = disk.operations();
    operation();
    disk.operations() - before
}

#[test]
fn append_and_acknowledge_cost_the_same_whatever_the_file_holds() {
    let (disk, buffer) = on_disk(100_000);
    append(&buffer, "first");
    append(&buffer, "second");
    let append_to_few = cost(&disk, || append(&buffer, "x"));
    let take = || {
        let record = buffer.oldest().unwrap().unwrap();
        assert!(buffer.acknowledge(&record).unwrap());
    };
    take();
    let take_from_few = cost(&disk, take);
    for number in 0..3000 {
        append(&buffer, &number.to_string());
    }
    assert_eq!(cost(&disk, || append(&buffer, "x")), append_to_few);
    take();
    assert_eq!(cost(&disk, take), take_from_few);
    assert!(append_to_few <= 6 && take_from_few <= 11, "append {append_to_few}, take {take_from_few}");
}

#[test]
fn appending_to_a_full_buffer_costs_the_same_on_average() {
    for priority in [Priority::Interesting, Priority::Boring] {
        let mut costs = Vec::new();
        for max_dispatches in [10, 1000] {
            let (disk, buffer) = on_disk(max_dispatches);
            for number in 0..max_dispatches {
                append_as(&buffer, Priority::Interesting, &number.to_string());
            }
            costs.push(cost(&disk, || {
                for number in 0..2000 {
                    append_as(&buffer, priority, &number.to_string());
                }
            }));
        }
        // Rewrites copy every live record, once for as many that died.
        assert!(costs[1] <= 2000 * 16 && costs[0] <= 2000 * 16, "{priority:?}: {costs:?}");
    }
}
