//! Whether and how a connection is encrypted, as libpq's `sslmode` says.
//! OpenSSL is the library that libpq itself uses, so a certificate that `psql` takes is taken here.

use std::path::PathBuf;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::store::X509StoreBuilder;
use postgres_openssl::MakeTlsConnector;
use tokio_postgres::config::SslMode;

use super::DatabaseError;

/// Where trusted certificates come from.
pub(super) struct Trust {
    /// `sslrootcert`: a file, or `system` for the system's own store.
    pub(super) root: Option<String>,
    /// The home folder, whose `.postgresql/root.crt` is libpq's default.
    pub(super) home: Option<PathBuf>,
}

/// A resolved `sslmode`.
pub(super) struct Tls {
    mode: SslMode,
    pub(super) connector: MakeTlsConnector,
}

impl Tls {
    /// Reads `sslmode` and the trusted certificates. Connections over a Unix socket are never encrypted, as in libpq.
    pub(super) fn resolve(sslmode: Option<&str>, trust: Trust, only_sockets: bool) -> Result<Self, DatabaseError> {
        let home = trust.home.clone();
        let system = trust.root.as_deref() == Some("system");
        let default = if system { "verify-full" } else { "prefer" };
        let sslmode = sslmode.unwrap_or(default);
        let (mode, mut verify_certificate, verify_host) = match sslmode {
            "disable" => (SslMode::Disable, false, false),
            "prefer" => (SslMode::Prefer, false, false),
            "require" => (SslMode::Require, false, false),
            "verify-ca" => (SslMode::Require, true, false),
            "verify-full" => (SslMode::Require, true, true),
            _ => {
                return Err(DatabaseError::Value {
                    key: "sslmode",
                    expected: "disable, prefer, require, verify-ca or verify-full",
                });
            }
        };
        if system && sslmode != "verify-full" {
            return Err(DatabaseError::SystemRootsNeedVerifyFull);
        }
        let mode = if only_sockets { SslMode::Disable } else { mode };

        let mut builder = SslConnector::builder(SslMethod::tls()).map_err(DatabaseError::Tls)?;
        builder.set_verify(SslVerifyMode::NONE);
        if !system && mode == SslMode::Require {
            let file = trust.root.map(PathBuf::from);
            let file = file.or_else(|| home.as_ref().map(|home| home.join(".postgresql/root.crt")));
            match file.filter(|file| file.exists()) {
                Some(file) => {
                    // As libpq: who is vouched for by this file, not also by whoever the system trusts.
                    let nobody = X509StoreBuilder::new().map_err(DatabaseError::Tls)?;
                    builder.set_cert_store(nobody.build());
                    builder.set_ca_file(&file).map_err(|source| DatabaseError::RootFile { file, source })?;
                    // libpq: "require" with a root file present behaves like "verify-ca".
                    verify_certificate = true;
                }
                None if verify_certificate => return Err(DatabaseError::NoRootFile(sslmode.to_owned())),
                None => {}
            }
        }
        if verify_certificate {
            // libpq refuses what this list names; not to look at it would be less than was asked for.
            if let Some(list) = home.map(|home| home.join(".postgresql/root.crl")).filter(|list| list.exists()) {
                return Err(DatabaseError::Revoked(list));
            }
            builder.set_verify(SslVerifyMode::PEER);
        }
        let mut connector = MakeTlsConnector::new(builder.build());
        connector.set_callback(move |connection, _| {
            connection.set_verify_hostname(verify_host);
            Ok(())
        });
        Ok(Self { mode, connector })
    }

    /// The mode as the client library knows it.
    pub(super) fn mode(&self) -> SslMode {
        self.mode
    }
}
