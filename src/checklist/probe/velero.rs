//! Which restore of Velero this one is, and what it and its backup came to. Files hold others, too: of other nights, of drills, of other
//! namespaces. They are named, and judged nowhere.
//!
//! Sources: Velero API types (Restore: `includedNamespaces`, `excludedNamespaces`, `namespaceMapping`, `includedResources`); Velero's code,
//! `pkg/label`: the value of a label is a name of up to 63 characters, or its first 57 and 6 of a digest.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::checklist::look::{Context, Look};
use crate::checklist::outcome::Fault;
use crate::text::counted;

use super::object::Object;

/// The databases whose backups have to be of one moment.
pub(super) const DATABASES: [&str; 2] = ["postgresql", "mongodb"];
/// How many objects are named.
pub(super) const OBJECTS_NAMED: usize = 20;

/// The objects, and which of them are of this restore.
pub(super) struct Cluster<'a> {
    pub(super) objects: &'a [Object],
    /// The namespace of the databases' pods; why it is not known.
    pub(super) namespace: Result<&'a str, String>,
    /// The newest restore of that namespace; why it is not known.
    pub(super) restore: Result<&'a Object, String>,
}

impl<'a> Cluster<'a> {
    pub(super) fn new(objects: &'a [Object], context: &Context) -> Self {
        let namespace = namespace(objects, context);
        let restore = match &namespace {
            _ if of_kind(objects, "Restore").next().is_none() => Err(none("Restore of Velero")),
            Ok(namespace) => restore(objects, namespace),
            Err(why) => Err(why.clone()),
        };
        Self { objects, namespace, restore }
    }

    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &'a Object> {
        of_kind(self.objects, kind)
    }

    /// Those of a database in its namespace.
    pub(super) fn of_database(&self, kind: &'static str, database: &str) -> Vec<&'a Object> {
        let is_here = |object: &&Object| self.namespace.as_ref().is_ok_and(|namespace| object.place() == *namespace);
        self.of_kind(kind).filter(is_here).filter(|object| object.is_of(database)).collect()
    }

    /// The restore that a label names.
    pub(super) fn restore_named(&self, label: &str) -> Option<&'a Object> {
        self.of_kind("Restore").find(|restore| is_named(label, &restore.name))
    }

    /// The backup that was restored.
    ///
    /// # Errors
    /// Nothing says which it is, or it is not in the files: a later one may have its name.
    pub(super) fn backup(&self) -> Result<&'a Object, String> {
        let restore = self.restore.clone()?;
        let of = format!("Restore {}", restore.full_name());
        let name = restore.backup.as_deref().ok_or_else(|| format!("{of} does not say from which backup it is"))?;
        let found = self.of_kind("Backup").find(|backup| backup.name == name && backup.namespace == restore.namespace);
        let Some(backup) = found else {
            return Err(format!(
                "Backup {name}, from which {of} is, is not in the files: save it: kubectl -n velero get \
                 backups,podvolumebackups -o json (`halfbuilt help server-4`)"
            ));
        };
        match backup.began.zip(restore.began.or(restore.created)) {
            Some((began, restored)) if began > restored => Err(format!(
                "Backup {} began at {began}, after {of} began at {restored}: it was made again under its name, and the one that \
                 was restored is not in the files",
                backup.full_name()
            )),
            _ => Ok(backup),
        }
    }

    /// The copies of volumes in the backup that was restored.
    pub(super) fn copies(&self) -> impl Iterator<Item = &'a Object> {
        let restore = self.restore.as_ref().ok().copied();
        self.of_kind("PodVolumeBackup").filter(move |copy| {
            let Some(restore) = restore else { return false };
            // A backup may have been made again under its name.
            let is_later =
                copy.began.zip(restore.began.or(restore.created)).is_some_and(|(copy, restore)| copy > restore);
            let names = copy.backup.as_deref().zip(restore.backup.as_deref());
            !is_later && names.is_some_and(|(label, backup)| is_named(label, backup))
        })
    }

    /// The copies of a database's volumes in the backup that was restored.
    pub(super) fn copies_of(&self, database: &str) -> Vec<&'a Object> {
        self.copies().filter(|copy| self.copies_are_here(copy) && copy.is_of(database)).collect()
    }

    /// The restores of a database's volumes by the newest restore.
    fn fillings_of(&self, database: &str) -> Vec<&'a Object> {
        let restore = self.restore.as_ref().map_or("", |restore| restore.name.as_str());
        let mut volumes = self.of_database("PodVolumeRestore", database);
        volumes.retain(|volume| volume.restore.as_deref().is_some_and(|label| is_named(label, restore)));
        volumes
    }

    /// Why a volume of a database may be empty: such records are there of the other one's volume alone. Velero makes a claim without a copy
    /// anew, and the restore is complete all the same.
    fn without(&self, what: &str, records_of: impl Fn(&str) -> Vec<&'a Object>) -> Option<String> {
        let is_here = |database: &str| {
            ["Pod", "PersistentVolumeClaim"].iter().any(|kind| !self.of_database(kind, database).is_empty())
        };
        let (with, without): (Vec<&str>, Vec<&str>) =
            DATABASES.into_iter().partition(|database| !records_of(database).is_empty());
        match (&with[..], &without[..]) {
            ([with], [without]) if is_here(without) => {
                Some(format!("there is a {what} of a volume of {with}, and none of {without}"))
            }
            _ => None,
        }
    }

    /// Why the backup may lack the volume of a database.
    pub(super) fn without_copy(&self) -> Option<String> {
        let why = self.without("PodVolumeBackup", |database| self.copies_of(database))?;
        let snapshots = self.backup().map_or(0, |backup| backup.snapshots);
        Some(match snapshots {
            0 => format!("{why}, nor a snapshot: if it has no copy, Velero restores it empty"),
            number => format!("{why}: is one of the backup's {} of it?", counted(number, "snapshot")),
        })
    }

    /// Whether a copy is of the namespace that was restored as the databases'.
    pub(super) fn copies_are_here(&self, copy: &Object) -> bool {
        let renamed = self.restore.as_ref().map_or(&[][..], |restore| &restore.taken.renamed);
        let to = renamed.iter().find(|(from, _)| from == copy.place()).map_or(copy.place(), |(_, to)| to);
        self.namespace.as_ref().is_ok_and(|namespace| to == *namespace)
    }

    /// Whether the backup that was restored is complete, and the copy of each volume.
    pub(super) fn backup_complete(&self) -> Look {
        let backup = match self.backup() {
            Ok(backup) => backup,
            Err(why) => return Look::Blind(why),
        };
        let mut judged = Judged::default();
        judged.take(backup, format!("Backup {}", backup.full_name()));
        self.copies().for_each(|copy| judged.volume(copy));
        judged.unseen.extend(self.without_copy());
        judged.others(self.of_kind("Backup").filter(|other| *other != backup));
        judged.look()
    }

    /// Whether the restore is complete, that of each volume, and whether the databases have their volumes.
    pub(super) fn restore_complete(&self) -> Look {
        let restore = match &self.restore {
            Ok(restore) => *restore,
            Err(why) => return Look::Blind(why.clone()),
        };
        let from = restore.backup.as_ref().map_or_else(String::new, |backup| format!(" of backup {backup}"));
        let mut judged = Judged::default();
        judged.take(restore, format!("Restore {}{from}", restore.full_name()));
        let is_its = |of: &&Object| of.restore.as_deref().is_some_and(|label| is_named(label, &restore.name));
        self.of_kind("PodVolumeRestore").filter(is_its).for_each(|volume| judged.volume(volume));
        let empty = self.without("PodVolumeRestore", |database| self.fillings_of(database));
        judged.unseen.extend(empty.map(|why| format!("{why}: is that volume empty?")));
        for claim in DATABASES.iter().flat_map(|database| self.of_database("PersistentVolumeClaim", database)) {
            let (name, phase) = (claim.full_name(), claim.phase.as_deref().unwrap_or("not said"));
            if phase != "Bound" {
                judged.faults.push(Fault::new(format!("PersistentVolumeClaim {name}: its phase is {phase}")));
            } else if claim.is_leaving {
                judged.faults.push(Fault::new(format!("PersistentVolumeClaim {name} is being deleted")));
            }
        }
        judged.others(self.of_kind("Restore").filter(|other| *other != restore));
        judged.look()
    }
}

