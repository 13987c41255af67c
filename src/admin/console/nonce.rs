//! What marks our own answers in the output of a console.

use std::io;

/// How many letters a nonce has: four bits each.
pub(super) const LETTERS: usize = 32;

/// 128 random bits as letters from a to p, made for one form and never used for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nonce(String);

impl Nonce {
    /// A new one.
    ///
    /// # Errors
    /// There are no random numbers to be had.
    pub(super) fn fresh() -> io::Result<Self> {
        let mut bytes = [0; LETTERS / 2];
        openssl::rand::rand_bytes(&mut bytes)?;
        let letter = |bits: u8| char::from(b'a' + bits);
        Ok(Self(bytes.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect()))
    }

    /// As it stands around an answer.
    pub(super) fn forward(&self) -> &str {
        &self.0
    }

    /// As it stands in the form, which turns it round when it runs. So no copy of the form holds the mark, not even several of
    /// them in a row, in which two exchanged halves would meet.
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
    fn each_is_another() {
        let nonces: Vec<Nonce> = (0..100).map(|_| Nonce::fresh().expect("random numbers")).collect();
        for (at, nonce) in nonces.iter().enumerate() {
            assert_eq!(nonce.forward().len(), LETTERS);
            assert!(nonce.forward().bytes().all(|byte| matches!(byte, b'a'..=b'p')));
            assert!(!nonce.backward().repeat(3).contains(nonce.forward()));
            assert!(!nonces[..at].contains(nonce));
        }
    }
}
