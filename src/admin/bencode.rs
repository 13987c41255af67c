//! Bencode, the encoding of nREPL's messages (<https://nrepl.org/nrepl/design/transports.html>): an encoder, and a decoder for bytes
//! that come in pieces.
//!
//! The decoder is lenient where servers differ (unsorted keys, strings that are not UTF-8) and strict where memory or meaning is at
//! stake (size, depth, numbers).

use std::collections::BTreeMap;

/// A dictionary. A repeated key keeps its last value.
pub(super) type Dict = BTreeMap<Vec<u8>, Value>;

/// One bencode value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Integer(i64),
    /// A string of bytes, often UTF-8.
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Dict(Dict),
}

/// Why bytes are not an nREPL message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No value begins with this byte, or no value ends here.
    #[error("garbage: unexpected byte 0x{0:02x}")]
    Unexpected(u8),
    /// Not a number, or one that does not fit into 64 bits.
    #[error("garbage: not a number")]
    Number,
    /// A key is not a string, or the last key has no value.
    #[error("garbage: not a dictionary")]
    Dictionary,
    #[error("garbage: nested too deeply")]
    TooDeep,
    #[error("answer too large: more than {0} bytes")]
    TooLarge(usize),
}

pub(super) fn encode(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Integer(number) => bytes.extend(format!("i{number}e").as_bytes()),
        Value::Bytes(string) => encode_bytes(string, bytes),
        Value::List(values) => {
            bytes.push(b'l');
            values.iter().for_each(|value| encode(value, bytes));
            bytes.push(b'e');
        }
        Value::Dict(entries) => {
            bytes.push(b'd');
            for (key, value) in entries {
                encode_bytes(key, bytes);
                encode(value, bytes);
            }
            bytes.push(b'e');
        }
    }
}

fn encode_bytes(string: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend(format!("{}:", string.len()).as_bytes());
    bytes.extend(string);
}

/// nREPL's own messages nest three deep.
const MAX_DEPTH: usize = 32;

/// In bytes, with sign and end mark: an i64 has 19 digits.
const MAX_NUMBER: usize = 21;

/// Takes bytes in any pieces and returns complete values. It never reads a byte twice.
///
/// After an error it cannot know where the next value begins, so it cannot be used again.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The most bytes of one value.
    limit: usize,
    /// Bytes that are not returned yet. The current value begins at 0.
    buffer: Vec<u8>,
    /// The reading position in the buffer.
    at: usize,
    /// The lists and dictionaries that have not ended, the innermost last.
    open: Vec<Open>,
}

#[derive(Debug)]
enum Open {
    List(Vec<Value>),
    Dict { entries: Dict, key: Option<Vec<u8>> },
}

enum Token {
    List,
    Dict,
    End,
    Value(Value),
}

impl Decoder {
    /// Refuses values of more than `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), at: 0, open: Vec::new() }
    }

    /// Takes bytes. Call [`Decoder::value`] until it returns None before you feed more.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next complete value, or None until more bytes come.
    ///
    /// # Errors
    /// The bytes are not bencode, or exceed a limit.
    pub(super) fn value(&mut self) -> Result<Option<Value>, DecodeError> {
        while let Some((token, length)) = self.token()? {
            self.at += length;
            if let Some(value) = self.place(token)? {
                self.buffer.drain(..self.at);
                self.at = 0;
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Reads the token at the reading position, with its length in bytes, or None while it is incomplete.
    fn token(&self) -> Result<Option<(Token, usize)>, DecodeError> {
        let rest = &self.buffer[self.at..];
        let Some(&first) = rest.first() else { return Ok(None) };
        let (token, length) = match first {
            b'l' => (Token::List, 1),
            b'd' => (Token::Dict, 1),
            b'e' => (Token::End, 1),
            b'i' => {
                let Some((number, end)) = parse_number(&rest[1..], b'e')? else { return Ok(None) };
                (Token::Value(Value::Integer(number)), end + 1)
            }
            b'0'..=b'9' => {
                let Some((number, start)) = parse_number(rest, b':')? else { return Ok(None) };
                let length = usize::try_from(number).map_err(|_| DecodeError::Number)?;
                let end = self.within_limit(start.saturating_add(length))?;
                let Some(string) = rest.get(start..end) else { return Ok(None) };
                (Token::Value(Value::Bytes(string.to_vec())), end)
            }
            other => return Err(DecodeError::Unexpected(other)),
        };
        self.within_limit(length).map(|length| Some((token, length)))
    }

    fn within_limit(&self, length: usize) -> Result<usize, DecodeError> {
        if self.at.saturating_add(length) > self.limit { Err(DecodeError::TooLarge(self.limit)) } else { Ok(length) }
    }

    /// Puts a token where it belongs. Returns the value that it completes.
    fn place(&mut self, token: Token) -> Result<Option<Value>, DecodeError> {
        let value = match token {
            Token::List => return self.begin(Open::List(Vec::new())),
            Token::Dict => return self.begin(Open::Dict { entries: Dict::new(), key: None }),
            Token::Value(value) => value,
            Token::End => match self.open.pop() {
                Some(Open::List(values)) => Value::List(values),
                Some(Open::Dict { entries, key: None }) => Value::Dict(entries),
                Some(Open::Dict { key: Some(_), .. }) => return Err(DecodeError::Dictionary),
                None => return Err(DecodeError::Unexpected(b'e')),
            },
        };
        match (self.open.last_mut(), value) {
            (None, value) => return Ok(Some(value)),
            (Some(Open::List(values)), value) => values.push(value),
            (Some(Open::Dict { entries, key }), value) => match (key.take(), value) {
                (Some(name), value) => _ = entries.insert(name, value),
                (None, Value::Bytes(name)) => *key = Some(name),
                (None, _) => return Err(DecodeError::Dictionary),
            },
        }
        Ok(None)
    }

    fn begin(&mut self, open: Open) -> Result<Option<Value>, DecodeError> {
        if self.open.len() == MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        self.open.push(open);
        Ok(None)
    }
}

/// Parses a decimal number up to its end mark, and returns it with the length of both. None until the mark comes.
fn parse_number(bytes: &[u8], mark: u8) -> Result<Option<(i64, usize)>, DecodeError> {
    let Some(end) = bytes.iter().take(MAX_NUMBER).position(|&byte| byte == mark) else {
        return if bytes.len() < MAX_NUMBER { Ok(None) } else { Err(DecodeError::Number) };
    };
    // Rust also parses "+1".
    let text = std::str::from_utf8(&bytes[..end]).ok().filter(|text| !text.starts_with('+'));
    let number = text.and_then(|text| text.parse().ok()).ok_or(DecodeError::Number)?;
    Ok(Some((number, end + 1)))
}

#[cfg(test)]
#[path = "bencode_tests.rs"]
mod tests;
