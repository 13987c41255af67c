//! IP addresses in files of configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many bytes of a line are looked at.
const LINE_BYTES: usize = 64 << 10;
/// How many addresses of one file are taken.
const ADDRESSES: usize = 1000;
/// How the private host names of AWS begin that hold an address: `ip-10-0-0-5.ec2.internal`.
const IN_A_NAME: &str = "ip-";
/// How many addresses of a machine are named.
const ADDRESSES_NAMED: usize = 8;

/// An address in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// From 1.
    pub(super) line: usize,
    pub(super) address: IpAddr,
}

/// The addresses of machines in a text, each line's own once. Not those of comments, of whole networks, and those that are the same on every
/// machine: loopback, link-local, multicast.
pub(super) fn mentions(text: &[u8]) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(&line[..line.len().min(LINE_BYTES)]);
        if line.trim_start().starts_with('#') {
            continue;
        }
        for address in of_line(&line).into_iter().filter(names_a_machine) {
            let mention = Mention { line: place + 1, address };
            if !found.contains(&mention) {
                found.push(mention);
            }
            if found.len() == ADDRESSES {
                return found;
            }
        }
    }
    found
}

fn of_line(line: &str) -> Vec<IpAddr> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '%');
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(begin) = rest.find(is_part) {
        let word = &rest[begin..];
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        found.extend(of_word(word).filter(|_| !begins_a_mask(after)));
        rest = after;
    }
    found
}

/// The address that a word is, with a port or without, or that it has in its name.
fn of_word(word: &str) -> Option<IpAddr> {
    let word = word.trim_end_matches(['.', ':']);
    if let Some(name) = word.strip_prefix(IN_A_NAME) {
        let numbers: Vec<&str> = name.split(['-', '.']).take(4).collect();
        return numbers.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    let host = match word.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => word,
    };
    let v6 = || word.split('%').next().unwrap_or_default().parse::<Ipv6Addr>();
    host.parse::<Ipv4Addr>().map(IpAddr::V4).or_else(|_| v6().map(IpAddr::V6)).ok()
}

/// Whether a mask follows, by which an address is a whole network: `/16`. `/32` and `/128` leave one machine; a path is no mask.
fn begins_a_mask(after: &str) -> bool {
    let digits = after.strip_prefix('/').map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.is_some_and(|digits| !matches!(digits.as_str(), "" | "32" | "128"))
}

fn names_a_machine(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_loopback() || v4.is_unspecified() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast())
        }
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast()),
    }
}

/// Whether an address can only be one of a network of one's own, so that no router between gives it to a machine that has another.
pub(super) fn is_private(address: &IpAddr) -> bool {
    // Shared addresses of a provider (RFC 6598).
    let is_shared = |v4: &Ipv4Addr| v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || is_shared(&v4),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// Addresses in a few words.
pub(super) fn in_words(addresses: &[IpAddr]) -> String {
    let named: Vec<String> = addresses.iter().take(ADDRESSES_NAMED).map(ToString::to_string).collect();
    match addresses.len().saturating_sub(ADDRESSES_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        mentions(text.as_bytes()).iter().map(|found| format!("{} {}", found.line, found.address)).collect()
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let text = "PRIVATE_ADDRESS=10.0.0.5\nOPTS=\"-e DAEMON_ENDPOINT=10.0.0.5:9879 -e LOCAL_ADDRESS=10.0.0.5 -e X=54.1.2.3,\"\n\
                    NAME=ip-10-0-0-6.ec2.internal\nURL=https://10.0.0.7/path\nSIX=[2001:db8::5]:443, fd00::1%eth0\nLAST=10.0.0.8.\n";
        assert_eq!(
            found(text),
            [
                "1 10.0.0.5",
                "2 10.0.0.5",
                "2 54.1.2.3",
                "3 10.0.0.6",
                "4 10.0.0.7",
                "5 2001:db8::5",
                "5 fd00::1",
                "6 10.0.0.8"
            ]
        );
    }

    #[test]
    fn what_is_no_address_of_a_machine_is_left_out() {
        let text = "# PRIVATE_ADDRESS=10.0.0.5\nA=127.0.0.1 B=169.254.169.254 C=::1 D=0.0.0.0\nNO_PROXY=10.0.0.0/8,192.168.0.0/16\n\
                    VERSION=2.53.7 v1.2.3.4a 10.0.0.5.example.com std::add 02:00:00 aa:bb:cc:dd:ee:ff 1.2.3.400\n";
        assert_eq!(found(text), [""; 0]);
        assert_eq!(found("A=10.0.0.5/32\n"), ["1 10.0.0.5"]);
    }

    proptest::proptest! {
        #[test]
        fn an_address_is_found_between_any_two_marks(
            octets in proptest::array::uniform4(1u8..=99),
            before in "[ =,;\"'(\\[/@]{0,3}",
            after in "([ ,;\"')\\]]{0,3}|:[0-9]{1,5})",
        ) {
            let address = Ipv4Addr::from(octets);
            let all = mentions(format!("{before}{address}{after}").as_bytes());
            proptest::prop_assert_eq!(all, [Mention { line: 1, address: address.into() }]);
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            for found in mentions(&bytes) {
                proptest::prop_assert!(found.line >= 1 && names_a_machine(&found.address));
            }
        }
    }
}
