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

/// A login that is not gone on with.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthRefused {
    /// The server wanted another proof than is allowed.
    #[error("the server asked for {0}, which require_auth does not allow")]
    Way(&'static str),
    /// It sent what no server sends in a login: the client library would keep all of it.
    #[error("the server sent {0} in its login")]
    Unexpected(&'static str),
    /// Channel binding is offered, and the server's certificate leaves open by which digest.
    #[error("the login cannot be bound to the TLS channel: the signature of the server's certificate names no digest")]
    Unbound,
}

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

/// The longest message of a server that has not let the client in. libpq takes no request beyond 2000 bytes; a list of many ways
/// may be longer.
const LONGEST_REQUEST: usize = 10_000;
/// As in libpq.
const LONGEST_ERROR: usize = 30_000;
/// What a server may say before it is ready: the values of some settings, notices. Nobody has looked at them by then.
const MOST: usize = 1024 * 1024;

/// Follows what a server says until it has let the client in.
pub(super) struct Watch {
    allowed: AllowedAuth,
    seen: std::sync::Arc<Seen>,
    /// The beginning of the message that is being received: its type, its length, the first of its bytes.
    begun: Vec<u8>,
    /// How much of the message is still to come, once its length is known.
    left: usize,
    /// How much has come, and is to come of this message.
    said: usize,
    /// The wire is encrypted, channel binding is wanted, and there is nothing to bind to.
    unbound: bool,
    proved: bool,
    authenticated: bool,
    over: bool,
}

impl Watch {
    pub(super) fn new(allowed: AllowedAuth, seen: std::sync::Arc<Seen>) -> Self {
        Self {
            allowed,
            seen,
            begun: Vec::new(),
            left: 0,
            said: 0,
            unbound: false,
            proved: false,
            authenticated: false,
            over: false,
        }
    }

    /// An offer of channel binding is to be refused, since it could not be taken up: as in libpq it is not passed over, or
    /// whoever sits in between would only need such a certificate.
    pub(super) fn refuse_binding(&mut self) {
        self.unbound = true;
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
                self.said = self.said.saturating_add(HEADER + self.left);
                self.header(self.begun[0], length as usize)?;
            }
            let now = self.left.min(bytes.len());
            // Requests alone are looked into.
            if self.begun[0] == b'R' {
                self.begun.extend_from_slice(&bytes[..now]);
            }
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

    /// Refuses a message by its kind and its length, before there is more of it.
    fn header(&self, kind: u8, length: usize) -> Result<(), AuthRefused> {
        let most = match kind {
            b'R' => 8..=LONGEST_REQUEST,
            // Errors, notices, and the versions of the protocol that it knows.
            b'E' | b'N' | b'v' => 4..=LONGEST_ERROR,
            _ if self.authenticated => 4..=MOST,
            _ => return self.refuse(AuthRefused::Unexpected("a message that has no place")),
        };
        if !most.contains(&length) {
            return self.refuse(AuthRefused::Unexpected("a message of an unlikely length"));
        }
        if self.said > MOST {
            return self.refuse(AuthRefused::Unexpected("more than a mebibyte"));
        }
        Ok(())
    }

    fn refuse(&self, why: AuthRefused) -> Result<(), AuthRefused> {
        let _ = self.seen.refused.set(why);
        Err(why)
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Result<(), AuthRefused> {
        match kind {
            b'R' if !self.authenticated => {}
            b'Z' => {
                self.over = true;
                return Ok(());
            }
            _ => return Ok(()),
        }
        let code = body.first_chunk().map(|code| u32::from_be_bytes(*code));
        let asked = match code {
            Some(0) => {
                self.authenticated = true;
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
                return self.refuse(AuthRefused::Way(words));
            }
        }
        if self.unbound
            && code == Some(10)
            && body[4..].split(|byte| *byte == 0).any(|way| way == b"SCRAM-SHA-256-PLUS")
        {
            return self.refuse(AuthRefused::Unbound);
        }
        if self.authenticated {
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

    /// Says whether it was refused before the last of the messages.
    fn refused_early(said: &[Vec<u8>], unbound: bool) -> bool {
        let mut watch = Watch::new(AllowedAuth::default(), Arc::default());
        if unbound {
            watch.refuse_binding();
        }
        said.concat().chunks(1000).any(|piece| watch.look(piece).is_err())
    }

    #[test]
    fn a_server_cannot_fill_the_memory() {
        let header = |kind: u8, length: u32| [&[kind], length.to_be_bytes().as_slice()].concat();
        for (said, expected) in [
            (vec![message(b'E', &[b'x'; 20_000])], false),
            (vec![header(b'E', 30_001)], true),
            (vec![header(b'E', u32::MAX)], true),
            (vec![header(b'E', 3)], true),
            (vec![header(b'R', 10_001)], true),
            (vec![header(b'R', 7)], true),
            (vec![header(b'S', 10)], true),
            (vec![header(b'D', 10)], true),
            (vec![message(b'N', &[b'x'; 20_000]); 50], false),
            (vec![message(b'N', &[b'x'; 20_000]); 53], true),
            (vec![code(0), message(b'S', b"a"), message(b'K', b"b")], false),
            (vec![code(0), header(b'S', 2_000_000)], true),
            ([vec![code(0)], vec![message(b'S', &[b'x'; 20_000]); 53]].concat(), true),
            ([vec![code(0), message(b'Z', b"I")], vec![message(b'D', &[b'x'; 50_000]); 53]].concat(), false),
        ] {
            assert_eq!(refused_early(&said, false), expected, "{:?}", said[0].first_chunk::<5>());
        }
    }

    #[test]
    fn a_binding_that_is_offered_and_cannot_be_had_is_refused() {
        let offer = |ways: &[u8]| vec![message(b'R', &[10u32.to_be_bytes().as_slice(), ways].concat())];
        let (both, one) = (b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0".as_slice(), b"SCRAM-SHA-256\0\0".as_slice());
        for (ways, unbound, expected) in [(both, true, true), (both, false, false), (one, true, false)] {
            assert_eq!(refused_early(&offer(ways), unbound), expected);
        }
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
