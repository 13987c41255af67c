//! IP addresses in files of configuration.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many addresses of one file are taken.
const ADDRESSES: usize = 1000;
/// What stands before the address in host names of AWS: `ip-10-0-0-5.ec2.internal`, `ec2-54-1-2-9.compute-1.amazonaws.com`.
const IN_A_NAME: [(&[u8], &str); 2] = [(b"ip", "-"), (b"ec", "2-")];
/// The most characters of an address of IPv6.
const SIX: usize = 39;
/// How many addresses of a machine are named.
const ADDRESSES_NAMED: usize = 8;

/// An address in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// From 1.
    pub(super) line: usize,
    pub(super) address: IpAddr,
}

/// The addresses in a text.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    pub(super) found: Vec<Mention>,
    /// Why there may be others.
    pub(super) unseen: Option<String>,
}

/// The addresses of machines in a text, each line's own once. Not those of comments, of whole networks, and those that are the same on every
/// machine: loopback, link-local, multicast.
pub(super) fn mentions(text: &[u8]) -> Mentions {
    let mut mentions = Mentions::default();
    // UTF-16 has a zero in each plain character.
    if text.contains(&0) || std::str::from_utf8(text).is_err() {
        mentions.unseen = Some("it is not text in UTF-8, so not every address in it can be seen".to_owned());
    }
    let mut quote = None;
    for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
        // Within a quoted value, it is a line of the value.
        if quote.is_none() && is_comment(line) {
            continue;
        }
        quote = quote_after(line, quote);
        let mut of_line = HashSet::new();
        let mut add = |address: IpAddr| {
            let address = address.to_canonical();
            let is_full = mentions.found.len() == ADDRESSES;
            if is_full && mentions.unseen.is_some() || !names_a_machine(&address) || !of_line.insert(address) {
                return;
            }
            if is_full {
                mentions.unseen =
                    Some(format!("it names more than {ADDRESSES} addresses: the others were not compared"));
                return;
            }
            mentions.found.push(Mention { line: place + 1, address });
        };
        add_fours(line, &mut add);
        add_names(line, &mut add);
        add_sixes(line, &mut add);
    }
    mentions
}

/// Whether a line is a comment, and nothing but that: a carriage return may end it, too.
fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"#") && !line.contains(&b'\r')
}

/// The quotation mark that is open after a line, where `open` was before it. An apostrophe within a word is none.
fn quote_after(line: &[u8], mut open: Option<u8>) -> Option<u8> {
    let (mut before, mut is_escaped) = (b' ', false);
    for byte in line {
        match (open, *byte) {
            _ if is_escaped => is_escaped = false,
            (None | Some(b'"'), b'\\') => is_escaped = true,
            (Some(mark), byte) if mark == byte => open = None,
            (Some(_), _) => {}
            // The rest is a comment.
            (None, b'#') if before.is_ascii_whitespace() => return None,
            (None, b'"') => open = Some(b'"'),
            (None, b'\'') if !before.is_ascii_alphanumeric() => open = Some(b'\''),
            (None, _) => {}
        }
        before = *byte;
    }
    open
}

/// Runs of these characters, each with what stands behind it.
fn runs(line: &[u8], is_part: impl Fn(u8) -> bool) -> impl Iterator<Item = (&str, &[u8])> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let begin = rest.iter().position(|byte| is_part(*byte))?;
        let from = &rest[begin..];
        let end = from.iter().position(|byte| !is_part(*byte)).unwrap_or(from.len());
        let (run, behind) = from.split_at(end);
        rest = behind;
        Some((std::str::from_utf8(run).unwrap_or_default(), behind))
    })
}

