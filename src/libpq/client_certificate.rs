//! The certificate by which a client says who it is. Source: PostgreSQL manual, "34.19.2. Client Certificates".

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use secrecy::{ExposeSecret, SecretString};

use crate::file_access;

/// Which certificate is sent, if any.
pub(super) struct ClientCertificate {
    /// Whether one may be sent: `sslcertmode` is not `disable`.
    pub(super) may_send: bool,
    /// `sslcert`; by default one in the home folder.
    pub(super) certificate: Option<String>,
    /// `sslkey`; by default one in the home folder.
    pub(super) key: Option<String>,
    /// `sslpassword`, which opens the key.
    pub(super) password: Option<SecretString>,
}

/// A client certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientCertificateError {
    /// The certificate cannot be read.
    #[error("no client certificate could be read from {}", file.display())]
    Certificate { file: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    /// The certificate has no key.
    #[error("the client certificate {} has no file with its key", .0.display())]
    NoKey(PathBuf),
    /// The key cannot be read.
    #[error("no key could be read from {}", file.display())]
    Key { file: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    /// The key is encrypted, and `sslpassword` is missing.
    #[error("the key {} is encrypted, and sslpassword is missing", .0.display())]
    Encrypted(PathBuf),
    /// Other users could use the key.
    #[error("the key {} is not used: other users can read it", .0.display())]
    Permissions(PathBuf),
    /// The key belongs to another certificate.
    #[error("the key {} does not belong to the certificate {}", key.display(), certificate.display())]
    Mismatch { key: PathBuf, certificate: PathBuf },
    /// The key is in a device.
    #[error("a key in a device (sslkey=ENGINE:KEY) cannot be used")]
    Engine,
}

impl ClientCertificateError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoKey(_) => "give it by sslkey, or sslcertmode=disable to send no certificate".to_owned(),
            Self::Encrypted(_) => {
                "give sslpassword in a service file (PGSERVICE), or a key without a password".to_owned()
            }
            Self::Permissions(file) => {
                format!("chmod 0600 {0}, or 0640 if it is owned by root", file.display())
            }
            Self::Certificate { .. } | Self::Key { .. } | Self::Mismatch { .. } | Self::Engine => return None,
        })
    }
}

impl ClientCertificate {
    /// Has OpenSSL send the certificate to servers that ask for one. If none exists, the server decides.
    pub(super) fn load(
        &self,
        context: &mut SslContextBuilder,
        home: Option<&Path>,
    ) -> Result<(), ClientCertificateError> {
        if !self.may_send {
            return Ok(());
        }
        let file = |keyword: &Option<String>, name: &str| {
            keyword.as_ref().map(PathBuf::from).or_else(|| home.map(|home| home.join(".postgresql").join(name)))
        };
        let Some(certificate) = file(&self.certificate, "postgresql.crt") else { return Ok(()) };
        let unreadable = |source| ClientCertificateError::Certificate { file: certificate.clone(), source };
        match std::fs::metadata(&certificate) {
            Ok(_) => {}
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(unreadable(error.into())),
        }
        file_access::vet(&certificate, file_access::CERTIFICATES).map_err(|source| unreadable(source.into()))?;
        context.set_certificate_chain_file(&certificate).map_err(|source| unreadable(source.into()))?;
        let no_key = || ClientCertificateError::NoKey(certificate.clone());
        let key = file(&self.key, "postgresql.key").ok_or_else(no_key)?;
        let meta = match std::fs::metadata(&key) {
            Ok(meta) => meta,
            Err(error) if !is_absent(&error) => {
                return Err(ClientCertificateError::Key { file: key, source: error.into() });
            }
            Err(_) if self.key.as_ref().is_some_and(|key| key.contains(':')) => {
                return Err(ClientCertificateError::Engine);
            }
            Err(_) => return Err(no_key()),
        };
        if others_can_use(&meta) {
            return Err(ClientCertificateError::Permissions(key));
        }
        let private = self.private_key(&key)?;
        let belongs = context.set_private_key(&private).and_then(|()| context.check_private_key());
        belongs.map_err(|_| ClientCertificateError::Mismatch { key, certificate })
    }

    /// Reads PEM, or else DER, as libpq does, but never asks on the terminal for a password.
    fn private_key(&self, file: &Path) -> Result<PKey<Private>, ClientCertificateError> {
        let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| ClientCertificateError::Key {
            file: file.to_owned(),
            source,
        };
        let text = file_access::read_plain(file, file_access::PRIVATE_KEY).map_err(|error| unreadable(error.into()))?;
        let asked = Cell::new(false);
        let password = |buffer: &mut [u8]| {
            asked.set(true);
            let password = self.password.as_ref().map_or("", |password| password.expose_secret()).as_bytes();
            let length = password.len().min(buffer.len());
            buffer[..length].copy_from_slice(&password[..length]);
            Ok::<usize, ErrorStack>(length)
        };
        PKey::private_key_from_pem_callback(&text, password)
            .or_else(|error| PKey::private_key_from_der(&text).map_err(|_| error))
            .map_err(|error| match self.password {
                None if asked.get() => ClientCertificateError::Encrypted(file.to_owned()),
                _ => unreadable(error.into()),
            })
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether other users could use a key. As in libpq, a group may read a key that root owns: a system's key is often shared so.
fn others_can_use(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    meta.mode() & if meta.uid() == 0 { 0o037 } else { 0o077 } != 0
}
