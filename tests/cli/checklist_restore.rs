//! `checklist` over a cluster of which the files hold more than this restore: other nights, drills, other namespaces.

use halfbuilt::exit::Exit;
use serde_json::{Value, json};

use crate::checklist_cluster::Cluster;
use crate::support::Done;

const BACKUP: &str = "nightly-20261120020000";
const OLDER: &str = "nightly-20261119020000";

/// Whether nothing but this item came out so. With a backup or a restore that is not known, T and R are not checked either.
fn is_alone(done: &Done, outcome: &str, item: &str) {
    let is_of_time = |line: &str| line.split_whitespace().any(|word| matches!(word, "backup-time" | "restored-at"));
    let is_so = |line: &&str| {
        line.starts_with(&format!("{outcome}  "))
            && !(outcome == "not checked" && item != "one-backup" && is_of_time(line))
    };
    let found: Vec<&str> = done.stdout.lines().filter(is_so).collect();
    let is_it = |line: &str| line.split_whitespace().any(|word| word == item);
    assert!(found.len() == 1 && is_it(found[0]), "{outcome} {item}: {}", done.stdout);
}

#[test]
fn what_is_not_of_this_restore_is_named_and_judged_nowhere() {
    let mut cluster = Cluster::new();
    cluster.add("Backup", BACKUP, OLDER, |backup| backup["status"]["phase"] = json!("PartiallyFailed"));
    cluster.add("Backup", BACKUP, "nightly-20261121020000", |backup| backup["status"]["phase"] = json!("InProgress"));
    cluster.add("PodVolumeBackup", "nightly-20261120020000-a1", "older-a1", |copy| {
        copy["metadata"]["labels"]["velero.io/backup-name"] = json!(OLDER);
        copy["status"] = json!({ "phase": "Failed" });
    });
    // A drill of before, into the same namespace, and its volumes.
    cluster.add("Restore", "after-outage", "old-drill", |restore| {
        restore["spec"]["backupName"] = json!(OLDER);
        restore["status"] = json!({ "phase": "PartiallyFailed", "startTimestamp": "2026-09-01T06:00:00Z" });
    });
    cluster.add("PodVolumeRestore", "after-outage-a1", "old-drill-a1", |volume| {
        volume["metadata"]["labels"]["velero.io/restore-name"] = json!("old-drill");
        volume["status"]["phase"] = json!("Failed");
    });
    // Later ones: of another namespace, into another, and of other kinds.
    type Change = fn(&mut Value);
    let others: [(&str, Change); 4] = [
        ("of-grafana", |restore| restore["spec"]["includedNamespaces"] = json!(["monitoring"])),
        ("into-drill", |restore| restore["spec"]["namespaceMapping"] = json!({ "circleci-server": "drill" })),
        ("all-but-ci", |restore| {
            restore["spec"]["includedNamespaces"] = json!(["*"]);
            restore["spec"]["excludedNamespaces"] = json!(["circleci-server"]);
        }),
        ("of-secrets", |restore| restore["spec"]["includedResources"] = json!(["secrets"])),
    ];
    for (name, change) in others {
        cluster.add("Restore", "after-outage", name, |restore| {
            change(restore);
            restore["status"] = json!({ "phase": "Failed", "startTimestamp": "2026-11-25T06:00:00Z" });
        });
    }
    let done = cluster.look(&[]).exits(Exit::Clean).says("9 right");
    done.prints(&format!("Backup velero/{OLDER} (PartiallyFailed)"))
        .prints("Backup velero/nightly-20261121020000 (InProgress)")
        .prints("Restore velero/old-drill (PartiallyFailed)")
        .prints("Restore velero/of-grafana (Failed)");
}

#[test]
fn the_newest_restore_of_the_namespace_is_judged_and_its_own_backup() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 4] = [
        (|restore| restore["status"]["phase"] = json!("InProgress"), "Restore velero/again of backup"),
        (|restore| restore["status"] = json!({}), "its phase is not said"),
        (
            |restore| {
                restore["spec"]["includedNamespaces"] = json!(["ci-of-old"]);
                restore["spec"]["namespaceMapping"] = json!({ "ci-of-old": "circleci-server" });
                restore["status"]["phase"] = json!("PartiallyFailed");
            },
            "its phase is PartiallyFailed",
        ),
        (
            |restore| {
                restore["spec"]["includedNamespaces"] = json!([]);
                restore["status"]["phase"] = json!("Failed");
            },
            "its phase is Failed",
        ),
    ];
    for (change, said) in cases {
        let mut cluster = Cluster::new();
        cluster.add("Restore", "after-outage", "again", |restore| {
            restore["metadata"]["creationTimestamp"] = json!("2026-11-21T06:00:00Z");
            restore["status"]["startTimestamp"] = json!("2026-11-21T06:00:00Z");
            change(restore);
        });
        cluster.look(&[]).exits(Exit::Found).prints(said).prints("Restore velero/again");
    }
    // Its backup counts, and no other.
    let mut cluster = Cluster::new();
    cluster.object("Backup", BACKUP)["metadata"]["name"] = json!(OLDER);
    let done = cluster.look(&[]).exits(Exit::Failed);
    let done = done
        .prints(&format!("Backup {BACKUP}, from which Restore velero/after-outage is, is not in the files: save it"));
    is_alone(&done, "not checked", "backup");
}

