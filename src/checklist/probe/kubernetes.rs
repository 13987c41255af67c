//! Looks at what `kubectl get -o json` said of a restored cluster.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::checklist::list::{FileProbe, KubernetesTest};
use crate::checklist::look::{Context, Look};
use crate::checklist::outcome::Fault;
use crate::text::{Foreign, counted};

use super::disk::unread;
use super::objects::{Object, Objects};

/// The databases whose backups have to be of one moment.
const DATABASES: [&str; 2] = ["postgresql", "mongodb"];
/// How many objects are named.
const OBJECTS_NAMED: usize = 20;

/// Looks at the files that the operator named, and at those of the list.
pub(in crate::checklist) fn look(probe: &FileProbe, test: KubernetesTest, context: &Context) -> Look {
    let Objects { all: objects, unread } = match read_all(probe, context) {
        Ok(read) => read,
        Err(why) => return Look::Blind(why),
    };
    let look = match test {
        KubernetesTest::BackupComplete => complete(&objects, "Backup"),
        KubernetesTest::RestoreComplete => complete(&objects, "Restore"),
        KubernetesTest::PodsReady => pods_ready(&objects),
        KubernetesTest::DatabasesStarted => databases_started(&objects),
        KubernetesTest::OneBackup => one_backup(&objects),
        KubernetesTest::IngressHost => ingress_host(&objects, context),
    };
    // What could not be read may hold what is wrong.
    match look {
        Look::ToDo(faults) => Look::ToDo(faults.into_iter().chain(unread.iter().map(Fault::new)).collect()),
        _ if !unread.is_empty() => Look::Blind(unread.join("; ")),
        look => look,
    }
}

/// All objects of the files that the operator named, and of the folders of a support bundle.
fn read_all(probe: &FileProbe, context: &Context) -> Result<Objects, String> {
    let mut objects = context.saved.clone();
    for pattern in probe.paths.iter().filter(|_| !context.tree.is_this_machine()) {
        let paths = context.tree.paths(pattern).map_err(|error| unread(context, pattern, &error))?;
        for path in paths {
            if let Ok(found) = context.tree.find(&path) {
                objects.add(&context.tree.shown(&path), found.read());
            }
        }
    }
    Ok(objects)
}

fn of_kind<'a>(objects: &'a [Object], kind: &'a str) -> impl Iterator<Item = &'a Object> {
    objects.iter().filter(move |object| object.kind == kind)
}

fn none(kind: &str) -> Look {
    Look::Blind(format!("no {kind} is in the files: `halfbuilt help server-4` says what to save"))
}

