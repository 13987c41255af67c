//! Why builds could not be collected.

use std::io;
use std::path::PathBuf;

use super::answer::Fault;
use super::store_error::StoreError;

/// Why builds could not be collected. What had been stored before stays, and the same command continues.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no token for {address}")]
    TokenMissing { address: String },
    /// The message does not show the token.
    #[error("the token contains a character that is not printable ASCII")]
    TokenUnusable,
    #[error("{address} uses plain HTTP: the token would cross the network unencrypted")]
    PlainHttp { address: String },
    #[error("cannot read the certificates in {}", path.display())]
    CaFile { path: PathBuf, source: io::Error },
    #[error("{} contains no PEM certificate that can be used", path.display())]
    CaFileInvalid { path: PathBuf },
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The server did not say whose token it is.
    #[error("{address} does not answer as the API of a CircleCI Server")]
    NotTheApi { address: String, source: Box<Fault> },
    /// T, R and ages depend on both.
    #[error("the clock of {address} is {apart} this machine's")]
    ClocksApart { address: String, apart: String },
    /// The server takes no such token.
    #[error("{address} does not take the token")]
    TokenRefused { address: String, source: Box<Fault> },
    /// The proof that a build is gone needs a token that sees all builds.
    #[error("the token is not that of an administrator of {address}")]
    NoAdministrator { address: String },
    /// A list of builds could not be read.
    #[error("the list of builds could not be read")]
    List(#[source] Box<Fault>),
    /// The server cannot be asked for documents any more.
    #[error("the documents of builds cannot be had any more")]
    Documents(#[source] Box<Fault>),
}

impl CollectError {
    /// The error of a server that does not say whose token it is.
    pub(super) fn of_me(address: String, fault: Fault) -> Self {
        let source = Box::new(fault);
        match *source {
            Fault::Unauthorized(_) => Self::TokenRefused { address, source },
            _ => Self::NotTheApi { address, source },
        }
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::TokenMissing { .. } | Self::NoAdministrator { .. } => {
                Some("give the personal API token of an administrator with --token-file FILE or in the variable HALFBUILT_TOKEN".to_owned())
            }
            Self::TokenUnusable => Some("the token file must contain the token only, on one line, in ASCII".to_owned()),
            Self::PlainHttp { .. } => {
                Some("use https, or add --allow-plain-http if you trust the network".to_owned())
            }
            Self::CaFile { .. } | Self::CaFileInvalid { .. } => {
                Some("--ca-file expects one or more PEM certificates: -----BEGIN CERTIFICATE-----".to_owned())
            }
            Self::ClocksApart { .. } => Some(
                "one of the two is wrong: a build that lives may look as if the backup had cut it; set the clocks, and find T and R by the server's"
                    .to_owned(),
            ),
            Self::NotTheApi { source, .. } | Self::TokenRefused { source, .. } => source.hint().map(str::to_owned),
            Self::List(fault) | Self::Documents(fault) => Some(match fault.hint() {
                Some(hint) => format!("{hint}; what was collected is kept, and the same command continues"),
                None => "what was collected is kept, and the same command continues".to_owned(),
            }),
            Self::Client(_) => None,
        }
    }
}
