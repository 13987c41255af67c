//! One object of Kubernetes: what the checklist asks for, and nothing else.
//!
//! Sources: Kubernetes API (Pod, PersistentVolumeClaim, Ingress); Velero API types (Backup, Restore, PodVolumeBackup, PodVolumeRestore), and its
//! labels `velero.io/backup-name` and `velero.io/restore-name` on what it restored.

use jiff::Timestamp;
use serde_json::Value;

use crate::text::Foreign;

/// The most hosts of an Ingress, containers of a pod, and namespaces of a restore.
const PARTS: usize = 1000;
/// The longest name of an object, in characters.
const NAME: usize = 253;
/// What the checklist asks for, and whether it is of Velero.
pub(super) const KINDS: [(&str, bool); 7] = [
    ("Pod", false),
    ("PersistentVolumeClaim", false),
    ("Ingress", false),
    ("Backup", true),
    ("Restore", true),
    ("PodVolumeBackup", true),
    ("PodVolumeRestore", true),
];

/// What is kept of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::checklist) struct Object {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) created: Option<Timestamp>,
    /// Whether it is being deleted.
    pub(super) is_leaving: bool,
    /// The kind and the name of what made it.
    pub(super) owner: Option<(String, String)>,
    /// The backup that it was restored from, by its label or its specification.
    pub(super) backup: Option<String>,
    /// The restore that made it.
    pub(super) restore: Option<String>,
    /// The pod and the volume that it is of.
    pub(super) pod: Option<String>,
    pub(super) pod_namespace: Option<String>,
    pub(super) volume: Option<String>,
    pub(super) phase: Option<String>,
    /// When it began.
    pub(super) began: Option<Timestamp>,
    /// When it was complete.
    pub(super) ended: Option<Timestamp>,
    pub(super) errors: u64,
    /// How many snapshots of volumes a backup has.
    pub(super) snapshots: u64,
    /// Which namespaces and kinds a restore takes.
    pub(super) taken: Taken,
    /// The containers of a pod, without those that prepare it.
    pub(super) containers: Vec<Container>,
    /// Whether a pod says that it is ready.
    pub(super) is_ready: bool,
    /// Why it is not.
    pub(super) unready: Option<String>,
    pub(super) hosts: Vec<String>,
}

/// Which namespaces and kinds a restore takes. No name means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) namespaces: Vec<String>,
    pub(super) except: Vec<String>,
    /// Where a namespace is restored under another name.
    pub(super) renamed: Vec<(String, String)>,
    pub(super) kinds: Vec<String>,
}

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) is_ready: bool,
    pub(super) state: ContainerState,
}

/// What a container is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ContainerState {
    /// Since when.
    Running(Option<Timestamp>),
    /// Why.
    Waiting(String),
    Terminated(String),
    NotSaid,
}

