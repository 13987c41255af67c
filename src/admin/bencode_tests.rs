use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1 << 20;

/// Feeds the pieces one by one and collects what comes out, up to the first error.
fn decode<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Value>, Option<DecodeError>) {
    let mut decoder = Decoder::new(limit);
    let mut values = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.value() {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(error) => return (values, Some(error)),
            }
        }
    }
    (values, None)
}

fn error(bytes: &[u8]) -> DecodeError {
    decode(LIMIT, [bytes]).1.unwrap_or_else(|| panic!("{:?} was decoded", String::from_utf8_lossy(bytes)))
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    bytes
}

#[test]
fn a_message_of_nrepl_1_0_0() {
    let bytes = b"d2:id1:22:ns4:user7:session2:s15:value3:niled2:id1:27:session2:s16:statusl4:doneee";
    let (values, error) = decode(LIMIT, [&bytes[..]]);
    assert_eq!((values.len(), error), (2, None));
    assert_eq!([encoded(&values[0]), encoded(&values[1])].concat(), bytes);
}

#[test]
fn lenient_where_servers_differ() {
    let (values, error) = decode(LIMIT, [&b"d1:b1:\xff1:ai-7e1:ai007ee"[..]]);
    let expected = Dict::from([(b"a".to_vec(), Value::Integer(7)), (b"b".to_vec(), Value::Bytes(vec![0xff]))]);
    assert_eq!((values, error), (vec![Value::Dict(expected)], None));
}

#[test]
fn garbage_is_an_error() {
    assert_eq!(error(b"HTTP/1.1 400 Bad Request\r\n"), DecodeError::Unexpected(b'H'));
    assert_eq!(error(b"e"), DecodeError::Unexpected(b'e'));
    assert_eq!(error(b"\x15\x03\x01"), DecodeError::Unexpected(0x15));
    for number in [
        "ie",
        "i-e",
        "i+1e",
        "i1x2e",
        "i9223372036854775808e",
        "i000000000000000000000000",
        "1x:",
        "99999999999999999999:",
    ] {
        assert_eq!(error(number.as_bytes()), DecodeError::Number, "{number}");
    }
    for dictionary in ["di1e1:ae", "dle1:ae", "d1:ae"] {
        assert_eq!(error(dictionary.as_bytes()), DecodeError::Dictionary, "{dictionary}");
    }
    assert_eq!(error(&[b'l'; MAX_DEPTH + 1]), DecodeError::TooDeep);
    let deepest = [vec![b'l'; MAX_DEPTH], vec![b'e'; MAX_DEPTH]].concat();
    assert_eq!(decode(LIMIT, [&deepest[..]]).0.len(), 1);
}

#[test]
fn a_message_too_large_is_refused_before_it_has_come() {
    assert_eq!(error(b"9223372036854775807:"), DecodeError::TooLarge(LIMIT));
    assert_eq!(error(b"d3:out1048570:"), DecodeError::TooLarge(LIMIT));
    assert_eq!(error(&[b"l".to_vec(), b"i1e".repeat(LIMIT)].concat()), DecodeError::TooLarge(LIMIT));
    // The limit is for one message, not for all of them.
    assert_eq!(decode(8, [&b"5:hello"[..], b"5:hello", b"5:hello"]).0.len(), 3);
    assert_eq!(decode(8, [&b"7:hello"[..]]).1, Some(DecodeError::TooLarge(8)));
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..12);
    let leaf = prop_oneof![any::<i64>().prop_map(Value::Integer), bytes().prop_map(Value::Bytes)];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::btree_map(bytes(), inner, 0..5).prop_map(Value::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_however_it_is_cut(values in prop::collection::vec(value(), 1..4)) {
        let bytes: Vec<u8> = values.iter().flat_map(encoded).collect();
        let one_by_one = decode(LIMIT, bytes.chunks(1));
        prop_assert_eq!(&one_by_one, &(values, None));
        for cut in 0..bytes.len() {
            prop_assert_eq!(&decode(LIMIT, [&bytes[..cut], &bytes[cut..]]), &one_by_one);
        }
    }

    #[test]
    fn random_bytes_never_panic_and_the_cut_makes_no_difference(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"dlei0123456789:-"[..])], 0..200),
    ) {
        prop_assert_eq!(decode(64, bytes.chunks(1)), decode(64, [&bytes[..]]));
    }
}
