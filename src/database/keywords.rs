//! Every keyword of libpq 18, its environment variable, and what is done with it; and the layers that their values come
//! from: the connection string, then a service file, then the environment.
//! Source: PostgreSQL manual, "34.1.2. Parameter Key Words" and "34.15. Environment Variables".

use std::ffi::OsString;
use std::path::PathBuf;

use super::DatabaseError;
use super::conninfo::{self, Keywords};
use super::service;

/// What is done with a keyword.
#[derive(Clone, Copy)]
enum Use {
    /// As libpq does.
    Followed,
    /// Whatever its value, it asks for nothing that is not so anyway.
    Harmless,
    /// An error, except for values that ask for nothing. To ignore it would be to connect elsewhere, or less safely, than
    /// `psql` does with the same settings.
    Refused { except: &'static [&'static str], why: &'static str },
}

use Use::{Followed, Harmless, Refused};

const NO_GSS: &str = "halfbuilt has no GSSAPI encryption";
const NO_OAUTH: &str = "halfbuilt cannot log in by OAuth";
const NO_SCRAM_KEYS: &str = "halfbuilt cannot log in by a SCRAM key";
const NO_REPLICATION: &str = "a replication connection cannot run the queries";
const NO_KEY_LOG: &str = "the keys of a session would be written to a file";

/// The keyword, its variable (empty where there is none), its use.
const KEYWORDS: [(&str, &str, Use); 52] = [
    ("host", "PGHOST", Followed),
    ("hostaddr", "PGHOSTADDR", Followed),
    ("port", "PGPORT", Followed),
    ("dbname", "PGDATABASE", Followed),
    ("user", "PGUSER", Followed),
    ("password", "PGPASSWORD", Followed),
    ("passfile", "PGPASSFILE", Followed),
    ("service", "PGSERVICE", Followed),
    ("servicefile", "PGSERVICEFILE", Followed),
    ("require_auth", "PGREQUIREAUTH", Followed),
    ("channel_binding", "PGCHANNELBINDING", Followed),
    ("connect_timeout", "PGCONNECT_TIMEOUT", Followed),
    ("options", "PGOPTIONS", Followed),
    ("application_name", "PGAPPNAME", Followed),
    ("fallback_application_name", "", Followed),
    ("keepalives", "", Followed),
    ("keepalives_idle", "", Followed),
    ("keepalives_interval", "", Followed),
    ("keepalives_count", "", Followed),
    ("tcp_user_timeout", "", Followed),
    ("sslmode", "PGSSLMODE", Followed),
    ("sslnegotiation", "PGSSLNEGOTIATION", Followed),
    ("sslcert", "PGSSLCERT", Followed),
    ("sslkey", "PGSSLKEY", Followed),
    ("sslpassword", "", Followed),
    ("sslcertmode", "PGSSLCERTMODE", Followed),
    ("sslrootcert", "PGSSLROOTCERT", Followed),
    ("sslcrl", "PGSSLCRL", Followed),
    ("sslcrldir", "PGSSLCRLDIR", Followed),
    ("sslsni", "PGSSLSNI", Followed),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Followed),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Followed),
    ("min_protocol_version", "PGMINPROTOCOLVERSION", Followed),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION", Followed),
    ("requirepeer", "PGREQUIREPEER", Followed),
    ("target_session_attrs", "PGTARGETSESSIONATTRS", Followed),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS", Followed),
    // libpq sends no compressed TLS either, and this session speaks UTF-8 whatever the terminal does.
    ("sslcompression", "PGSSLCOMPRESSION", Harmless),
    ("client_encoding", "PGCLIENTENCODING", Harmless),
    // They say how GSSAPI would be used if it were.
    ("krbsrvname", "PGKRBSRVNAME", Harmless),
    ("gsslib", "PGGSSLIB", Harmless),
    ("gssdelegation", "PGGSSDELEGATION", Harmless),
    ("gssencmode", "PGGSSENCMODE", Refused { except: &["disable", "prefer"], why: NO_GSS }),
    ("replication", "", Refused { except: &["false", "off", "no", "0"], why: NO_REPLICATION }),
    ("sslkeylogfile", "", Refused { except: &[], why: NO_KEY_LOG }),
    ("scram_client_key", "", Refused { except: &[], why: NO_SCRAM_KEYS }),
    ("scram_server_key", "", Refused { except: &[], why: NO_SCRAM_KEYS }),
    ("oauth_issuer", "", Refused { except: &[], why: NO_OAUTH }),
    ("oauth_client_id", "", Refused { except: &[], why: NO_OAUTH }),
    ("oauth_client_secret", "", Refused { except: &[], why: NO_OAUTH }),
    ("oauth_scope", "", Refused { except: &[], why: NO_OAUTH }),
    // libpq before version 10: another way to write sslmode.
    ("requiressl", "", Followed),
];

/// What names a file or a folder.
const FILES: [&str; 7] = ["passfile", "servicefile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"];

/// Whether libpq knows this keyword.
pub(super) fn is_known(keyword: &str) -> bool {
    KEYWORDS.iter().any(|(name, ..)| *name == keyword)
}

