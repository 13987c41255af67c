//! Which server, which database, who: libpq's keywords from the command line, its environment variables and defaults.
//! Source: PostgreSQL manual, "34.1.2. Parameter Key Words" and "34.15. Environment Variables".

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::config::{Config, Host, TargetSessionAttrs};

use super::DatabaseError;
use super::conninfo::{self, Keywords};
use super::tls::{Tls, Trust};

/// The environment variable of each keyword that is understood.
const ENVIRONMENT: [(&str, &str); 13] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "dbname"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGAPPNAME", "application_name"),
    ("PGOPTIONS", "options"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGPASSFILE", "passfile"),
];

/// Variables that would change where or how safely libpq connects, and that this program does not follow yet. To
/// ignore them would be to connect elsewhere, or less safely, than `psql` does with the same settings.
const NOT_FOLLOWED: [&str; 13] = [
    "PGSERVICE",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGSSLNEGOTIATION",
    "PGREQUIREPEER",
    "PGREQUIREAUTH",
    "PGREQUIRESSL",
    "PGCHANNELBINDING",
    "PGGSSENCMODE",
];

/// Values of these variables that ask for nothing that is not done anyway.
const HARMLESS: [(&str, &str); 5] = [
    ("PGGSSENCMODE", "disable"),
    ("PGGSSENCMODE", "prefer"),
    ("PGCHANNELBINDING", "disable"),
    ("PGCHANNELBINDING", "prefer"),
    ("PGREQUIRESSL", "0"),
];

const DEFAULT_PORT: u16 = 5432;

/// How to reach the build database.
pub struct Settings {
    pub(super) config: Config,
    pub(super) tls: Tls,
    description: String,
    password_was_in_the_url: bool,
    warnings: Vec<String>,
}