/// Names some, and the number of others.
fn named(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(OBJECTS_NAMED);
    let first = names[..names.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

fn times(object: &Object) -> String {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string());
    format!("from {} to {}", time(object.began), time(object.ended))
}

/// Backups, or restores, of Velero.
fn complete(objects: &[Object], kind: &str) -> Look {
    let (mut faults, mut seen) = (Vec::new(), Vec::new());
    for object in of_kind(objects, kind) {
        let (name, times) = (object.full_name(), times(object));
        let phase = object.phase.as_deref().unwrap_or("not said");
        let from = object.backup.as_ref().filter(|_| kind == "Restore");
        let from = from.map_or_else(String::new, |backup| format!(" of backup {backup}"));
        match (phase, object.errors) {
            ("Completed", 0) => seen.push(format!("{kind} {name}{from}: {times}")),
            ("Completed", errors) => {
                let errors = counted(errors, "error");
                faults.push(Fault::new(format!("{kind} {name}{from} is complete with {errors}: {times}")));
            }
            _ => faults.push(Fault::new(format!("{kind} {name}{from}: its phase is {phase}; {times}"))),
        }
    }
    if seen.is_empty() && faults.is_empty() {
        return none(&format!("{kind} of Velero"));
    }
    Look::all(faults, Vec::new(), seen)
}

fn pods_ready(objects: &[Object]) -> Look {
    // A pod of a job that is over is never ready again.
    let pods: Vec<&Object> = of_kind(objects, "Pod").filter(|pod| pod.phase.as_deref() != Some("Succeeded")).collect();
    if pods.is_empty() {
        return none("Pod");
    }
    let unready: Vec<&&Object> = pods.iter().filter(|pod| !pod.is_ready).collect();
    let why = |pod: &Object| pod.unready.clone().or(pod.phase.clone()).unwrap_or_else(|| "no reason said".to_owned());
    let mut faults: Vec<Fault> = unready
        .iter()
        .take(OBJECTS_NAMED)
        .map(|pod| Fault::new(format!("pod {} is not ready: {}", pod.full_name(), why(pod))))
        .collect();
    let more = unready.len().saturating_sub(OBJECTS_NAMED);
    if more > 0 {
        faults.push(Fault::new(format!("and {}", counted(more as u64, "more pod"))));
    }
    Look::all(faults, Vec::new(), vec![format!("{}, all ready", counted(pods.len() as u64, "pod"))])
}

/// Whether the pods of the databases were started by the restore, and not before it.
fn databases_started(objects: &[Object]) -> Look {
    let restore = of_kind(objects, "Restore").filter_map(|restore| restore.began).max();
    let (mut faults, mut unseen, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for database in DATABASES {
        let pods: Vec<&Object> = of_kind(objects, "Pod").filter(|pod| pod.is_of(database)).collect();
        if pods.is_empty() {
            unseen.push(format!("no pod of {database} is in the files: is it outside of the cluster?"));
        }
        for pod in pods {
            let name = pod.full_name();
            let Some(began) = pod.began else {
                faults.push(Fault::new(format!("pod {name} has not started")));
                continue;
            };
            match restore {
                Some(restore) if began >= restore => seen.push(format!("pod {name} runs since {began}")),
                Some(restore) => {
                    let what = format!("pod {name} runs since {began}, before the restore began at {restore}");
                    faults.push(Fault::new(what));
                }
                None => unseen.push(format!("pod {name} runs since {began}, and no Restore of Velero is in the files")),
            }
        }
    }
    Look::all(faults, unseen, seen)
}

/// Whether both databases come from one backup. Where they do not, there are two Ts.
fn one_backup(objects: &[Object]) -> Look {
    let of_restore = |restore: &str| of_kind(objects, "Restore").find(|other| other.name == restore)?.backup.clone();
    let backups = |database: &str| -> BTreeSet<String> {
        let own = objects.iter().filter(|object| {
            matches!(object.kind.as_str(), "Pod" | "PersistentVolumeClaim" | "PodVolumeRestore")
                && object.is_of(database)
        });
        own.filter_map(|object| object.backup.clone().or_else(|| of_restore(object.restore.as_deref()?))).collect()
    };
    let [postgresql, mongodb] = DATABASES.map(backups);
    let words = |names: &BTreeSet<String>| named(names.iter().map(|name| Foreign::name(name).into()));
    let unknown: Vec<&str> = DATABASES
        .into_iter()
        .zip([&postgresql, &mongodb])
        .filter(|(_, backups)| backups.is_empty())
        .map(|(database, _)| database)
        .collect();
    if !unknown.is_empty() {
        return Look::Blind(format!("nothing says from which backup {} was restored", unknown.join(" and ")));
    }
    if postgresql != mongodb || postgresql.len() > 1 {
        return Look::todo(format!(
            "there are two Ts: PostgreSQL was restored from {}, and MongoDB from {}",
            words(&postgresql),
            words(&mongodb)
        ));
    }
    let mut seen = vec![format!("both were restored from {}", words(&postgresql))];
    for database in DATABASES {
        let copies = of_kind(objects, "PodVolumeBackup").filter(|copy| copy.is_of(database));
        seen.extend(copies.map(|copy| {
            let volume = copy.volume.as_deref().unwrap_or("(not named)");
            format!("T of {database} is an interval: volume {volume} was copied {}", times(copy))
        }));
    }
    let copied = |database: &'static str| of_kind(objects, "PodVolumeBackup").filter(move |copy| copy.is_of(database));
    let is_apart = |one: &Object, other: &Object| one.ended < other.began || other.ended < one.began;
    let [of_postgresql, of_mongodb] = DATABASES.map(|database| copied(database).collect::<Vec<_>>());
    if of_postgresql.iter().any(|one| of_mongodb.iter().any(|other| is_apart(one, other))) {
        seen.push("the two were copied one after the other: within one backup, each has a T of its own".to_owned());
    }
    Look::Right(seen)
}

fn ingress_host(objects: &[Object], context: &Context) -> Look {
    let hosts: BTreeSet<&String> = of_kind(objects, "Ingress").flat_map(|ingress| &ingress.hosts).collect();
    if hosts.is_empty() {
        return none("Ingress with a host");
    }
    let words = named(hosts.iter().map(ToString::to_string));
    match context.configured_host() {
        Ok(host) if hosts.iter().any(|other| covers(other, host)) => Look::right(format!("an Ingress is for {words}")),
        Ok(host) => Look::todo(format!("an Ingress is for {words}, and none is for {}", Foreign::name(host))),
        Err(why) => Look::Blind(format!("an Ingress is for {words}; {why}")),
    }
}

/// Whether the host of an Ingress, in which `*` stands for one label, is this one.
fn covers(pattern: &str, host: &str) -> bool {
    let below = host.split_once('.').map(|(_, below)| below);
    pattern.eq_ignore_ascii_case(host)
        || pattern
            .strip_prefix("*.")
            .is_some_and(|domain| below.is_some_and(|below| below.eq_ignore_ascii_case(domain)))
}
