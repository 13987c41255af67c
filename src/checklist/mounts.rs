//! What is mounted, and what should be: the kernel's table and /etc/fstab.
//!
//! Sources: proc_pid_mountinfo(5), fstab(5).

/// How many mounts are read: a machine that runs many containers has thousands.
const MOUNTS: usize = 100_000;

/// A file system that is mounted, or should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) place: String,
    /// Such as `ext4` or `nfs4`.
    pub(super) kind: String,
    /// A device, or `server:/path`.
    pub(super) source: String,
    /// Whether the machine starts without it, too (`nofail`).
    pub(super) may_fail: bool,
}

/// The mounts of a process.
pub(super) fn mounted(mountinfo: &[u8]) -> Vec<Mount> {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let place = before.split(' ').nth(4)?;
        let mut after = after.split(' ');
        let (kind, source) = (after.next()?, after.next()?);
        Some(Mount { place: unescaped(place), kind: kind.to_owned(), source: unescaped(source), may_fail: false })
    };
    lines(mountinfo).iter().filter_map(|line| mount(line)).take(MOUNTS).collect()
}

/// What should be mounted when the machine starts: not swap, and nothing that waits for somebody to mount it.
pub(super) fn wanted(fstab: &[u8]) -> Vec<Mount> {
    let mount = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (source, place, kind) = (fields.next()?, fields.next()?, fields.next()?);
        let options: Vec<&str> = fields.next().unwrap_or_default().split(',').collect();
        let (waits, may_fail) = (options.contains(&"noauto"), options.contains(&"nofail"));
        let is_one = !source.starts_with('#') && place.starts_with('/') && kind != "swap" && !waits;
        let place = unescaped(place);
        let place = if place.len() > 1 { place.trim_end_matches('/').to_owned() } else { place };
        is_one.then(|| Mount { place, kind: kind.to_owned(), source: unescaped(source), may_fail })
    };
    lines(fstab).iter().filter_map(|line| mount(line)).take(MOUNTS).collect()
}

/// The mount that a path is on: the last of those at the longest place above it.
pub(super) fn of<'a>(mounts: &'a [Mount], path: &str) -> Option<&'a Mount> {
    let is_above = |place: &str| {
        place == "/" || path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.iter().filter(|mount| is_above(&mount.place)).max_by_key(|mount| mount.place.len())
}

fn lines(bytes: &[u8]) -> Vec<String> {
    bytes.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// A space, a tab, a line feed and a backslash are written as octal numbers: `\040`.
fn unescaped(text: &str) -> String {
    let mut plain = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 4).filter(|_| bytes[at] == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &str = "22 28 0:21 / /proc rw,nosuid - proc proc rw\n28 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
        30 28 0:40 / /data/circle\\040store rw shared:3 master:1 - nfs4 files.internal:/ci rw,vers=4.2\nnonsense\n";

    #[test]
    fn the_kernels_table_is_read() {
        let mounts = mounted(MOUNTINFO.as_bytes());
        assert_eq!(mounts.len(), 3);
        let store = of(&mounts, "/data/circle store/x").expect("a mount");
        assert_eq!((store.kind.as_str(), store.source.as_str()), ("nfs4", "files.internal:/ci"));
        // A name that only begins the same is another folder.
        assert_eq!(of(&mounts, "/data/circle stores").expect("a mount").place, "/");
    }

    #[test]
    fn only_what_is_mounted_at_the_start_is_wanted() {
        let fstab = "# /dev/x /x ext4\nUUID=1 / ext4 defaults 0 1\nfiles:/ci /data/circle/ nfs4 _netdev\n/dev/y none swap sw\n\
                     /dev/z /mnt ext4 noauto,ro\nshort\n/dev/w /a\\134b ext4\n";
        let places: Vec<String> = wanted(fstab.as_bytes()).into_iter().map(|mount| mount.place).collect();
        assert_eq!(places, ["/", "/data/circle", "/a\\b"]);
        let may_fail = |options: &str| wanted(format!("/dev/x /x ext4 {options}\n").as_bytes())[0].may_fail;
        assert!(may_fail("rw,nofail") && !may_fail("rw") && !may_fail(""));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            mounted(&bytes);
            proptest::prop_assert!(wanted(&bytes).iter().all(|mount| mount.place.starts_with('/')));
        }

        #[test]
        fn a_place_is_read_as_it_was(place in "/[ -~]{0,20}") {
            let escaped: String = place.bytes().map(|byte| match byte {
                b' ' | b'\\' => format!("\\{byte:03o}"),
                byte => char::from(byte).to_string(),
            }).collect();
            proptest::prop_assert_eq!(&unescaped(&escaped), &place);
        }
    }
}
