//! The digest of a file, computed while it is written or read.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

/// Passes bytes on and digests them.
pub struct Digesting<T> {
    inner: T,
    digest: Sha256,
}

impl<T> Digesting<T> {
    pub fn new(inner: T) -> Self {
        Self { inner, digest: Sha256::new() }
    }

    /// The reader or writer itself, and the SHA-256 of all bytes that passed, in hexadecimal digits.
    pub fn finish(self) -> (T, String) {
        let hex = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (self.inner, hex)
    }
}

impl<T: Write> Write for Digesting<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Digesting<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: FIPS 180-2, appendix B.1.
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn what_passes_is_digested_either_way() {
        let mut writing = Digesting::new(Vec::new());
        writing.write_all(b"ab").and_then(|()| writing.write_all(b"c")).expect("a write");
        assert_eq!(writing.finish(), (b"abc".to_vec(), OF_ABC.to_owned()));
        let mut reading = Digesting::new(&b"abc"[..]);
        let mut read = String::new();
        reading.read_to_string(&mut read).expect("a read");
        assert_eq!((read.as_str(), reading.finish().1.as_str()), ("abc", OF_ABC));
    }
}
