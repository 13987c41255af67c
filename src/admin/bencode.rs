//! Bencode, in which nREPL writes its messages (<https://nrepl.org/nrepl/design/transports.html>): an encoder, and a
//! decoder that takes bytes as they come.
//!
//! The decoder is lenient where servers differ (unsorted keys, strings that are no UTF-8) and strict where memory or
//! meaning is at stake (size, depth, numbers).

use std::collections::BTreeMap;

/// A dictionary; a key that comes twice keeps its last value.
pub(super) type Dict = BTreeMap<Vec<u8>, Value>;

/// One bencode value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A whole number.
    Integer(i64),
    /// A string of bytes, often UTF-8.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A dictionary.
    Dict(Dict),
}

/// Why bytes are no message of an nREPL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No value begins with this byte, or none ends here.
    #[error("garbage: unexpected byte 0x{0:02x}")]
    Unexpected(u8),
    /// No number, or one that does not fit into 64 bits.
    #[error("garbage: not a number")]
    Number,
    /// A dictionary whose key is no string, or that has no value for its last key.
    #[error("garbage: not a dictionary")]
    Dictionary,
    /// More nested values than any message has.
    #[error("garbage: nested too deeply")]
    TooDeep,
    /// More bytes than a message may have.
    #[error("answer too large: more than {0} bytes")]
    TooLarge(usize),
}

/// Appends the value to the bytes.
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

/// The deepest nesting that is followed; nREPL's own messages nest three deep.
const DEEPEST: usize = 32;

/// The longest number that is read, sign and end included: an i64 has 19 digits.
const LONGEST_NUMBER: usize = 21;

/// Takes bytes as they come and gives complete values; it never reads a byte twice, however they are cut.
///
/// After an error there is no telling where the next value begins: the decoder is of no use any more.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The most bytes of one value.
    limit: usize,
    /// What has come and is not given yet; the value that is being read begins at 0.
    buffer: Vec<u8>,
    /// How much of the buffer is read.
    at: usize,
    /// The lists and dictionaries that have begun and not ended, the innermost last.
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
    /// A decoder that refuses values of more than `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), at: 0, open: Vec::new() }
    }

    /// Takes bytes. Call [`Decoder::value`] until it gives none before the next ones.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete value, or None until more bytes come.
    ///
    /// # Errors
    /// The bytes are no bencode, or exceed a limit.
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

    /// The token at the reading position and its length in bytes, or None while it is incomplete.
    fn token(&self) -> Result<Option<(Token, usize)>, DecodeError> {
        let rest = &self.buffer[self.at..];
        let Some(&first) = rest.first() else { return Ok(None) };
        let (token, length) = match first {
            b'l' => (Token::List, 1),
            b'd' => (Token::Dict, 1),
            b'e' => (Token::End, 1),
            b'i' => {
                let Some((number, end)) = number(&rest[1..], b'e')? else { return Ok(None) };
                (Token::Value(Value::Integer(number)), end + 1)
            }
            b'0'..=b'9' => {
                let Some((number, start)) = number(rest, b':')? else { return Ok(None) };
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

    /// Puts a token where it belongs; gives the value that is complete with it.
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
        if self.open.len() == DEEPEST {
            return Err(DecodeError::TooDeep);
        }
        self.open.push(open);
        Ok(None)
    }
}

/// A decimal number up to its end mark, and the length of both; None while the mark has not come.
fn number(bytes: &[u8], mark: u8) -> Result<Option<(i64, usize)>, DecodeError> {
    let Some(end) = bytes.iter().take(LONGEST_NUMBER).position(|&byte| byte == mark) else {
        return if bytes.len() < LONGEST_NUMBER { Ok(None) } else { Err(DecodeError::Number) };
    };
    // Rust would also read "+1".
    let text = std::str::from_utf8(&bytes[..end]).ok().filter(|text| !text.starts_with('+'));
    let number = text.and_then(|text| text.parse().ok()).ok_or(DecodeError::Number)?;
    Ok(Some((number, end + 1)))
}

#[cfg(test)]
#[path = "bencode_tests.rs"]
mod tests;
