//! `require_auth`: by which ways a server may have the client prove who it is. The client library takes any; so what the
//! server says is looked at before the library sees it, and nothing is answered to a way that is not allowed.
//! Source: PostgreSQL manual, "34.1.2. Parameter Key Words" and "53.7. Message Formats".

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::DatabaseError;

/// libpq's names of the ways, and whether this program has them.
const METHODS: [(&str, bool); 7] = [
    ("password", true),
    ("md5", true),
    ("scram-sha-256", true),
    ("none", true),
    ("gss", false),
    ("sspi", false),
    ("oauth", false),
];

/// The ways that are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AllowedAuth {
    /// None where nothing was asked.
    allowed: Option<Vec<&'static str>>,
}

impl AllowedAuth {
    /// Reads a list of ways, or of ways that are not allowed, each after a `!`.
    pub(super) fn parse(list: &str) -> Result<Self, DatabaseError> {
        let bad = |expected| DatabaseError::Value { key: "require_auth", expected };
        if list.is_empty() {
            return Ok(Self::default());
        }
        let mut named = Vec::new();
        let mut denied = Vec::new();
        for word in list.split(',').map(str::trim) {
            let (name, into) = word.strip_prefix('!').map_or((word, &mut named), |name| (name, &mut denied));
            let known = METHODS.iter().find(|(method, _)| *method == name);
            let (method, _) = known.ok_or_else(|| {
                bad("a list of password, md5, gss, sspi, scram-sha-256, oauth and none, each with or each without a !")
            })?;
            if into.contains(method) {
                return Err(bad("a list that names each way once"));
            }
            into.push(*method);
        }
        if !named.is_empty() && !denied.is_empty() {
            return Err(bad("a list in which each way has a !, or none has"));
        }
        let allowed: Vec<&str> = METHODS
            .iter()
            .filter(|(method, there)| {
                *there && if denied.is_empty() { named.contains(method) } else { !denied.contains(method) }
            })
            .map(|(method, _)| *method)
            .collect();
        if allowed.is_empty() {
            let why = "halfbuilt can log in by password, md5, scram-sha-256 and none";
            return Err(DatabaseError::Unsupported { key: "require_auth", why });
        }
        Ok(Self { allowed: Some(allowed) })
    }

    fn allows(&self, method: &str) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.contains(&method))
    }
}

/// A server wanted another proof than is allowed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the server asked for {0}, which require_auth does not allow")]
pub struct AuthRefused(&'static str);

/// What was seen of a login.
#[derive(Debug, Default)]
pub(super) struct Seen {
    authenticated: AtomicBool,
    refused: OnceLock<AuthRefused>,
}

impl Seen {
    /// Whether the server took the client for who it says it is.
    pub(super) fn authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Relaxed)
    }

    /// What the server asked for and was not given.
    pub(super) fn refused(&self) -> Option<AuthRefused> {
        self.refused.get().copied()
    }
}

/// The longest message of a login that is looked into. Longer ones are none that matter here.
const LONGEST: usize = 64;

/// Follows what a server says until it has let the client in.
pub(super) struct Watch {
    allowed: AllowedAuth,
    seen: std::sync::Arc<Seen>,
    /// The beginning of the message that is being received: its type, its length, the first of its bytes.
    begun: Vec<u8>,
    /// How much of the message is still to come, once its length is known.
    left: usize,
    proved: bool,
    over: bool,
}

impl Watch {
    pub(super) fn new(allowed: AllowedAuth, seen: std::sync::Arc<Seen>) -> Self {
        Self { allowed, seen, begun: Vec::new(), left: 0, proved: false, over: false }
    }

