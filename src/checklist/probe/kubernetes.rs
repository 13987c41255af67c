//! Looks at what `kubectl get -o json` said of a restored cluster.

use std::collections::BTreeSet;

use crate::checklist::list::{FileProbe, KubernetesTest};
use crate::checklist::look::{Context, Look};
use crate::checklist::outcome::Fault;
use crate::checklist::tree::is_absent;
use crate::text::{Foreign, counted, was_or_were};

use super::disk::unread;
use super::moments;
use super::object::Object;
use super::objects::Objects;
use super::pods;
use super::velero::{Cluster, DATABASES, named, none, of_kind, times};

/// Looks at the files that the operator named, and at those of the list.
pub(in crate::checklist) fn look(probe: &FileProbe, test: KubernetesTest, context: &Context) -> Look {
    let objects = match read_all(probe, context) {
        Ok(read) => read,
        Err(why) => return Look::Blind(why),
    };
    let cluster = Cluster::new(&objects.all, context);
    let look = match test {
        KubernetesTest::FilesRead => return files_read(&objects),
        KubernetesTest::BackupComplete => cluster.backup_complete(),
        KubernetesTest::RestoreComplete => cluster.restore_complete(),
        KubernetesTest::PodsReady => pods::ready(&cluster),
        KubernetesTest::DatabasesStarted => pods::databases_started(&cluster),
        KubernetesTest::OneBackup => one_backup(&cluster),
        KubernetesTest::IngressHost => ingress_host(&objects.all, context),
        KubernetesTest::BackupTime => moments::backup_time(&cluster, context),
        KubernetesTest::RestoreTime => moments::restore_time(&cluster, context),
    };
    // What could not be read may hold what is wrong. Why it could not is said once: by the item of the files.
    let needed = needed(test);
    let hidden: BTreeSet<&str> = objects.unread.iter().flat_map(|file| &file.kinds).copied().collect();
    let hidden = named(hidden.into_iter().filter(|kind| needed.contains(kind)).map(str::to_owned));
    match look {
        Look::Right(_) | Look::Blind(_) if !hidden.is_empty() => {
            Look::Blind(format!("a file that may hold more of this could not be read: it speaks of {hidden}"))
        }
        look => look,
    }
}

/// The kinds of objects on which an item rests.
fn needed(test: KubernetesTest) -> &'static [&'static str] {
    match test {
        KubernetesTest::FilesRead => &[],
        KubernetesTest::BackupComplete => &["Backup", "Restore", "PodVolumeBackup"],
        KubernetesTest::RestoreComplete => &["Restore", "PodVolumeRestore", "PersistentVolumeClaim"],
        KubernetesTest::PodsReady => &["Pod"],
        KubernetesTest::DatabasesStarted => &["Pod", "Restore"],
        KubernetesTest::OneBackup => {
            &["Pod", "PersistentVolumeClaim", "Restore", "PodVolumeRestore", "PodVolumeBackup"]
        }
        KubernetesTest::IngressHost => &["Ingress"],
        KubernetesTest::BackupTime => &["Backup", "Restore"],
        KubernetesTest::RestoreTime => &["Restore", "Pod"],
    }
}

/// All objects of the files that the operator named, and of the folders of a support bundle.
fn read_all(probe: &FileProbe, context: &Context) -> Result<Objects, String> {
    let mut objects = context.saved.clone();
    for pattern in probe.paths.iter().filter(|_| !context.tree.is_this_machine()) {
        let paths = context.tree.paths(pattern).map_err(|error| unread(context, pattern, &error))?;
        for path in paths {
            match context.tree.find(&path).and_then(|found| found.read()) {
                Err(error) if is_absent(&error) => {}
                read => objects.add_of_bundle(&context.tree.shown(&path), &path, read),
            }
        }
    }
    Ok(objects)
}

/// Whether all files could be read. What an item lacks is said by that item.
fn files_read(objects: &Objects) -> Look {
    if objects.unread.is_empty() && objects.read.is_empty() {
        return Look::Blind("there is no file to read".to_owned());
    }
    let seen = objects.read.iter().map(|(name, number)| match number {
        0 => format!("{name} holds nothing of what is asked for"),
        number => format!("{name} holds {}", counted(*number as u64, "object")),
    });
    Look::all(Vec::new(), objects.unread.iter().map(|file| file.why.clone()).collect(), seen.collect())
}

