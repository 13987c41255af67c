//! The servers of a connection, in the order of its lists, and which kind of them is asked for.
//! Source: PostgreSQL manual, "34.1.1.3. Specifying Multiple Hosts" and "34.1.2. Parameter Key Words".

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;

use super::conninfo::is_space;
use super::error::ConnectError;

const DEFAULT_PORT: u16 = 5432;
/// Debian's folder for sockets, and PostgreSQL's own. A libpq knows only the one that its packager chose. To try both would be to
/// give a password to anybody who puts a socket into /tmp.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One server of the list.
pub(super) struct Server {
    /// `host`: a name, an address, or the folder of a socket. Empty if only `hostaddr` names the server.
    pub(super) host: String,
    /// `hostaddr`.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) password: Option<SecretSlice<u8>>,
}

impl Server {
    /// The path of its socket, if it is reached by one. A name that begins with `@` is in Linux's abstract namespace.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        if self.address.is_some() || !is_socket(&self.host) {
            return None;
        }
        let path = format!("{}/.s.PGSQL.{}", self.host, self.port);
        Some(path.strip_prefix('@').map(|name| format!("\0{name}")).unwrap_or(path).into())
    }

    /// The name that a password file has for it.
    pub(super) fn name_in_passfile(&self) -> String {
        match self.address {
            Some(address) if self.host.is_empty() => address.to_string(),
            _ if self.host == default_host() => "localhost".to_owned(),
            _ => self.host.clone(),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match self.address {
            _ if self.socket().is_some() => write!(f, "{} (socket, port {port})", self.host),
            Some(address) if self.host.is_empty() => write!(f, "{address}:{port}"),
            _ => write!(f, "{}:{port}", self.host),
        }
    }
}

fn is_socket(host: &str) -> bool {
    host.starts_with('/') || host.starts_with('@')
}

/// Reads the lists. They have the same length, but one port may stand for all.
pub(super) fn servers(
    hosts: Option<&str>,
    addresses: Option<&str>,
    ports: Option<&str>,
) -> Result<Vec<Server>, ConnectError> {
    let [hosts, addresses, ports] = [hosts, addresses, ports].map(|list| list.map(split).unwrap_or_default());
    let count = if addresses.is_empty() { hosts.len().max(1) } else { addresses.len() };
    if !hosts.is_empty() && hosts.len() != count {
        return Err(ConnectError::Counts { one: "host", ones: hosts.len(), other: "hostaddr", others: count });
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(ConnectError::Counts { one: "port", ones: ports.len(), other: "host", others: count });
    }
    let server = |index: usize| {
        let port = port(ports.get(index).or(ports.first()).copied().unwrap_or_default())?;
        let address = match addresses.get(index).copied().unwrap_or_default() {
            "" => None,
            address => Some(address.parse().map_err(|_| bad("hostaddr", "an IP address"))?),
        };
        let host = match hosts.get(index).copied().unwrap_or_default() {
            "" if address.is_none() => default_host().to_owned(),
            host => host.to_owned(),
        };
        Ok(Server { host, address, port, password: None })
    };
    (0..count).map(server).collect()
}

/// Splits a list. The empty text is an empty list.
fn split(list: &str) -> Vec<&str> {
    if list.is_empty() { Vec::new() } else { list.split(',').collect() }
}

fn port(text: &str) -> Result<u16, ConnectError> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    text.trim_matches(is_space)
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| bad("port", "a number from 1 to 65535"))
}

/// The folder of the socket if no host is named. It is never a port: anybody on this machine could listen on one.
pub(super) fn default_host() -> &'static str {
    let [packaged, own] = SOCKET_FOLDERS;
    if Path::new(packaged).is_dir() { packaged } else { own }
}

fn bad(key: &'static str, expected: &'static str) -> ConnectError {
    ConnectError::Value { key, expected }
}

/// `target_session_attrs`: which kind of server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetSessionAttrs {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl TargetSessionAttrs {
    /// Its values, as libpq writes them.
    pub(super) const VALUES: [(&'static str, Self); 6] = [
        ("any", Self::Any),
        ("read-write", Self::ReadWrite),
        ("read-only", Self::ReadOnly),
        ("primary", Self::Primary),
        ("standby", Self::Standby),
        ("prefer-standby", Self::PreferStandby),
    ];

    /// What to look for in each pass over the list of servers.
    pub(super) fn passes(self) -> &'static [Self] {
        match self {
            Self::Any => &[Self::Any],
            Self::ReadWrite => &[Self::ReadWrite],
            Self::ReadOnly => &[Self::ReadOnly],
            Self::Primary => &[Self::Primary],
            Self::Standby => &[Self::Standby],
            Self::PreferStandby => &[Self::Standby, Self::Any],
        }
    }

    /// Why a server is not of this kind.
    pub(super) fn objection(self, in_recovery: bool, read_only: bool) -> Option<&'static str> {
        match self {
            Self::ReadWrite if in_recovery || read_only => Some("the session is read-only"),
            Self::ReadOnly if !in_recovery && !read_only => Some("the session is not read-only"),
            Self::Primary if in_recovery => Some("the server is a standby"),
            Self::Standby if !in_recovery => Some("the server is not a standby"),
            _ => None,
        }
    }
}

/// Shuffles a list, so that many clients spread over many servers.
pub(super) fn shuffle<T>(things: &mut [T]) {
    // The standard library seeds each of these differently: enough to spread load, not for secrets.
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish() as usize;
    for last in (1..things.len()).rev() {
        things.swap(last, random() % (last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hosts: &str, addresses: &str, ports: &str) -> Result<Vec<String>, ConnectError> {
        let servers = servers(Some(hosts), Some(addresses), Some(ports))?;
        Ok(servers.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn lists() {
        let by_default = format!("{} (socket, port 9)", default_host());
        for (hosts, addresses, ports, expected) in [
            ("a,b", "", "", vec!["a:5432", "b:5432"]),
            ("a,b", "", "1", vec!["a:1", "b:1"]),
            ("a, b", "", " 1 ,", vec!["a:1", " b:5432"]),
            ("a,/run/pg,@x", "", "1,2,3", vec!["a:1", "/run/pg (socket, port 2)", "@x (socket, port 3)"]),
            ("", "127.0.0.1,::1", "7", vec!["127.0.0.1:7", "::1:7"]),
            ("a,b", "127.0.0.1,", "7", vec!["a:7", "b:7"]),
            ("/run/pg", "127.0.0.1", "7", vec!["/run/pg:7"]),
            ("", "", "9", vec![&*by_default]),
            ("a,", "", "9", vec!["a:9", &*by_default]),
        ] {
            assert_eq!(read(hosts, addresses, ports).expect(hosts), expected, "{hosts}");
        }
        for (hosts, addresses, ports) in
            [("a,b", "127.0.0.1", ""), ("a,b", "", "1,2,3"), ("a", "", "0"), ("a", "", "65536"), ("", "name", "")]
        {
            read(hosts, addresses, ports).expect_err(hosts);
        }
    }

    #[test]
    fn an_abstract_socket_has_no_file() {
        let server = &servers(Some("@x"), None, None).expect("a server")[0];
        assert_eq!(server.socket().expect("a socket").to_str(), Some("\0x/.s.PGSQL.5432"));
    }

    #[test]
    fn a_shuffled_list_has_the_same_things() {
        let mut things: Vec<u32> = (0..50).collect();
        shuffle(&mut things);
        assert!(things.iter().enumerate().any(|(index, thing)| index as u32 != *thing));
        things.sort_unstable();
        assert_eq!(things, (0..50).collect::<Vec<u32>>());
    }
}