    /// Looks at the next bytes.
    pub(super) fn look(&mut self, mut bytes: &[u8]) -> Result<(), AuthRefused> {
        const HEADER: usize = 5;
        while !self.over {
            if self.begun.len() < HEADER {
                let Some((first, rest)) = bytes.split_first() else { return Ok(()) };
                self.begun.push(*first);
                bytes = rest;
                if self.begun.len() < HEADER {
                    continue;
                }
                let length = u32::from_be_bytes([self.begun[1], self.begun[2], self.begun[3], self.begun[4]]);
                self.left = (length as usize).saturating_sub(4);
            }
            let now = self.left.min(bytes.len());
            let kept = now.min((HEADER + LONGEST).saturating_sub(self.begun.len()));
            self.begun.extend_from_slice(&bytes[..kept]);
            bytes = &bytes[now..];
            self.left -= now;
            if self.left > 0 {
                return Ok(());
            }
            let message = std::mem::take(&mut self.begun);
            self.message(message[0], &message[HEADER..])?;
        }
        Ok(())
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Result<(), AuthRefused> {
        if kind != b'R' {
            return Ok(());
        }
        let code = body.first_chunk().map(|code| u32::from_be_bytes(*code));
        let asked = match code {
            Some(0) => {
                self.over = true;
                if self.proved { None } else { Some(("none", "no proof")) }
            }
            Some(3) => Some(("password", "the password itself")),
            Some(5) => Some(("md5", "an md5 of the password")),
            Some(10) => Some(("scram-sha-256", "scram-sha-256")),
            // The rest of an exchange that was allowed when it began.
            Some(11 | 12) if self.proved => None,
            _ => Some(("", "a way of logging in that halfbuilt does not have")),
        };
        if let Some((method, words)) = asked {
            self.proved = true;
            if !self.allowed.allows(method) {
                let refused = AuthRefused(words);
                let _ = self.seen.refused.set(refused);
                return Err(refused);
            }
        }
        if self.over {
            self.seen.authenticated.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind], (body.len() as u32 + 4).to_be_bytes().as_slice(), body].concat()
    }

    fn code(code: u32) -> Vec<u8> {
        message(b'R', &[code.to_be_bytes().as_slice(), b"and more"].concat())
    }

    fn watched(list: &str, said: &[Vec<u8>], piece: usize) -> (bool, bool) {
        let seen = Arc::new(Seen::default());
        let mut watch = Watch::new(AllowedAuth::parse(list).expect("a list"), Arc::clone(&seen));
        let bytes = said.concat();
        let refused = bytes.chunks(piece).any(|piece| watch.look(piece).is_err());
        assert_eq!(refused, seen.refused().is_some());
        (refused, seen.authenticated())
    }

    proptest! {
        #[test]
        fn only_what_is_allowed_is_answered(piece in 1usize..50) {
            let notice = || message(b'N', &[b'x'; 200]);
            let scram = || vec![notice(), code(10), code(11), code(12), code(0), code(3)];
            prop_assert_eq!(watched("", &scram(), piece), (false, true));
            prop_assert_eq!(watched("scram-sha-256", &scram(), piece), (false, true));
            prop_assert_eq!(watched("!md5,!password", &scram(), piece), (false, true));
            prop_assert_eq!(watched("md5,password", &scram(), piece), (true, false));
            prop_assert_eq!(watched("scram-sha-256", &[code(3), code(0)], piece), (true, false));
            prop_assert_eq!(watched("scram-sha-256", &[code(5), code(0)], piece), (true, false));
            prop_assert_eq!(watched("scram-sha-256", &[code(0)], piece), (true, false));
            prop_assert_eq!(watched("!none", &[code(0)], piece), (true, false));
            prop_assert_eq!(watched("none", &[code(0)], piece), (false, true));
            prop_assert_eq!(watched("none", &[code(7)], piece), (true, false));
        }

        #[test]
        fn any_bytes_are_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut watch = Watch::new(AllowedAuth::default(), Arc::default());
            let _ = watch.look(&bytes);
        }
    }

    #[test]
    fn lists() {
        for list in [
            "scram-sha-256,!md5",
            "md5,md5",
            "kerberos",
            "md5,,none",
            "gss",
            "gss,sspi",
            "!password,!md5,!scram-sha-256,!none",
        ] {
            AllowedAuth::parse(list).expect_err(list);
        }
        assert_eq!(AllowedAuth::parse("!gss, !sspi").expect("a list").allowed.expect("ways").len(), 4);
    }
}
