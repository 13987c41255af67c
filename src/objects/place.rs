//! Where objects are kept: `--objects [KIND=]URI`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::text::Foreign;

/// A place with objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A bucket of S3, or of a server that speaks its language.
    Bucket {
        name: String,
        /// What stands before the keys; empty, or with a slash at its end.
        prefix: String,
    },
    /// A folder, of a disk or a network.
    Folder(PathBuf),
    /// A listing that somebody saved.
    Saved(PathBuf),
}

impl Place {
    /// What stands before a key in the path of an address: the bucket with a slash, and the prefix.
    pub fn before_keys(&self) -> [String; 2] {
        match self {
            Self::Bucket { name, prefix } => [format!("{name}/"), prefix.clone()],
            Self::Folder(_) | Self::Saved(_) => [String::new(), String::new()],
        }
    }
}

/// The value of `--objects`: a place, and the one kind of files that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsArg {
    /// `None` where it holds all kinds that no other place does.
    pub kind: Option<String>,
    pub place: Place,
}

impl FromStr for ObjectsArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A URI has a colon before any equals sign; so has no kind.
        let (kind, place) = match text.split_once('=') {
            Some((kind, place)) if !kind.is_empty() && kind.chars().all(is_of_kind) => (Some(kind.to_owned()), place),
            _ => (None, text),
        };
        Ok(Self { kind, place: place.parse()? })
    }
}

fn is_of_kind(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected s3://BUCKET/PREFIX, file:///FOLDER or the file of a saved listing".to_owned());
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::Saved(PathBuf::from(text))) };
        match scheme {
            "s3" => {
                let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if !is_bucket(name) {
                    return Err("expected the name of a bucket after s3://: 3 to 63 of a-z, 0-9, - and .".to_owned());
                }
                let prefix = match prefix.is_empty() || prefix.ends_with('/') {
                    true => prefix.to_owned(),
                    false => format!("{prefix}/"),
                };
                Ok(Self::Bucket { name: name.to_owned(), prefix })
            }
            "file" => match rest.strip_prefix("localhost").unwrap_or(rest) {
                path if path.starts_with('/') => Ok(Self::Folder(PathBuf::from(path))),
                _ => Err("expected an absolute path after file://, such as file:///data/circle/storage-fileserver"
                    .to_owned()),
            },
            other => Err(format!(
                "{} is not read: give s3://, file:///, or the file of a saved listing (halfbuilt help objects)",
                Foreign::name(&format!("{other}://"))
            )),
        }
    }
}

/// Capitals and underscores are of the days before 2018, and of other servers.
fn is_bucket(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.contains("..")
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { name, prefix } => write!(f, "s3://{name}/{prefix}"),
            Self::Folder(path) => write!(f, "file://{}", path.display()),
            Self::Saved(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_buckets_folders_and_files() {
        let place = |text: &str| text.parse::<Place>();
        let bucket = |name: &str, prefix: &str| Place::Bucket { name: name.to_owned(), prefix: prefix.to_owned() };
        assert_eq!(place("s3://builds"), Ok(bucket("builds", "")));
        assert_eq!(place("s3://builds/"), Ok(bucket("builds", "")));
        assert_eq!(place("s3://builds/a b/c"), Ok(bucket("builds", "a b/c/")));
        assert_eq!(place("file:///data"), Ok(Place::Folder("/data".into())));
        assert_eq!(place("file://localhost/data"), Ok(Place::Folder("/data".into())));
        assert_eq!(place("listing.json"), Ok(Place::Saved("listing.json".into())));
        for wrong in [
            "",
            "s3://",
            "s3://a",
            "s3://../x",
            "s3://a..b/c",
            "file://data",
            "file://host/data",
            "gs://b",
            "https://b",
        ] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_kind_stands_before_its_place() {
        let kind = |text: &str| text.parse::<ObjectsArg>().map(|arg| arg.kind);
        assert_eq!(kind("artifact=s3://builds"), Ok(Some("artifact".to_owned())));
        assert_eq!(kind("s3://builds/a=b"), Ok(None));
        assert_eq!(kind("/saved/a=b.json"), Ok(None));
    }
}
