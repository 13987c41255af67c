//! Turns the values of libpq's keywords into settings: which servers, which database, which user.
//! Source: PostgreSQL manual, "34.1.2. Parameter Key Words".

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{User, geteuid};
use secrecy::SecretString;
use socket2::TcpKeepalive;
use tokio_postgres::config::ChannelBinding;

use super::client_certificate::ClientCertificate;
use super::conninfo::{Keywords, is_space};
use super::error::ConnectError;
use super::gather::{self, Environment};
use super::hosts::{Server, TargetSessionAttrs, servers};
use super::notice::NoticeListener;
use super::passfile;
use super::route::SocketOptions;
use super::tls::{self, Mode, Tls, TlsOptions, Version};

/// How to reach a database, and as whom.
pub struct Settings {
    pub(super) servers: Vec<Server>,
    pub(super) login: Login,
    pub(super) mode: Mode,
    /// `None` if nothing is encrypted.
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) target: TargetSessionAttrs,
    /// `load_balance_hosts=random`.
    pub(super) random_order: bool,
    /// How long each address may take.
    pub(super) timeout: Option<Duration>,
    pub(super) socket: SocketOptions,
    description: String,
    password_was_in_the_string: bool,
    warnings: Vec<String>,
    /// Hears what the server says besides its answers.
    pub(super) listener: Option<NoticeListener>,
}

/// The user, the database, and how to log in.
pub(super) struct Login {
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) channel_binding: ChannelBinding,
}

impl Settings {
    /// Reads the connection string. What it leaves out comes from the service file that is asked for, then from libpq's environment
    /// variables. `program` is the `application_name` if none is set.
    ///
    /// # Errors
    /// A connection string or a service file that cannot be read, a keyword or a value that is not understood, something
    /// that is not supported, a certificate or a key that cannot be used.
    pub fn resolve(
        connection_string: Option<&str>,
        program: &str,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConnectError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        gather::check_variables(&variable)?;
        let this_user = || User::from_uid(geteuid()).ok().flatten();
        let home = variable("HOME").map(PathBuf::from).or_else(|| this_user().map(|user| user.dir));
        let variable = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let from_string = gather::parse(connection_string)?;
        let password_was_in_the_string =
            from_string.contains_key("password") || from_string.contains_key("sslpassword");
        let gathered = gather::gather(from_string, &Environment { variable: &variable, home: home.clone() })?;
        let values = Values(gathered);

        let mut warnings = Vec::new();
        let mut servers = servers(values.get("host"), values.get("hostaddr"), values.get("port"))?;
        let login = login(&values, program, || this_user().map(|user| user.name))?;
        let passfile = values.get("passfile").map(PathBuf::from);
        let passfile = passfile.or_else(|| home.as_deref().map(|home| home.join(".pgpass")));
        give_passwords(&mut servers, values.get("password"), passfile.as_deref(), &login, &mut warnings);
        let (mode, tls) = encryption(&values, home, &servers, &mut warnings)?;
        check_protocol(&values)?;
        let listed: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let description = format!("{}, database {:?}, user {:?}", listed.join(", "), login.dbname, login.user);
        Ok(Self {
            mode,
            tls,
            target: values
                .choice("target_session_attrs", TARGET_SESSION_ATTRS, &TargetSessionAttrs::VALUES)?
                .unwrap_or(TargetSessionAttrs::Any),
            random_order: values.choice("load_balance_hosts", "disable or random", &BALANCE)?.unwrap_or(false),
            timeout: match values.number("connect_timeout")? {
                Some(_) => values.seconds("connect_timeout")?,
                None => Some(CONNECT_TIMEOUT),
            },
            socket: socket_options(&values)?,
            servers,
            login,
            description,
            password_was_in_the_string,
            warnings,
            listener: None,
        })
    }

    /// The server, the database and the user in words, without a secret.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What a person should know, though it is no reason to stop.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Has each connection tell what the server says besides its answers.
    pub(crate) fn set_listener(&mut self, listener: NoticeListener) {
        self.listener = Some(listener);
    }

    /// Whether the connection string held a password.
    pub fn password_was_in_the_string(&self) -> bool {
        self.password_was_in_the_string
    }
}

/// The default of `connect_timeout`. libpq waits for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
const TARGET_SESSION_ATTRS: &str = "any, read-write, read-only, primary, standby or prefer-standby";
const MODE: &str = "disable, allow, prefer, require, verify-ca or verify-full";
const BALANCE: [(&str, bool); 2] = [("disable", false), ("random", true)];
const SWITCH: [(&str, bool); 2] = [("0", false), ("1", true)];
const CERT_MODE: [(&str, CertMode); 3] =
    [("disable", CertMode::Disable), ("allow", CertMode::Allow), ("require", CertMode::Require)];
