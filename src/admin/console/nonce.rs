//! The mark by which our own answers are found in the output of a console.

use std::io;

/// The letters of a nonce, four bits each.
pub(super) const LETTERS: usize = 32;

/// 128 random bits as letters from a to p. Each form gets a nonce of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nonce(String);

impl Nonce {
    /// # Errors
    /// OpenSSL has no random numbers.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; LETTERS / 2];
        openssl::rand::rand_bytes(&mut bytes)?;
        let letter = |bits: u8| char::from(b'a' + bits);
        Ok(Self(bytes.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect()))
    }

    /// The nonce as it stands around an answer.
    pub(super) fn forward(&self) -> &str {
        &self.0
    }

    /// The nonce as it stands in the form, which reverses it when it runs. So no echo of the form contains the mark, not even several
    /// echoes in a row.
    pub(super) fn backward(&self) -> String {
        self.0.chars().rev().collect()
    }

    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nonce_is_new() {
        let nonces: Vec<Nonce> = (0..100).map(|_| Nonce::random().expect("random numbers")).collect();
        for (at, nonce) in nonces.iter().enumerate() {
            assert_eq!(nonce.forward().len(), LETTERS);
            assert!(nonce.forward().bytes().all(|byte| matches!(byte, b'a'..=b'p')));
            assert!(!nonce.backward().repeat(3).contains(nonce.forward()));
            assert!(!nonces[..at].contains(nonce));
        }
    }
}