/// Four numbers with dots between, whatever stands beside them: of more than four, each four that follow each other, since `node1.10.0.0.5` and
/// `v2.10.0.0.5` are names with an address in them.
fn add_fours(line: &[u8], add: &mut impl FnMut(IpAddr)) {
    for (run, behind) in runs(line, |byte| byte.is_ascii_digit() || byte == b'.') {
        // Two dots stand between the ends of a range.
        let mut pieces = run.split("..").peekable();
        while let Some(piece) = pieces.next() {
            let behind = if pieces.peek().is_none() { behind } else { b"" };
            let numbers: Vec<&str> = piece.trim_matches('.').split('.').collect();
            for (place, four) in numbers.windows(4).enumerate() {
                let behind = if place + 4 == numbers.len() { behind } else { b"" };
                let address = address_of(four).map(IpAddr::V4);
                address.filter(|address| !is_network(*address, behind)).into_iter().for_each(&mut *add);
            }
        }
    }
}

/// Addresses in names: four numbers with hyphens between. AWS makes such names (`ip-10-0-0-5`), and services that answer with the address in
/// the name (`app-10-0-0-5.nip.io`). Of other texts, only a private address counts: a date is none.
fn add_names(line: &[u8], add: &mut impl FnMut(IpAddr)) {
    let mut begin = 0;
    for (run, behind) in runs(line, |byte| byte.is_ascii_digit() || byte == b'-') {
        let at = line.len() - behind.len() - run.len();
        let before = &line[begin..at];
        begin = at + run.len();
        let ends_with = |name: &[u8]| before.last_chunk::<2>().is_some_and(|end| end.eq_ignore_ascii_case(name));
        let of_aws = IN_A_NAME.iter().find_map(|(name, more)| run.strip_prefix(more).filter(|_| ends_with(name)));
        let (run, is_of_aws) = (of_aws.unwrap_or(run), of_aws.is_some());
        let is_host = behind.first() == Some(&b'.') && behind.get(1).is_some_and(u8::is_ascii_alphabetic);
        let numbers: Vec<&str> = run.trim_matches('-').split('-').collect();
        let fours = numbers.windows(4).filter_map(address_of).map(IpAddr::V4);
        fours.filter(|address| is_of_aws || is_host || is_private(address)).for_each(&mut *add);
    }
}

/// Addresses of IPv6, with other words or a port beside them: `old:2001:db8::5`.
fn add_sixes(line: &[u8], add: &mut impl FnMut(IpAddr)) {
    for (run, behind) in runs(line, |byte| byte.is_ascii_alphanumeric() || byte == b':') {
        let mut rest = run;
        while rest.contains(':') {
            let is_end = |end: &usize| *end == rest.len() || rest.as_bytes()[*end] == b':';
            let ends = (2..=rest.len().min(SIX)).rev().filter(is_end);
            let found = ends.filter_map(|end| Some((end, rest[..end].parse::<Ipv6Addr>().ok()?))).next();
            match found {
                Some((end, address)) => {
                    rest = &rest[end..];
                    let behind = if rest.is_empty() { behind } else { b"" };
                    if !is_network(address.into(), behind) {
                        add(address.into());
                    }
                }
                None => rest = rest.split_once(':').map_or("", |(_, rest)| rest),
            }
        }
    }
}

/// The address of four numbers.
fn address_of(numbers: &[&str]) -> Option<Ipv4Addr> {
    let is_number = |part: &&str| matches!(part.len(), 1..=3) && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &&str| Some(*part).filter(is_number)?.parse::<u8>().ok();
    let numbers: Vec<u8> = numbers.iter().map(number).collect::<Option<_>>()?;
    <[u8; 4]>::try_from(numbers).ok().map(Ipv4Addr::from)
}

