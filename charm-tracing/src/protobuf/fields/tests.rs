use proptest::prelude::*;
use prost::encoding::{DecodeContext, WireType as Theirs, decode_key, decode_varint, encode_varint};

use super::*;

fn read(bytes: &[u8]) -> Option<Vec<(u32, Field<'_>)>> {
    fields(bytes).collect()
}

#[test]
fn fields_are_read_with_their_numbers() {
    let mut message = Vec::new();
    uint32(&mut message, 1, 300);
    fixed64(&mut message, 2, 7);
    bytes(&mut message, 3, b"text");
    fixed32(&mut message, 16, 8);
    let expected = [
        (1, Field::Varint(300)),
        (2, Field::Fixed64(7)),
        (3, Field::Bytes(b"text")),
        (16, Field::Fixed32(8)),
    ];
    assert_eq!(read(&message).unwrap(), expected);
    for end in 1..message.len() {
        let whole = [0, 3, 12, 18, 24].contains(&end);
        assert_eq!(read(&message[..end]).is_some(), whole, "cut off at {end}");
    }
}

proptest! {
    #[test]
    fn numbers_are_written_as_prost_does(number: u64) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        varint(&mut ours, number);
        encode_varint(number, &mut theirs);
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(read_varint(&mut &*ours), Some(number));
    }

    #[test]
    fn arbitrary_numbers_are_read_as_prost_does(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
        let ours = read_varint(&mut &*bytes);
        prop_assert_eq!(ours, decode_varint(&mut &*bytes).ok());
    }

    #[test]
    fn arbitrary_bytes_are_a_message_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let Some(fields) = read(&bytes) else { return Ok(()) };
        let mut rest = &*bytes;
        for (number, field) in fields {
            let (theirs, wire) = decode_key(&mut rest).expect("a key");
            prop_assert_eq!(number, theirs);
            let expected = match field {
                Field::Varint(_) => Theirs::Varint,
                Field::Fixed64(_) => Theirs::SixtyFourBit,
                Field::Bytes(_) => Theirs::LengthDelimited,
                Field::Fixed32(_) => Theirs::ThirtyTwoBit,
            };
            prop_assert_eq!(wire, expected);
            prost::encoding::skip_field(wire, number, &mut rest, DecodeContext::default()).expect("a field");
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn the_fields_of_a_message_are_all_its_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let Some(fields) = read(&bytes) else { return Ok(()) };
        let (mut rest, mut taken, mut all) = (&*bytes, Vec::new(), Vec::new());
        while let Some((number, field, raw)) = next_field(&mut rest) {
            taken.push((number, field));
            all.extend_from_slice(raw);
        }
        prop_assert_eq!(taken, fields);
        prop_assert_eq!(all, bytes);
    }
}
