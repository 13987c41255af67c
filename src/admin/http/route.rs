//! The way to the server: TCP, a proxy if the environment names one, and TLS.

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use openssl::error::ErrorStack;
use openssl::ssl::{self, SslConnector, SslMethod};
use openssl::x509::{X509, X509VerifyResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_openssl::SslStream;
use tower_service::Service;
use url::{Position, Url};

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Route {
    /// Scheme, host and port.
    origin: Uri,
    tls: SslConnector,
    /// The proxies that the environment names.
    proxies: Option<Matcher>,
    /// How long a connection may take until it is ready.
    limit: Duration,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Tcp(Box<dyn Error + Send + Sync>),
    #[error("TLS{}", certificate_fault(*verified))]
    Tls { verified: X509VerifyResult, source: ssl::Error },
    #[error("TLS")]
    TlsSetUp(#[from] ErrorStack),
    #[error("the proxy {0} is not an HTTP proxy")]
    ProxyScheme(String),
    #[error("the proxy answered {0}")]
    Proxy(StatusCode),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error("no connection was ready within {0:?}")]
    Timeout(Duration),
}

/// What is wrong with the server's certificate, if that is the reason.
fn certificate_fault(verified: X509VerifyResult) -> String {
    match verified {
        X509VerifyResult::OK => String::new(),
        bad => format!(", {}", bad.error_string()),
    }
}

impl OpenError {
    pub(super) fn is_untrusted_certificate(&self) -> bool {
        matches!(self, Self::Tls { verified, .. } if *verified != X509VerifyResult::OK)
    }
}

impl Route {
    /// `certificates` are trusted in addition to the system's.
    ///
    /// # Errors
    /// The TLS library failed.
    pub(super) fn new(
        url: &Url,
        certificates: Vec<X509>,
        through_proxies: bool,
        limit: Duration,
    ) -> Result<Self, ErrorStack> {
        let mut tls = SslConnector::builder(SslMethod::tls_client())?;
        for certificate in certificates {
            tls.cert_store_mut().add_cert(certificate)?;
        }
        // A URL that the URL standard accepts is one that this accepts.
        let origin = url[..Position::BeforePath].parse().unwrap_or_default();
        let proxies = through_proxies.then(Matcher::from_env);
        Ok(Self { origin, tls: tls.build(), proxies, limit })
    }

    /// Opens a connection that is ready for a request.
    ///
    /// # Errors
    /// No connection could be made in time.
    pub(super) async fn open(&self) -> Result<Box<dyn Stream>, OpenError> {
        timeout(self.limit, self.connect()).await.map_err(|_| OpenError::Timeout(self.limit))?
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, OpenError> {
        let proxy = self.proxies.as_ref().and_then(|proxies| proxies.intercept(&self.origin));
        let stream = match proxy {
            None => connect_tcp(&self.origin).await?,
            Some(proxy) => {
                if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
                    let scheme = proxy.uri().scheme_str().unwrap_or_default();
                    let host = proxy.uri().host().unwrap_or_default();
                    return Err(OpenError::ProxyScheme(format!("{scheme}://{host}")));
                }
                let stream = self.encrypt(connect_tcp(proxy.uri()).await?, proxy.uri()).await?;
                self.tunnel(stream, proxy.basic_auth()).await?
            }
        };
        self.encrypt(stream, &self.origin).await
    }

    /// Puts the stream inside TLS if the scheme is https.
    async fn encrypt(&self, stream: Box<dyn Stream>, to: &Uri) -> Result<Box<dyn Stream>, OpenError> {
        if to.scheme_str() != Some("https") {
            return Ok(stream);
        }
        let host = to.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let session = self.tls.configure()?.into_ssl(host)?;
        let mut stream = SslStream::new(session, stream)?;
        match Pin::new(&mut stream).connect().await {
            Ok(()) => Ok(Box::new(stream)),
            Err(source) => Err(OpenError::Tls { verified: stream.ssl().verify_result(), source }),
        }
    }

    /// Opens a tunnel to the server through a proxy (RFC 9110, 9.3.6). The proxy only learns the server's address.
    async fn tunnel(&self, stream: Box<dyn Stream>, auth: Option<&HeaderValue>) -> Result<Box<dyn Stream>, OpenError> {
        let host = self.origin.host().unwrap_or_default();
        let authority = format!("{host}:{}", self.origin.port_u16().unwrap_or(443));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = hyper::Method::CONNECT;
        *request.uri_mut() = authority.parse().unwrap_or_default();
        let host = HeaderValue::from_str(&authority).unwrap_or(HeaderValue::from_static(""));
        request.headers_mut().insert(HOST, host);
        if let Some(auth) = auth {
            request.headers_mut().insert(PROXY_AUTHORIZATION, auth.clone());
        }
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(OpenError::Proxy(response.status()));
        }
        let upgraded = hyper::upgrade::on(response).await?;
        // In TLS the client speaks first, so the server cannot have sent anything yet.
        match upgraded.downcast::<TokioIo<Box<dyn Stream>>>() {
            Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io.into_inner()),
            _ => Err(OpenError::Proxy(StatusCode::OK)),
        }
    }
}

/// Connects to the host and port of a URL, on whichever of the host's addresses answers first.
async fn connect_tcp(to: &Uri) -> Result<Box<dyn Stream>, OpenError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let stream = connector.call(to.clone()).await.map_err(|error| OpenError::Tcp(error.into()))?;
    Ok(Box::new(stream.into_inner()))
}
