//! Whether the output and the artifacts of a build can be had: how large they are and when they were written, not what they say.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::text::Foreign;

use super::answer::Fault;
use super::api::{Api, Ask};
use super::document::Document;
use super::json_text::for_jsonb;
use super::objects::{Artifact, Object, ObjectState, Output};

/// The largest output whose times are read, in bytes. Of a larger one nothing but that it is there is known.
const LARGEST: usize = 32 << 20;
/// How many artifacts of a build are asked for.
const ARTIFACTS: usize = 1000;
/// How many of them at once.
const AT_ONCE: usize = 4;

/// A message of an output.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    time: Option<Value>,
}

/// An action that says that it has output.
struct WithOutput {
    places: (i32, i32),
    /// The numbers by which the API names it.
    numbers: Option<(u64, u64)>,
    address: Option<String>,
}

/// What was found of a build.
pub(super) struct Looked {
    /// The document as it is now: addresses of outputs are valid for a short time only.
    pub(super) document: Document,
    pub(super) outputs: Vec<Output>,
    /// `None` if the list of artifacts cannot be had.
    pub(super) artifacts: Option<Vec<Artifact>>,
}

/// Looks at what a build has in object storage.
///
/// # Errors
/// Its document cannot be had.
pub(super) async fn look(api: &Api, build_url: &str) -> Result<Looked, Fault> {
    let path = api.document_path(build_url);
    let path = path.ok_or_else(|| Fault::Unexpected("its address is none of a build".to_owned()))?;
    let body = api.get(&path, Ask::DOCUMENT).await?;
    let with_output = actions_with_output(&body.bytes);
    let document = Document::read(build_url, body)?;
    let mut outputs = Vec::new();
    for action in with_output {
        outputs.push(look_at_output(api, &path, action).await);
    }
    let artifacts = artifacts(api, &path).await;
    Ok(Looked { document, outputs, artifacts })
}

fn actions_with_output(document: &[u8]) -> Vec<WithOutput> {
    let text = String::from_utf8_lossy(document);
    let document: Value = serde_json::from_str(&for_jsonb(&text)).unwrap_or_default();
    let mut found = Vec::new();
    for (step_place, step) in document["steps"].as_array().into_iter().flatten().enumerate() {
        for (action_place, action) in step["actions"].as_array().into_iter().flatten().enumerate() {
            if action["has_output"] != Value::Bool(true) {
                continue;
            }
            let place = |place: usize| i32::try_from(place).unwrap_or(i32::MAX);
            found.push(WithOutput {
                places: (place(step_place), place(action_place)),
                numbers: action["step"].as_u64().zip(action["index"].as_u64()),
                address: action["output_url"].as_str().filter(|address| !address.is_empty()).map(str::to_owned),
            });
        }
    }
    found
}

async fn look_at_output(api: &Api, document_path: &str, action: WithOutput) -> Output {
    let WithOutput { places: (step, action), numbers, address } = action;
    let unread = |object| Output { step, action, object, messages: None, first_at: None, last_at: None, sha256: None };
    let asked_at = Timestamp::now();
    let body = match (address, numbers) {
        (Some(address), _) => {
            let Some(url) = bucket_address(api, &address) else {
                return unread(Object::not_known("its address is not one that is asked"));
            };
            match api.get_object(&url, None).await {
                Ok(response) if response.status() == StatusCode::OK => api.body(response, asked_at, LARGEST).await,
                Ok(response) => return unread(of_status(response.status())),
                Err(fault) => Err(fault),
            }
        }
        (None, Some((step, index))) => {
            match api.get(&format!("{document_path}/output/{step}/{index}"), Ask::ANSWER).await {
                Err(Fault::NotFound(_)) => return unread(of_status(StatusCode::NOT_FOUND)),
                asked => asked,
            }
        }
        (None, None) => return unread(Object::not_known("the document has no address of it")),
    };
    match body {
        Err(Fault::TooLarge(most)) => {
            let why = format!("it is larger than {most} MiB, and was not read");
            unread(Object::new(ObjectState::There, Some(why)))
        }
        Err(fault) => unread(Object::not_known(fault.to_string())),
        Ok(body) => {
            let (messages, times) = messages(&body.bytes);
            let object =
                Object { asked_at, state: ObjectState::There, why: None, size: i64::try_from(body.bytes.len()).ok() };
            let digest = Sha256::digest(&body.bytes);
            let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let (first_at, last_at) = (times.iter().min().copied(), times.iter().max().copied());
            Output { step, action, object, messages, first_at, last_at, sha256: Some(sha256) }
        }
    }
}

