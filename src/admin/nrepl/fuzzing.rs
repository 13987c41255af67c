//! Bencode and nREPL answers for the fuzz targets.

use super::connection::MAX_MESSAGE;
use super::response::Response;
use crate::admin::answer::Answer;
use crate::admin::bencode::{DecodeError, Decoder, Value, encode};

/// Decodes pieces and encodes each value again. Returns the encoded values up to the first error, and that error.
pub fn bencode_again<'a>(
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, Option<DecodeError>) {
    let mut again = Vec::new();
    let ended = decode(limit, pieces, |value| {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes);
        again.push(bytes);
        None::<()>
    });
    (again, ended.err())
}

/// Reads the answer to the request with the id `1`. Returns `None` while it is incomplete.
///
/// # Errors
/// The pieces are not messages.
pub fn nrepl_answer<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Answer>, DecodeError> {
    let mut response = Response::default();
    decode(MAX_MESSAGE, pieces, |value| {
        let Value::Dict(message) = value else { return Some(Err(DecodeError::Dictionary)) };
        if message.get(&b"id"[..]) == Some(&Value::Bytes(b"1".to_vec())) {
            response.add_message(message);
        }
        (response.is_done() || response.needs_input()).then(|| Ok(response.answer()))
    })?
    .transpose()
}

/// Passes each value to `next` until that returns a result.
fn decode<'a, T>(
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut next: impl FnMut(Value) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    let mut decoder = Decoder::new(limit);
    for piece in pieces {
        decoder.feed(piece);
        while let Some(value) = decoder.value()? {
            if let Some(result) = next(value) {
                return Ok(Some(result));
            }
        }
    }
    Ok(None)
}