/// What was judged.
#[derive(Default)]
struct Judged {
    faults: Vec<Fault>,
    unseen: Vec<String>,
    seen: Vec<String>,
}

impl Judged {
    /// A backup, or a restore.
    fn take(&mut self, object: &Object, what: String) {
        let (phase, times) = (object.phase.as_deref().unwrap_or("not said"), times(object));
        match (phase, object.errors) {
            ("Completed", 0) if object.began.is_none() || object.ended.is_none() => {
                self.unseen.push(format!("{what} does not say when it was: {times}"));
            }
            ("Completed", 0) => self.seen.push(format!("{what}: {times}")),
            ("Completed", errors) => {
                let errors = counted(errors, "error");
                self.faults.push(Fault::new(format!("{what} is complete with {errors}: {times}")));
            }
            _ => self.faults.push(Fault::new(format!("{what}: its phase is {phase}; {times}"))),
        }
    }

    /// The copy, or the restore, of a volume.
    fn volume(&mut self, object: &Object) {
        let phase = object.phase.as_deref().unwrap_or("not said");
        if phase != "Completed" {
            let (volume, pod) = (object.volume.as_deref().unwrap_or("(not named)"), object.pod.as_deref());
            let pod = pod.unwrap_or("(not named)");
            let name = object.full_name();
            let what = format!("{} {name} of volume {volume} of pod {pod}: its phase is {phase}", object.kind);
            self.faults.push(Fault::new(what));
        }
    }

