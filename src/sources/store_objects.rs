//! What is noted of output and artifacts in the tables of documents.

use jiff::Timestamp;

use crate::database::Value;
use crate::sql;

use super::objects::{Artifact, Output};
use super::store::Store;
use super::store_error::StoreError;

const OUTPUT: &str = sql::COLLECT.part("output");
const ARTIFACTS: &str = sql::COLLECT.part("artifacts");

impl Store {
    /// Notes which outputs of a build can be had.
    pub(super) async fn outputs(&mut self, build_url: &str, outputs: Vec<Output>) -> Result<(), StoreError> {
        let all = |value: fn(&Output) -> Option<i64>| Value::Integers(outputs.iter().map(value).collect());
        let time = |value: fn(&Output) -> Option<Timestamp>| Value::Times(outputs.iter().map(value).collect());
        let text = |value: fn(&Output) -> Option<String>| Value::Texts(outputs.iter().map(value).collect());
        let values = [
            Value::text(build_url),
            Value::Places(outputs.iter().map(|output| Some(output.step)).collect()),
            Value::Places(outputs.iter().map(|output| Some(output.action)).collect()),
            time(|output| Some(output.object.asked_at)),
            text(|output| Some(output.object.state.as_str().to_owned())),
            text(|output| output.object.why.clone()),
            all(|output| output.object.size),
            all(|output| output.messages),
            time(|output| output.first_at),
            time(|output| output.last_at),
            text(|output| output.sha256.clone()),
        ];
        self.writer.ask("noting which output can be had", OUTPUT, &values).await?;
        Ok(())
    }

    /// Notes which artifacts of a build can be had.
    pub(super) async fn artifacts(&mut self, build_url: &str, artifacts: Vec<Artifact>) -> Result<(), StoreError> {
        let text = |value: fn(&Artifact) -> Option<String>| Value::Texts(artifacts.iter().map(value).collect());
        let places = |value: fn(&Artifact) -> Option<i32>| Value::Places(artifacts.iter().map(value).collect());
        let values = [
            Value::text(build_url),
            places(|artifact| Some(artifact.place)),
            text(|artifact| artifact.path.clone()),
            places(|artifact| artifact.node_index),
            text(|artifact| artifact.url.clone()),
            Value::Times(artifacts.iter().map(|artifact| Some(artifact.object.asked_at)).collect()),
            text(|artifact| Some(artifact.object.state.as_str().to_owned())),
            text(|artifact| artifact.object.why.clone()),
            Value::Integers(artifacts.iter().map(|artifact| artifact.object.size).collect()),
        ];
        self.writer.ask("noting which artifacts can be had", ARTIFACTS, &values).await?;
        Ok(())
    }
}