impl Settings {
    /// Reads `--database-url`, then libpq's environment variables for what it leaves out.
    ///
    /// # Errors
    /// A connection string that cannot be read, a keyword or a value that is not understood.
    pub fn resolve(
        database_url: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, DatabaseError> {
        let mut keywords = Keywords::new();
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let asks = |name: &str| variable(name).is_some_and(|value| !HARMLESS.contains(&(name, value.as_str())));
        if let Some(name) = NOT_FOLLOWED.into_iter().find(|name| asks(name)) {
            return Err(DatabaseError::NotFollowed(name.to_owned()));
        }
        for (name, keyword) in ENVIRONMENT {
            if let Some(value) = variable(name) {
                keywords.insert(keyword.to_owned(), value);
            }
        }
        let given = database_url.map(conninfo::parse).transpose()?.unwrap_or_default();
        let password_was_in_the_url = given.contains_key("password");
        keywords.extend(given);
        let settings = Self::from_keywords(keywords, variable("HOME").map(PathBuf::from))?;
        Ok(Self { password_was_in_the_url, ..settings })
    }

    /// The server, the database and the user in words, without a secret.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What a person should know of, though it is no reason to give up.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether `--database-url` held a password.
    pub fn password_was_in_the_url(&self) -> bool {
        self.password_was_in_the_url
    }

    fn from_keywords(mut keywords: Keywords, home: Option<PathBuf>) -> Result<Self, DatabaseError> {
        let mut warnings = Vec::new();
        let mut take = |key: &str| keywords.remove(key).filter(|value| !value.is_empty());
        let mut config = Config::new();
        let ports = ports(take("port").as_deref())?;
        let addresses = take("hostaddr").map(|list| split(&list)).unwrap_or_default();
        // Without a host, an address is its own name; a socket is only thought of where neither is given.
        let hosts = match take("host") {
            Some(hosts) => split(&hosts),
            None if addresses.is_empty() => default_hosts(&ports),
            None => addresses.clone(),
        };
        for host in &hosts {
            config.host(host);
        }
        for port in ports {
            config.port(port);
        }
        for address in &addresses {
            config.hostaddr(address.parse().map_err(|_| bad("hostaddr", "an IP address"))?);
        }
        if let Some(user) = take("user") {
            config.user(user);
        }
        if let Some(dbname) = take("dbname") {
            config.dbname(dbname);
        }
        let password = take("password");
        let passfile = take("passfile").map(PathBuf::from).or_else(|| home.as_deref().map(default_passfile));
        config.application_name(take("application_name").unwrap_or_else(|| "halfbuilt".to_owned()));
        if let Some(options) = take("options") {
            config.options(options);
        }
        if let Some(seconds) = take("connect_timeout") {
            let parsed = seconds.parse().map_err(|_| bad("connect_timeout", "a number of seconds"))?;
            config.connect_timeout(Duration::from_secs(parsed));
        }
        if let Some(wanted) = take("target_session_attrs") {
            config.target_session_attrs(session_attrs(&wanted)?);
        }
        let trust = Trust { root: take("sslrootcert"), home };
        let only_sockets = addresses.is_empty() && only_sockets(&config);
        let tls = Tls::resolve(take("sslmode").as_deref(), trust, only_sockets)?;
        config.ssl_mode(tls.mode());
        if let Some(key) = keywords.keys().next() {
            return Err(DatabaseError::Keyword(Some(key.clone()).filter(|key| resembles_a_keyword(key))));
        }
        if let Some(password) = password {
            config.password(password);
        } else if let Some(file) = passfile {
            match super::passfile::look_up(&file, &config) {
                Ok(Some(password)) => {
                    config.password(password);
                }
                Ok(None) => {}
                // As libpq does: said, and not used.
                Err(why) => warnings.push(why),
            }
        }
        let description = describe(&config);
        Ok(Self { config, tls, description, password_was_in_the_url: false, warnings })
    }
}

/// The value itself is not shown: where a password is not encoded as it should be, a piece of it ends up in another place.
fn bad(key: &'static str, expected: &'static str) -> DatabaseError {
    DatabaseError::Value { key, expected }
}

/// Whether a word that is no keyword here looks like one of libpq's, so that it may be shown.
fn resembles_a_keyword(word: &str) -> bool {
    const BEGINNINGS: [&str; 14] =
        ["host", "port", "user", "pass", "dbna", "ssl", "conn", "appl", "opti", "targ", "serv", "gss", "krb", "keep"];
    let plain = word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    plain && word.len() <= 26 && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(|item| item.trim().to_owned()).collect()
}

fn ports(list: Option<&str>) -> Result<Vec<u16>, DatabaseError> {
    let Some(list) = list else { return Ok(vec![DEFAULT_PORT]) };
    let port = |text: String| match text.as_str() {
        "" => Ok(DEFAULT_PORT),
        _ => text.parse().map_err(|_| bad("port", "a number from 1 to 65535")),
    };
    split(list).into_iter().map(port).collect()
}

/// libpq looks for a socket where its packager put it, then for a server on this machine.
fn default_hosts(ports: &[u16]) -> Vec<String> {
    let port = ports.first().copied().unwrap_or(DEFAULT_PORT);
    let socket_in = |folder: &&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
    let folder = ["/var/run/postgresql", "/tmp"].into_iter().find(socket_in);
    vec![folder.unwrap_or("localhost").to_owned()]
}

fn default_passfile(home: &Path) -> PathBuf {
    home.join(".pgpass")
}

fn only_sockets(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
}

fn session_attrs(wanted: &str) -> Result<TargetSessionAttrs, DatabaseError> {
    match wanted {
        "any" => Ok(TargetSessionAttrs::Any),
        "read-write" => Ok(TargetSessionAttrs::ReadWrite),
        "read-only" => Ok(TargetSessionAttrs::ReadOnly),
        _ => Err(bad("target_session_attrs", "any, read-write or read-only")),
    }
}

fn describe(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
    let host = |(index, host): (usize, &Host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(index)),
        Host::Unix(folder) => format!("{} (socket, port {})", folder.display(), port(index)),
    };
    let servers: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let database = config.get_dbname().map(|name| format!(", database {name:?}")).unwrap_or_default();
    let user = config.get_user().map(|name| format!(", user {name:?}")).unwrap_or_default();
    format!("{}{database}{user}", servers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(url: Option<&str>, environment: &[(&str, &str)]) -> Result<Settings, DatabaseError> {
        Settings::resolve(url, |name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let environment = [("PGHOST", "elsewhere"), ("PGUSER", "ro"), ("PGDATABASE", "ci"), ("PGPORT", "5433")];
        let settings = resolve(Some("host=db"), &environment).expect("settings");
        assert_eq!(settings.description(), r#"db:5433, database "ci", user "ro""#);
    }

    #[test]
    fn no_secret_is_described() {
        let settings = resolve(Some("postgres://ro:secret@db/ci"), &[]).expect("settings");
        assert!(!settings.description().contains("secret"));
    }

    #[test]
    fn an_address_is_never_taken_for_a_socket() {
        let settings = resolve(Some("hostaddr=127.0.0.1 sslmode=require"), &[]).expect("settings");
        assert_eq!(settings.description(), "127.0.0.1:5432");
        assert_eq!(settings.tls.mode(), tokio_postgres::config::SslMode::Require);
        let settings = resolve(Some("host=/run/pg hostaddr=127.0.0.1 sslmode=require"), &[]).expect("settings");
        assert_eq!(settings.tls.mode(), tokio_postgres::config::SslMode::Require);
    }

    #[test]
    fn a_password_that_is_not_encoded_is_not_shown() {
        for url in [
            "postgres://ro:hunter2/x@db/ci",
            "postgres://ro:hun?ter2@db/ci",
            "postgres://ro:x?hunter2=y@db/ci",
            "password=my hunter2=x",
        ] {
            let error = resolve(Some(url), &[]).err().expect(url);
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("hun"), "{error:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (url, environment, expected) in [
            ("sslmod=require", vec![], "sslmod"),
            ("port=many", vec![], "port"),
            ("sslmode=sometimes", vec![], "sslmode"),
            ("sslcert=client.crt", vec![], "sslcert"),
            ("", vec![("PGGSSENCMODE", "require")], "PGGSSENCMODE"),
            ("", vec![("PGSERVICE", "ci")], "PGSERVICE"),
        ] {
            let error = resolve(Some(url), &environment).err().expect(url).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
