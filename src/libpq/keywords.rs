//! Every keyword of libpq 18, its environment variable, and how it is treated.
//! Source: PostgreSQL manual, "34.1.2. Parameter Key Words" and "34.15. Environment Variables".

/// How a keyword is treated.
#[derive(Clone, Copy)]
pub(super) enum Use {
    /// As libpq does.
    Followed,
    /// Whatever its value, it changes nothing.
    Harmless,
    /// An error, except for values that change nothing. To ignore it would be to connect elsewhere, or less safely, than
    /// `psql` does with the same settings.
    Refused { except: &'static [&'static str], why: &'static str },
}

use Use::{Followed, Harmless, Refused};

const NO_GSS: &str = "GSSAPI encryption is not supported";
const NO_REQUIRED_AUTH: &str =
    "the ways to log in cannot be restricted; channel_binding=require insists on scram-sha-256 over TLS";
const NO_OAUTH: &str = "a login by OAuth is not supported";
const NO_SCRAM_KEYS: &str = "a login by a SCRAM key is not supported";
const NO_REPLICATION: &str = "a replication connection cannot run queries";
const NO_KEY_LOG: &str = "the keys of a session would be written to a file";

/// The keyword, its variable (empty where there is none), its use.
pub(super) const KEYWORDS: [(&str, &str, Use); 52] = [
    ("host", "PGHOST", Followed),
    ("hostaddr", "PGHOSTADDR", Followed),
    ("port", "PGPORT", Followed),
    ("dbname", "PGDATABASE", Followed),
    ("user", "PGUSER", Followed),
    ("password", "PGPASSWORD", Followed),
    ("passfile", "PGPASSFILE", Followed),
    ("service", "PGSERVICE", Followed),
    ("servicefile", "PGSERVICEFILE", Followed),
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
    ("require_auth", "PGREQUIREAUTH", Refused { except: &[], why: NO_REQUIRED_AUTH }),
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

/// The keywords that name a file or a folder.
pub(super) const FILES: [&str; 7] =
    ["passfile", "servicefile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_stands_there_once() {
        for (index, (name, variable, _)) in KEYWORDS.iter().enumerate() {
            let rest = &KEYWORDS[index + 1..];
            assert!(!rest.iter().any(|(other, ..)| other == name), "{name}");
            assert!(variable.is_empty() || !rest.iter().any(|(_, other, _)| other == variable), "{variable}");
        }
    }
}
