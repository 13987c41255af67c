//! The digest of a file, taken while it is read.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Passes on what it reads and takes its SHA-256.
pub struct Digesting<R> {
    from: R,
    digest: Sha256,
}

impl<R: Read> Digesting<R> {
    /// Nothing has been read yet.
    pub fn new(from: R) -> Self {
        Self { from, digest: Sha256::new() }
    }

    /// The SHA-256 of all that was read, in lower-case hexadecimal.
    pub fn finish(self) -> String {
        self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_sha256sum_says() {
        let mut digesting = Digesting::new(&b"abc"[..]);
        let mut read = String::new();
        digesting.read_to_string(&mut read).expect("a text");
        assert_eq!(read, "abc");
        assert_eq!(digesting.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