#[test]
fn a_volume_that_is_not_there_is_to_do() {
    type Spoil = fn(&mut Cluster);
    let cases: [(&str, Spoil, &str); 5] = [
        (
            "restore",
            |cluster| cluster.object("PodVolumeRestore", "after-outage-b2")["status"]["phase"] = json!("InProgress"),
            "PodVolumeRestore velero/after-outage-b2 of volume datadir of pod mongodb-0: its phase is InProgress",
        ),
        (
            "restore",
            |cluster| {
                let volume = cluster.object("PodVolumeRestore", "after-outage-b2");
                volume["metadata"]["labels"] = json!({});
                volume["metadata"]["ownerReferences"] = json!([{ "kind": "Restore", "name": "after-outage" }]);
                volume["status"] = json!({});
            },
            "after-outage-b2 of volume datadir of pod mongodb-0: its phase is not said",
        ),
        (
            "backup",
            |cluster| {
                cluster.object("PodVolumeBackup", "nightly-20261120020000-a1")["status"]["phase"] = json!("Failed")
            },
            "of volume data of pod postgresql-0: its phase is Failed",
        ),
        (
            "restore",
            |cluster| {
                cluster.object("PersistentVolumeClaim", "data-postgresql-0")["status"]["phase"] = json!("Pending")
            },
            "PersistentVolumeClaim circleci-server/data-postgresql-0: its phase is Pending",
        ),
        (
            "restore",
            |cluster| cluster.object("PersistentVolumeClaim", "datadir-mongodb-0")["status"]["phase"] = json!("Lost"),
            "its phase is Lost",
        ),
    ];
    for (item, spoil, said) in cases {
        let mut cluster = Cluster::new();
        spoil(&mut cluster);
        let done = cluster.look(&[]).exits(Exit::Found).prints(said);
        is_alone(&done, "to do", item);
    }
    // Without its times it is not known to be right.
    for (kind, name, item) in [("Backup", BACKUP, "backup"), ("Restore", "after-outage", "restore")] {
        let mut cluster = Cluster::new();
        cluster.object(kind, name)["status"]["completionTimestamp"] = Value::Null;
        let done = cluster.look(&[]).exits(Exit::Failed).prints("to an unknown time");
        is_alone(&done, "not checked", item);
    }
}

#[test]
fn what_nobody_can_trace_is_never_of_one_backup() {
    let labels = ["Pod/mongodb-0", "PersistentVolumeClaim/datadir-mongodb-0", "PodVolumeRestore/after-outage-b2"];
    for label in &labels[1..] {
        let mut cluster = Cluster::new();
        let (kind, name) = label.split_once('/').expect("a name");
        cluster.object(kind, name)["metadata"]["labels"] = json!({ "velero.io/restore-name": "not-saved" });
        let done = cluster.look(&[]).exits(Exit::Failed).prints(name);
        match kind {
            // The newest restore has not filled that volume.
            "PodVolumeRestore" => _ = done.prints("a PodVolumeRestore of a volume of postgresql, and none of mongodb"),
            _ => is_alone(&done, "not checked", "one-backup"),
        }
    }
    // Of another restore, from another backup.
    let mut cluster = Cluster::new();
    cluster.add("Restore", "after-outage", "before", |restore| {
        restore["spec"]["backupName"] = json!(OLDER);
        restore["status"]["startTimestamp"] = json!("2026-11-19T06:00:00Z");
    });
    for label in labels {
        let (kind, name) = label.split_once('/').expect("a name");
        cluster.object(kind, name)["metadata"]["labels"] = json!({ "velero.io/restore-name": "before" });
    }
    let done = cluster.look(&[]).exits(Exit::Found);
    let done =
        done.prints(&format!("there are two Ts: PostgreSQL was restored from {BACKUP}, and MongoDB from {OLDER}"));
    is_alone(&done, "to do", "one-backup");
    // Nothing at all.
    for kind in ["PersistentVolumeClaim", "PodVolumeRestore"] {
        cluster.remove(kind);
    }
    for pod in ["postgresql-0", "mongodb-0"] {
        cluster.object("Pod", pod)["metadata"]["labels"] = json!({});
    }
    cluster.look(&[]).exits(Exit::Failed).prints("backup postgresql and mongodb were restored");
}

#[test]
fn databases_in_two_namespaces_are_told_apart_by_the_host_or_not_at_all() {
    let mut cluster = Cluster::new();
    for name in ["postgresql-0", "mongodb-0"] {
        cluster.add("Pod", name, name, |pod| {
            pod["metadata"]["namespace"] = json!("drill");
            pod["status"]["phase"] = json!("Failed");
        });
    }
    cluster.look(&[]).exits(Exit::Clean).prints("2 pods of other namespaces than circleci-server: not judged");
    cluster.remove("Ingress");
    let done =
        cluster.look(&[]).exits(Exit::Failed).prints("databases are in several namespaces, circleci-server, drill");
    done.says("0 to do, 1 right, 8 not checked");
}

