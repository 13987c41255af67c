//! Whether and how a connection is encrypted, as libpq's `sslmode` and its kin say.
//! OpenSSL is the library that libpq itself uses, so a certificate that `psql` takes is taken here.

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
    RootFile {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Verification was asked for, and there is nothing to verify with.
    #[error("sslmode={0} needs a file of trusted certificates")]
    NoRootFile(&'static str),
}

impl TlsError {
    /// What to do next.
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

    /// Whether a connection without encryption will not do.
    pub(super) fn insists(self) -> bool {
        matches!(self, Self::Require | Self::VerifyCa | Self::VerifyFull)
    }
}

/// What was asked of TLS.
pub(super) struct Wishes {
    pub(super) mode: Mode,
    /// `sslrootcert`: a file, or `system` for the system's own store.
    pub(super) root: Option<String>,
    pub(super) revoked: Option<String>,
    pub(super) revoked_folder: Option<String>,
    pub(super) client: ClientCertificate,
    pub(super) oldest: Version,
    pub(super) newest: Option<Version>,
    /// `sslsni`: whether the server is told the name that it was called by.
    pub(super) tell_name: bool,
    /// `sslnegotiation=direct`.
    pub(super) direct: bool,
    /// The home folder, in whose `.postgresql` libpq's default files are.
    pub(super) home: Option<PathBuf>,
}

/// How connections are encrypted.
#[derive(Clone)]
pub(super) struct Tls {
    context: SslContext,
    pub(super) direct: bool,
    pub(super) check_name: bool,
    tell_name: bool,
}

/// The protocol's name in TLS, by which a server knows what is spoken inside.
pub(super) const PROTOCOL: &[u8] = b"postgresql";

impl Tls {
    /// Reads the certificates. What is to be told to a person goes to `warnings`.
    pub(super) fn new(wishes: &Wishes, warnings: &mut Vec<String>) -> Result<Self, TlsError> {
        let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
        context.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_SSLV2 | SslOptions::NO_SSLV3);
        context.set_mode(
            SslMode::AUTO_RETRY
                | SslMode::ACCEPT_MOVING_WRITE_BUFFER
                | SslMode::ENABLE_PARTIAL_WRITE
                | SslMode::RELEASE_BUFFERS,
        );
        context.set_min_proto_version(Some(wishes.oldest.for_openssl()))?;
        // Where none is given, openssl.cnf may have said which.
        if let Some(newest) = wishes.newest {
            context.set_max_proto_version(Some(newest.for_openssl()))?;
        }
        let mut offered = vec![PROTOCOL.len() as u8];
        offered.extend_from_slice(PROTOCOL);
        context.set_alpn_protos(&offered)?;
        // libpq verifies wherever it has something to verify with, whatever sslmode says; without, only verify-* insists.
        let verifies = trust(&mut context, wishes, warnings)?;
        context.set_verify(if verifies { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
        wishes.client.load(&mut context, wishes.home.as_deref())?;
        Ok(Self {
            context: context.build(),
            direct: wishes.direct,
            check_name: wishes.mode == Mode::VerifyFull,
            tell_name: wishes.tell_name,
        })
    }

    /// A session with a server of this name.
    pub(super) fn session(&self, name: &str) -> Result<Ssl, ErrorStack> {
        let mut session = Ssl::new(&self.context)?;
        // An address is no name: RFC 6066.
        if self.tell_name && !name.is_empty() && name.parse::<std::net::IpAddr>().is_err() {
            session.set_hostname(name)?;
        }
        Ok(session)
    }
}

/// Sets up whom to trust. Says whether there is anybody.
fn trust(context: &mut SslContextBuilder, wishes: &Wishes, warnings: &mut Vec<String>) -> Result<bool, TlsError> {
    if wishes.root.as_deref() == Some("system") {
        context.set_default_verify_paths()?;
    } else {
        let default = wishes.home.as_ref().map(|home| home.join(".postgresql/root.crt"));
        match wishes.root.as_ref().map(PathBuf::from).or(default).filter(|file| file.exists()) {
            Some(file) => {
                let vetted = file_access::vet(&file, file_access::CERTIFICATES);
                vetted.map_err(|source| TlsError::RootFile { file: file.clone(), source: source.into() })?;
                let loaded = context.load_verify_locations(Some(&file), None);
                loaded.map_err(|source| TlsError::RootFile { file, source: source.into() })?;
            }
            None if matches!(wishes.mode, Mode::VerifyCa | Mode::VerifyFull) => {
                return Err(TlsError::NoRootFile(wishes.mode.name()));
            }
            None => return Ok(false),
        }
    }
    revocation(context, wishes, warnings)?;
    Ok(true)
}

/// Has certificates checked against the lists of revoked ones, if there are any.
fn revocation(context: &mut SslContextBuilder, wishes: &Wishes, warnings: &mut Vec<String>) -> Result<(), TlsError> {
    let named = wishes.revoked.is_some() || wishes.revoked_folder.is_some();
    // The default list belongs to the file of trusted certificates: it says nothing of those whom the system trusts.
    let looked_for = !named && wishes.root.as_deref() != Some("system");
    let default = wishes.home.as_ref().map(|home| home.join(".postgresql/root.crl")).filter(|_| looked_for);
    let file = wishes.revoked.as_ref().map(PathBuf::from).or(default.filter(|file| file.exists()));
    let store = context.cert_store_mut();
    let mut found = false;
    if let Some(file) = file {
        let lookup = store.add_lookup(X509Lookup::file())?;
        let text = file_access::read_plain(&file, file_access::REVOKED);
        let certificates = || text.as_ref().ok().and_then(|text| X509::stack_from_pem(text).ok());
        // As in libpq, a file with anything in it has every certificate checked: without a list that fails.
        if text.is_ok() && lookup.load_crl_file(&file, SslFiletype::PEM).is_ok()
            || certificates().is_some_and(|read| !read.is_empty())
        {
            found = true;
        } else {
            // libpq goes on without a word.
            warnings.push(format!(
                "no list of revoked certificates could be read from {}: as in libpq, none is looked at",
                file.display()
            ));
        }
    }
    if let Some(folder) = &wishes.revoked_folder {
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

/// What a mode, and whether TLS could be set up, come to: in a mode that does not insist, libpq goes on without.
pub(super) fn resolve(wishes: &Wishes, warnings: &mut Vec<String>) -> Result<(Mode, Option<Arc<Tls>>), TlsError> {
    if wishes.mode == Mode::Disable {
        return Ok((Mode::Disable, None));
    }
    match Tls::new(wishes, warnings) {
        Ok(tls) => Ok((wishes.mode, Some(Arc::new(tls)))),
        Err(error) if wishes.mode.insists() => Err(error),
        Err(error) => {
            warnings.push(format!("{error}: with sslmode={} the connection is not encrypted then", wishes.mode.name()));
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
    /// Reads libpq's name, which it takes in any case.
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

    fn wishes(mode: Mode) -> Wishes {
        Wishes {
            mode,
            root: None,
            revoked: None,
            revoked_folder: None,
            client: ClientCertificate { shown: false, certificate: None, key: None, password: None },
            oldest: Version::V1_2,
            newest: None,
            tell_name: true,
            direct: false,
            home: None,
        }
    }

    #[test]
    fn a_server_is_told_the_name_that_it_was_called_by_and_no_address() {
        let told = |tell_name, host: &str| {
            let wishes = Wishes { tell_name, ..wishes(Mode::Require) };
            let session = Tls::new(&wishes, &mut Vec::new()).expect("TLS").session(host).expect("a session");
            session.servername(NameType::HOST_NAME).map(str::to_owned)
        };
        assert_eq!(told(true, "db.example").as_deref(), Some("db.example"));
        for (tell_name, host) in [(false, "db.example"), (true, "127.0.0.1"), (true, "::1"), (true, "")] {
            assert_eq!(told(tell_name, host), None, "{host}");
        }
    }

    #[test]
    fn what_cannot_be_set_up_is_an_error_where_tls_is_a_must_and_a_warning_where_it_is_not() {
        for (mode, fails) in
            [(Mode::Allow, false), (Mode::Prefer, false), (Mode::Require, true), (Mode::VerifyFull, true)]
        {
            let root = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md").to_owned());
            let mut warnings = Vec::new();
            let resolved = resolve(&Wishes { root, ..wishes(mode) }, &mut warnings);
            assert_eq!((resolved.is_err(), warnings.is_empty()), (fails, fails), "{mode:?}");
        }
        let error = resolve(&wishes(Mode::VerifyCa), &mut Vec::new()).err().expect("nothing to verify with");
        assert!(error.to_string().contains("sslmode=verify-ca needs a file"), "{error}");
    }
}