/// The environment variable of a keyword.
pub(super) fn variable_of(keyword: &str) -> Option<&'static str> {
    KEYWORDS
        .iter()
        .find(|(name, ..)| *name == keyword)
        .map(|(_, variable, _)| *variable)
        .filter(|name| !name.is_empty())
}

/// Where the layers below the connection string are found.
pub(super) struct Surroundings<'a> {
    /// An environment variable, `None` where it is empty.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The home folder.
    pub(super) home: Option<PathBuf>,
}

/// Every variable that may be asked for can be read.
pub(super) fn check_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<(), DatabaseError> {
    let names = KEYWORDS.iter().map(|(_, name, _)| *name).filter(|name| !name.is_empty());
    for name in names.chain(["PGREQUIRESSL", "PGSYSCONFDIR"]) {
        if variable(name).is_some_and(|value| value.to_str().is_none()) {
            return Err(DatabaseError::Variable(name));
        }
    }
    Ok(())
}

/// Puts the layers on top of one another. What stands in a higher one wins, even if it is empty.
pub(super) fn gather(given: Keywords, around: &Surroundings<'_>) -> Result<Keywords, DatabaseError> {
    let mut gathered = Keywords::new();
    for (keyword, value) in given {
        if !is_known(&keyword) {
            return Err(DatabaseError::Keyword(Some(keyword).filter(|word| resembles_a_keyword(word))));
        }
        insert(&mut gathered, keyword, value);
    }
    let asked = |keyword: &str, variable: &str| {
        gathered.get(keyword).cloned().or_else(|| (around.variable)(variable)).filter(|value| !value.is_empty())
    };
    if let Some(name) = asked("service", "PGSERVICE") {
        let own = asked("servicefile", "PGSERVICEFILE");
        names_a_file("servicefile", own.as_deref())?;
        let own = own.map(PathBuf::from);
        let folder = (around.variable)("PGSYSCONFDIR").map(PathBuf::from);
        for (keyword, value) in service::look_up(&name, own, around.home.as_deref(), folder)? {
            insert(&mut gathered, keyword, value);
        }
    }
    for (keyword, variable, _) in KEYWORDS {
        if let Some(value) = Some(variable).filter(|name| !name.is_empty()).and_then(around.variable) {
            insert(&mut gathered, keyword.to_owned(), value);
        }
    }
    if (around.variable)("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
        insert(&mut gathered, "sslmode".to_owned(), "require".to_owned());
    }
    refuse(&gathered)?;
    Ok(gathered)
}

/// Keeps what a higher layer said.
fn insert(keywords: &mut Keywords, keyword: String, value: String) {
    let (keyword, value) = match keyword.as_str() {
        "requiressl" if value.starts_with('1') => ("sslmode".to_owned(), "require".to_owned()),
        "requiressl" => ("sslmode".to_owned(), "prefer".to_owned()),
        _ => (keyword, value),
    };
    keywords.entry(keyword).or_insert(value);
}

/// `PGSSLKEY="$(cat key.pem)"` is a mistake that other programs invite to.
fn names_a_file(key: &'static str, value: Option<&str>) -> Result<(), DatabaseError> {
    let is_text = |value: &str| value.contains('\n') || value.contains("-----BEGIN");
    if value.is_some_and(is_text) { Err(DatabaseError::NoFileName(key)) } else { Ok(()) }
}

fn refuse(keywords: &Keywords) -> Result<(), DatabaseError> {
    for key in FILES {
        names_a_file(key, keywords.get(key).map(String::as_str))?;
    }
    for (key, _, used) in KEYWORDS {
        let Refused { except, why } = used else { continue };
        if keywords.get(key).is_some_and(|value| !value.is_empty() && !except.contains(&value.as_str())) {
            return Err(DatabaseError::Unsupported { key, why });
        }
    }
    Ok(())
}

/// Reads the connection string.
pub(super) fn parse(database_url: Option<&str>) -> Result<Keywords, DatabaseError> {
    database_url.map(conninfo::parse).transpose().map(Option::unwrap_or_default)
}

/// Whether a word that is no keyword looks like a mistyped one, so that it may be shown: it may be a piece of a password.
fn resembles_a_keyword(word: &str) -> bool {
    const BEGINNINGS: [&str; 14] =
        ["host", "port", "user", "pass", "dbna", "ssl", "conn", "appl", "opti", "targ", "serv", "gss", "krb", "keep"];
    let plain = word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    plain && word.len() <= 26 && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(given: &str, environment: &[(&str, &str)]) -> Result<Keywords, DatabaseError> {
        let variable =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        gather(parse(Some(given))?, &Surroundings { variable: &variable, home: None })
    }

    #[test]
    fn every_keyword_stands_there_once() {
        for (index, (name, variable, _)) in KEYWORDS.iter().enumerate() {
            let rest = &KEYWORDS[index + 1..];
            assert!(!rest.iter().any(|(other, ..)| other == name), "{name}");
            assert!(variable.is_empty() || !rest.iter().any(|(_, other, _)| other == variable), "{variable}");
        }
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
