//! Fetches documents, several at once.

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::answer::{Fault, Missing};
use super::api::{Api, Ask};
use super::document::Document;

/// What came of a question for a document.
#[derive(Debug)]
pub(super) enum Fetched {
    There(Box<Document>),
    /// A 404, which is no proof yet.
    Missing(String, Missing),
    /// It could not be had.
    Trouble(String, Fault),
}

/// Asks for the document of one build.
pub(super) async fn fetch(api: &Api, build_url: String, ask: Ask) -> Fetched {
    let Some(path) = api.document_path(&build_url) else {
        let fault = Fault::Unexpected("its address is not https://HOST/VCS/ORG/PROJECT/NUMBER".to_owned());
        return Fetched::Trouble(build_url, fault);
    };
    let document = match api.get(&path, ask).await {
        Ok(body) => Document::read(&build_url, body),
        Err(fault) => Err(fault),
    };
    match document {
        Ok(document) => Fetched::There(Box::new(document)),
        Err(Fault::NotFound(missing)) => Fetched::Missing(build_url, missing),
        Err(Fault::Unexpected(why)) => Fetched::Trouble(build_url, Fault::Unexpected(api.hidden(&why))),
        Err(fault) => Fetched::Trouble(build_url, fault),
    }
}

/// Asks for documents, so many at once, and sends what comes to `to`. It ends early if nobody listens any more.
pub(super) async fn fetch_all(api: &Api, builds: Vec<String>, ask: Ask, jobs: usize, to: mpsc::Sender<Fetched>) {
    let mut fetched = stream::iter(builds).map(|build_url| fetch(api, build_url, ask)).buffer_unordered(jobs);
    while let Some(fetched) = fetched.next().await {
        if to.send(fetched).await.is_err() {
            return;
        }
    }
}
