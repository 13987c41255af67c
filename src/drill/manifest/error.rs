//! A manifest that cannot be used.

use std::io;

use crate::text::Foreign;

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// It is no JSON, or has other fields.
    #[error("it is not what `halfbuilt manifest` writes")]
    Json(#[from] serde_json::Error),
    /// It is of another version, or something else.
    #[error("its format is {0:?}, expected halfbuilt-manifest/1")]
    Format(String),
    #[error("it contradicts itself: {0}")]
    Content(String),
    /// A signature is required, and there is none.
    #[error("it is not signed, and --key-file requires a signature")]
    Unsigned,
    /// The signature is not that of this document by this key.
    #[error("its signature is not of this key, or it was changed after it was signed")]
    Forged,
    /// It was made with another profile.
    #[error("it was made with profile {theirs:?}, and this run reads with {ours:?}")]
    Profile { theirs: Foreign, ours: String },
}

impl ManifestError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read(error) if error.kind() == io::ErrorKind::NotFound => Some(
                "`halfbuilt manifest -o FILE` writes one when the backup is taken: `halfbuilt help manifest`"
                    .to_owned(),
            ),
            Self::Read(_) => None,
            Self::Json(_) => Some("is this the file that `halfbuilt manifest -o` wrote?".to_owned()),
            Self::Format(_) => Some("read it with the release of halfbuilt that wrote it".to_owned()),
            Self::Content(_) => Some("it was cut or edited: use the copy that was kept beside the backup".to_owned()),
            Self::Unsigned => {
                Some("make it with `halfbuilt manifest --key-file FILE`, or leave --key-file out".to_owned())
            }
            Self::Forged => Some(
                "do not trust it: use a copy that was kept elsewhere, and look at who could write to this one"
                    .to_owned(),
            ),
            Self::Profile { theirs, .. } => Some(format!("--profile {theirs} reads the database as the manifest does")),
        }
    }
}
