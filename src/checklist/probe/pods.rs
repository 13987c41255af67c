//! Whether the pods of the CI are ready, and its databases' pods were started by the restore.
//!
//! Sources: Kubernetes API, Pod: phases, conditions, `containerStatuses`; "Pod garbage collection": a failed or evicted pod stays until it is
//! deleted; Job, CronJob: a job's failed tries stay beside the one that succeeded.

use crate::checklist::look::Look;
use crate::checklist::outcome::Fault;
use crate::text::counted;

use super::object::{Container, ContainerState, Object};
use super::velero::{Cluster, DATABASES, OBJECTS_NAMED, none};

/// The digits by which the jobs of a CronJob are told apart: minutes since 1970.
const CRON_DIGITS: usize = 8;

/// Whether all pods of the databases' namespace are ready.
pub(super) fn ready(cluster: &Cluster) -> Look {
    if cluster.of_kind("Pod").next().is_none() {
        return Look::Blind(none("Pod"));
    }
    let namespace = match &cluster.namespace {
        Ok(namespace) => *namespace,
        Err(why) => return Look::Blind(why.clone()),
    };
    let (pods, elsewhere): (Vec<&Object>, Vec<&Object>) =
        cluster.of_kind("Pod").partition(|pod| pod.namespace == namespace);
    if pods.is_empty() {
        return Look::Blind(none(&format!("Pod of namespace {namespace}")));
    }
    let (mut faults, mut ready, mut others, mut over) = (Vec::new(), 0, 0, 0);
    for pod in &pods {
        match fault(pod, &pods) {
            Some(what) => faults.push(Fault::new(format!("pod {} {what}", pod.full_name()))),
            None if is_over(pod) => over += 1,
            None => {
                ready += 1;
                others += u64::from(!DATABASES.iter().any(|database| pod.is_of(database)));
            }
        }
    }
    let more = faults.len().saturating_sub(OBJECTS_NAMED);
    faults.truncate(OBJECTS_NAMED);
    if more > 0 {
        faults.push(Fault::new(format!("and {}", counted(more as u64, "more pod"))));
    }
    if faults.is_empty() && others == 0 {
        return Look::Blind(none(&format!("running Pod of namespace {namespace} but its databases'")));
    }
    let mut seen = vec![format!("{}, all ready", counted(ready, "pod"))];
    if over > 0 {
        seen.push(format!("{} over, or left over from one that was replaced", counted(over, "pod")));
    }
    if !elsewhere.is_empty() {
        seen.push(format!(
            "{} of other namespaces than {namespace}: not judged",
            counted(elsewhere.len() as u64, "pod")
        ));
    }
    Look::all(faults, Vec::new(), seen)
}

fn is_over(pod: &Object) -> bool {
    matches!(pod.phase.as_deref(), Some("Succeeded" | "Failed"))
}

/// What is wrong with a pod.
fn fault(pod: &Object, all: &[&Object]) -> Option<String> {
    let owner = pod.owner.as_ref().map(|(kind, name)| (kind.as_str(), name.as_str()));
    let why = || pod.unready.clone().or(pod.phase.clone()).unwrap_or_else(|| "no reason said".to_owned());
    if pod.is_leaving {
        return Some("is being deleted".to_owned());
    }
    match (pod.phase.as_deref(), owner) {
        (Some("Succeeded"), None | Some(("Job", _))) => None,
        (Some("Succeeded"), Some((kind, name))) => Some(format!("is not ready: it ended, and is of {kind} {name}")),
        (Some("Failed"), Some(("Job", _))) if has_succeeded_later(pod, all) => None,
        (Some("Failed"), Some(("ReplicaSet" | "DaemonSet", _))) if is_replaced(pod, all) => None,
        (Some("Failed"), _) => Some(format!("is not ready: {}", pod.phase.as_deref().unwrap_or_default())),
        _ => match pod.containers.iter().find_map(unready) {
            Some(reason) => Some(format!("is not ready: {}", reason.or(pod.unready.clone()).unwrap_or_else(why))),
            None => (!pod.is_ready).then(|| format!("is not ready: {}", why())),
        },
    }
}