const NEGOTIATION: [(&str, bool); 2] = [("postgres", false), ("direct", true)];
const BINDING: [(&str, ChannelBinding); 3] =
    [("disable", ChannelBinding::Disable), ("prefer", ChannelBinding::Prefer), ("require", ChannelBinding::Require)];

/// `sslcertmode`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CertMode {
    Disable,
    Allow,
    Require,
}

/// An error that does not show the value: if a password is not encoded as it should be, a piece of it ends up in another value.
fn bad(key: &'static str, expected: &'static str) -> ConnectError {
    ConnectError::Value { key, expected }
}

/// The values by their keywords.
struct Values(Keywords);

impl Values {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.get(key).map(str::to_owned)
    }

    /// One of several words. As in libpq, the empty word is none of them.
    fn choice<T: Copy>(
        &self,
        key: &'static str,
        expected: &'static str,
        values: &[(&str, T)],
    ) -> Result<Option<T>, ConnectError> {
        let Some(text) = self.0.get(key) else { return Ok(None) };
        let found = values.iter().find(|(value, _)| value == text);
        found.map(|(_, choice)| Some(*choice)).ok_or_else(|| bad(key, expected))
    }

    fn number(&self, key: &'static str) -> Result<Option<i64>, ConnectError> {
        // As in libpq, the empty text is no number.
        let parse = |text: &String| {
            text.trim_matches(is_space).parse::<i32>().map(i64::from).map_err(|_| bad(key, "a whole number"))
        };
        self.0.get(key).map(parse).transpose()
    }

    /// A time; `None` if it is zero or less.
    fn seconds(&self, key: &'static str) -> Result<Option<Duration>, ConnectError> {
        let number = self.number(key)?;
        Ok(number.and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0).map(Duration::from_secs))
    }
}

fn login(values: &Values, program: &str, this_user: impl Fn() -> Option<String>) -> Result<Login, ConnectError> {
    let user = values.owned("user").or_else(this_user).ok_or(ConnectError::NoUser)?;
    let name = values.owned("application_name").or_else(|| values.owned("fallback_application_name"));
    let binding = values.choice("channel_binding", "disable, prefer or require", &BINDING)?;
    Ok(Login {
        dbname: values.owned("dbname").unwrap_or_else(|| user.clone()),
        user,
        options: values.owned("options"),
        application_name: name.unwrap_or_else(|| program.to_owned()),
        channel_binding: binding.unwrap_or(ChannelBinding::Prefer),
    })
}

/// Gives each server the password of the settings, or else its own from the password file.
fn give_passwords(
    servers: &mut [Server],
    password: Option<&str>,
    file: Option<&Path>,
    login: &Login,
    warnings: &mut Vec<String>,
) {
    let text = match (password, file) {
        (None, Some(file)) => passfile::read(file).unwrap_or_else(|why| {
            // As in libpq, the file is not used, and a warning says so.
            warnings.push(why);
            None
        }),
        _ => None,
    };
    for server in servers {
        let from_file = || passfile::look_up(text.as_deref()?, server, &login.dbname, &login.user);
        server.password = password.map(|password| password.as_bytes().to_vec()).or_else(from_file).map(Into::into);
    }
}

fn encryption(
    values: &Values,
    home: Option<PathBuf>,
    servers: &[Server],
    warnings: &mut Vec<String>,
) -> Result<(Mode, Option<Arc<Tls>>), ConnectError> {
    let root = values.owned("sslrootcert");
    let system = root.as_deref() == Some("system");
    let default = if system { Mode::VerifyFull } else { Mode::Prefer };
    let mode = values.choice("sslmode", MODE, &Mode::VALUES)?.unwrap_or(default);
    if system && mode != Mode::VerifyFull {
        return Err(ConnectError::SystemRootsNeedVerifyFull);
    }
    let direct = values.choice("sslnegotiation", "postgres or direct", &NEGOTIATION)?.unwrap_or(false);
    if direct && !mode.insists() {
        return Err(bad("sslmode", "require, verify-ca or verify-full, which sslnegotiation=direct needs"));
    }
    let cert_mode = values.choice("sslcertmode", "disable, allow or require", &CERT_MODE)?.unwrap_or(CertMode::Allow);
    if cert_mode == CertMode::Require {
        let why = "OpenSSL does not report whether the server asked for a certificate";
        return Err(ConnectError::Unsupported { key: "sslcertmode", why });
    }
    let version = |key: &'static str| {
        let parse = |text| Version::parse(text).ok_or_else(|| bad(key, "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"));
        values.get(key).map(parse).transpose()
    };
    let oldest = version("ssl_min_protocol_version")?.unwrap_or(Version::V1_2);
    let newest = version("ssl_max_protocol_version")?;
    if newest.is_some_and(|newest| newest < oldest) {
        return Err(bad("ssl_max_protocol_version", "ssl_min_protocol_version (TLSv1.2 by default) or a later one"));
    }
    let options = TlsOptions {
        mode,
        root,
        revoked: values.owned("sslcrl"),
        revoked_folder: values.owned("sslcrldir"),
        client: ClientCertificate {
            may_send: cert_mode != CertMode::Disable,
            certificate: values.owned("sslcert"),
            key: values.owned("sslkey"),
            password: values.owned("sslpassword").map(SecretString::from),
        },
        oldest,
        newest,
        send_name: values.choice("sslsni", "0 or 1", &SWITCH)?.unwrap_or(true),
        direct,
        home,
    };
    // Nothing is encrypted on sockets, so no certificate has to exist.
    if servers.iter().all(|server| server.socket().is_some()) {
        return Ok((mode, None));
    }
    Ok(tls::resolve(&options, warnings)?)
}

