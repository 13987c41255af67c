//! `checklist` over what was saved of a cluster that was restored: CircleCI Server 3.x and 4.x.

use std::fs;
use std::path::Path;

use halfbuilt::exit::Exit;
use serde_json::{Value, json};

use crate::support::{Done, Run, TIMES, halfbuilt, repository};

/// The objects of both files, which a test may change.
pub struct Cluster {
    pub folder: tempfile::TempDir,
    pub objects: [Value; 2],
}

const FILES: [&str; 2] = ["cluster.json", "velero.json"];

impl Cluster {
    pub fn new() -> Self {
        let read = |name: &str| {
            let text = fs::read(repository("fixtures/checklist/cluster").join(name)).expect("a file");
            serde_json::from_slice(&text).expect("JSON")
        };
        Self { folder: tempfile::tempdir().expect("a folder"), objects: FILES.map(read) }
    }

    /// The object of this name.
    pub fn object(&mut self, kind: &str, name: &str) -> &mut Value {
        let all = self.objects.iter_mut().flat_map(|list| list["items"].as_array_mut().expect("items"));
        let mut all = all.filter(|object| object["kind"] == kind);
        all.find(|object| object["metadata"]["name"] == name).unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// A changed copy of an object, beside it.
    pub fn add(&mut self, kind: &str, like: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.object(kind, like).clone();
        object["metadata"]["name"] = json!(name);
        change(&mut object);
        self.objects[0]["items"].as_array_mut().expect("items").push(object);
    }

    pub fn remove(&mut self, kind: &str) {
        for list in &mut self.objects {
            list["items"].as_array_mut().expect("items").retain(|object| object["kind"] != kind);
        }
    }

    pub fn look(&self, flags: &[&str]) -> Done {
        self.look_at(&TIMES).args(flags).run()
    }

    /// Looks at it with these flags for T and R.
    pub fn look_at(&self, times: &[&str]) -> Run {
        let files = FILES.map(|name| self.folder.path().join(name));
        for (file, list) in files.iter().zip(&self.objects) {
            fs::write(file, list.to_string()).expect("a file");
        }
        halfbuilt(&["checklist", "--host", "ci.example.com"]).args(&files).args(times)
    }
}

#[test]
fn a_cluster_that_is_right_is_right_and_says_its_times() {
    let done = Cluster::new().look(&[]).exits(Exit::Clean).says("9 right");
    done.prints("Backup velero/nightly-20261120020000: from 2026-11-20T02:00:01Z to 2026-11-20T02:11:42Z")
        .prints("Restore velero/after-outage of backup nightly-20261120020000: from 2026-11-20T06:20:31Z")
        .prints("T of mongodb is an interval: volume datadir was copied from 2026-11-20T02:03:16Z")
        .prints("each has a T of its own")
        // A pod of a job that is over does not count.
        .prints("3 pods, all ready")
        .prints("cluster.json holds 7 objects")
        .does_not_print("hunter2");
}

#[test]
fn what_is_wrong_in_each_item_is_found() {
    type Spoil = fn(&mut Cluster);
    let cases: [(&str, Spoil, &str); 10] = [
        (
            "backup",
            |cluster| cluster.object("Backup", "nightly-20261120020000")["status"]["phase"] = json!("PartiallyFailed"),
            "its phase is PartiallyFailed",
        ),
        (
            "restore",
            |cluster| cluster.object("Restore", "after-outage")["status"]["phase"] = json!("InProgress"),
            "Restore velero/after-outage of backup nightly-20261120020000: its phase is InProgress",
        ),
        (
            "restore",
            |cluster| cluster.object("Restore", "after-outage")["status"]["errors"] = json!(2),
            "is complete with 2 errors",
        ),
        (
            "one-backup",
            |cluster| {
                for (kind, name) in [("Pod", "mongodb-0"), ("PersistentVolumeClaim", "datadir-mongodb-0")] {
                    cluster.object(kind, name)["metadata"]["labels"]["velero.io/backup-name"] =
                        json!("nightly-20261119020000");
                }
                cluster.remove("PodVolumeRestore");
            },
            "there are two Ts: PostgreSQL was restored from nightly-20261120020000, and MongoDB from nightly-20261119020000",
        ),
        (
            "databases",
            |cluster| {
                let pod = cluster.object("Pod", "mongodb-0");
                pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = json!("2026-11-19T01:00:00Z");
            },
            "pod circleci-server/mongodb-0 runs since 2026-11-19T01:00:00Z, before the restore began",
        ),
        (
            "databases",
            |cluster| {
                let pod = cluster.object("Pod", "mongodb-0");
                pod["status"]["containerStatuses"][0]["state"] = json!({});
                pod["status"]["startTime"] = Value::Null;
            },
            "pod circleci-server/mongodb-0 has not started",
        ),
        (
            "pods",
            |cluster| {
                let pod = cluster.object("Pod", "frontend-7d9c5b6f4-x2x4k");
                pod["status"]["conditions"][1]["status"] = json!("False");
                pod["status"]["containerStatuses"][0]["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
            },
            "pod circleci-server/frontend-7d9c5b6f4-x2x4k is not ready: CrashLoopBackOff",
        ),
        (
            "pods",
            |cluster| cluster.object("Pod", "frontend-7d9c5b6f4-x2x4k")["status"] = json!({ "phase": "Failed" }),
            "is not ready: Failed",
        ),
        (
            "ingress",
            |cluster| {
                cluster.object("Ingress", "circleci-proxy")["spec"]["rules"][0]["host"] = json!("old.example.com")
            },
            "an Ingress is for old.example.com, and none is for ci.example.com",
        ),
        (
            "pods",
            |cluster| {
                let name = "a\u{1b}[31m\n::error::x".repeat(100);
                cluster.object("Pod", "frontend-7d9c5b6f4-x2x4k")["metadata"]["name"] = json!(name);
                let pod = cluster.object("Pod", &name);
                pod["status"]["conditions"][1]["status"] = json!("False");
            },
            "pod circleci-server/a\\u{1b}[31m\\n::error::x",
        ),
    ];
    for (item, spoil, said) in cases {
        let mut cluster = Cluster::new();
        spoil(&mut cluster);
        let done = cluster.look(&[]).exits(Exit::Found).prints(said).does_not_print("\u{1b}");
        let is_it = |line: &str| line.starts_with("to do") && line.split_whitespace().any(|word| word == item);
        assert!(done.stdout.lines().any(is_it), "{item}: {}", done.stdout);
        assert_eq!(done.stdout.matches("to do  ").count(), 1, "{item}: {}", done.stdout);
    }
}

#[test]
fn what_was_not_saved_is_not_checked() {
    for (kind, item, why) in [
        (
            "Backup",
            "backup",
            "Backup nightly-20261120020000, from which Restore velero/after-outage is, is not in the files: save it",
        ),
        ("Restore", "restore", "no Restore of Velero is in the files"),
        ("Pod", "pods", "no Pod is in the files"),
        ("Ingress", "ingress", "no Ingress with a host is in the files"),
    ] {
        let mut cluster = Cluster::new();
        cluster.remove(kind);
        let done = cluster.look(&[]).exits(Exit::Failed).prints(why).prints("halfbuilt help server-4");
        assert!(done.stdout.contains(&format!("not checked  {item}")), "{}", done.stdout);
    }
    let mut cluster = Cluster::new();
    for (kind, name) in [("Pod", "mongodb-0"), ("PersistentVolumeClaim", "datadir-mongodb-0")] {
        cluster.object(kind, name)["metadata"]["labels"] = json!({});
    }
    cluster.remove("PodVolumeRestore");
    cluster.look(&[]).exits(Exit::Failed).prints("nothing says from which backup mongodb was restored");
    // A restore names its backup, where only its own name is on what it restored.
    let labels = json!({ "velero.io/restore-name": "after-outage" });
    cluster.object("Pod", "mongodb-0")["metadata"]["labels"] = labels.clone();
    cluster
        .look(&[])
        .exits(Exit::Failed)
        .prints("PersistentVolumeClaim circleci-server/datadir-mongodb-0; no Restore of it");
    cluster.object("PersistentVolumeClaim", "datadir-mongodb-0")["metadata"]["labels"] = labels;
    cluster.look(&[]).exits(Exit::Clean);
    // Nobody says which host is wanted.
    let files = FILES.map(|name| cluster.folder.path().join(name));
    halfbuilt(&["checklist"])
        .args(&files)
        .run()
        .exits(Exit::Failed)
        .prints("an Ingress is for ci.example.com; the CI's host")
        // Nor T and R.
        .prints(
            "T is not known: --backup-time says it; Backup velero/nightly-20261120020000, from 2026-11-20T02:00:01Z",
        )
        .prints("R is not known: --restored-at says it; Restore velero/after-outage: from 2026-11-20T06:20:31Z");
}

#[test]
fn files_that_are_none_hide_nothing() {
    let mut cluster = Cluster::new();
    let other = cluster.folder.path().join("other.json").display().to_string();
    let deep = "[".repeat(100_000);
    for (text, why, right) in [
        ("", "it breaks off", 8),
        ("{\"items\":\"hunter2\"}", "it has another shape", 8),
        ("{\"Snapshots\":[{\"SnapshotId\":\"hunter2\"}]}", "it holds no object of Kubernetes", 8),
        (&deep, "it ", 8),
        // A text that speaks of pods may hold some that are not ready: only backup, its time, restore and ingress need none of it.
        ("kind: PodList\nitems: [hunter2]\n", "it is no JSON", 4),
        ("{\"items\":[{\"kind\":\"Ingress\",", "it breaks off", 7),
    ] {
        fs::write(&other, text).expect("a file");
        let done = cluster.look(&[&other]).exits(Exit::Failed).prints("not checked  files").prints(why);
        let done = done.says(&format!("0 to do, {right} right")).does_not_print("hunter2");
        assert_eq!(done.stdout.matches("other.json").count(), 1, "it is named once: {}", done.stdout);
    }
    cluster.look(&["/nonexistent/pods.json"]).exits(Exit::Failed).prints("cannot be read: No such file");
    cluster.object("Backup", "nightly-20261120020000")["status"]["phase"] = json!("Failed");
    cluster.look(&[&other]).exits(Exit::Found).prints("its phase is Failed");
}

/// `kubectl get` of what there is none of.
#[test]
fn an_empty_list_and_one_of_other_kinds_are_read_and_hold_nothing() {
    let cluster = Cluster::new();
    let other = cluster.folder.path().join("other.json").display().to_string();
    for text in [
        "{\"apiVersion\":\"v1\",\"items\":[],\"kind\":\"List\"}",
        "{\"kind\":\"NodeList\",\"items\":[{\"metadata\":{\"name\":\"node-1\"}}]}",
        "{\"kind\":\"Backup\",\"apiVersion\":\"postgresql.cnpg.io/v1\",\"status\":{\"phase\":\"failed\"}}",
    ] {
        fs::write(&other, text).expect("a file");
        cluster
            .look(&[&other])
            .exits(Exit::Clean)
            .says("9 right")
            .prints("other.json holds nothing of what is asked for");
    }
}

/// What was saved for the checklist says T and R, too.
#[test]
fn the_file_of_velero_is_of_use_for_times() {
    let velero = repository("fixtures/checklist/cluster/velero.json");
    let done = halfbuilt(&["times"]).args(&[velero]).run().exits(Exit::Clean);
    done.prints("2026-11-20T02:11:42Z, the end of an interval that begins at 2026-11-20T02:00:01Z")
        .prints("by Velero Restore after-outage of backup nightly-20261120020000")
        .prints("not before 2026-11-20T06:26:50Z");
}

/// A pipe can be read once, and all items need what is in it.
#[test]
fn a_pipe_is_read_too() {
    let text = fs::read_to_string(repository("fixtures/checklist/cluster/cluster.json")).expect("a file");
    let velero = repository("fixtures/checklist/cluster/velero.json");
    let run =
        halfbuilt(&["checklist", "/dev/stdin", "--host", "ci.example.com"]).args(&[velero]).args(&TIMES).input(&text);
    run.run().exits(Exit::Clean).says("9 right");
}

/// One file a kind, as a support bundle has them.
#[test]
fn an_unpacked_support_bundle_is_read() {
    let cluster = Cluster::new();
    let bundle = cluster.folder.path().join("bundle");
    let place = |kind: &str| match kind {
        "Pod" => "pods/circleci-server.json".to_owned(),
        "PersistentVolumeClaim" => "pvcs/circleci-server.json".to_owned(),
        "Ingress" => "ingress/circleci-server.json".to_owned(),
        other => format!("custom-resources/{}s.velero.io/velero.json", other.to_lowercase()),
    };
    let mut files: std::collections::BTreeMap<String, Vec<Value>> = Default::default();
    for list in &cluster.objects {
        for object in list["items"].as_array().expect("items") {
            files.entry(place(object["kind"].as_str().expect("a kind"))).or_default().push(object.clone());
        }
    }
    for (name, objects) in files {
        let file = bundle.join("cluster-resources").join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, Value::Array(objects).to_string()).expect("a file");
    }
    let look =
        |root: &Path| halfbuilt(&["checklist", "--host", "ci.example.com", "--root"]).args(&[root]).args(&TIMES).run();
    look(&bundle).exits(Exit::Clean).says("9 right");
    fs::write(bundle.join("cluster-resources/pods/other.json"), "no json").expect("a file");
    // Backup, its time, restore and ingress need nothing of it.
    look(&bundle).exits(Exit::Failed).prints("pods/other.json: it is no JSON").says("0 to do, 4 right, 5 not checked");
    fs::remove_file(bundle.join("cluster-resources/pods/other.json")).expect("a file");
    std::os::unix::fs::symlink("/nowhere", bundle.join("cluster-resources/pods/other.json")).expect("a link");
    look(&bundle).exits(Exit::Failed).prints("pods/other.json").prints("a link is there");
}
