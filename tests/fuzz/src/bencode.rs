//! Bencode from an nREPL.

use halfbuilt::fuzzing::bencode_again;

/// The largest value that is read.
const LIMIT: usize = 1 << 16;

/// The values do not depend on how the bytes are cut. Each value reads back the same after it is encoded. None is larger than the input
/// or the limit.
pub fn check(bytes: &[u8]) {
    let (values, error) = super::read_all_cuts(bytes, |pieces| bencode_again(LIMIT, pieces));
    if let Some(error) = error {
        super::assert_error_printable(&error);
    }
    assert!(values.iter().map(Vec::len).sum::<usize>() <= bytes.len(), "more came out than went in");
    for value in &values {
        assert_eq!(
            bencode_again(LIMIT, [value.as_slice()]),
            (vec![value.clone()], None),
            "a value reads back as another"
        );
    }
    let joined = values.concat();
    assert_eq!(
        bencode_again(LIMIT, [joined.as_slice()]),
        (values.clone(), None),
        "values in a row read back as others"
    );
    let limit = bytes.last().map_or(0, |byte| usize::from(*byte));
    let (small, error) = super::read_all_cuts(bytes, |pieces| bencode_again(limit, pieces));
    assert!(small.iter().all(|value| value.len() <= limit), "a value is larger than the limit");
    assert!(values.starts_with(&small), "a limit changes values");
    assert!(small.len() == values.len() || error.is_some(), "a limit swallows values");
}