/// How many messages an output has, and their times; no number where it is no list of messages.
pub(super) fn messages(bytes: &[u8]) -> (Option<i64>, Vec<Timestamp>) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(messages) = serde_json::from_str::<Vec<Message>>(&for_jsonb(&text)) else { return (None, Vec::new()) };
    let times = messages.iter().filter_map(|message| message.time.as_ref()?.as_str()?.parse().ok());
    (i64::try_from(messages.len()).ok(), times.collect())
}

/// The artifacts of a build; `None` if the list cannot be had.
async fn artifacts(api: &Api, document_path: &str) -> Option<Vec<Artifact>> {
    let body = api.get(&format!("{document_path}/artifacts"), Ask::ANSWER).await.ok()?;
    let text = String::from_utf8_lossy(&body.bytes);
    let Ok(Value::Array(listed)) = serde_json::from_str(&for_jsonb(&text)) else { return None };
    let looks = listed.into_iter().enumerate().map(|(place, listed)| async move {
        let address = listed["url"].as_str().map(str::to_owned);
        let object = match address.as_deref().map(|address| bucket_address(api, address)) {
            _ if place >= ARTIFACTS => {
                Object::not_known(format!("only the first {ARTIFACTS} artifacts were asked for"))
            }
            Some(Some(url)) => look_at_artifact(api, &url).await,
            Some(None) => Object::not_known("its address is not one that is asked"),
            None => Object::not_known("the list has no address of it"),
        };
        Artifact {
            place: i32::try_from(place).unwrap_or(i32::MAX),
            path: listed["path"].as_str().map(|path| path.replace('\0', "\u{fffd}")),
            node_index: listed["node_index"].as_i64().and_then(|index| i32::try_from(index).ok()),
            url: address.map(|address| address.split('?').next().unwrap_or_default().replace('\0', "\u{fffd}")),
            object,
        }
    });
    Some(stream::iter(looks).buffered(AT_ONCE).collect().await)
}

async fn look_at_artifact(api: &Api, url: &Url) -> Object {
    match api.get_object(url, Some("bytes=0-0")).await {
        Ok(response) if response.status().is_success() => {
            Object { size: size(&response), ..Object::new(ObjectState::There, None) }
        }
        Ok(response) => of_status(response.status()),
        Err(fault) => Object::not_known(fault.to_string()),
    }
}

/// The whole size, of an answer with the first byte or with all of them.
fn size(response: &Response) -> Option<i64> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let of_range = header(CONTENT_RANGE).and_then(|range| range.rsplit_once('/')).map(|(_, size)| size);
    let size = if response.status() == StatusCode::PARTIAL_CONTENT { of_range } else { header(CONTENT_LENGTH) };
    size.and_then(|size| size.trim().parse().ok())
}

/// An address in a bucket, if it may be asked. What a document names is somebody else's word: it is asked as the server itself is, and in no
/// weaker way.
fn bucket_address(api: &Api, address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && !api.address().is_encrypted();
    (is_safe && url.host_str().is_some_and(|host| !host.is_empty())).then_some(url)
}

fn of_status(status: StatusCode) -> Object {
    let state = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => ObjectState::Absent,
        _ => ObjectState::NotKnown,
    };
    Object::new(state, Some(Foreign::new(&status.to_string()).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_and_their_times_read() {
        let output = br#"[{"type":"out","time":"2026-11-20T01:00:01.5Z","message":"a"},{"message":"\ud800"},
                          {"time":"2026-11-20T01:00:00Z"},{"time":7}]"#;
        let (number, times) = messages(output);
        assert_eq!(number, Some(4));
        assert_eq!(times.iter().max().map(ToString::to_string).as_deref(), Some("2026-11-20T01:00:01.5Z"));
        assert_eq!(messages(b"plain text"), (None, Vec::new()));
    }

    #[test]
    fn actions_without_output_are_left_alone() {
        let document = br#"{"steps":[{"actions":[{"has_output":false}]},{"actions":[{},{"has_output":true,"step":101,"index":0}]},7]}"#;
        let found = actions_with_output(document);
        assert_eq!(
            found.iter().map(|action| (action.places, action.numbers)).collect::<Vec<_>>(),
            [((1, 1), Some((101, 0)))]
        );
    }
}