/// Whether a mask follows that makes a whole network of an address, which then has nothing but zeros behind the mask: `10.0.0.0/8`. A path is no
/// mask, and 10.0.0.5/24 is a machine in its network.
fn is_network(address: IpAddr, behind: &[u8]) -> bool {
    let Some(behind) = behind.strip_prefix(b"/") else { return false };
    let Some((mask, after)) = runs(behind, |byte| byte.is_ascii_digit() || byte == b'.').next() else { return false };
    let is_path = !behind.starts_with(mask.as_bytes())
        || after.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"/_-:%?".contains(byte));
    let mask = mask.trim_matches('.');
    let of_four =
        || address_of(&mask.split('.').collect::<Vec<_>>()).filter(is_mask).map(|mask| mask.to_bits().leading_ones());
    let Some(length) = mask.parse::<u32>().ok().or_else(of_four).filter(|_| !is_path) else { return false };
    match address {
        IpAddr::V4(v4) => length < 32 && v4.to_bits() & (u32::MAX >> length) == 0,
        IpAddr::V6(v6) => length < 128 && v6.to_bits() & (u128::MAX >> length) == 0,
    }
}

/// Whether it is a mask and no address: ones, then zeros.
fn is_mask(v4: &Ipv4Addr) -> bool {
    let bits = v4.to_bits();
    v4.octets()[0] == 255 && bits.leading_ones() + bits.trailing_zeros() >= 32
}

