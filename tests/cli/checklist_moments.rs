//! `checklist` over a cluster: T and R against its backup and its restore, and volumes that the backup lacks.

use halfbuilt::exit::Exit;
use serde_json::json;

use crate::checklist::lines_of;
use crate::checklist_cluster::Cluster;

const BACKUP: &str = "nightly-20261120020000";

/// The outcome of an item with these times, and what it says.
#[track_caller]
fn outcome(cluster: &Cluster, times: &[&str], item: &str) -> String {
    lines_of(&cluster.look_at(times).run(), item).join("\n")
}

#[test]
fn r_is_held_against_the_end_of_the_restore_and_the_start_of_the_pods() {
    let cluster = Cluster::new();
    for (r, begins, said) in [
        ("2026-10-01T00:00:00Z", "to do", "is before the end of Restore velero/after-outage, 2026-11-20T06:27:02Z"),
        ("2026-11-20T06:20:00Z", "to do", "is before the end of Restore velero/after-outage"),
        ("2026-11-20T06:25:00Z", "to do", "is before the end of Restore velero/after-outage"),
        ("2026-11-20T06:27:00Z", "right", "is not before the end of Restore"),
        ("2026-11-20T06:45:00Z", "right", "is not before the end of Restore"),
        ("2026-11-20T09:00:00Z", "not checked", "2 h 32 min after all pods ran, 2026-11-20T06:27:02Z"),
        ("2026-11-30T00:00:00Z", "to do", "builds that ran in between would look dead"),
    ] {
        let found = outcome(&cluster, &["--restored-at", r], "restored-at");
        assert!(found.starts_with(begins) && found.contains(said), "{r}: {found}");
    }
    // A pod that started later, and none that says it.
    let mut cluster = Cluster::new();
    let pod = cluster.object("Pod", "frontend-7d9c5b6f4-x2x4k");
    pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = json!("2026-11-20T08:30:00Z");
    let found = outcome(&cluster, &["--restored-at", "2026-11-20T09:00:00Z"], "restored-at");
    assert!(found.starts_with("right"), "{found}");
    cluster.remove("Pod");
    let found = outcome(&cluster, &["--restored-at", "2026-11-30T00:00:00Z"], "restored-at");
    assert!(found.starts_with("not checked") && found.contains("no pod says since when it runs"), "{found}");
    cluster.object("Restore", "after-outage")["status"]["completionTimestamp"] = json!(null);
    let found = outcome(&cluster, &["--restored-at", "2026-11-20T06:30:00Z"], "restored-at");
    assert!(found.starts_with("not checked") && found.contains("does not say when it ended"), "{found}");
}

#[test]
fn t_is_held_against_the_backup() {
    let cluster = Cluster::new();
    for (t, begins) in [
        ("2026-11-19T02:00:00Z", "to do"),
        ("2026-11-20T01:50:00Z", "to do"),
        ("2026-11-20T02:00:00Z", "right"),
        ("2026-11-20T02:11:42Z", "right"),
        ("2026-11-20T02:20:00Z", "to do"),
        ("2026-11-29T02:00:00Z", "to do"),
    ] {
        let found = outcome(&cluster, &["--backup-time", t], "backup-time");
        assert!(found.starts_with(begins) && found.contains(&format!("within Backup velero/{BACKUP}")), "{t}: {found}");
    }
}

#[test]
fn a_backup_that_was_made_again_under_its_name_is_not_the_one_that_was_restored() {
    let mut cluster = Cluster::new();
    for (kind, name) in [
        ("Backup", BACKUP),
        ("PodVolumeBackup", "nightly-20261120020000-a1"),
        ("PodVolumeBackup", "nightly-20261120020000-b2"),
    ] {
        let status = &mut cluster.object(kind, name)["status"];
        status["startTimestamp"] = json!("2026-11-29T02:00:01Z");
        status["completionTimestamp"] = json!("2026-11-29T02:11:42Z");
    }
    let done = cluster.look_at(&["--backup-time", "2026-11-29T02:05:00Z"]).run().exits(Exit::Failed);
    for item in ["backup", "backup-time"] {
        let lines = lines_of(&done, item);
        assert!(lines[0].starts_with("not checked") && lines[1].contains("made again under its name"), "{lines:#?}");
    }
    done.does_not_print("was copied from 2026-11-29");
}

#[test]
fn a_volume_of_which_there_is_no_copy_is_never_right() {
    let without = |names: &[&str]| {
        let mut cluster = Cluster::new();
        for list in &mut cluster.objects {
            let is_kept = |object: &serde_json::Value| !names.iter().any(|name| object["metadata"]["name"] == *name);
            list["items"].as_array_mut().expect("items").retain(is_kept);
        }
        cluster
    };
    let mut cluster = without(&["nightly-20261120020000-a1", "after-outage-a1"]);
    let done = cluster.look(&[]).exits(Exit::Failed).says("6 right, 3 not checked");
    for (item, said) in [
        ("backup", "a PodVolumeBackup of a volume of mongodb, and none of postgresql, nor a snapshot"),
        ("restore", "a PodVolumeRestore of a volume of mongodb, and none of postgresql: is that volume empty?"),
        ("one-backup", "none of postgresql, nor a snapshot"),
    ] {
        let lines = lines_of(&done, item);
        assert!(lines[0].starts_with("not checked") && lines[1].contains(said), "{lines:#?}");
    }
    // Snapshots: nothing says of what.
    cluster.object("Backup", BACKUP)["status"]["csiVolumeSnapshotsCompleted"] = json!(2);
    cluster.look(&[]).exits(Exit::Failed).prints("none of postgresql: is one of the backup's 2 snapshots of it?");
    // A database outside of the cluster has no volume in it: that is said of its pod.
    let cluster = without(&["nightly-20261120020000-a1", "after-outage-a1", "postgresql-0", "data-postgresql-0"]);
    let done = cluster.look(&[]).exits(Exit::Failed);
    assert!(lines_of(&done, "backup")[0].starts_with("right"), "{}", done.stdout);
}
