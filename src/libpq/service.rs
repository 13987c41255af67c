//! Service files: named sets of connection keywords. Source: PostgreSQL manual, "34.17. The Connection Service File".

use std::path::{Path, PathBuf};

use crate::file_access;

use super::conninfo::is_space;
use super::keywords::is_known;

/// The folder of Debian's libpq, and of PostgreSQL's own packages for Debian and Ubuntu.
const SYSTEM_FOLDER: &str = "/etc/postgresql-common";

/// A service that cannot be used. No text of it holds a line of the file, which may hold passwords.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// No file defines it.
    #[error("the definition of the service{} was not found in {}", quoted(.name), listed(.files))]
    NotFound {
        /// Its name, if it looks like one.
        name: Option<String>,
        /// The files that were read.
        files: Vec<PathBuf>,
    },
    /// The file that was named cannot be read.
    #[error("cannot read the service file {}", .file.display())]
    Read { file: PathBuf, source: std::io::Error },
    /// A line of the file is wrong.
    #[error("{}, line {line}: {fault}", .file.display())]
    Line {
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        fault: &'static str,
    },
}

fn quoted(name: &Option<String>) -> String {
    name.as_deref().map(|name| format!(" {name:?}")).unwrap_or_default()
}

fn listed(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    names.join(" or ")
}

/// A keyword and its value.
pub(super) type Pair = (String, String);

/// Reads the keywords of a service: from the file that is named or the user's own, else from the system's. Of two values for one
/// keyword the first wins.
pub(super) fn look_up(
    name: &str,
    named: Option<PathBuf>,
    home: Option<&Path>,
    folder: Option<PathBuf>,
) -> Result<Vec<Pair>, ServiceError> {
    let own = home.map(|home| home.join(".pg_service.conf"));
    let system = folder.unwrap_or_else(|| SYSTEM_FOLDER.into()).join("pg_service.conf");
    let must_exist = named.is_some();
    let mut looked_in = Vec::new();
    for (file, must_exist) in [(named.or(own), must_exist), (Some(system), false)] {
        let Some(file) = file else { continue };
        if must_exist || file.exists() {
            let text = file_access::read_text(&file, file_access::SERVICES);
            let text = text.map_err(|source| ServiceError::Read { file: file.clone(), source })?;
            let found = parse(&text, name);
            let found = found.map_err(|(line, fault)| ServiceError::Line { file: file.clone(), line, fault })?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        looked_in.push(file);
    }
    // A password may stand in the wrong variable.
    let is_name = name.len() <= 63 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    Err(ServiceError::NotFound { name: is_name.then(|| name.to_owned()), files: looked_in })
}

/// The line at fault, counted from 1, and what is wrong with it.
pub(super) type LineFault = (usize, &'static str);

/// Reads the section of a service; `None` if the file has none. As in libpq, other sections are not checked.
pub(super) fn parse(text: &str, name: &str) -> Result<Option<Vec<Pair>>, LineFault> {
    let mut found: Option<Vec<Pair>> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_matches(is_space);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            // As in libpq, the text after the bracket does not matter.
            let fits = title.strip_prefix(name).is_some_and(|rest| rest.starts_with(']'));
            found = fits.then(Vec::new);
            continue;
        }
        let Some(pairs) = &mut found else { continue };
        let wrong = |fault| Err((index + 1, fault));
        if line.contains('\0') {
            // Neither libpq nor OpenSSL can take such a value.
            return wrong("a NUL byte");
        }
        if line.starts_with("ldap") {
            return wrong("a service cannot be looked up by LDAP");
        }
        let Some((keyword, value)) = line.split_once('=') else { return wrong("expected KEYWORD=VALUE") };
        match keyword {
            "service" | "servicefile" => return wrong("a service cannot name another service"),
            _ if !is_known(keyword) => return wrong("the keyword before = is not known"),
            _ if pairs.iter().any(|(earlier, _)| earlier == keyword) => {}
            _ => pairs.push((keyword.to_owned(), value.to_owned())),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<Pair> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    const FILE: &str = "# services\nhost=ignored\n\n[ci-old]\nnonsense\n[ci]\n  host=db \nport=5433\nhost=again\n#port=1\n\
                        password=a=b'c\u{a0}\nsslmode=\n[other]\nport=1\n[ci]\nuser=late\n";

    #[test]
    fn one_section_is_read() {
        let expected = [("host", "db"), ("port", "5433"), ("password", "a=b'c\u{a0}"), ("sslmode", "")];
        assert_eq!(parse(FILE, "ci").expect("a file"), Some(pairs(&expected)));
        assert_eq!(parse(FILE, "other").expect("a file"), Some(pairs(&[("port", "1")])));
        assert_eq!(parse(FILE, "nowhere").expect("a file"), None);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_alone() {
        for (text, line) in [
            ("[a]\n\nsecret", 3),
            ("[a]\nservice=secret", 2),
            ("[a]\nhost =secret", 2),
            ("[a]\nsecret=1", 2),
            ("[a]\nldap://secret", 2),
            ("[a]\nhost=secret\0", 2),
        ] {
            let (at, fault) = parse(text, "a").expect_err(text);
            assert_eq!(at, line, "{text}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    }

    #[test]
    fn the_users_own_file_comes_first_and_the_systems_next() {
        let (home, etc) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        std::fs::write(home.path().join(".pg_service.conf"), "[a]\nhost=own\n").expect("a file");
        std::fs::write(etc.path().join("pg_service.conf"), "[a]\nhost=system\n[b]\nhost=system\n").expect("a file");
        let look_up = |name, named| look_up(name, named, Some(home.path()), Some(etc.path().to_owned()));
        assert_eq!(look_up("a", None).expect("a service"), pairs(&[("host", "own")]));
        assert_eq!(look_up("b", None).expect("a service"), pairs(&[("host", "system")]));
        let error = look_up("nowhere", None).expect_err("it is nowhere").to_string();
        assert!(error.contains("\"nowhere\"") && error.contains("own") | error.contains(".pg_service.conf"), "{error}");
        let error = look_up("hunter2!", None).expect_err("it is nowhere").to_string();
        assert!(!error.contains("hunter2"), "{error}");
        let error = look_up("a", Some(etc.path().join("none"))).expect_err("no such file").to_string();
        assert!(error.contains("cannot read the service file"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s).*", name in ".*") {
            let _ = parse(&text, &name);
        }

        #[test]
        fn any_value_reads_back(value in "[^\\s\\[#\0]([^\n\r\0]*[^\\s\0])?", before in "(# [a-z]*\n|\n|\\[x\\]\nport=1\n){0,5}") {
            let text = format!("{before}[ci]\npassword={value}\n[next]\npassword=other\n");
            prop_assert_eq!(parse(&text, "ci").expect("a file"), Some(pairs(&[("password", &value)])));
        }
    }
}