fn socket_options(values: &Values) -> Result<SocketOptions, ConnectError> {
    let mut keepalive = TcpKeepalive::new();
    if let Some(idle) = values.seconds("keepalives_idle")? {
        keepalive = keepalive.with_time(idle);
    }
    if let Some(interval) = values.seconds("keepalives_interval")? {
        keepalive = keepalive.with_interval(interval);
    }
    if let Some(count) = values.number("keepalives_count")?.and_then(|count| u32::try_from(count).ok()) {
        keepalive = if count > 0 { keepalive.with_retries(count) } else { keepalive };
    }
    let timeout = values.number("tcp_user_timeout")?.and_then(|time| u64::try_from(time).ok()).filter(|time| *time > 0);
    let enabled = values.number("keepalives")? != Some(0);
    Ok(SocketOptions {
        keepalive: enabled.then_some(keepalive),
        user_timeout: timeout.map(Duration::from_millis),
        peer: values.owned("requirepeer"),
    })
}

/// Checks that version 3.0 of PostgreSQL's protocol is allowed: the client library speaks no other.
fn check_protocol(values: &Values) -> Result<(), ConnectError> {
    const VERSIONS: [(&str, u32); 3] = [("3.0", 0), ("3.2", 2), ("latest", u32::MAX)];
    let expected = "3.0, 3.2 or latest";
    let oldest = values.choice("min_protocol_version", expected, &VERSIONS)?;
    values.choice("max_protocol_version", expected, &VERSIONS)?;
    if oldest.is_some_and(|oldest| oldest > 0) {
        return Err(ConnectError::Unsupported { key: "min_protocol_version", why: "only version 3.0 is supported" });
    }
    Ok(())
}
#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn resolve(url: Option<&str>, environment: &[(&str, &str)]) -> Result<Settings, ConnectError> {
        Settings::resolve(url, "program", |name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_an_error_and_not_passed_over() {
        use std::os::unix::ffi::OsStringExt;
        for (name, is_read) in [
            ("PGSSLMODE", true),
            ("PGSSLROOTCERT", true),
            ("PGREQUIRESSL", true),
            ("PGSYSCONFDIR", true),
            ("HOME", false),
        ] {
            let value = || Some(OsString::from_vec(b"hunter2\xff".to_vec()));
            let read =
                Settings::resolve(Some("host=db"), "program", |asked| if asked == name { value() } else { None });
            let message = read.err().map(|error| error.to_string());
            assert_eq!(message, is_read.then(|| format!("the environment variable {name} is not UTF-8")));
        }
    }

    #[test]
    fn a_key_in_place_of_its_file_is_not_shown() {
        for key in ["sslkey", "sslcert", "sslrootcert", "sslcrl", "sslcrldir", "passfile", "servicefile"] {
            for text in ["-----BEGIN PRIVATE KEY-----hunter2", "hunter2\nhunter2"] {
                for mode in ["disable", "prefer", "require"] {
                    let service = if key == "servicefile" { "service=ci" } else { "" };
                    let settings = format!("host=db {service} sslmode={mode} {key}='{text}'");
                    let error = resolve(Some(&settings), &[]).err().expect("no file");
                    assert!(error.to_string().starts_with(&format!("{key} is the text of a key")), "{error}");
                    assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("hunter2"), "{error:?}");
                }
            }
        }
        let error = resolve(Some("host=db"), &[("PGSSLKEY", "-----BEGIN hunter2")]).err().expect("no file");
        assert!(error.hint().is_some_and(|hint| hint.contains("PGSSLKEY")), "{error}");
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        let environment = [("PGHOST", "elsewhere"), ("PGUSER", "ro"), ("PGDATABASE", "ci"), ("PGPORT", "5433")];
        let settings = resolve(Some("host=db"), &environment).expect("settings");
        assert_eq!(settings.description(), r#"db:5433, database "ci", user "ro""#);
    }

    #[test]
    fn the_user_is_who_runs_this_and_the_database_is_called_as_the_user() {
        let me = User::from_uid(geteuid()).expect("users").expect("a user").name;
        let settings = resolve(Some("host=db"), &[]).expect("settings");
        assert_eq!([&settings.login.user, &settings.login.dbname], [&me, &me]);
        let settings = resolve(Some("host=db user=ro"), &[]).expect("settings");
        assert_eq!(settings.login.dbname, "ro");
    }

    #[test]
    fn no_secret_is_described() {
        let settings = resolve(Some("postgres://ro:secret@db/ci"), &[]).expect("settings");
        assert!(!settings.description().contains("secret"));
    }

    #[test]
    fn on_sockets_alone_no_certificate_is_looked_for() {
        let verify = "sslmode=verify-full sslrootcert=/nonexistent";
        assert!(resolve(Some(&format!("host=/run/pg {verify}")), &[]).expect("settings").tls.is_none());
        for with_an_address in ["host=/run/pg hostaddr=127.0.0.1", "host=/run/pg,db", "hostaddr=127.0.0.1"] {
            let error = resolve(Some(&format!("{with_an_address} {verify}")), &[]).err().expect("no root file");
            assert!(error.to_string().contains("needs a file of trusted certificates"), "{error}");
        }
    }

    #[test]
    fn each_server_gets_its_own_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pgpass");
        std::fs::write(&file, "a:*:*:*:first\nb:*:*:*:second\n").expect("a file");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("permissions");
        let settings =
            resolve(Some("host=a,b,c"), &[("PGPASSFILE", file.to_str().expect("a path"))]).expect("settings");
        let passwords: Vec<Option<&[u8]>> =
            settings.servers.iter().map(|server| server.password.as_ref().map(ExposeSecret::expose_secret)).collect();
        assert_eq!(passwords, [Some(b"first".as_slice()), Some(b"second"), None]);
    }

    #[test]
    fn a_password_that_is_not_encoded_is_not_shown() {
        for url in [
            "postgres://ro:hunter2/x@db/ci",
            "postgres://ro:x?hunter2=y@db/ci",
            "postgres://db?password=hunter2@x",
            "postgres://ro:/hunter2@db/ci",
            "postgres://ro:x@hunter2@db/ci",
            "postgres://ro:x@db,hunter2@db/ci",
            "postgres://ro@x:hunter2@db/ci",
            "password=my hunter2=x",
        ] {
            let error = resolve(Some(url), &[]).err().expect(url);
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("hun"), "{error:?}");
        }
        let settings = resolve(Some("postgres://ro:hun?ter2@db/ci"), &[]).expect("settings");
        assert_eq!(settings.description(), r#"db:5432, database "ci", user "ro""#);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (url, environment, expected) in [
            ("sslmod=require", vec![], "sslmod"),
            ("port=many", vec![], "port"),
            ("host=a,b port=1,2,3", vec![], "3 values of port"),
            ("sslmode=sometimes", vec![], "sslmode"),
            ("sslmode=''", vec![], "sslmode"),
            ("sslcertmode=require", vec![], "sslcertmode"),
            ("sslnegotiation=direct sslmode=prefer", vec![], "sslmode"),
            ("sslrootcert=system sslmode=require", vec![], "sslmode=verify-full"),
            ("ssl_min_protocol_version=SSLv3", vec![], "ssl_min_protocol_version"),
            ("ssl_max_protocol_version=TLSv1.1", vec![], "ssl_max_protocol_version"),
            ("target_session_attrs=leader", vec![], "target_session_attrs"),
            ("load_balance_hosts=1", vec![], "load_balance_hosts"),
            ("connect_timeout=soon", vec![], "connect_timeout"),
            ("keepalives=on", vec![], "keepalives"),
            ("channel_binding=maybe", vec![], "channel_binding"),
            ("min_protocol_version=3.2", vec![], "min_protocol_version"),
            ("require_auth=scram-sha-256", vec![], "require_auth"),
            ("", vec![("PGREQUIREAUTH", "!password")], "require_auth"),
            ("", vec![("PGGSSENCMODE", "require")], "gssencmode"),
            ("", vec![("PGSERVICE", "ci")], "the service \"ci\" was not found"),
        ] {
            let error = resolve(Some(url), &environment).err().expect(url).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_no_error() {
        for url in [
            "keepalives=0 keepalives_idle=5 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=1000",
            "connect_timeout=-1",
            "min_protocol_version=3.0 max_protocol_version=latest",
            "require_auth='' channel_binding=require",
            "sslcompression=1 sslsni=0 client_encoding=auto gssencmode=prefer",
            "ssl_min_protocol_version=tlsv1.3 ssl_max_protocol_version=TLSv1.3",
        ] {
            resolve(Some(url), &[]).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
    }
}