impl Object {
    /// Whatever has another shape than Kubernetes gives it is not there.
    pub(super) fn of(value: &Value) -> Self {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(shown);
        let time = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse().ok());
        let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let list = |pointer: &str| value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().take(PARTS);
        let texts = |pointer: &str| list(pointer).filter_map(Value::as_str).map(shown).collect();
        let label = |name: &str| {
            let label = value.pointer("/metadata/labels").and_then(|labels| labels.get(name)).and_then(Value::as_str);
            label.filter(|label| !label.is_empty()).map(shown)
        };
        let owners = || {
            list("/metadata/ownerReferences").filter_map(|owner| {
                let text = |key: &str| owner.get(key).and_then(Value::as_str).map(shown);
                let is_controller = owner.get("controller").and_then(Value::as_bool) == Some(true);
                Some((is_controller, (text("kind")?, text("name")?)))
            })
        };
        let owned_by = |kind: &str| owners().map(|(_, owner)| owner).find(|owner| owner.0 == kind).map(|owner| owner.1);
        let condition = list("/status/conditions")
            .find(|condition| condition.get("type").and_then(Value::as_str) == Some("Ready"))
            .cloned()
            .unwrap_or_default();
        let waiting = list("/status/initContainerStatuses")
            .chain(list("/status/containerStatuses"))
            .filter_map(|container| container.pointer("/state/waiting/reason").and_then(Value::as_str))
            .next();
        let reason = waiting.or_else(|| condition.get("reason").and_then(Value::as_str));
        let hosts = list("/spec/rules").filter_map(|rule| rule.get("host").and_then(Value::as_str));
        let renamed = value.pointer("/spec/namespaceMapping").and_then(Value::as_object).into_iter().flatten();
        let kind = text("/kind").unwrap_or_default();
        // Others have backups and restores, too.
        let is_other = KINDS.contains(&(kind.as_str(), true))
            && text("/apiVersion").is_some_and(|version| !version.starts_with("velero.io/"));
        Self {
            kind: if is_other { format!("{kind}, not of Velero") } else { kind },
            namespace: text("/metadata/namespace").unwrap_or_default(),
            name: text("/metadata/name").unwrap_or_default(),
            created: time("/metadata/creationTimestamp"),
            is_leaving: text("/metadata/deletionTimestamp").is_some(),
            owner: owners()
                .find(|(is_controller, _)| *is_controller)
                .or_else(|| owners().next())
                .map(|(_, owner)| owner),
            backup: text("/spec/backupName")
                .filter(|name| !name.is_empty())
                .or_else(|| label("velero.io/backup-name"))
                .or_else(|| owned_by("Backup")),
            restore: label("velero.io/restore-name").or_else(|| owned_by("Restore")),
            pod: text("/spec/pod/name"),
            pod_namespace: text("/spec/pod/namespace"),
            volume: text("/spec/volume"),
            phase: text("/status/phase"),
            began: time("/status/startTimestamp"),
            ended: time("/status/completionTimestamp"),
            errors: number("/status/errors"),
            snapshots: number("/status/volumeSnapshotsCompleted")
                .saturating_add(number("/status/csiVolumeSnapshotsCompleted")),
            taken: Taken {
                namespaces: texts("/spec/includedNamespaces"),
                except: texts("/spec/excludedNamespaces"),
                renamed: renamed
                    .take(PARTS)
                    .filter_map(|(from, to)| Some((shown(from), shown(to.as_str()?))))
                    .collect(),
                kinds: texts("/spec/includedResources"),
            },
            containers: list("/status/containerStatuses").map(Container::of).collect(),
            is_ready: condition.get("status").and_then(Value::as_str) == Some("True"),
            unready: reason.map(shown),
            hosts: hosts.map(shown).collect(),
        }
    }

    /// Its name with its namespace.
    pub(super) fn full_name(&self) -> String {
        match self.namespace.is_empty() {
            true => self.name.clone(),
            false => format!("{}/{}", self.namespace, self.name),
        }
    }

    /// The namespace of its pod, or its own.
    pub(super) fn place(&self) -> &str {
        self.pod_namespace.as_deref().unwrap_or(&self.namespace)
    }

    /// Whether it is of a database: its pod, or a volume of it.
    pub(super) fn is_of(&self, database: &str) -> bool {
        let of = |name: &str| name.strip_prefix(database).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        let name = self.pod.as_deref().unwrap_or(&self.name);
        match self.kind.as_str() {
            // An exporter or a job that copies is named after the database, too.
            "Pod" => {
                let owner = self.owner.as_ref().map(|(kind, _)| kind.as_str());
                let has_its_container = self.containers.iter().any(|container| container.name == database);
                of(name) && (matches!(owner, None | Some("StatefulSet")) || (owner != Some("Job") && has_its_container))
            }
            // A claim is named by its template and its pod: data-postgresql-0.
            "PersistentVolumeClaim" => of(name) || name.split_once('-').is_some_and(|(_, rest)| of(rest)),
            _ => of(name),
        }
    }
}

impl Container {
    fn of(value: &Value) -> Self {
        let state = |name: &str| value.get("state").and_then(|state| state.get(name)).filter(|state| state.is_object());
        let reason = |state: &Value| shown(state.get("reason").and_then(Value::as_str).unwrap_or("no reason said"));
        let state = match (state("running"), state("waiting"), state("terminated")) {
            (Some(running), _, _) => ContainerState::Running(
                running.get("startedAt").and_then(Value::as_str).and_then(|text| text.parse().ok()),
            ),
            (_, Some(waiting), _) => ContainerState::Waiting(reason(waiting)),
            (_, _, Some(terminated)) => ContainerState::Terminated(reason(terminated)),
            _ => ContainerState::NotSaid,
        };
        Self {
            name: shown(value.get("name").and_then(Value::as_str).unwrap_or_default()),
            is_ready: value.get("ready").and_then(Value::as_bool) == Some(true),
            state,
        }
    }
}

fn shown(text: &str) -> String {
    Foreign::cut(text, NAME).into()
}