/// From which backups the objects of a database are, and which of them do not say it.
fn backups(cluster: &Cluster, database: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut backups, mut unknown) = (BTreeSet::new(), Vec::new());
    let is_of_this = |label: &str| match (cluster.restore_named(label), &cluster.restore) {
        (Some(of), Ok(this)) => of == *this,
        _ => true,
    };
    // Of an older restore, the records stay.
    let mut volumes = cluster.of_database("PodVolumeRestore", database);
    volumes.retain(|volume| volume.restore.as_deref().is_none_or(is_of_this));
    let backup_of = |object: &Object| {
        let of_restore = object.restore.as_deref().and_then(|label| cluster.restore_named(label)?.backup.clone());
        object.backup.clone().or(of_restore)
    };
    let is_filled = |claim: &Object| {
        volumes.iter().any(|of| {
            let name = of.volume.as_ref().zip(of.pod.as_ref()).map(|(volume, pod)| format!("{volume}-{pod}"));
            name.as_ref() == Some(&claim.name) && backup_of(of).is_some()
        })
    };
    let claims = cluster.of_database("PersistentVolumeClaim", database);
    let pods = cluster.of_database("Pod", database);
    for object in volumes.iter().chain(&claims).chain(&pods) {
        match backup_of(object) {
            Some(backup) => _ = backups.insert(backup),
            None if object.kind == "Pod" && object.restore.is_none() => {}
            None if object.kind == "PersistentVolumeClaim" && object.restore.is_none() && is_filled(object) => {}
            None => unknown.push(format!("{} {}", object.kind, object.full_name())),
        }
    }
    (backups, unknown)
}

/// Whether both databases come from one backup. Where they do not, there are two Ts.
fn one_backup(cluster: &Cluster) -> Look {
    if let Err(why) = &cluster.namespace {
        return Look::Blind(why.clone());
    }
    let [(postgresql, mut unresolved), (mongodb, more)] = DATABASES.map(|database| backups(cluster, database));
    unresolved.extend(more);
    let words = |names: &BTreeSet<String>| named(names.iter().cloned());
    let unresolved = (!unresolved.is_empty()).then(|| {
        let names = named(unresolved.into_iter());
        format!("nothing in the files says from which backup it was restored: {names}; {}", none("Restore of it"))
    });
    let unknown: Vec<&str> = DATABASES
        .into_iter()
        .zip([&postgresql, &mongodb])
        .filter(|(_, backups)| backups.is_empty())
        .map(|(database, _)| database)
        .collect();
    let differ = postgresql != mongodb && unknown.is_empty();
    if differ || postgresql.len() > 1 || mongodb.len() > 1 {
        let or_unknown = |backups: &BTreeSet<String>| match backups.is_empty() {
            true => "a backup that nothing names".to_owned(),
            false => words(backups),
        };
        let two = format!(
            "there are two Ts: PostgreSQL was restored from {}, and MongoDB from {}",
            or_unknown(&postgresql),
            or_unknown(&mongodb)
        );
        return Look::all(vec![Fault::new(two)], unresolved.into_iter().collect(), Vec::new());
    }
    if !unknown.is_empty() {
        let (databases, were) = (unknown.join(" and "), was_or_were(unknown.len() as u64));
        return Look::Blind(format!("nothing says from which backup {databases} {were} restored"));
    }
    if let Some(why) = unresolved {
        return Look::Blind(why);
    }
    let from = words(&postgresql);
    if let Ok(restore) = &cluster.restore
        && let Some(backup) = restore.backup.as_ref().filter(|backup| !postgresql.contains(*backup))
    {
        return Look::Blind(format!(
            "both were restored from {from}, and the newest restore, {}, is of {backup}: what did it leave as it was?",
            restore.full_name()
        ));
    }
    let mut seen = vec![format!("both were restored from {from}")];
    let [of_postgresql, of_mongodb] = DATABASES.map(|database| cluster.copies_of(database));
    for (database, copies) in DATABASES.into_iter().zip([&of_postgresql, &of_mongodb]) {
        seen.extend(copies.iter().map(|copy| {
            let volume = copy.volume.as_deref().unwrap_or("(not named)");
            format!("T of {database} is an interval: volume {volume} was copied {}", times(copy))
        }));
    }
    let is_before = |one: &Object, other: &Object| one.ended.zip(other.began).is_some_and(|(end, begin)| end < begin);
    let is_apart = |one: &Object, other: &Object| is_before(one, other) || is_before(other, one);
    if of_postgresql.iter().any(|one| of_mongodb.iter().any(|other| is_apart(one, other))) {
        seen.push("the two were copied one after the other: within one backup, each has a T of its own".to_owned());
    }
    Look::all(Vec::new(), cluster.without_copy().into_iter().collect(), seen)
}

fn ingress_host(objects: &[Object], context: &Context) -> Look {
    let hosts: BTreeSet<&String> = of_kind(objects, "Ingress").flat_map(|ingress| &ingress.hosts).collect();
    if hosts.is_empty() {
        return Look::Blind(none("Ingress with a host"));
    }
    let words = named(hosts.iter().map(ToString::to_string));
    match context.configured_host() {
        Ok(host) if hosts.iter().any(|other| covers(other, host)) => Look::right(format!("an Ingress is for {words}")),
        Ok(host) => Look::todo(format!("an Ingress is for {words}, and none is for {}", Foreign::name(host))),
        Err(why) => Look::Blind(format!("an Ingress is for {words}; {why}")),
    }
}

impl Object {
    /// Whether an Ingress is for this host.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| covers(pattern, host))
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
