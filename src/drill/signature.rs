//! Signs manifests and checks signatures, by HMAC-SHA-256: whoever makes a manifest and whoever reads it have the same key.

use std::fmt::Write;
use std::io;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::file_access;

/// A key of fewer bytes can be guessed.
const SHORTEST: usize = 16;

/// A key. Its `Debug` does not show it.
#[derive(Debug)]
pub struct Key(SecretSlice<u8>);

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    #[error("the key in it has {0} bytes, expected {SHORTEST} at least")]
    TooShort(usize),
}

impl Key {
    /// Reads a key: all bytes of a file but the line break at its end.
    ///
    /// # Errors
    /// It cannot be read, is empty or too short, or too long to be a key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::new(file_access::read(path, file_access::KEY)?)
    }

    fn new(mut bytes: Vec<u8>) -> Result<Self, KeyError> {
        while bytes.pop_if(|last| matches!(last, b'\n' | b'\r')).is_some() {}
        if bytes.len() < SHORTEST {
            return Err(KeyError::TooShort(bytes.len()));
        }
        Ok(Self(bytes.into()))
    }

    /// The signature of a document, in hexadecimal.
    pub(super) fn sign(&self, document: &[u8]) -> io::Result<String> {
        let mut signature = String::new();
        for byte in self.mac(document)?.finalize().into_bytes() {
            // A text cannot fail to be written to.
            let _ = write!(signature, "{byte:02x}");
        }
        Ok(signature)
    }

    /// Whether a signature is that of this document, compared in a time that does not depend on the right one.
    pub(super) fn has_signed(&self, document: &[u8], signature: &str) -> bool {
        let digit = |place: usize| signature.get(place..place + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Vec<u8> = (0..signature.len()).step_by(2).map_while(digit).collect();
        bytes.len() * 2 == signature.len() && self.mac(document).is_ok_and(|right| right.verify_slice(&bytes).is_ok())
    }

    fn mac(&self, document: &[u8]) -> io::Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).map_err(io::Error::other)?;
        mac.update(document);
        Ok(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text.as_bytes().to_vec()).expect("a key")
    }

    #[test]
    fn signatures_are_hmac_sha256() {
        // RFC 4231, test case 6: a key of 131 bytes.
        let key = Key::new(vec![0xaa; 131]).expect("a key");
        let document = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        assert_eq!(key.sign(document).expect("a signature"), expected);
        assert!(key.has_signed(document, expected));
    }

    #[test]
    fn nothing_else_passes() {
        let (one, other) = (key("0123456789abcdef"), key("0123456789abcdeg"));
        let signature = one.sign(b"document").expect("a signature");
        assert!(one.has_signed(b"document", &signature));
        assert!(!one.has_signed(b"documents", &signature));
        assert!(!other.has_signed(b"document", &signature));
        for wrong in ["", "00", &signature[..62], &format!("{signature}00"), &"é".repeat(32), &"+1".repeat(32)] {
            assert!(!one.has_signed(b"document", wrong), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_not_short_and_is_never_shown() {
        for short in ["", "\n\n", "0123456789abcde\r\n"] {
            assert!(matches!(Key::new(short.as_bytes().to_vec()), Err(KeyError::TooShort(_))), "{short:?}");
        }
        assert!(!format!("{:?}", key("0123456789abcdef")).contains("0123"));
        let signed = |text| key(text).sign(b"x").expect("a signature");
        assert_eq!(signed("0123456789abcdef\n"), signed("0123456789abcdef"));
    }
}
