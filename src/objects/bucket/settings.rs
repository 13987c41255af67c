//! The settings of AWS tools: environment, shared files, endpoint.

use std::path::PathBuf;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use reqwest::{Certificate, ClientBuilder};
use secrecy::ExposeSecret;
use url::Url;

use crate::causes::distinct_causes;
use crate::file_access;
use crate::text::Foreign;

use super::super::error::{ObjectsError, SaidBy, SettingsFault};
use super::super::place::Place;
use super::shared_config::{self, SharedProfile};

/// The region of a server that knows none.
const NO_REGION: &str = "us-east-1";
/// How long a server may be silent, unless AWS_TIMEOUT says otherwise.
const SILENT: Duration = Duration::from_secs(60);

/// The variables of the environment that AWS tools read.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    variables: Vec<(String, String)>,
}

/// How a bucket is reached, and by whom.
pub(super) struct Access {
    pub(super) url: Url,
    pub(super) region: String,
    /// `None` where requests are not signed.
    pub(super) credentials: Option<AwsCredentialProvider>,
    pub(super) client: ClientBuilder,
}

impl Settings {
    /// Those of this process.
    pub fn of_environment() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let is_known = |(name, _): &(String, String)| name.starts_with("AWS_") || name == "HOME";
        Self { variables: std::env::vars_os().filter_map(text).filter(is_known).collect() }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// The two files that AWS tools share.
    fn shared_files(&self) -> [PathBuf; 2] {
        let home = PathBuf::from(self.get("HOME").unwrap_or("/nonexistent")).join(".aws");
        let file = |variable: &str, name: &str| self.get(variable).map_or_else(|| home.join(name), PathBuf::from);
        [file("AWS_CONFIG_FILE", "config"), file("AWS_SHARED_CREDENTIALS_FILE", "credentials")]
    }

    /// The environment comes before the profile, as with AWS's own tools; only a profile's keys come together.
    fn profile(&self) -> Result<SharedProfile, ObjectsError> {
        let named = self.get("AWS_PROFILE").or_else(|| self.get("AWS_DEFAULT_PROFILE"));
        let has_keys = self.get("AWS_ACCESS_KEY_ID").is_some() || self.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some();
        match shared_config::read(&self.shared_files(), named.unwrap_or("default"), named.is_some()) {
            // Nothing of it is needed but what it says of the region.
            Err(ObjectsError::Settings { source: SettingsFault::Elsewhere(_), .. }) if has_keys => {
                Ok(SharedProfile::default())
            }
            read => read,
        }
    }

