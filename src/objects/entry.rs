//! One object as a listing gives it.

use std::io::{self, Read, Write};

use extsort::Sortable;

/// The longest key that is read back from a sorted file: S3 allows 1024 bytes, a path 4096.
const LONGEST_KEY: u32 = 1 << 20;

/// An object that is stored. Entries are in the order of their keys' bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its key below the place that is listed, as bytes: a file's name may be no UTF-8.
    pub key: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in microseconds since 1970; `None` where the listing does not say.
    pub written: Option<i64>,
}

impl Sortable for Entry {
    fn encode<W: Write>(&self, to: &mut W) -> io::Result<()> {
        let length = u32::try_from(self.key.len()).map_err(io::Error::other)?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&self.key)?;
        to.write_all(&self.size.to_le_bytes())?;
        to.write_all(&self.written.unwrap_or(i64::MIN).to_le_bytes())
    }

    fn decode<R: Read>(from: &mut R) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST_KEY {
            return Err(io::Error::other("the sorted file is damaged"));
        }
        let mut key = vec![0; length as usize];
        from.read_exact(&mut key)?;
        let mut number = [0; 8];
        from.read_exact(&mut number)?;
        let size = u64::from_le_bytes(number);
        from.read_exact(&mut number)?;
        let written = Some(i64::from_le_bytes(number)).filter(|written| *written != i64::MIN);
        Ok(Self { key, size, written })
    }
}
