//! Finds what is complete in an archive that a run continues.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use super::gzip::{encoder, hex};
use super::header::Extent;

/// Why an archive cannot be continued.
pub(super) enum Fault {
    NoArchive,
    Altered(Extent),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where the last complete member ends. The one that is on record has to be there as it was written; those after it, which
/// a run completed just before it was killed, are looked at one by one.
pub(super) fn last_complete_end(file: &mut File, last: Option<&Extent>) -> Result<u64, Fault> {
    let length = file.metadata()?.len();
    if !begins_like_an_archive(file)? {
        return Err(Fault::NoArchive);
    }
    let mut end = 0;
    if let Some(last) = last {
        end = last.offset.saturating_add(last.length);
        if end > length || digest(file, last)? != last.sha256 {
            return Err(Fault::Altered(last.clone()));
        }
    }
    while let Some(next) = member_end(file, end)? {
        end = next;
    }
    Ok(end)
}

/// Whether the file begins like an archive. An empty file counts, and so does one that was cut within the header.
fn begins_like_an_archive(file: &mut File) -> io::Result<bool> {
    let empty = encoder(Vec::new()).finish()?;
    // Behind the header are an empty block of two bytes, the checksum and the length.
    let header = &empty[..empty.len() - 10];
    let mut found = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(header.len() as u64).read_to_end(&mut found)?;
    Ok(header.starts_with(&found))
}

fn digest(file: &mut File, extent: &Extent) -> io::Result<String> {
    file.seek(SeekFrom::Start(extent.offset))?;
    let mut reader = BufReader::new(file.take(extent.length));
    let mut digest = Sha256::new();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(bytes);
        let taken = bytes.len();
        reader.consume(taken);
    }
}

/// Where the member that begins here ends; `None` if none is complete here.
fn member_end(file: &mut File, begin: u64) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(begin))?;
    let mut decoder = GzDecoder::new(BufReader::new(&mut *file));
    match io::copy(&mut decoder, &mut io::sink()) {
        Ok(_) => {}
        Err(error) if is_broken(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    // The reader has read ahead what is in its buffer.
    let mut reader = decoder.into_inner();
    let ahead = reader.buffer().len() as u64;
    Ok(Some(reader.get_mut().stream_position()? - ahead))
}

fn is_broken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
}
