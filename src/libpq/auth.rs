//! Bounds what a server may send before the client is logged in. The client library would keep all of it, and nobody knows
//! yet who the server is. Source: PostgreSQL manual, "53.7. Message Formats".

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The bytes of a message's type and length.
const HEADER: usize = 5;
/// The longest request for a proof. libpq takes none beyond 2000 bytes; a list of many ways may be longer.
const LONGEST_REQUEST: usize = 10_000;
/// The longest error or notice, as in libpq.
const LONGEST_ERROR: usize = 30_000;
/// The most that a server may send before it is ready: the values of some settings, notices.
const MOST_BEFORE_READY: usize = 1024 * 1024;

/// A login that the client broke off.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum AuthError {
    /// The server sent what no server sends in a login.
    #[error("the server sent {0} in its login")]
    Unexpected(&'static str),
    /// The server offers channel binding, and the signature of its certificate does not say by which digest.
    #[error("the login cannot be bound to the TLS channel: the signature of the server's certificate names no digest")]
    Unbound,
}

/// How far a login came. The library owns the connection by then, so this is shared with it.
#[derive(Debug, Default)]
pub(super) struct LoginState {
    authenticated: AtomicBool,
    broken_off: OnceLock<AuthError>,
}

impl LoginState {
    /// Whether the server accepted the client's proof of who it is.
    pub(super) fn authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Relaxed)
    }

    /// Why the client broke the login off, if it did.
    pub(super) fn broken_off(&self) -> Option<AuthError> {
        self.broken_off.get().copied()
    }
}

/// Reads what a server sends, until it is ready for a query.
#[derive(Default)]
pub(super) struct LoginWatch {
    state: Arc<LoginState>,
    /// The beginning of the message that is being received: its header, and all of it where it is a request for a proof.
    message: Vec<u8>,
    /// How many bytes of the message are still to come, once its length is known.
    left: usize,
    /// The bytes of all messages so far, the current one included.
    total: usize,
    refuses_binding: bool,
    ready: bool,
}

impl LoginWatch {
    pub(super) fn new(state: Arc<LoginState>) -> Self {
        Self { state, ..Self::default() }
    }

    /// Breaks the login off if the server offers channel binding. As in libpq an offer that cannot be taken up is no reason to
    /// go on without: an attacker in between would only need such a certificate.
    pub(super) fn refuse_binding(&mut self) {
        self.refuses_binding = true;
    }

    /// Reads the next bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), AuthError> {
        self.follow(bytes).inspect_err(|error| {
            let _ = self.state.broken_off.set(*error);
        })
    }

    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), AuthError> {
        while !self.ready {
            if self.message.len() < HEADER {
                let Some((first, rest)) = bytes.split_first() else { return Ok(()) };
                self.message.push(*first);
                bytes = rest;
                if let [kind, length @ ..] = self.message.as_slice()
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    let length = u32::from_be_bytes(length) as usize;
                    self.left = length.saturating_sub(4);
                    self.total = self.total.saturating_add(HEADER + self.left);
                    self.check_header(*kind, length)?;
                } else {
                    continue;
                }
            }
            let (now, rest) = bytes.split_at(self.left.min(bytes.len()));
            if self.message[0] == b'R' {
                self.message.extend_from_slice(now);
            }
            bytes = rest;
            self.left -= now.len();
            if self.left > 0 {
                return Ok(());
            }
            let message = std::mem::take(&mut self.message);
            self.check_message(message[0], &message[HEADER..])?;
        }
        Ok(())
    }

    /// Refuses a message by its type and its length, before there is more of it.
    fn check_header(&self, kind: u8, length: usize) -> Result<(), AuthError> {
        let lengths = match kind {
            b'R' => 8..=LONGEST_REQUEST,
            // Errors, notices, and the versions of the protocol that the server knows.
            b'E' | b'N' | b'v' => 4..=LONGEST_ERROR,
            _ if self.state.authenticated() => 4..=MOST_BEFORE_READY,
            _ => return Err(AuthError::Unexpected("a message that does not belong")),
        };
        if !lengths.contains(&length) {
            return Err(AuthError::Unexpected("a message of an unlikely length"));
        }
        if self.total > MOST_BEFORE_READY {
            return Err(AuthError::Unexpected("more than a mebibyte"));
        }
        Ok(())
    }

    fn check_message(&mut self, kind: u8, body: &[u8]) -> Result<(), AuthError> {
        const OK: u32 = 0;
        const SASL: u32 = 10;
        match (kind, body.split_first_chunk().map(|(code, ways)| (u32::from_be_bytes(*code), ways))) {
            (b'Z', _) => self.ready = true,
            (b'R', Some((OK, _))) => self.state.authenticated.store(true, Ordering::Relaxed),
            (b'R', Some((SASL, ways)))
                if self.refuses_binding && ways.split(|byte| *byte == 0).any(|way| way == b"SCRAM-SHA-256-PLUS") =>
            {
                return Err(AuthError::Unbound);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind], (body.len() as u32 + 4).to_be_bytes().as_slice(), body].concat()
    }

    fn code(code: u32) -> Vec<u8> {
        message(b'R', &[code.to_be_bytes().as_slice(), b"and more"].concat())
    }

    /// Says whether it was refused before the last of the messages.
    fn refused_early(sent: &[Vec<u8>], unbound: bool) -> bool {
        let state = Arc::new(LoginState::default());
        let mut watch = LoginWatch::new(Arc::clone(&state));
        if unbound {
            watch.refuse_binding();
        }
        let refused = sent.concat().chunks(1000).any(|piece| watch.read(piece).is_err());
        assert_eq!(refused, state.broken_off().is_some());
        refused
    }

    #[test]
    fn a_server_cannot_fill_the_memory() {
        let header = |kind: u8, length: u32| [&[kind], length.to_be_bytes().as_slice()].concat();
        for (sent, expected) in [
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
            assert_eq!(refused_early(&sent, false), expected, "{:?}", sent[0].first_chunk::<5>());
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

    proptest! {
        #[test]
        fn a_login_is_followed_in_pieces_of_any_length(piece in 1usize..50) {
            let notice = || message(b'N', &[b'x'; 200]);
            for (sent, authenticated) in [
                (vec![notice(), code(10), code(11), code(12), code(0), code(3)], true),
                (vec![notice(), code(10), code(11)], false),
                (vec![code(3), code(0)], true),
                (vec![code(5)], false),
                (vec![code(7)], false),
                (vec![code(0)], true),
            ] {
                let state = Arc::new(LoginState::default());
                let mut watch = LoginWatch::new(Arc::clone(&state));
                for bytes in sent.concat().chunks(piece) {
                    watch.read(bytes).expect("a login");
                }
                prop_assert!(state.broken_off().is_none());
                prop_assert_eq!(state.authenticated(), authenticated);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = LoginWatch::default().read(&bytes);
        }
    }
}
