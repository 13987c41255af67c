//! How members are compressed and digested.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::line::FORMAT;

/// Begins a member. Its gzip comment marks the file as an archive, so that nothing has to be decompressed to see it.
pub(super) fn encoder<W: Write>(to: W) -> GzEncoder<W> {
    GzBuilder::new().comment(FORMAT).write(to, Compression::default())
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
