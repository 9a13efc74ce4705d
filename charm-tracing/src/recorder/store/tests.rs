use super::*;

fn record(id: u64) -> Record {
    Record { span_id: SpanId::from(id), ..Record::VACANT }
}

fn ids(store: &Store) -> Vec<u64> {
    store.ended().iter().map(|record| u64::from_be_bytes(record.span_id.to_bytes())).collect()
}

#[test]
fn spans_are_kept_in_the_order_in_which_they_ended() {
    let mut store = Store::default();
    let [first, second] = [1, 2].map(|id| store.begin(record(id)));
    store.end(second, 7);
    store.end(first, 8);
    assert_eq!(ids(&store), [2, 1]);
    assert_eq!(store.ended().iter().map(|record| record.end).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn a_span_ends_once_and_is_not_taken_for_another_one() {
    let mut store = Store::default();
    let first = store.begin(record(1));
    store.end(first, 7);
    assert!(store.find(first).is_none());
    let second = store.begin(record(2));
    assert_eq!(second.place, first.place, "places are used again");
    store.end(first, 8);
    assert!(store.find(first).is_none());
    assert!(store.find(second).is_some());
    assert_eq!(ids(&store), [1]);
    store.end(Handle { place: second.place + 1, ..second }, 9);
    assert_eq!(store.ended().len(), 1);
}

#[test]
fn a_span_never_ends_before_it_begins() {
    let mut store = Store::default();
    let place = store.begin(Record { start: 8, ..record(1) });
    store.end(place, 7);
    assert_eq!(store.ended().iter().map(|record| (record.start, record.end)).collect::<Vec<_>>(), [(8, 8)]);
}

#[test]
fn what_never_ends_is_passed_over() {
    let mut store = Store::default();
    let below = |id: u64, parent: u64| Record { parent: SpanId::from(parent), ..record(id) };
    let [root, _open, _deeper, last] =
        [(1, 9), (2, 1), (3, 2), (4, 3)].map(|(id, parent)| store.begin(below(id, parent)));
    store.end(last, 7);
    store.end(root, 8);
    store.pass_over_the_open();
    let parents: Vec<_> = store.ended().iter().map(|record| record.parent).collect();
    assert_eq!(parents, [SpanId::from(1), SpanId::from(9)]);
}

#[test]
fn a_long_chain_of_spans_that_never_end_is_passed_over() {
    let mut store = Store::default();
    let below = |id: u64| Record { parent: SpanId::from(id - 1), ..record(id) };
    let open = 20_000;
    for id in 1..=open {
        store.begin(below(id));
    }
    for id in open + 1..2 * open {
        let place = store.begin(Record { parent: SpanId::from(open), ..record(id) });
        store.end(place, 7);
    }
    store.pass_over_the_open();
    assert!(store.ended().iter().all(|record| record.parent == SpanId::from(0)));
}

#[test]
fn many_spans_that_end_one_after_the_other_need_one_place() {
    let mut store = Store::default();
    for id in 1..=20_000 {
        let place = store.begin(record(id));
        store.end(place, id);
    }
    assert_eq!(ids(&store), (1..=20_000).collect::<Vec<_>>());
    assert_eq!(store.open.len(), 1);
}
