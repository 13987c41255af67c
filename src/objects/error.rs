//! Why a listing could not be read.

use std::io;
use std::path::PathBuf;

use crate::text::Foreign;
use crate::text::bytes;

use super::place::Place;

/// Why a listing could not be read. Nothing is said of any object then.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// A folder, or something below it.
    #[error("cannot list {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// A saved listing.
    #[error("cannot read the listing {}", path.display())]
    Saved { path: PathBuf, source: io::Error },
    /// A saved listing that is none.
    #[error("{}: {fault}", path.display())]
    Unknown { path: PathBuf, fault: Foreign },
    /// The files into which a listing is sorted.
    #[error("cannot sort the listing of {place}")]
    Sort { place: Place, source: io::Error },
    /// What a merge relies on.
    #[error("the listing of {place} {} {}", if *is_twice { "names twice" } else { "is not in the order of bytes at" }, Foreign::name(&bytes::decode(key)))]
    Order { place: Place, is_twice: bool, key: Vec<u8> },
    /// Nobody waited for it any more.
    #[error("the listing was given up")]
    GivenUp,
    /// The settings that AWS tools share.
    #[error("cannot use {what}")]
    Settings { what: String, source: SettingsFault },
    /// No credentials could be had.
    #[error("no credentials for {place}")]
    Credentials {
        place: Place,
        #[source]
        said: SaidBy,
    },
    /// A request that could not be sent, or whose answer did not come.
    #[error("cannot list {place}")]
    Request { place: Place, source: reqwest::Error },
    /// An answer that is an error.
    #[error("{place} was not listed: {said}")]
    Refused { place: Place, said: Foreign, code: String },
    /// An answer that is no page of a listing.
    #[error("the answer of {place} is no listing: {said}")]
    NoListing { place: Place, said: Foreign },
}

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFault {
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Said of a file that holds secrets, so nothing of it is shown.
    #[error("it is no file of settings in line {0}")]
    Syntax(usize),
    #[error("no profile has this name")]
    NoProfile,
    /// Credentials that only AWS's own tools can get.
    #[error("its credentials come by {0}")]
    Elsewhere(&'static str),
    #[error("expected {0}")]
    Value(&'static str),
}

/// The words of a library, without its type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SaidBy(pub Foreign);

impl ObjectsError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Folder { source, .. } | Self::Saved { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                "run it as a user who may read all of it, or save a listing as one: halfbuilt help objects"
            }
            Self::Folder { .. } => "is the volume mounted?",
            Self::Saved { .. } => "give s3://BUCKET/PREFIX, file:///FOLDER, or the file of a saved listing",
            Self::Unknown { .. } => "how to save a listing: halfbuilt help objects",
            Self::Sort { .. } => "a listing is sorted in files below TMPDIR: is there room?",
            Self::Order { .. } => "save a listing, which is sorted here: halfbuilt help objects",
            Self::Settings { source: SettingsFault::Elsewhere(_), .. } => {
                "let AWS's own tool get them: eval \"$(aws configure export-credentials --format env)\""
            }
            Self::Credentials { .. } => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; or save a listing: halfbuilt help objects"
            }
            Self::Refused { code, .. } => match code.as_str() {
                "ExpiredToken" | "TokenRefreshRequired" => "get new credentials, and run the command again",
                "AccessDenied" | "AllAccessDisabled" => "the credentials need s3:ListBucket on this bucket",
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" => "are these the credentials of this server?",
                "NoSuchBucket" => "is this the bucket's name, and AWS_ENDPOINT_URL the server's address?",
                "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" => {
                    "the bucket is in another region: set AWS_REGION"
                }
                "SlowDown" | "ServiceUnavailable" => "the server is busy: run the command again later",
                _ => return None,
            },
            Self::Request { .. } | Self::NoListing { .. } => "is AWS_ENDPOINT_URL the address of an S3 server?",
            Self::Settings { .. } | Self::GivenUp => return None,
        })
    }
}