/// Why a container is not ready, where it is not.
fn unready(container: &Container) -> Option<Option<String>> {
    match &container.state {
        ContainerState::Waiting(why) | ContainerState::Terminated(why) => Some(Some(why.clone())),
        ContainerState::Running(_) | ContainerState::NotSaid if container.is_ready => None,
        ContainerState::Running(_) => Some(None),
        ContainerState::NotSaid => Some(None),
    }
}

/// Whether a ReplicaSet, or another of its Deployment, has a pod instead.
fn is_replaced(pod: &Object, all: &[&Object]) -> bool {
    let stem = |pod: &Object| {
        let (kind, name) = pod.owner.clone()?;
        let stem = if kind == "ReplicaSet" { name.rsplit_once('-').map(|(stem, _)| stem.to_owned()) } else { None };
        Some((kind, stem.unwrap_or(name)))
    };
    let own = stem(pod);
    all.iter().any(|other| !is_over(other) && !other.is_leaving && stem(other) == own)
}

/// Whether a job, or a later one of its CronJob, succeeded after this try.
fn has_succeeded_later(pod: &Object, all: &[&Object]) -> bool {
    let stem = |pod: &Object| {
        let (_, name) = pod.owner.clone().filter(|(kind, _)| kind == "Job")?;
        let is_of_cron = |digits: &str| digits.len() >= CRON_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        let stem = name.rsplit_once('-').filter(|(_, digits)| is_of_cron(digits)).map(|(stem, _)| stem.to_owned());
        Some(stem.unwrap_or(name))
    };
    let own = stem(pod);
    let succeeded = |other: &&&Object| other.phase.as_deref() == Some("Succeeded") && stem(other) == own;
    all.iter().filter(succeeded).any(|other| other.created >= pod.created)
}

/// Whether the pods of the databases were started by the restore, and not before it.
pub(super) fn databases_started(cluster: &Cluster) -> Look {
    if let Err(why) = &cluster.namespace {
        return Look::Blind(why.clone());
    }
    let (mut faults, mut unseen, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    let restore = match &cluster.restore {
        Ok(restore) if restore.began.is_none() => {
            unseen.push(format!("Restore {} does not say when it began", restore.full_name()));
            None
        }
        Ok(restore) => restore.began,
        Err(why) => {
            unseen.push(why.clone());
            None
        }
    };
    for database in DATABASES {
        let pods = cluster.of_database("Pod", database);
        if pods.is_empty() {
            unseen.push(format!("no pod of {database} is in the files: is it outside of the cluster?"));
        }
        for pod in pods {
            let name = pod.full_name();
            let began = match own_container(pod, database) {
                _ if pod.is_leaving => Err("is being deleted".to_owned()),
                Some(ContainerState::Running(began)) => Ok(*began),
                Some(ContainerState::Waiting(why)) => Err(format!("has not started: {why}")),
                Some(ContainerState::Terminated(why)) => Err(format!("has ended: {why}")),
                Some(ContainerState::NotSaid) | None => Err("has not started".to_owned()),
            };
            match (began, restore) {
                (Err(what), _) => faults.push(Fault::new(format!("pod {name} {what}"))),
                (Ok(None), _) => unseen.push(format!("pod {name} does not say since when it runs")),
                (Ok(Some(_)), None) => {}
                (Ok(Some(began)), Some(restore)) => {
                    let before = [Some(began), pod.created].into_iter().flatten().min().filter(|time| *time < restore);
                    match before {
                        None => seen.push(format!("pod {name} runs since {began}")),
                        Some(time) if time == began => faults.push(Fault::new(format!(
                            "pod {name} runs since {began}, before the restore began at {restore}"
                        ))),
                        Some(time) => faults.push(Fault::new(format!(
                            "pod {name} is there since {time}, before the restore began at {restore}: it ran on, and only its \
                             container started again, at {began}"
                        ))),
                    }
                }
            }
        }
    }
    Look::all(faults, unseen, seen)
}

/// The container that is named after the database, else the one that runs longest: not one that was put beside it.
fn own_container<'a>(pod: &'a Object, database: &str) -> Option<&'a ContainerState> {
    let own = pod.containers.iter().find(|container| container.name == database);
    let age = |container: &&Container| match container.state {
        ContainerState::Running(began) => (began.is_none(), began),
        // What does not run counts most: nobody knows whether it is the database.
        _ => (false, None),
    };
    own.or_else(|| pod.containers.iter().min_by_key(age)).map(|container| &container.state)
}