#[test]
fn the_start_of_the_databases_own_container_counts() {
    let state = |state: Value| json!({ "name": "mongodb", "ready": true, "state": state });
    let since = |time: &str| json!({ "running": { "startedAt": time } });
    let sidecar =
        |time: &str| json!({ "name": "metrics", "ready": true, "state": { "running": { "startedAt": time } } });
    let (before, after) = ("2026-11-19T01:00:00Z", "2026-11-20T06:30:00Z");
    for (containers, right, said) in [
        (json!([sidecar(before), state(since(after))]), true, "mongodb-0 runs since 2026-11-20T06:30:00Z"),
        (json!([sidecar(after), state(since(before))]), false, "mongodb-0 runs since 2026-11-19T01:00:00Z, before"),
        (json!([sidecar(after), state(json!({ "terminated": { "reason": "Error" } }))]), false, "has ended: Error"),
        (
            json!([state(json!({ "waiting": { "reason": "CrashLoopBackOff" } }))]),
            false,
            "not started: CrashLoopBackOff",
        ),
        // None is named so: the one that runs longest.
        (json!([sidecar(after), sidecar(before)]), false, "mongodb-0 runs since 2026-11-19T01:00:00Z, before"),
    ] {
        let mut cluster = Cluster::new();
        cluster.object("Pod", "mongodb-0")["status"]["containerStatuses"] = containers;
        cluster.look(&[]).exits(if right { Exit::Clean } else { Exit::Found }).prints(said);
    }
    // The pod ran on, and only its container started again.
    let mut cluster = Cluster::new();
    cluster.object("Pod", "mongodb-0")["metadata"]["creationTimestamp"] = json!(before);
    let done = cluster.look(&[]).exits(Exit::Found).prints("mongodb-0 is there since 2026-11-19T01:00:00Z, before");
    is_alone(&done, "to do", "databases");
}

#[test]
fn pods_that_were_replaced_are_no_fault_and_those_that_lack_a_container_are() {
    const FRONTEND: &str = "frontend-7d9c5b6f4-x2x4k";
    const JOB: &str = "migrate-circle-1-abcde";
    type Spoil = fn(&mut Cluster);
    let cases: [(bool, Spoil, &str); 8] = [
        (
            true,
            |cluster| {
                cluster.add("Pod", FRONTEND, "frontend-7d9c5b6f4-evict", |pod| {
                    pod["status"] = json!({ "phase": "Failed", "reason": "Evicted" });
                });
            },
            "2 pods over",
        ),
        (
            true,
            |cluster| {
                cluster.add("Pod", JOB, "migrate-circle-1-first", |pod| pod["status"] = json!({ "phase": "Failed" }));
            },
            "3 pods, all ready",
        ),
        (
            false,
            |cluster| cluster.object("Pod", JOB)["status"] = json!({ "phase": "Failed" }),
            "migrate-circle-1-abcde is not ready: Failed",
        ),
        (
            false,
            |cluster| {
                let pod = cluster.object("Pod", FRONTEND);
                pod["status"]["containerStatuses"][0]["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
            },
            "is not ready: CrashLoopBackOff",
        ),
        (
            false,
            |cluster| cluster.object("Pod", FRONTEND)["status"]["containerStatuses"][0]["ready"] = json!(false),
            "x2x4k is not ready: Running",
        ),
        (
            false,
            |cluster| cluster.object("Pod", FRONTEND)["metadata"]["deletionTimestamp"] = json!("2026-11-20T07:00:00Z"),
            "x2x4k is being deleted",
        ),
        (
            false,
            |cluster| cluster.object("Pod", FRONTEND)["status"]["phase"] = json!("Succeeded"),
            "is not ready: it ended, and is of ReplicaSet frontend-7d9c5b6f4",
        ),
        (
            true,
            |cluster| {
                cluster.add("Pod", FRONTEND, "grafana-0", |pod| {
                    pod["metadata"]["namespace"] = json!("monitoring");
                    pod["status"] = json!({ "phase": "Pending" });
                });
            },
            "1 pod of other namespaces than circleci-server: not judged",
        ),
    ];
    for (right, spoil, said) in cases {
        let mut cluster = Cluster::new();
        spoil(&mut cluster);
        let done = cluster.look(&[]).exits(if right { Exit::Clean } else { Exit::Found }).prints(said);
        if !right {
            is_alone(&done, "to do", "pods");
        }
    }
    let mut cluster = Cluster::new();
    let is_other = |pod: &Value| pod["metadata"]["name"] == FRONTEND;
    cluster.objects[0]["items"].as_array_mut().expect("items").retain(|object| !is_other(object));
    let done = cluster.look(&[]).exits(Exit::Failed).prints("but its databases'");
    is_alone(&done, "not checked", "pods");
}