    fn others<'a>(&mut self, others: impl Iterator<Item = &'a Object>) {
        let named = named(others.map(|other| {
            format!("{} {} ({})", other.kind, other.full_name(), other.phase.as_deref().unwrap_or("phase not said"))
        }));
        if !named.is_empty() {
            self.seen.push(format!("seen and not judged, as it is not of this restore: {named}"));
        }
    }

    fn look(self) -> Look {
        Look::all(self.faults, self.unseen, self.seen)
    }
}

/// The namespace of the databases' pods. Where there are several: that of the host, else that with both databases.
fn namespace<'a>(objects: &'a [Object], context: &Context) -> Result<&'a str, String> {
    let of_host: BTreeSet<&str> = context.configured_host().map_or_else(
        |_| BTreeSet::new(),
        |host| of_kind(objects, "Ingress").filter(|ingress| ingress.is_for(host)).map(Object::place).collect(),
    );
    for kind in ["Pod", "PersistentVolumeClaim", "PodVolumeRestore"] {
        let [postgresql, mongodb] = DATABASES.map(|database| -> BTreeSet<&str> {
            of_kind(objects, kind).filter(|object| object.is_of(database)).map(Object::place).collect()
        });
        let all: BTreeSet<&str> = &postgresql | &mongodb;
        let narrowed = [&all & &of_host, &postgresql & &mongodb].into_iter().find(|places| places.len() == 1);
        match narrowed.as_ref().unwrap_or(&all).iter().collect::<Vec<_>>()[..] {
            [] => {}
            [place] => return Ok(place),
            _ => {
                let names = named(all.iter().map(ToString::to_string));
                return Err(format!(
                    "databases are in several namespaces, {names}: save those objects that are of the CI's"
                ));
            }
        }
    }
    let mut of_host = of_host.into_iter();
    match (of_host.next(), of_host.next()) {
        (Some(place), None) => Ok(place),
        _ => {
            Err("no pod of postgresql or mongodb is in the files, so nobody knows which namespace is the CI's"
                .to_owned())
        }
    }
}

/// The newest restore of a namespace, whether or not it is complete.
fn restore<'a>(objects: &'a [Object], namespace: &str) -> Result<&'a Object, String> {
    let is_of_database = |object: &&Object| DATABASES.iter().any(|database| object.is_of(database));
    let labels: BTreeSet<&str> = objects
        .iter()
        .filter(|object| matches!(object.kind.as_str(), "Pod" | "PersistentVolumeClaim" | "PodVolumeRestore"))
        .filter(|object| object.place() == namespace)
        .filter(is_of_database)
        .filter_map(|object| object.restore.as_deref())
        .collect();
    let is_of =
        |restore: &&Object| covers(restore, namespace) || labels.iter().any(|label| is_named(label, &restore.name));
    // One that has not begun is the newest.
    let age = |restore: &&Object| {
        let time = restore.began.or(restore.created);
        (time.is_none(), time)
    };
    of_kind(objects, "Restore").filter(is_of).max_by_key(age).ok_or_else(|| {
        let seen = named(of_kind(objects, "Restore").map(Object::full_name));
        format!("no Restore of namespace {namespace} is in the files; those of others: {seen}")
    })
}

fn covers(restore: &Object, namespace: &str) -> bool {
    let taken = &restore.taken;
    let fits = |pattern: &String, name: &str| {
        pattern == name || glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name))
    };
    let takes = |name: &str| {
        (taken.namespaces.is_empty() || taken.namespaces.iter().any(|pattern| fits(pattern, name)))
            && !taken.except.iter().any(|pattern| fits(pattern, name))
    };
    let is_data = |kind: &String| {
        let kind = kind.split('.').next().unwrap_or_default();
        matches!(kind, "*" | "pods" | "pod" | "po" | "pvc" | "pv") || kind.starts_with("persistentvolume")
    };
    let comes_from = taken.renamed.iter().any(|(from, to)| to == namespace && takes(from));
    let goes_elsewhere = taken.renamed.iter().any(|(from, to)| from == namespace && to != namespace);
    (taken.kinds.is_empty() || taken.kinds.iter().any(is_data)) && (comes_from || (takes(namespace) && !goes_elsewhere))
}

/// Whether a label stands for this name.
pub(super) fn is_named(label: &str, name: &str) -> bool {
    const LABEL: usize = 63;
    const KEPT: usize = 57;
    let is_cut = name.len() > LABEL && label.len() == LABEL;
    label == name || (is_cut && label.as_bytes()[..KEPT] == name.as_bytes()[..KEPT])
}

pub(super) fn of_kind<'a>(objects: &'a [Object], kind: &'static str) -> impl Iterator<Item = &'a Object> {
    objects.iter().filter(move |object| object.kind == kind)
}

pub(super) fn none(kind: &str) -> String {
    format!("no {kind} is in the files: `halfbuilt help server-4` says what to save")
}

/// Names some, and the number of others.
pub(super) fn named(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(OBJECTS_NAMED);
    let first = names[..names.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

pub(super) fn times(object: &Object) -> String {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string());
    format!("from {} to {}", time(object.began), time(object.ended))
}
