//! Objects of Kubernetes as `kubectl get -o json` and support bundles save them: one object, a list, or an array. Of each is kept what the
//! checklist asks for, and nothing else.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::checklist::json_text;
use crate::file_access::{self, CHECKED};
use crate::text::Foreign;

use super::object::{KINDS, Object};

/// The most objects of a file.
const OBJECTS: usize = 100_000;

/// The objects of several files, and why some files could not be read.
#[derive(Clone, Debug, Default)]
pub(in crate::checklist) struct Objects {
    pub(super) all: Vec<Object>,
    pub(super) unread: Vec<Unread>,
    /// The files that were read, and how many objects of each are of use.
    pub(super) read: Vec<(String, usize)>,
}

/// A file that could not be read.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    pub(super) why: String,
    /// The kinds of objects that its text speaks of.
    pub(super) kinds: Vec<&'static str>,
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

    /// Adds a file of a support bundle: it is known by its folder, though its text may say nothing.
    pub(super) fn add_of_bundle(&mut self, name: &str, path: &str, bytes: io::Result<Vec<u8>>) {
        let before = self.unread.len();
        self.add(name, bytes);
        self.unread[before..].iter_mut().for_each(|file| file.kinds = kinds_of_folder(path));
    }

    fn add(&mut self, name: &str, bytes: io::Result<Vec<u8>>) {
        let name = String::from(Foreign::url(name));
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => {
                return self.unread.push(Unread { why: format!("{name} cannot be read: {error}"), kinds: Vec::new() });
            }
        };
        match read(&bytes) {
            Ok(objects) => {
                self.read.push((name, objects.len()));
                self.all.extend(objects);
            }
            Err(why) => self.unread.push(Unread { why: format!("{name}: {why}"), kinds: kinds_in(&bytes) }),
        }
    }
}

/// The kinds of objects in a folder of a support bundle. One of another folder may be whatever a list wants of it.
fn kinds_of_folder(path: &str) -> Vec<&'static str> {
    const FOLDERS: [&str; 3] = ["pods", "pvcs", "ingress"];
    let is_in = |folder: &str| path.split('/').any(|part| part == folder);
    let is_of = |(place, (kind, is_of_velero)): (usize, &(&'static str, bool))| {
        let is_there = match is_of_velero {
            true => is_in(&format!("{}s.velero.io", kind.to_lowercase())),
            false => FOLDERS.get(place).is_some_and(|folder| is_in(folder)),
        };
        is_there.then_some(*kind)
    };
    let of_folder: Vec<&'static str> = KINDS.iter().enumerate().filter_map(is_of).collect();
    if of_folder.is_empty() { KINDS.iter().map(|(kind, _)| *kind).collect() } else { of_folder }
}

/// The kinds that a text speaks of, though it cannot be read: JSON that breaks off, or YAML.
fn kinds_in(bytes: &[u8]) -> Vec<&'static str> {
    const KEY: &[u8] = b"kind";
    let mut found = Vec::new();
    for place in bytes.windows(KEY.len()).enumerate().filter(|(_, word)| *word == KEY).map(|(place, _)| place) {
        let rest = &bytes[place + KEY.len()..];
        let start = rest.iter().take(16).position(u8::is_ascii_alphabetic).unwrap_or(rest.len());
        let word = rest[start..].split(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
        let word = word.strip_suffix(b"List").unwrap_or(word);
        found.extend(KINDS.iter().map(|(kind, _)| *kind).filter(|kind| kind.as_bytes() == word));
        found.sort_unstable();
        found.dedup();
    }
    found
}

/// Reads a file. An empty list holds nothing, and so does one of other kinds.
///
/// # Errors
/// It is no JSON, or no object and no list of Kubernetes.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Object>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Document = json_text::read(bytes)?;
    if document.is_too_long {
        return Err(format!("it holds more than {OBJECTS} objects"));
    }
    // An item of a list need not repeat what the list is of: PodList.
    let of_list = document.kind.strip_suffix("List").unwrap_or_default().to_owned();
    let is_empty = document.objects.is_empty();
    let named = |object: Object| match object.kind.is_empty() {
        true => Object { kind: of_list.clone(), ..object },
        false => object,
    };
    let mut objects: Vec<Object> =
        document.objects.into_iter().map(named).filter(|object| !object.kind.is_empty()).collect();
    if objects.is_empty() && !is_empty {
        return Err("it holds no object of Kubernetes".to_owned());
    }
    objects.retain(|object| KINDS.iter().any(|(kind, _)| *kind == object.kind));
    Ok(objects)
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
                        "kind" | "apiVersion" | "metadata" | "spec" | "status" => {
                            own.insert(key, map.next_value()?);
                        }
                        _ => _ = map.next_value::<IgnoredAny>()?,
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
        for text in ["", "{}", "7", "{\"items\":7}", "{\"items\":[7]}"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        // An empty list is read, and holds nothing; others have backups, too.
        let other = "{\"kind\":\"Backup\",\"apiVersion\":\"postgresql.cnpg.io/v1\"}";
        for text in ["[]", "{\"kind\":\"PodList\",\"items\":null}", "{\"kind\":\"List\",\"items\":[]}", other] {
            assert_eq!(read(text.as_bytes()), Ok(Vec::new()), "{text}");
        }
    }

    #[test]
    fn the_kinds_of_a_text_that_breaks_off_are_known() {
        for (text, kinds) in [
            ("{\"items\":[{\"kind\": \"Pod\",\"metadata\":{},\"kind\":\"IngressList\"", &["Ingress", "Pod"][..]),
            ("kind: RestoreList\nitems: []\n", &["Restore"]),
            ("kind", &[]),
            ("{\"kind\":\"List\",", &[]),
        ] {
            assert_eq!(kinds_in(text.as_bytes()), kinds, "{text}");
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
