//! What the fuzz targets see of bencode and of an nREPL's answers.

use super::connection::LARGEST_MESSAGE;
use super::response::Response;
use crate::admin::answer::Answer;
use crate::admin::bencode::{DecodeError, Decoder, Value, encode};

/// Decodes pieces and encodes each value anew: what came out up to the first error, and that error.
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

/// What the pieces say to the request with the id `1`; `None` while it is not all said.
///
/// # Errors
/// They are no messages.
pub fn nrepl_answer<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Answer>, DecodeError> {
    let mut response = Response::default();
    decode(LARGEST_MESSAGE, pieces, |value| {
        let Value::Dict(message) = value else { return Some(Err(DecodeError::Dictionary)) };
        if message.get(&b"id"[..]) == Some(&Value::Bytes(b"1".to_vec())) {
            response.absorb(message);
        }
        (response.is_done() || response.needs_input()).then(|| Ok(response.answer()))
    })?
    .transpose()
}

/// Gives each value to `next`, until that has enough.
fn decode<'a, T>(
    limit: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    mut next: impl FnMut(Value) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    let mut decoder = Decoder::new(limit);
    for piece in pieces {
        decoder.feed(piece);
        while let Some(value) = decoder.value()? {
            if let Some(enough) = next(value) {
                return Ok(Some(enough));
            }
        }
    }
    Ok(None)
}