fn names_a_machine(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let is_of_all = v4.is_loopback() || v4.is_unspecified() || v4.is_link_local() || v4.is_multicast();
            !(is_of_all || is_mask(v4))
        }
        // Global addresses are below 2000::/3 (RFC 4291); what is left are words of programs, such as a::b.
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000 || v6.is_unique_local(),
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
        mentions(text.as_bytes()).found.iter().map(|found| format!("{} {}", found.line, found.address)).collect()
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let text = "PRIVATE_ADDRESS=10.0.0.5\nOPTS=\"-e DAEMON_ENDPOINT=10.0.0.5:9879 -e LOCAL_ADDRESS=10.0.0.5 -e X=54.1.2.3,\"\n\
                    NAME=ip-10-0-0-6.ec2.internal\nURL=https://10.0.0.7/path\nSIX=[2001:db8::5]:443, fd00::1%eth0\nLAST=10.0.0.8.\n\
                    RANGE=10.0.0.1-10.0.0.2 10.0.0.3..10.0.0.4\n#old\r10.0.0.9\nMAPPED=::ffff:10.0.0.10\n";
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
                "6 10.0.0.8",
                "7 10.0.0.1",
                "7 10.0.0.2",
                "7 10.0.0.3",
                "7 10.0.0.4",
                "8 10.0.0.9",
                "9 10.0.0.10",
            ]
        );
    }

    #[test]
    fn addresses_are_found_in_names_and_in_values_of_several_lines() {
        for text in [
            "A=node1.10.0.0.5.nip.io",
            "A=1.10.0.0.5",
            "A=v2.10.0.0.5:80",
            "A=10-0-0-5.nip.io",
            "A=app-10-0-0-5.sslip.io",
            "A=app-1-10-0-0-5.sslip.io",
            "A=node-10-0-0-5",
            "A=http://10-0-0-5/x",
        ] {
            assert!(found(text).contains(&"1 10.0.0.5".to_owned()), "{text}: {:?}", found(text));
        }
        assert_eq!(found("A=app-54-1-2-3.nip.io"), ["1 54.1.2.3"]);
        assert_eq!(
            found("A=\"x\n# 10.0.0.5\ny\"\n# 10.0.0.6\nB='\n  #10.0.0.7\n'\n#10.0.0.8"),
            ["2 10.0.0.5", "6 10.0.0.7"]
        );
        // None of these marks opens a value of several lines.
        for line in ["# it's", "A=1 # don't", "A=don't", "A=\\\"", "A='x' B=\"it's\"", "A=\"\\\"\""] {
            assert_eq!(found(&format!("{line}\n# 10.0.0.5")), [""; 0], "{line}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_machine_is_left_out() {
        let text = "# PRIVATE_ADDRESS=10.0.0.5\nA=127.0.0.1 B=169.254.169.254 C=::1 D=0.0.0.0\nNO_PROXY=10.0.0.0/8,192.168.0.0/16,fd00::/8\n\
                    VERSION=2.53.7 std::add a::b 02:00:00 aa:bb:cc:dd:ee:ff 1.2.3.400 1111.2.3.4 2026-11-20-05 11-20-05-06\nmask 255.255.255.0 10.0.0.0/255.0.0.0\n";
        assert_eq!(found(text), [""; 0]);
        assert_eq!(found("A=10.0.0.5/32\n"), ["1 10.0.0.5"]);
    }

    #[test]
    fn what_cannot_all_be_seen_says_so() {
        let utf16: Vec<u8> = "A=10.0.0.5\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [utf16.clone(), [vec![0xff, 0xfe], utf16].concat(), b"A=\xe4\n".to_vec()] {
            assert!(mentions(&text).unseen.is_some_and(|why| why.contains("not text in UTF-8")), "{text:?}");
        }
        let many = |number: u16| {
            (0..number).map(|place| format!("A=10.0.{}.{}\n", place / 200 + 1, place % 200 + 1)).collect::<String>()
        };
        assert_eq!(mentions(many(1000).as_bytes()).unseen, None);
        let more = mentions(many(1001).as_bytes());
        assert_eq!(more.found.len(), ADDRESSES);
        assert!(more.unseen.is_some_and(|why| why.contains("more than 1000 addresses")));
        let long = format!("A={} B=10.0.0.5\n", "x".repeat(70_000));
        assert_eq!(found(&long), ["1 10.0.0.5"]);
    }

    /// How files of configuration write an address: `{}` is one with dots, `{-}` one with hyphens.
    const CONTEXTS: [&str; 19] = [
        "{}",
        "--add-host old:{}",
        "host:{}:80",
        "-p {}:9870:9870",
        "{}:9870:tcp",
        "PRIVATE_ADDRESS={}/24",
        "http://{}/2/api",
        "http://u:p@{}/8x?y=1",
        "ec2-{-}.compute-1.amazonaws.com",
        "IP-{-}",
        "node-ip-{-}",
        "{}-10.255.255.9",
        "{}%eth0",
        "{}.nip.io",
        "v{}a",
        "é{}é",
        "tcp://{}",
        "x_{}_y",
        "{}/32",
    ];

    proptest::proptest! {
        #[test]
        fn an_address_is_found_in_any_context(
            octets in proptest::array::uniform4(1u8..=223),
            context in proptest::sample::select(&CONTEXTS[..]),
            (before, after) in ("([a-z =,;:\"'(\\[/@-]{0,9}[ =,;\"'(\\[@])?", "([ ,;\"')\\]][ -~]{0,9})?"),
        ) {
            let address = IpAddr::from(octets);
            proptest::prop_assume!(names_a_machine(&address));
            let place = context.replace("{}", &address.to_string()).replace("{-}", &address.to_string().replace('.', "-"));
            let all = mentions(format!("{before}{place}{after}").as_bytes());
            proptest::prop_assert!(all.found.contains(&Mention { line: 1, address }), "{all:?}");
        }

        #[test]
        fn an_address_of_ipv6_is_found_in_any_context(
            low in proptest::prelude::any::<u64>(),
            context in proptest::sample::select(&["{}", "old:{}", "[{}]:443", "http://[{}]/2/api", "{}%eth0", "{}:tcp", "A={}/64", "-p [{}]:1:2"][..]),
        ) {
            let address = IpAddr::from(Ipv6Addr::from_bits(0x2001_0db8_0001_0002 << 64 | u128::from(low | 1)));
            let all = mentions(context.replace("{}", &address.to_string()).as_bytes());
            proptest::prop_assert_eq!(all.found, [Mention { line: 1, address }]);
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            for found in mentions(&bytes).found {
                proptest::prop_assert!(found.line >= 1 && names_a_machine(&found.address));
            }
        }
    }
}
