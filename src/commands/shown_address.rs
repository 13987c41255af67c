//! A database's address in a command for a person to run next: as it is where it can hold no secret.

use url::Url;

use crate::sources::private::PRIVATE;

/// What stands in place of an address that may hold a password.
const SECRET: &str = "...";

/// The parameters whose values are no secrets.
const PLAIN: [&str; 15] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "service",
    "application_name",
    "connect_timeout",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "channel_binding",
    "gssencmode",
    "target_session_attrs",
    "load_balance_hosts",
];

/// An address as it may be shown: whole, or three dots where a password may be in it.
pub(super) fn shown_address(address: &str) -> &str {
    if address == PRIVATE || is_plain(address) { address } else { SECRET }
}

fn is_plain(address: &str) -> bool {
    // What is written in another way may be read in another way.
    if address.contains(['%', '\\', '\'', '"']) || !address.chars().all(|c| matches!(c, ' '..='~')) {
        return false;
    }
    match address.contains("://") {
        true => Url::parse(address).is_ok_and(|url| {
            matches!(url.scheme(), "postgres" | "postgresql")
                && url.password().is_none()
                && url.fragment().is_none()
                && url.query_pairs().all(|(name, _)| PLAIN.contains(&&*name))
        }),
        false => {
            address.split_whitespace().all(|pair| pair.split_once('=').is_some_and(|(name, _)| PLAIN.contains(&name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_hold_no_secret_is_shown() {
        for plain in [
            "private",
            "dbname=documents",
            "host=/run/postgresql dbname=ci user=auditor",
            "postgresql://db.internal/ci",
            "postgres://auditor@db.internal:5433/ci?sslmode=require",
        ] {
            assert_eq!(shown_address(plain), plain);
        }
    }

    #[test]
    fn what_may_hold_a_password_is_not() {
        for secret in [
            "postgres://me:hunter2@db/ci",
            "postgres://db/ci?password=hunter2",
            "postgres://db/ci?%70assword=hunter2",
            "dbname=ci password=hunter2",
            "dbname=ci password = hunter2",
            "dbname=ci Password=hunter2",
            "dbname='ci' password='hunter2'",
            "dbname=ci sslpassword=hunter2",
            "dbname=ci passfile=/home/me/.pgpass",
            "postgres://db/ci?oauth_client_secret=hunter2",
            "postgres://db/ci#hunter2",
            "http://db/ci",
            "hunter2",
            "dbname=ci\nhunter2",
        ] {
            assert_eq!(shown_address(secret), "...", "{secret:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_password_is_shown_nowhere(name in "[a-z%0-9]{0,6}pass[a-z]{0,8}", space in "[ ]{0,2}") {
            for address in [format!("dbname=ci {name}{space}={space}hunter2"), format!("postgres://db/ci?{name}=hunter2")] {
                proptest::prop_assert_eq!(shown_address(&address), "...");
            }
        }
    }
}
