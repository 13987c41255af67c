//! The JSON of `kubectl get pods -o json`.
//!
//! Source: Kubernetes documentation, "Pod Lifecycle": a pod whose phase is Succeeded or Failed has ended, and is not started again.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::Foreign;

use super::error::AliveError;
use super::names::AliveNames;

/// The phases of a pod that is over. A pod without a phase, or with one that is not known, lives.
const OVER: [&str; 2] = ["Succeeded", "Failed"];

/// What Kubernetes calls a pod.
const POD: &str = "Pod";
/// What it calls a list of pods.
const LISTS: [&str; 2] = ["List", "PodList"];

#[derive(Deserialize)]
struct Object {
    kind: Option<String>,
    metadata: Option<Metadata>,
    status: Option<Status>,
    items: Option<Vec<Object>>,
}

#[derive(Deserialize)]
struct Metadata {
    name: Option<String>,
    /// What asks for the next page of a list.
    #[serde(rename = "continue")]
    next: Option<String>,
    labels: Option<BTreeMap<String, Option<String>>>,
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
struct Status {
    phase: Option<String>,
}

/// Reads pods: how many live, and how many are over.
pub(super) fn read(text: &str, names: &mut AliveNames) -> Result<(u64, u64), AliveError> {
    let object: Object = serde_json::from_str(text).map_err(|error| no_pods(&format!("cannot be read: {error}")))?;
    if object.metadata.as_ref().and_then(|metadata| metadata.next.as_deref()).is_some_and(|next| !next.is_empty()) {
        return Err(no_pods("is one page of a list: save all of it"));
    }
    let kind = object.kind.as_deref().unwrap_or_default();
    let pods = match object.items {
        Some(items) if LISTS.contains(&kind) => items,
        None if LISTS.contains(&kind) => return Err(no_pods("is a list that has no field items")),
        _ if kind == POD => vec![object],
        _ if kind.is_empty() => return Err(no_pods("has no field kind, so it is no pod")),
        _ => return Err(no_pods(&format!("is a {}, no pod", Foreign::name(kind)))),
    };
    let (mut alive, mut over) = (0, 0);
    for pod in pods {
        // Items of a PodList say no kind.
        if let Some(kind) = pod.kind.as_deref().filter(|kind| *kind != POD) {
            return Err(no_pods(&format!("holds a {}, no pod", Foreign::name(kind))));
        }
        let Some(metadata) = pod.metadata else { return Err(no_pods("holds a pod without metadata")) };
        let phase = pod.status.and_then(|status| status.phase);
        if phase.is_some_and(|phase| OVER.contains(&phase.as_str())) {
            over += 1;
            continue;
        }
        alive += 1;
        let Metadata { name, labels, annotations, .. } = metadata;
        name.iter().for_each(|name| names.add(name));
        let values = labels.into_iter().chain(annotations).flat_map(BTreeMap::into_values);
        values.flatten().for_each(|value| names.add(&value));
    }
    Ok((alive, over))
}

fn no_pods(why: &str) -> AliveError {
    AliveError::Json(Foreign::evidence(why))
}
