//! Gathers the keywords of a connection from three layers: the connection string, then a service file, then the environment.
//! Source: PostgreSQL manual, "34.1.2. Parameter Key Words" and "34.15. Environment Variables".

use std::ffi::OsString;
use std::path::PathBuf;

use super::conninfo::{self, Keywords};
use super::error::ConnectError;
use super::keywords::{FILES, KEYWORDS, Use, is_known};
use super::service;

/// Where the layers below the connection string come from.
pub(super) struct Environment<'a> {
    /// An environment variable, `None` where it is empty.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The home folder.
    pub(super) home: Option<PathBuf>,
}

/// Checks that every variable of libpq is UTF-8.
pub(super) fn check_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<(), ConnectError> {
    let names = KEYWORDS.iter().map(|(_, name, _)| *name).filter(|name| !name.is_empty());
    for name in names.chain(["PGREQUIRESSL", "PGSYSCONFDIR"]) {
        if variable(name).is_some_and(|value| value.to_str().is_none()) {
            return Err(ConnectError::Variable(name));
        }
    }
    Ok(())
}

/// Merges the layers. A value in a higher one wins, even if it is empty.
pub(super) fn gather(from_string: Keywords, environment: &Environment<'_>) -> Result<Keywords, ConnectError> {
    let mut gathered = Keywords::new();
    for (keyword, value) in from_string {
        if !is_known(&keyword) {
            return Err(ConnectError::Keyword(Some(keyword).filter(|word| resembles_a_keyword(word))));
        }
        insert(&mut gathered, keyword, value);
    }
    let asked = |keyword: &str, variable: &str| {
        gathered.get(keyword).cloned().or_else(|| (environment.variable)(variable)).filter(|value| !value.is_empty())
    };
    if let Some(name) = asked("service", "PGSERVICE") {
        let own = asked("servicefile", "PGSERVICEFILE");
        check_file_name("servicefile", own.as_deref())?;
        let own = own.map(PathBuf::from);
        let folder = (environment.variable)("PGSYSCONFDIR").map(PathBuf::from);
        for (keyword, value) in service::look_up(&name, own, environment.home.as_deref(), folder)? {
            insert(&mut gathered, keyword, value);
        }
    }
    for (keyword, variable, _) in KEYWORDS {
        if let Some(value) = Some(variable).filter(|name| !name.is_empty()).and_then(environment.variable) {
            insert(&mut gathered, keyword.to_owned(), value);
        }
    }
    if (environment.variable)("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
        insert(&mut gathered, "sslmode".to_owned(), "require".to_owned());
    }
    check(&gathered)?;
    Ok(gathered)
}

/// Adds a value, unless a higher layer has one.
fn insert(keywords: &mut Keywords, keyword: String, value: String) {
    let (keyword, value) = match keyword.as_str() {
        "requiressl" if value.starts_with('1') => ("sslmode".to_owned(), "require".to_owned()),
        "requiressl" => ("sslmode".to_owned(), "prefer".to_owned()),
        _ => (keyword, value),
    };
    keywords.entry(keyword).or_insert(value);
}

/// Checks that a value is a name: `PGSSLKEY="$(cat key.pem)"` is a common mistake.
fn check_file_name(key: &'static str, value: Option<&str>) -> Result<(), ConnectError> {
    let is_text = |value: &str| value.contains('\n') || value.contains("-----BEGIN");
    if value.is_some_and(is_text) { Err(ConnectError::NoFileName(key)) } else { Ok(()) }
}

fn check(keywords: &Keywords) -> Result<(), ConnectError> {
    for key in FILES {
        check_file_name(key, keywords.get(key).map(String::as_str))?;
    }
    for (key, _, used) in KEYWORDS {
        let Use::Refused { except, why } = used else { continue };
        if keywords.get(key).is_some_and(|value| !value.is_empty() && !except.contains(&value.as_str())) {
            return Err(ConnectError::Unsupported { key, why });
        }
    }
    Ok(())
}

/// Reads the connection string; without one, nothing.
pub(super) fn parse(connection_string: Option<&str>) -> Result<Keywords, ConnectError> {
    Ok(connection_string.map(conninfo::parse).transpose()?.unwrap_or_default())
}

/// Whether an unknown keyword looks like a mistyped one, and not like a piece of a password: only then it may be shown.
fn resembles_a_keyword(word: &str) -> bool {
    const BEGINNINGS: [&str; 14] =
        ["host", "port", "user", "pass", "dbna", "ssl", "conn", "appl", "opti", "targ", "serv", "gss", "krb", "keep"];
    let plain = word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    plain && word.len() <= 26 && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(given: &str, environment: &[(&str, &str)]) -> Result<Keywords, ConnectError> {
        let variable =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        gather(parse(Some(given))?, &Environment { variable: &variable, home: None })
    }

    #[test]
    fn the_connection_string_wins_over_the_service_and_that_over_the_environment() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("services");
        std::fs::write(&file, "[ci]\nhost=from-service\nport=6000\n").expect("a file");
        let file = file.to_str().expect("a path");
        let environment =
            [("PGSERVICEFILE", file), ("PGSERVICE", "ci"), ("PGPORT", "7000"), ("PGHOST", "h"), ("PGUSER", "u")];
        let keywords = gathered("port=5000", &environment).expect("keywords");
        assert_eq!([&keywords["host"], &keywords["port"], &keywords["user"]], ["from-service", "5000", "u"]);
    }

    #[test]
    fn what_is_empty_in_a_higher_layer_hides_the_lower_ones() {
        assert_eq!(gathered("host=''", &[("PGHOST", "h")]).expect("keywords")["host"], "");
    }

    #[test]
    fn the_old_way_to_require_tls() {
        for (given, variable, expected) in [
            ("requiressl=1", "0", "require"),
            ("requiressl=0", "1", "prefer"),
            ("", "1", "require"),
            ("sslmode=verify-ca", "1", "verify-ca"),
        ] {
            let keywords = gathered(given, &[("PGREQUIRESSL", variable)]).expect("keywords");
            assert_eq!(keywords["sslmode"], expected, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_an_error_and_what_asks_for_nothing_is_none() {
        for given in ["gssencmode=require", "replication=database", "oauth_issuer=x", "scram_client_key=secret"] {
            let error = gathered(given, &[]).expect_err(given).to_string();
            assert!(error.contains(given.split('=').next().expect("a word")) && !error.contains("secret"), "{error}");
        }
        for given in
            ["gssencmode=prefer", "replication=off", "krbsrvname=x", "client_encoding=LATIN1", "sslkeylogfile="]
        {
            gathered(given, &[]).expect(given);
        }
    }
}
