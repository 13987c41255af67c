//! Objects of Kubernetes as `kubectl get -o json` and support bundles save them: one object, a list, or an array. Of each is kept what the
//! checklist asks for, and nothing else.
//!
//! Sources: Kubernetes API (Pod, PersistentVolumeClaim, Ingress); Velero API types (Backup, Restore, PodVolumeBackup, PodVolumeRestore), and its labels
//! `velero.io/backup-name` and `velero.io/restore-name` on what it restored.

use std::fmt;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::checklist::json_text;
use crate::file_access::{self, CHECKED};
use crate::text::Foreign;

/// The most objects of a file.
const OBJECTS: usize = 100_000;
/// The most hosts of an Ingress, and containers of a pod.
const PARTS: usize = 1000;

/// What is kept of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::checklist) struct Object {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    /// The backup that it was restored from, by its label or its specification.
    pub(super) backup: Option<String>,
    /// The restore that made it.
    pub(super) restore: Option<String>,
    /// The pod and the volume that it is of.
    pub(super) pod: Option<String>,
    pub(super) volume: Option<String>,
    pub(super) phase: Option<String>,
    /// When it began, or a pod was started.
    pub(super) began: Option<Timestamp>,
    /// When it was complete.
    pub(super) ended: Option<Timestamp>,
    pub(super) errors: u64,
    /// Whether a pod is ready.
    pub(super) is_ready: bool,
    /// Why it is not.
    pub(super) unready: Option<String>,
    pub(super) hosts: Vec<String>,
}

/// The objects of several files, and why some files could not be read.
#[derive(Clone, Debug, Default)]
pub(in crate::checklist) struct Objects {
    pub(super) all: Vec<Object>,
    pub(super) unread: Vec<String>,
}

impl Objects {
    /// Reads the files that an operator named. A pipe can be read once.
    pub(in crate::checklist) fn of_files(files: &[PathBuf]) -> Self {
        let mut objects = Self::default();
        for file in files {
            objects.add(&file.display().to_string(), file_access::read(file, CHECKED));
        }
        objects
    }

    pub(super) fn add(&mut self, name: &str, bytes: io::Result<Vec<u8>>) {
        match bytes.map(|bytes| read(&bytes)) {
            Ok(Ok(objects)) => self.all.extend(objects),
            Ok(Err(why)) => self.unread.push(format!("{name}: {why}")),
            Err(error) => self.unread.push(format!("{name} cannot be read: {error}")),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// It is no JSON, or holds no object.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Object>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Document = json_text::read(bytes)?;
    if document.is_too_long {
        return Err(format!("it holds more than {OBJECTS} objects"));
    }
    // An item of a list need not repeat what the list is of: PodList.
    let of_list = document.kind.strip_suffix("List").unwrap_or_default().to_owned();
    let named = |object: Object| match object.kind.is_empty() {
        true => Object { kind: of_list.clone(), ..object },
        false => object,
    };
    let objects: Vec<Object> =
        document.objects.into_iter().map(named).filter(|object| !object.kind.is_empty()).collect();
    if objects.is_empty() { Err("it holds no object of Kubernetes".to_owned()) } else { Ok(objects) }
}

#[derive(Default)]
struct Document {
    kind: String,
    objects: Vec<Object>,
    is_too_long: bool,
}

/// A list, one object after the other: no file is kept in memory as a tree.
struct Items(Document);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfItems;
        impl<'de> Visitor<'de> for OfItems {
            type Value = Items;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
                let mut document = Document::default();
                while let Some(value) = list.next_element::<Value>()? {
                    if document.objects.len() == OBJECTS {
                        document.is_too_long = true;
                        continue;
                    }
                    document.objects.push(Object::of(&value));
                }
                Ok(Items(document))
            }

            fn visit_unit<E: Error>(self) -> Result<Items, E> {
                Ok(Items(Document::default()))
            }
        }
        from.deserialize_any(OfItems)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfDocument;
        impl<'de> Visitor<'de> for OfDocument {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of Kubernetes, or a list of them")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Document, A::Error> {
                let items = Items::deserialize(serde::de::value::SeqAccessDeserializer::new(list))?;
                Ok(items.0)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut items: Option<Items> = None;
                let mut own = serde_json::Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "items" => items = Some(map.next_value()?),
                        _ => {
                            own.insert(key, map.next_value()?);
                        }
                    }
                }
                let one = Object::of(&Value::Object(own));
                Ok(match items {
                    Some(Items(document)) => Document { kind: one.kind, ..document },
                    None => Document { kind: String::new(), objects: vec![one], is_too_long: false },
                })
            }
        }
        from.deserialize_any(OfDocument)
    }
}

