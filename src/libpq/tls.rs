//! Whether and how a connection is encrypted, by libpq's `sslmode` and the keywords around it.
//! libpq uses OpenSSL too, so a certificate that `psql` accepts is accepted here.

use std::path::PathBuf;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::SslVerifyMode;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslMode, SslOptions, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509Lookup;
use openssl::x509::verify::X509VerifyFlags;

use crate::file_access;

use super::client_certificate::{ClientCertificate, ClientCertificateError};

/// TLS that cannot be set up as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The client's own certificate cannot be used.
    #[error(transparent)]
    ClientCertificate(#[from] ClientCertificateError),
    /// OpenSSL refuses a setting.
    #[error("TLS could not be set up")]
    SetUp(#[from] ErrorStack),
    /// The file of trusted certificates cannot be used.
    #[error("no certificate could be read from {file}")]
    RootFile { file: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    /// `sslmode` asks for verification, and no certificate is there to verify with.
    #[error("sslmode={0} needs a file of trusted certificates")]
    NoRootFile(&'static str),
}

impl TlsError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ClientCertificate(error) => error.hint(),
            Self::NoRootFile(_) => {
                Some("give sslrootcert=FILE, or sslrootcert=system for the system's store".to_owned())
            }
            Self::SetUp(_) | Self::RootFile { .. } => None,
        }
    }
}

