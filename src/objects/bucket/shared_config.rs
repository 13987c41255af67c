//! The settings that AWS tools share: ~/.aws/config and ~/.aws/credentials.
//!
//! Source: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption};
use secrecy::SecretString;

use crate::file_access::{self, AWS_SETTINGS};

use super::super::error::{ObjectsError, SettingsFault};

/// Ways to credentials that take more than to read a file.
const ELSEWHERE: [&str; 6] =
    ["credential_process", "source_profile", "credential_source", "sso_session", "sso_start_url", "login_session"];

/// What a profile of AWS tools says.
#[derive(Debug, Default)]
pub(super) struct SharedProfile {
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<SecretString>,
    pub(super) session_token: Option<SecretString>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

/// Reads the profile of a name from both files; a file that is not there says nothing. `is_asked_for` where somebody named the profile.
///
/// # Errors
/// A file that cannot be read or is none of settings; no such profile where it was asked for; credentials that come another way.
pub(super) fn read(files: &[PathBuf; 2], name: &str, is_asked_for: bool) -> Result<SharedProfile, ObjectsError> {
    let mut found = SharedProfile::default();
    let mut is_there = false;
    let mut elsewhere = None;
    for file in files {
        let Some(settings) = parse(file)? else { continue };
        // In the file of settings a profile's section is [profile NAME], but for [default].
        for section in [format!("profile {name}"), name.to_owned()] {
            let Some(section) = settings.section(Some(section.as_str())) else { continue };
            is_there = true;
            let value = |key: &str| section.get(key).map(str::trim).filter(|value| !value.is_empty());
            let text = |key: &str| value(key).map(str::to_owned);
            let secret = |key: &str| value(key).map(SecretString::from);
            found.access_key_id = text("aws_access_key_id").or(found.access_key_id);
            found.secret_access_key = secret("aws_secret_access_key").or(found.secret_access_key);
            found.session_token = secret("aws_session_token").or(found.session_token);
            found.region = text("region").or(found.region);
            found.endpoint = text("endpoint_url").or(found.endpoint);
            elsewhere = ELSEWHERE.into_iter().find(|key| value(key).is_some()).or(elsewhere);
        }
    }
    let fault = match (is_there, elsewhere) {
        (false, _) if is_asked_for => SettingsFault::NoProfile,
        (true, Some(way)) if found.access_key_id.is_none() => SettingsFault::Elsewhere(way),
        _ => return Ok(found),
    };
    Err(ObjectsError::Settings { what: format!("the AWS profile {name:?}"), source: fault })
}

fn parse(file: &Path) -> Result<Option<Ini>, ObjectsError> {
    let fault = |source| ObjectsError::Settings { what: file.display().to_string(), source };
    let text = match file_access::read_plain_text(file, AWS_SETTINGS) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error.into())),
    };
    let as_written = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    match Ini::load_from_str_opt(&text, as_written) {
        Ok(settings) => Ok(Some(settings)),
        Err(error) => Err(fault(SettingsFault::Syntax(error.line))),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn profile(config: &str, credentials: &str, name: &str) -> Result<SharedProfile, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["config", "credentials"].map(|file| folder.path().join(file));
        std::fs::write(&files[0], config).expect("a file");
        std::fs::write(&files[1], credentials).expect("a file");
        read(&files, name, true).map_err(|error| match error {
            ObjectsError::Settings { source, .. } => source.to_string(),
            other => other.to_string(),
        })
    }

    #[test]
    fn a_profile_is_of_both_files() {
        let config =
            "[default]\nregion = a\n[profile drill]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:1\n";
        let credentials = "[drill]\naws_access_key_id = AK\naws_secret_access_key = s/\\n\"+=\n";
        let read = profile(config, credentials, "drill").expect("it is there");
        assert_eq!(read.region.as_deref(), Some("eu-central-1"));
        assert_eq!(read.endpoint.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(read.access_key_id.as_deref(), Some("AK"));
        assert_eq!(read.secret_access_key.as_ref().map(ExposeSecret::expose_secret), Some("s/\\n\"+="));
    }

    #[test]
    fn what_only_other_tools_can_get_is_named() {
        let read = |config: &str| profile(config, "", "drill").map(|_| ()).expect_err("it cannot be used");
        assert_eq!(read("[profile drill]\nsso_session = x\n"), "its credentials come by sso_session");
        assert_eq!(read("[profile other]\n"), "no profile has this name");
        assert_eq!(read("[profile drill\naws_secret_access_key = SECRET\n"), "it is no file of settings in line 3");
    }
}