    /// How a bucket is reached.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub(super) fn access(&self, place: &Place, bucket: &str) -> Result<Access, ObjectsError> {
        let profile = self.profile()?;
        let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"].into_iter();
        let endpoint = endpoint.map(|name| (name, self.get(name))).find_map(|(name, value)| Some((name, value?)));
        let of_profile = profile.endpoint.as_deref().map(|endpoint| ("endpoint_url", endpoint));
        let endpoint = endpoint.or(of_profile);
        let region = self.get("AWS_REGION").or_else(|| self.get("AWS_DEFAULT_REGION"));
        let region = region.or(profile.region.as_deref()).unwrap_or(NO_REGION).to_owned();
        let url = match endpoint {
            Some((name, endpoint)) => with_bucket(name, endpoint, bucket)?,
            None => with_bucket("AWS_REGION", &format!("https://s3.{region}.amazonaws.com"), bucket)?,
        };
        Ok(Access { credentials: self.credentials(place, bucket, &profile)?, client: self.client(&url)?, url, region })
    }

    fn credentials(
        &self,
        place: &Place,
        bucket: &str,
        profile: &SharedProfile,
    ) -> Result<Option<AwsCredentialProvider>, ObjectsError> {
        let is_on = |name: &str| self.get(name).is_some_and(|value| matches!(value, "true" | "1"));
        if is_on("AWS_SKIP_SIGNATURE") {
            return Ok(None);
        }
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
        for (name, value) in &self.variables {
            // The endpoint is ours; an option of object_store's own client, such as a proxy, is not.
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
                && is_about_credentials(&key)
            {
                builder = builder.with_config(key, value);
            }
        }
        let is_known = [
            "AWS_ACCESS_KEY_ID",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ]
        .into_iter()
        .any(|name| self.get(name).is_some());
        match (&profile.access_key_id, &profile.secret_access_key) {
            (Some(id), Some(secret)) if !is_known => {
                builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose_secret());
                if let Some(token) = &profile.session_token {
                    builder = builder.with_token(token.expose_secret());
                }
            }
            _ if !is_known && is_on("AWS_EC2_METADATA_DISABLED") => {
                let said = SaidBy(Foreign::new("neither in the environment nor in a profile"));
                return Err(ObjectsError::Credentials { place: place.clone(), said });
            }
            _ => {}
        }
        match builder.build() {
            Ok(store) => Ok(Some(store.credentials().clone())),
            Err(error) => Err(no_credentials(place, &error)),
        }
    }

    fn client(&self, url: &Url) -> Result<ClientBuilder, ObjectsError> {
        let silent = match self.get("AWS_TIMEOUT") {
            None => SILENT,
            Some(value) => {
                let seconds = value.strip_suffix('s').unwrap_or(value).parse().map(Duration::from_secs);
                let seconds = seconds.ok().filter(|length| !length.is_zero());
                seconds
                    .ok_or_else(|| unusable("AWS_TIMEOUT", SettingsFault::Value("a number of seconds, such as 60s")))?
            }
        };
        let mut client = ClientBuilder::new()
            .user_agent(concat!("halfbuilt/", env!("CARGO_PKG_VERSION")))
            // A redirect is to another region, with another signature.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(silent)
            .read_timeout(silent)
            .referer(false);
        let is_loopback = match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if is_loopback || url.scheme() == "http" {
            client = client.no_proxy();
        }
        if let Some(file) = self.get("AWS_CA_BUNDLE") {
            let what = format!("AWS_CA_BUNDLE, {file}");
            let pem = file_access::read(file.as_ref(), file_access::CERTIFICATES);
            let pem = pem.map_err(|source| unusable(&what, source.into()))?;
            let certificates = Certificate::from_pem_bundle(&pem).ok().filter(|found| !found.is_empty());
            let certificates =
                certificates.ok_or_else(|| unusable(&what, SettingsFault::Value("certificates in the form PEM")))?;
            client = certificates.into_iter().fold(client, ClientBuilder::add_root_certificate);
        }
        Ok(client)
    }
}

/// The credentials could not be had.
pub(super) fn no_credentials(place: &Place, error: &object_store::Error) -> ObjectsError {
    let said = [vec![error.to_string()], distinct_causes(error)].concat().join(": ");
    ObjectsError::Credentials { place: place.clone(), said: SaidBy(Foreign::evidence(&said)) }
}

fn unusable(what: &str, source: SettingsFault) -> ObjectsError {
    ObjectsError::Settings { what: what.to_owned(), source }
}

/// The address of a bucket: its name stands in the path, which every server understands.
fn with_bucket(name: &str, endpoint: &str, bucket: &str) -> Result<Url, ObjectsError> {
    let fault = || unusable(name, SettingsFault::Value("an address such as https://s3.example.com"));
    let mut url: Url = endpoint.parse().map_err(|_| fault())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain {
        return Err(fault());
    }
    url.path_segments_mut().map_err(|()| fault())?.pop_if_empty().push(bucket);
    Ok(url)
}

fn is_about_credentials(key: &AmazonS3ConfigKey) -> bool {
    use AmazonS3ConfigKey::{
        AccessKeyId, ContainerAuthorizationTokenFile, ContainerCredentialsFullUri, ContainerCredentialsRelativeUri,
        DefaultRegion, ImdsV1Fallback, MetadataEndpoint, Region, RoleArn, RoleSessionName, SecretAccessKey,
        StsEndpoint, Token, WebIdentityTokenFile,
    };
    matches!(
        key,
        AccessKeyId
            | SecretAccessKey
            | Token
            | Region
            | DefaultRegion
            | ImdsV1Fallback
            | MetadataEndpoint
            | ContainerCredentialsRelativeUri
            | ContainerCredentialsFullUri
            | ContainerAuthorizationTokenFile
            | WebIdentityTokenFile
            | RoleArn
            | RoleSessionName
            | StsEndpoint
    )
}
