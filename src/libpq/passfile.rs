//! The password file, `~/.pgpass`. Source: PostgreSQL manual, "34.16. The Password File".

use std::io::ErrorKind;
use std::path::Path;

use crate::file_access;

use super::hosts::Server;

/// Reads a password file; `None` if it does not exist. An error is a warning to show: it says why the file is not used.
pub(super) fn read(file: &Path) -> Result<Option<Vec<u8>>, String> {
    let Ok(meta) = std::fs::metadata(file) else { return Ok(None) };
    let name = file.display();
    if !meta.is_file() {
        return Err(format!("the password file {name} is not used: it is not a plain file"));
    }
    if readable_by_others(&meta) {
        return Err(format!("the password file {name} is not used: other users can read it (chmod 0600 {name})"));
    }
    match file_access::read_plain(file, file_access::PASSWORDS) {
        Ok(text) => Ok(Some(text)),
        // As in libpq, which does not mention a file that it may not read.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(format!("the password file {name} is not used: {error}")),
    }
}

/// The password in the first line that fits. A password is bytes, not always UTF-8.
pub(super) fn look_up(text: &[u8], server: &Server, dbname: &str, user: &str) -> Option<Vec<u8>> {
    let (host, port) = (server.name_in_passfile(), server.port.to_string());
    let wanted = [host.as_str(), &port, dbname, user];
    text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#")).find_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let rest = wanted.iter().try_fold(line, |rest, wanted| after_field(rest, wanted.as_bytes()))?;
        // As in libpq, a colon that is not escaped ends the password.
        Some(field(rest).0)
    })
}

/// The rest of the line after a field and its colon, if the field is `*` or the wanted text.
fn after_field<'a>(line: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let (field, rest) = field(line);
    rest.filter(|_| field == wanted)
}

/// A field without its escapes, `\:` and `\\`, and the rest of the line after its colon.
fn field(line: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let mut field = Vec::new();
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        match byte {
            b':' => return (field, Some(&line[at + 1..])),
            b'\\' if at + 1 < line.len() => {
                field.push(line[at + 1]);
                at += 1;
            }
            byte => field.push(*byte),
        }
        at += 1;
    }
    (field, None)
}

fn readable_by_others(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o077 != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hosts::{default_host, servers};
    use super::*;

    const FILE: &str = "# who:may:come:in:?\n\ndb:5432:ci:ro:first\ndb:*:*:ro:se\\:c\\ond\nhalf:a:line\n\
                        localhost:*:*:*:socket\r\n\\*:1:ci:ro:star\n*:6:*:*:ends:here\n/run/pg:*:*:*:folder\n*:*:*:*:last\n";

    fn looked_up(host: &str, port: &str, dbname: &str) -> String {
        let server = &servers(Some(host), None, Some(port)).expect("a server")[0];
        String::from_utf8(look_up(FILE.as_bytes(), server, dbname, "ro").expect("a password")).expect("UTF-8")
    }

    #[test]
    fn the_first_line_that_fits_wins() {
        for (host, port, dbname, expected) in [
            ("db", "5432", "ci", "first"),
            ("db", "5433", "ci", "se:cond"),
            ("other", "5432", "ci", "last"),
            (default_host(), "5432", "ci", "socket"),
            ("/tmp/", "5432", "ci", "last"),
            ("/run/pg", "5432", "ci", "folder"),
            ("localhost", "5432", "ci", "socket"),
            ("*", "1", "ci", "star"),
            ("x", "6", "ci", "ends"),
        ] {
            assert_eq!(looked_up(host, port, dbname), expected, "{host} {port} {dbname}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pgpass");
        assert_eq!(read(&file).expect("a look"), None);
        std::fs::write(&file, FILE).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("permissions");
        assert!(read(&file).expect_err("it was used").contains("other users can read it"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        assert_eq!(read(&file).expect("a look").as_deref(), Some(FILE.as_bytes()));
        assert!(read(folder.path()).expect_err("it was used").contains("not a plain file"));
    }

    proptest! {
        #[test]
        fn any_file_is_read(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let server = &servers(Some("db"), None, None).expect("a server")[0];
            let _ = look_up(&text, server, "ci", "ro");
        }

        #[test]
        fn any_password_reads_back(password in "[^\r\n]+", user in "[^\r\n]{1,9}", before in "([a-z*]:){0,6}\n") {
            let escaped = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
            let file = format!("{before}db:5432:*:{}:{}\n*:*:*:*:other", escaped(&user), escaped(&password));
            let server = &servers(Some("db"), None, None).expect("a server")[0];
            let found = look_up(file.as_bytes(), server, "ci", &user);
            let passes_by = look_up(before.as_bytes(), server, "ci", &user).is_none();
            prop_assert!(!passes_by || found == Some(password.into_bytes()));
        }
    }
}
