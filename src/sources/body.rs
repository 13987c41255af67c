//! The body of an answer, read within limits: memory does not grow with what a server sends.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Fault;

/// A body that is larger than this waits until no other such body is in memory.
const LARGE: usize = 1 << 20;
/// The header by which the API names the route that answers. A page of a proxy has none.
pub(super) const ROUTE: &str = "x-route";
/// What is read of an answer that is an error.
const LARGEST_ERROR: usize = 8 << 10;

/// A whole body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// When it was asked for.
    pub(super) asked_at: Timestamp,
    /// Whether the answer names the route of the API that gave it (X-Route).
    pub(super) has_route: bool,
    /// Held as long as a large body is in memory.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most so many bytes.
pub(super) async fn read(
    mut response: Response,
    asked_at: Timestamp,
    largest: usize,
    large: &Arc<Semaphore>,
) -> Result<Body, Fault> {
    let has_route = response.headers().contains_key(ROUTE);
    let mut body = Body { bytes: Vec::new(), asked_at, has_route, permit: None };
    while let Some(piece) = response.chunk().await? {
        if body.bytes.len() + piece.len() > largest {
            return Err(Fault::TooLarge((largest >> 20) as u64));
        }
        if body.permit.is_none() && body.bytes.len() + piece.len() > LARGE {
            // It is never closed.
            body.permit = Arc::clone(large).acquire_owned().await.ok();
        }
        body.bytes.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Reads the beginning of a body that is only shown.
pub(super) async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < LARGEST_ERROR {
        // The status decides. A body that breaks off changes nothing.
        let Ok(Some(piece)) = response.chunk().await else { break };
        bytes.extend(piece.iter().take(LARGEST_ERROR - bytes.len()));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
