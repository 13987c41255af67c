//! Asks any HTTP server one question: for a checklist, which looks at what a machine answers. No cookie, no token, no redirect, no second try.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{ClientBuilder, Method, Response};
use url::Url;

use crate::causes::distinct_causes;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    pub url: Url,
    /// Whether it is a PUT, without a body; else it is a GET.
    pub is_put: bool,
    pub headers: Vec<(&'static str, String)>,
    /// How long the whole answer may take.
    pub timeout: Duration,
    /// The most bytes of the body.
    pub largest: usize,
    /// Whether the certificate may be any: where only the answer counts.
    pub any_certificate: bool,
    /// Whether the environment's proxies are left out: for addresses that only this machine reaches.
    pub is_local: bool,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the body has more bytes than were asked for.
    pub is_cut: bool,
    /// The certificate that the server showed, in DER.
    pub certificate: Option<Vec<u8>>,
}

impl Question {
    /// Asks.
    ///
    /// # Errors
    /// There is no answer: why, in words.
    pub async fn ask(self) -> Result<Reply, String> {
        let words = |error: reqwest::Error| {
            // Its own message repeats the address.
            let error = error.without_url();
            let causes = [vec![error.to_string()], distinct_causes(&error)].concat();
            causes.join(": ")
        };
        let mut builder = ClientBuilder::new()
            .user_agent(concat!("halfbuilt/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECTING.min(self.timeout))
            .timeout(self.timeout)
            .referer(false)
            .tls_info(true)
            .tls_danger_accept_invalid_certs(self.any_certificate);
        if self.is_local {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(words)?;
        let mut request = client.request(if self.is_put { Method::PUT } else { Method::GET }, self.url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(words)?;
        let status = response.status().as_u16();
        let certificate = response.extensions().get::<TlsInfo>();
        let certificate = certificate.and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
        let (body, is_cut) = read(response, self.largest).await.map_err(words)?;
        Ok(Reply { status, body, is_cut, certificate })
    }
}

/// Reads at most so many bytes of a body.
async fn read(mut response: Response, largest: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        let room = largest - body.len();
        if piece.len() > room {
            body.extend_from_slice(&piece[..room]);
            return Ok((body, true));
        }
        body.extend_from_slice(&piece);
    }
    Ok((body, false))
}
