//! A manifest that cannot be used.

use std::io;

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// It is no JSON, or has other fields.
    #[error("it is not what `halfbuilt manifest` writes")]
    Json(#[from] serde_json::Error),
    /// It is of another version, or something else.
    #[error("its format is {0:?}, expected halfbuilt-manifest/1")]
    Format(String),
    /// It contradicts itself.
    #[error("it contradicts itself: {0}")]
    Content(String),
    /// A signature is demanded, and there is none.
    #[error("it is not signed, and --key-file demands a signature")]
    Unsigned,
    /// The signature is not that of this document by this key.
    #[error("its signature is not of this key, or it was changed since it was signed")]
    Forged,
    /// It tells of what another profile sees.
    #[error("it was made with profile {theirs:?}, and this run reads with {ours:?}")]
    Profile {
        /// That of the manifest.
        theirs: String,
        /// That of this run.
        ours: String,
    },
}

impl ManifestError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read(_) => None,
            Self::Json(_) => Some("is this the file that `halfbuilt manifest -o` wrote?".to_owned()),
            Self::Format(_) => Some("read it with the release of halfbuilt that wrote it".to_owned()),
            Self::Content(_) => {
                Some("it was cut or edited: take it from where it was kept, beside the backup".to_owned())
            }
            Self::Unsigned => {
                Some("make it with `halfbuilt manifest --key-file FILE`, or leave --key-file out".to_owned())
            }
            Self::Forged => {
                Some("do not trust it: take it from where it was kept, and look at who could write there".to_owned())
            }
            Self::Profile { theirs, .. } => Some(format!("--profile {theirs} reads the database as the manifest does")),
        }
    }
}