/// `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    /// Its values, as libpq writes them.
    pub(super) const VALUES: [(&'static str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    fn name(self) -> &'static str {
        Self::VALUES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }

    /// Whether a connection without encryption is refused.
    pub(super) fn insists(self) -> bool {
        matches!(self, Self::Require | Self::VerifyCa | Self::VerifyFull)
    }
}

/// What the keywords ask of TLS.
pub(super) struct TlsOptions {
    pub(super) mode: Mode,
    /// `sslrootcert`: a file, or `system` for the system's own store.
    pub(super) root: Option<String>,
    pub(super) revoked: Option<String>,
    pub(super) revoked_folder: Option<String>,
    pub(super) client: ClientCertificate,
    pub(super) oldest: Version,
    pub(super) newest: Option<Version>,
    /// `sslsni`: whether the client sends the host's name in the handshake.
    pub(super) send_name: bool,
    /// `sslnegotiation=direct`.
    pub(super) direct: bool,
    /// The home folder. Its `.postgresql` holds libpq's default files.
    pub(super) home: Option<PathBuf>,
}

/// How connections are encrypted.
#[derive(Clone)]
pub(super) struct Tls {
    context: SslContext,
    pub(super) direct: bool,
    pub(super) check_name: bool,
    send_name: bool,
}

/// The protocol's name in TLS (ALPN).
pub(super) const PROTOCOL: &[u8] = b"postgresql";

impl Tls {
    /// Reads the certificates.
    pub(super) fn new(options: &TlsOptions, warnings: &mut Vec<String>) -> Result<Self, TlsError> {
        let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
        context.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_SSLV2 | SslOptions::NO_SSLV3);
        context.set_mode(
            SslMode::AUTO_RETRY
                | SslMode::ACCEPT_MOVING_WRITE_BUFFER
                | SslMode::ENABLE_PARTIAL_WRITE
                | SslMode::RELEASE_BUFFERS,
        );
        context.set_min_proto_version(Some(options.oldest.for_openssl()))?;
        // Without one, openssl.cnf may name it.
        if let Some(newest) = options.newest {
            context.set_max_proto_version(Some(newest.for_openssl()))?;
        }
        let mut offered = vec![PROTOCOL.len() as u8];
        offered.extend_from_slice(PROTOCOL);
        context.set_alpn_protos(&offered)?;
        // libpq verifies wherever it has something to verify with, whatever sslmode says; without, only verify-* insists.
        let verifies = trust(&mut context, options, warnings)?;
        context.set_verify(if verifies { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
        options.client.load(&mut context, options.home.as_deref())?;
        Ok(Self {
            context: context.build(),
            direct: options.direct,
            check_name: options.mode == Mode::VerifyFull,
            send_name: options.send_name,
        })
    }

    /// A session with a server of this name.
    pub(super) fn session(&self, name: &str) -> Result<Ssl, ErrorStack> {
        let mut session = Ssl::new(&self.context)?;
        // An address is no name: RFC 6066.
        if self.send_name && !name.is_empty() && name.parse::<std::net::IpAddr>().is_err() {
            session.set_hostname(name)?;
        }
        Ok(session)
    }
}

/// Loads the trusted certificates. Returns whether there are any.
fn trust(context: &mut SslContextBuilder, options: &TlsOptions, warnings: &mut Vec<String>) -> Result<bool, TlsError> {
    if options.root.as_deref() == Some("system") {
        context.set_default_verify_paths()?;
    } else {
        let default = options.home.as_ref().map(|home| home.join(".postgresql/root.crt"));
        match options.root.as_ref().map(PathBuf::from).or(default).filter(|file| file.exists()) {
            Some(file) => {
                let vetted = file_access::vet(&file, file_access::CERTIFICATES);
                vetted.map_err(|source| TlsError::RootFile { file: file.clone(), source: source.into() })?;
                let loaded = context.load_verify_locations(Some(&file), None);
                loaded.map_err(|source| TlsError::RootFile { file, source: source.into() })?;
            }
            None if matches!(options.mode, Mode::VerifyCa | Mode::VerifyFull) => {
                return Err(TlsError::NoRootFile(options.mode.name()));
            }
            None => return Ok(false),
        }
    }
    revocation(context, options, warnings)?;
    Ok(true)
}

/// Loads the lists of revoked certificates, if there are any.
fn revocation(
    context: &mut SslContextBuilder,
    options: &TlsOptions,
    warnings: &mut Vec<String>,
) -> Result<(), TlsError> {
    let named = options.revoked.is_some() || options.revoked_folder.is_some();
    // The default list belongs to the file of trusted certificates, not to the system's store.
    let use_default = !named && options.root.as_deref() != Some("system");
    let default = options.home.as_ref().map(|home| home.join(".postgresql/root.crl")).filter(|_| use_default);
    let file = options.revoked.as_ref().map(PathBuf::from).or(default.filter(|file| file.exists()));
    let store = context.cert_store_mut();
    let mut found = false;
    if let Some(file) = file {
        let lookup = store.add_lookup(X509Lookup::file())?;
        let text = file_access::read_plain(&file, file_access::REVOKED);
        let certificates = || text.as_ref().ok().and_then(|text| X509::stack_from_pem(text).ok());
        // As in libpq, any PEM file turns the check on. Without a list in it every certificate then fails.
        if text.is_ok() && lookup.load_crl_file(&file, SslFiletype::PEM).is_ok()
            || certificates().is_some_and(|read| !read.is_empty())
        {
            found = true;
        } else {
            // libpq does not even warn.
            warnings.push(format!(
                "no list of revoked certificates could be read from {}: as in libpq, revocation is not checked",
                file.display()
            ));
        }
    }
    if let Some(folder) = &options.revoked_folder {
        let lookup = store.add_lookup(X509Lookup::hash_dir())?;
        lookup.add_dir(folder, SslFiletype::PEM)?;
        found = true;
    }
    if found {
        let flags = X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
        store.set_flags(flags)?;
    }
    Ok(())
}

/// Sets TLS up. If that fails in a mode that does not insist on TLS, the connection is not encrypted, as in libpq.
pub(super) fn resolve(options: &TlsOptions, warnings: &mut Vec<String>) -> Result<(Mode, Option<Arc<Tls>>), TlsError> {
    if options.mode == Mode::Disable {
        return Ok((Mode::Disable, None));
    }
    match Tls::new(options, warnings) {
        Ok(tls) => Ok((options.mode, Some(Arc::new(tls)))),
        Err(error) if options.mode.insists() => Err(error),
        Err(error) => {
            warnings
                .push(format!("{error}: with sslmode={}, the connection is then not encrypted", options.mode.name()));
            Ok((Mode::Disable, None))
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Version {
    V1,
    V1_1,
    V1_2,
    V1_3,
}

impl Version {
    /// Reads libpq's name, in upper or lower case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "tlsv1" => Some(Self::V1),
            "tlsv1.1" => Some(Self::V1_1),
            "tlsv1.2" => Some(Self::V1_2),
            "tlsv1.3" => Some(Self::V1_3),
            _ => None,
        }
    }

    fn for_openssl(self) -> SslVersion {
        match self {
            Self::V1 => SslVersion::TLS1,
            Self::V1_1 => SslVersion::TLS1_1,
            Self::V1_2 => SslVersion::TLS1_2,
            Self::V1_3 => SslVersion::TLS1_3,
        }
    }
}

#[cfg(test)]
mod tests {
    use openssl::ssl::NameType;

    use super::*;

    fn options(mode: Mode) -> TlsOptions {
        TlsOptions {
            mode,
            root: None,
            revoked: None,
            revoked_folder: None,
            client: ClientCertificate { may_send: false, certificate: None, key: None, password: None },
            oldest: Version::V1_2,
            newest: None,
            send_name: true,
            direct: false,
            home: None,
        }
    }

    #[test]
    fn the_client_sends_the_name_of_the_host_and_no_address() {
        let sent = |send_name, host: &str| {
            let options = TlsOptions { send_name, ..options(Mode::Require) };
            let session = Tls::new(&options, &mut Vec::new()).expect("TLS").session(host).expect("a session");
            session.servername(NameType::HOST_NAME).map(str::to_owned)
        };
        assert_eq!(sent(true, "db.example").as_deref(), Some("db.example"));
        for (send_name, host) in [(false, "db.example"), (true, "127.0.0.1"), (true, "::1"), (true, "")] {
            assert_eq!(sent(send_name, host), None, "{host}");
        }
    }

    #[test]
    fn what_cannot_be_set_up_is_an_error_where_tls_is_a_must_and_a_warning_where_it_is_not() {
        for (mode, fails) in
            [(Mode::Allow, false), (Mode::Prefer, false), (Mode::Require, true), (Mode::VerifyFull, true)]
        {
            let root = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md").to_owned());
            let mut warnings = Vec::new();
            let resolved = resolve(&TlsOptions { root, ..options(mode) }, &mut warnings);
            assert_eq!((resolved.is_err(), warnings.is_empty()), (fails, fails), "{mode:?}");
        }
        let error = resolve(&options(Mode::VerifyCa), &mut Vec::new()).err().expect("nothing to verify with");
        assert!(error.to_string().contains("sslmode=verify-ca needs a file"), "{error}");
    }
}
