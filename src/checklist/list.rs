//! A list of items, and the five kinds of probe that look at them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

/// The lists that ship, by name.
pub const SHIPPED: [(&str, &str); 2] =
    [("circleci-2", include_str!("lists/circleci-2.toml")), ("circleci-4", include_str!("lists/circleci-4.toml"))];

/// A list of items to look at after a restore.
#[derive(Clone, Debug)]
pub struct List {
    /// Its name if it ships, else its file.
    pub name: String,
    pub title: String,
    /// It applies where one of these is there; where it has none, it applies.
    pub(super) applies_where: Vec<String>,
    /// The instance metadata service that may be asked.
    pub(super) metadata: Option<Url>,
    pub items: Vec<Item>,
}

/// Something that has to be right.
#[derive(Clone, Debug)]
pub struct Item {
    pub name: String,
    pub title: String,
    pub why: String,
    /// What to do where it is not right: sentences, and commands.
    pub todo: Vec<String>,
    /// The ways to look at it. The first that sees something decides.
    pub(super) probes: Vec<Probe>,
}

/// A way to look.
#[derive(Clone, Debug)]
pub(super) enum Probe {
    File(FileProbe),
    Mount(MountProbe),
    Command(CommandProbe),
    Url(UrlProbe),
    Time(TimeProbe),
}

/// What it means that there is no such file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Missing {
    Right,
    ToDo,
    NotNeeded,
    NotChecked,
}

/// Looks at files.
#[derive(Clone, Debug)]
pub(super) struct FileProbe {
    pub(super) paths: Vec<String>,
    pub(super) test: FileTest,
    pub(super) missing: Missing,
}

#[derive(Clone, Debug)]
pub(super) enum FileTest {
    /// One is there.
    Present,
    /// None is there.
    Absent,
    Text(TextTest),
    /// Each address of a machine in it is one that this machine has, or one of these.
    Addresses {
        except: Vec<std::net::IpAddr>,
    },
    /// Nothing in it was written longer than this before the first of these times that is known.
    NewerThan {
        moments: Vec<Moment>,
        tolerance: SignedDuration,
    },
    /// A certificate that holds for so long, for the configured host.
    Certificate {
        holds_for: SignedDuration,
    },
    /// What `kubectl get -o json` says.
    Kubernetes(KubernetesTest),
}

/// What is asked of saved objects of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KubernetesTest {
    /// All files could be read.
    FilesRead,
    /// The backup of Velero that was restored is complete.
    BackupComplete,
    /// The newest restore of Velero is complete.
    RestoreComplete,
    PodsReady,
    /// The pods of the databases started after the restore.
    DatabasesStarted,
    /// PostgreSQL and MongoDB come from one backup.
    OneBackup,
    /// An Ingress is for the configured host.
    IngressHost,
    /// T is within the backup of Velero that was restored.
    BackupTime,
    /// R is not before the end of the newest restore of Velero, and not long after the server could run builds.
    RestoreTime,
}

/// What a text has to be.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    /// One of its lines fits.
    Holds(glob::Pattern),
    /// None of its lines fits.
    Lacks(glob::Pattern),
    /// None of its lines removes anything below these folders.
    Removes(Vec<String>),
    Json {
        pointer: String,
        test: JsonTest,
    },
}

/// What a value in a JSON text has to be.
#[derive(Clone, Debug)]
pub(super) enum JsonTest {
    /// One of these.
    Is(Vec<String>),
    /// The host name of this machine, or a name of one of its addresses.
    IsHost,
}

/// Looks at a folder, and what is mounted there.
#[derive(Clone, Debug)]
pub(super) struct MountProbe {
    /// `None`: all places of /etc/fstab.
    pub(super) path: Option<String>,
    /// Whether it has to be a mount; else only if /etc/fstab has it.
    pub(super) is_mount: bool,
    pub(super) not_empty: bool,
    pub(super) missing: Missing,
}

/// Runs a program, without a shell.
#[derive(Clone, Debug)]
pub(super) struct CommandProbe {
    pub(super) run: Vec<String>,
    pub(super) timeout: Duration,
    pub(super) test: Option<TextTest>,
    /// Values of its JSON that are shown besides.
    pub(super) show: Vec<String>,
}

/// Asks a URL.
#[derive(Clone, Debug)]
pub(super) struct UrlProbe {
    pub(super) url: Url,
    pub(super) timeout: Duration,
    /// Empty: any that is no error.
    pub(super) statuses: Vec<u16>,
    pub(super) any_certificate: bool,
    pub(super) test: UrlTest,
    pub(super) show: Vec<String>,
    /// What its answer does not say: then it decides nothing.
    pub(super) inconclusive: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum UrlTest {
    Answers,
    Text(TextTest),
    /// Its certificate holds for so long, for the configured host.
    Certificate {
        holds_for: SignedDuration,
    },
}

/// Compares a time.
#[derive(Clone, Debug)]
pub(super) struct TimeProbe {
    pub(super) of: TimeSource,
    /// What the time is, for people.
    pub(super) what: String,
    pub(super) test: TimeTest,
}

/// Where a time comes from.
#[derive(Clone, Debug)]
pub(super) enum TimeSource {
    /// When it was last written.
    File(String),
    Command {
        command: CommandProbe,
        pointer: String,
    },
    Url {
        url: UrlProbe,
        pointer: String,
    },
    Moment(Moment),
}

#[derive(Clone, Debug)]
pub(super) enum TimeTest {
    After(Vec<Moment>),
    Before(Vec<Moment>),
    /// Not longer from it than so long.
    Near {
        moments: Vec<Moment>,
        tolerance: SignedDuration,
    },
    /// Not longer ago than this.
    Within(SignedDuration),
}

/// A time that others are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// T.
    Backup,
    /// R.
    Restored,
    /// The launch of this instance, by the metadata service.
    Launched,
    At(Timestamp),
}

impl Item {
    /// Whether it is about a cluster, by files that were saved of it.
    pub(super) fn reads_kubernetes(&self) -> bool {
        let reads = |probe: &Probe| matches!(probe, Probe::File(FileProbe { test: FileTest::Kubernetes(_), .. }));
        self.probes.iter().any(reads)
    }
}
