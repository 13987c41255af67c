//! The requests that delete and cancel builds.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use url::{Position, Url};

use crate::build_url::BuildUrl;
use crate::http_deletion::Method;
use crate::request_path::RequestPath;

const USER_AGENT_VALUE: HeaderValue = HeaderValue::from_static(concat!("halfbuilt/", env!("CARGO_PKG_VERSION")));

/// What the server is asked for.
pub(super) enum Asked<'a> {
    /// To delete the build with this address, by a POST of it to the address of `--via`.
    Url(&'a BuildUrl),
    /// To do what the method means with this path, below the address of `--via`.
    Path(Method, &'a RequestPath),
}

/// Makes requests to one server, with its token.
pub(super) struct RequestMaker {
    /// The header `Host`.
    host: HeaderValue,
    /// The path of `--via`.
    path: String,
    token: (HeaderName, HeaderValue),
}

impl RequestMaker {
    /// `url` is that of `--via`; `token` is the header that carries it.
    pub(super) fn new(url: &Url, token: (HeaderName, HeaderValue)) -> Self {
        // A URL that the URL standard accepts is one that this accepts.
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
        let host = host.unwrap_or(HeaderValue::from_static(""));
        Self { host, path: url[Position::BeforePath..].to_owned(), token }
    }

    /// `None` where no request can be made: nothing may be sent in its place.
    pub(super) fn make(&self, asked: &Asked<'_>) -> Option<Request<Full<Bytes>>> {
        let (method, target, body) = match asked {
            Asked::Url(build) => {
                (Method::Post, self.path.clone(), serde_json::json!({ "url": build.to_string() }).to_string())
            }
            Asked::Path(method, path) => (*method, format!("{}{path}", self.path.trim_end_matches('/')), String::new()),
        };
        let uri: Uri = target.parse().ok().filter(|uri: &Uri| uri.to_string() == target)?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = hyper::Method::from_bytes(method.as_str().as_bytes()).ok()?;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, USER_AGENT_VALUE);
        match asked {
            Asked::Url(_) => {
                headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            Asked::Path(..) => {
                // Else some servers answer with a page.
                headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*"));
                if method.has_body() {
                    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
                }
            }
        }
        let (name, value) = &self.token;
        headers.append(name.clone(), value.clone());
        Some(request)
    }
}
