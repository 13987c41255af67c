//! What the machine says of itself: its addresses, its name, and what the metadata service of its cloud says.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use crate::text::Foreign;

use super::json_text;
use super::web::{Web, WebAnswer, WebRequest};

/// How long the metadata service may take. It is on this machine's own network.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
/// The most bytes of its answer.
const METADATA_BYTES: usize = 64 << 10;

/// The addresses of all interfaces, without a loopback's.
///
/// # Errors
/// The kernel does not say.
pub(super) fn addresses() -> Result<Vec<IpAddr>, String> {
    let interfaces = nix::ifaddrs::getifaddrs().map_err(|error| error.to_string())?;
    let mut found: Vec<IpAddr> = interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        })
        .filter(|address| !address.is_loopback())
        .collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The machine's name.
pub(super) fn host_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

/// What the metadata service says of this instance. Source: AWS, EC2 User Guide, "Instance identity documents" and "Instance metadata
/// categories".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) public: Option<IpAddr>,
    /// Whether it says so where there is none.
    pub(super) knows_public: bool,
    pub(super) image: Option<Foreign>,
    pub(super) launched: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    image_id: Option<String>,
    pending_time: Option<String>,
}

impl Metadata {
    /// Asks the service.
    ///
    /// # Errors
    /// It does not answer, or with something else.
    pub(super) async fn ask<W: Web>(service: &Url, web: &W) -> Result<Self, String> {
        let ask = |path: &str, is_put, headers| {
            let mut url = service.clone();
            url.set_path(path);
            let request = WebRequest {
                url,
                is_put,
                headers,
                timeout: METADATA_TIMEOUT,
                largest: METADATA_BYTES,
                any_certificate: false,
            };
            web.ask(request)
        };
        let named = |why: String| format!("the metadata service at {service} does not answer: {why}");
        // The second version asks for a token first. The first version knows no such path.
        let put = vec![("x-aws-ec2-metadata-token-ttl-seconds", "60".to_owned())];
        let token = ask("/latest/api/token", true, put).await.map_err(named)?;
        let token = usable(&token).map(|token| ("x-aws-ec2-metadata-token", token));
        let headers: Vec<_> = token.into_iter().collect();
        let identity =
            ask("/latest/dynamic/instance-identity/document", false, headers.clone()).await.map_err(named)?;
        let public = ask("/latest/meta-data/public-ipv4", false, headers).await.map_err(named)?;
        let Some(identity) = usable(&identity).and_then(|text| json_text::read::<Identity>(text.as_bytes()).ok())
        else {
            let status = identity.status;
            return Err(format!(
                "{service} is no metadata service of AWS: it answers {status} where the identity should be"
            ));
        };
        let address = usable(&public).and_then(|text| text.trim().parse().ok());
        Ok(Self {
            public: address,
            knows_public: address.is_some() || public.status == 404,
            image: identity.image_id.as_deref().map(Foreign::name),
            launched: identity.pending_time.and_then(|time| time.parse().ok()),
        })
    }
}

/// The text of a whole answer that is a success.
fn usable(answer: &WebAnswer) -> Option<String> {
    let text = String::from_utf8(answer.body.clone()).ok()?;
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    (answer.status == 200 && !answer.is_cut && is_plain).then(|| text.trim().to_owned())
}