impl Object {
    /// Whatever has another shape than Kubernetes gives it is not there.
    fn of(value: &Value) -> Self {
        let text =
            |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(|text| Foreign::name(text).into());
        let time = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse().ok());
        let list = |pointer: &str| value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().take(PARTS);
        let label = |name: &str| {
            let label = value.pointer("/metadata/labels").and_then(|labels| labels.get(name)).and_then(Value::as_str);
            label.map(|label| Foreign::name(label).into())
        };
        let began = |container: &Value| -> Option<Timestamp> {
            container.pointer("/state/running/startedAt").and_then(Value::as_str)?.parse().ok()
        };
        let condition = list("/status/conditions")
            .find(|condition| condition.get("type").and_then(Value::as_str) == Some("Ready"))
            .cloned()
            .unwrap_or_default();
        let waiting = list("/status/initContainerStatuses")
            .chain(list("/status/containerStatuses"))
            .filter_map(|container| container.pointer("/state/waiting/reason").and_then(Value::as_str))
            .next();
        let reason = waiting.or_else(|| condition.get("reason").and_then(Value::as_str));
        let latest = list("/status/containerStatuses").filter_map(began).max();
        let hosts = list("/spec/rules").filter_map(|rule| rule.get("host").and_then(Value::as_str));
        Self {
            kind: text("/kind").unwrap_or_default(),
            namespace: text("/metadata/namespace").unwrap_or_default(),
            name: text("/metadata/name").unwrap_or_default(),
            backup: label("velero.io/backup-name").or_else(|| text("/spec/backupName")),
            restore: label("velero.io/restore-name"),
            pod: text("/spec/pod/name"),
            volume: text("/spec/volume"),
            phase: text("/status/phase"),
            began: time("/status/startTimestamp").or(latest).or_else(|| time("/status/startTime")),
            ended: time("/status/completionTimestamp"),
            errors: value.pointer("/status/errors").and_then(Value::as_u64).unwrap_or_default(),
            is_ready: condition.get("status").and_then(Value::as_str) == Some("True"),
            unready: reason.map(|reason| Foreign::name(reason).into()),
            hosts: hosts.map(|host| Foreign::name(host).into()).collect(),
        }
    }

    /// Its name with its namespace.
    pub(super) fn full_name(&self) -> String {
        match self.namespace.is_empty() {
            true => self.name.clone(),
            false => format!("{}/{}", self.namespace, self.name),
        }
    }

    /// Whether it is of a database: its pod, or a volume of it.
    pub(super) fn is_of(&self, database: &str) -> bool {
        let of = |name: &str| name == database || name.starts_with(&format!("{database}-"));
        let name = self.pod.as_deref().unwrap_or(&self.name);
        // A claim is named by its template and its pod: data-postgresql-0.
        of(name) || name.split_once('-').is_some_and(|(_, rest)| self.kind == "PersistentVolumeClaim" && of(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_a_list_and_an_array_are_read() {
        let pod = r#"{"kind":"Pod","metadata":{"name":"postgresql-0","namespace":"ci"},"status":{"phase":"Running"}}"#;
        let bare = pod.replace("\"kind\":\"Pod\",", "");
        for text in [
            pod.to_owned(),
            format!("[{pod}]"),
            format!("\u{feff}{{\"items\":[{bare}],\"kind\":\"PodList\"}}"),
            format!("{{\"kind\":\"List\",\"items\":[{pod}]}}"),
        ] {
            let objects = read(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(objects.len(), 1, "{text}");
            assert_eq!((objects[0].kind.as_str(), objects[0].full_name().as_str()), ("Pod", "ci/postgresql-0"));
            assert!(objects[0].is_of("postgresql") && !objects[0].is_of("mongodb"));
        }
        for text in ["", "{}", "[]", "{\"kind\":\"PodList\",\"items\":null}", "7", "{\"items\":7}", "{\"items\":[7]}"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_has_another_shape_is_not_there(
            key in "(metadata|status|spec|kind)",
            value in proptest::sample::select(&["7", "null", "[1]", "{\"name\":1,\"labels\":[],\"phase\":{}}", "true"][..]),
        ) {
            // A later key of the same name counts.
            let objects = read(format!("[{{\"kind\":\"Pod\"}},{{\"kind\":\"Pod\",\"{key}\":{value}}}]").as_bytes());
            for object in objects.expect("objects") {
                proptest::prop_assert_eq!(object, Object { kind: "Pod".to_owned(), ..Object::default() });
            }
        }
    }
}
