//! What stands at the foot of the help of a command: examples, and the topics that say more.

/// What stands at the foot of the help of one command.
struct Foot {
    command: &'static str,
    /// What an example does, and the command, which is broken as a shell allows it.
    examples: &'static [(&'static str, &'static str)],
    topics: &'static [&'static str],
}

const FEET: [Foot; 16] = [
    Foot {
        command: "times",
        examples: &[
            ("By what the cloud says, without a database", "halfbuilt times snapshots.json"),
            (
                "By a log and the database, and hold the builds against it",
                "halfbuilt times postgresql.log \\\n    --database-url postgres://reader@db.example.com/ci",
            ),
            ("By one snapshot of several in a file", "halfbuilt times 'snapshots.json#vol-049df61146c4d7901'"),
        ],
        topics: &["find-times", "times", "timing", "connecting"],
    },
    Foot {
        command: "checklist",
        examples: &[
            (
                "On the restored machine of a CircleCI Server 2.x, as root",
                "halfbuilt checklist --host ci.example.com \\\n    --restored-at 2026-11-20T06:30:00Z --json report.csv.checklist.json",
            ),
            (
                "On its files alone, for which no command is run",
                "halfbuilt checklist --root /mnt/restored \\\n    --address 10.0.1.7 --public-ip 54.1.2.3",
            ),
            (
                "By what was saved of a cluster: CircleCI Server 3.x and 4.x",
                "kubectl get pods,pvc,ingress -A -o json > cluster.json\nkubectl get backups,restores,podvolumebackups,podvolumerestores \\\n    -n velero -o json > velero.json\nhalfbuilt checklist cluster.json velero.json --host ci.example.com",
            ),
            ("Print a list, to change it and to pass it by --items", "halfbuilt checklist --print circleci-2"),
        ],
        topics: &["checklist", "server-2", "server-3", "server-4", "times"],
    },
    Foot {
        command: "collect",
        examples: &[
            (
                "What ran at the backup or since, into a PostgreSQL of its own",
                "halfbuilt collect https://ci.example.com --token-file admin.token \\\n    --backup-time 2026-11-20T02:00:00Z \\\n    --restored-at 2026-11-20T06:30:00Z --into private",
            ),
            (
                "All builds, and whether output can be had, into your database",
                "halfbuilt collect https://ci.example.com --token-file admin.token \\\n    --all --output --into postgresql://collector@db.example.com/documents",
            ),
            ("Remove what was collected", "halfbuilt collect --forget --into private"),
        ],
        topics: &["collect", "server-4", "server-2", "times"],
    },
    Foot {
        command: "scan",
        examples: &[
            ("See what is abnormal, and what the database suggests for the two times", "halfbuilt scan"),
            (
                "Write the report from which builds are chosen",
                "halfbuilt scan --backup-time 2026-11-20T02:00:00Z \\\n    --restored-at 2026-11-20T06:30:00Z -o report.csv",
            ),
            (
                "The same on a CircleCI Server 4.x",
                "halfbuilt scan --profile conductor --backup-time 2026-11-20T02:00:00Z \\\n    --restored-at 2026-11-20T06:30:00Z -o report.csv",
            ),
            (
                "Look for one kind of damage in one organization",
                "halfbuilt scan --rule stuck-running --project 'acme/*'",
            ),
        ],
        topics: &["start", "times", "timing", "report", "rules", "objects", "connecting"],
    },
    Foot {
        command: "delete",
        examples: &[
            ("See what would be deleted: nothing is sent", "halfbuilt delete report.csv -o plan.csv"),
            (
                "Delete what the backup cut in one organization, and keep a copy",
                "halfbuilt delete report.csv --via nrepl://127.0.0.1:6005 \\\n    --project 'acme/*' --timing in-flight \\\n    --execute --confirm ci.example.com \\\n    --archive deleted.jsonl.gz -o results.csv",
            ),
            (
                "Choose in an editor, and type into the console",
                "halfbuilt delete report.csv --choose \\\n    --via 'console:circleci dev-console' \\\n    --execute --confirm ci.example.com -o results.csv",
            ),
        ],
        topics: &["delete", "gates", "policy", "journal", "archive", "pace"],
    },
    Foot {
        command: "verify",
        examples: &[
            ("Judge the server after a restore", "halfbuilt verify"),
            (
                "In a restore drill: compare with the manifest of the backup, write JUnit",
                "halfbuilt verify --restored-at 2026-11-20T06:30:00Z \\\n    --baseline before.json --junit verdict.xml",
            ),
            (
                "Prove that the drill sees damage: this build was cut on purpose",
                "halfbuilt verify --backup-time 2026-11-20T02:00:00Z \\\n    --expect https://ci.example.com/gh/acme/canary/1234",
            ),
            (
                "Allow two stuck builds",
                "halfbuilt verify --backup-time 2026-11-20T02:00:00Z \\\n    --allow stuck-running=2 --json verdict.json",
            ),
        ],
        topics: &["drill", "objects", "manifest", "policy", "times", "exit-codes"],
    },
    Foot {
        command: "report",
        examples: &[
            ("Make the page of a scan", "halfbuilt report report.csv --html audit.html"),
            (
                "Make the page of a deletion, and the short form for a ticket",
                "halfbuilt report report.csv --journal report.csv.journal.jsonl \\\n    --html audit.html --markdown ticket.md",
            ),
        ],
        topics: &["audit", "report", "journal"],
    },
    Foot {
        command: "manifest",
        examples: &[
            ("At the time of a backup", "halfbuilt manifest -o before.json"),
            ("Sign it, so that a change to it is found", "halfbuilt manifest --key-file manifest.key -o before.json"),
        ],
        topics: &["manifest", "drill"],
    },
    Foot { command: "journal", examples: &[], topics: &["journal"] },
    Foot {
        command: "journal verify",
        examples: &[("Check the journal beside a report", "halfbuilt journal verify report.csv.journal.jsonl")],
        topics: &["journal", "audit"],
    },
    Foot {
        command: "rules",
        examples: &[
            ("Print a rule, to change it", "halfbuilt rules stuck-running"),
            ("Print all that a scan runs", "halfbuilt rules --composed"),
        ],
        topics: &["rules", "profiles"],
    },
    Foot {
        command: "profiles",
        examples: &[
            ("Print a profile, to change it", "halfbuilt profiles circleci"),
            ("Check your own", "halfbuilt profiles --check mine.sql"),
        ],
        topics: &["profiles", "write-profile", "delete-by-http", "conductor", "connecting"],
    },
    Foot {
        command: "sql",
        examples: &[
            ("Print the script that makes a role that may only read", "halfbuilt sql role"),
            ("Print the script that puts a deleted build back", "halfbuilt sql restore-archived"),
        ],
        topics: &["connecting", "archive", "trust"],
    },
    Foot { command: "completions", examples: &[("For bash", "halfbuilt completions bash")], topics: &["environment"] },
    Foot {
        command: "man",
        examples: &[("Of the program", "halfbuilt man"), ("Of a command", "halfbuilt man journal verify")],
        topics: &["start"],
    },
    Foot {
        command: "help",
        examples: &[
            ("List all commands and topics", "halfbuilt help"),
            ("Where to find T and R", "halfbuilt help times"),
            ("The flags of delete, and how it keeps you safe", "halfbuilt help delete"),
            ("The help of a command of a command", "halfbuilt help journal verify"),
        ],
        topics: &["start", "exit-codes", "limits"],
    },
];

fn foot(command: &str) -> Option<&'static Foot> {
    FEET.iter().find(|foot| foot.command == command)
}

/// The foot of the short help: the topics.
pub(super) fn topics(command: &str) -> String {
    let topics = foot(command).map_or(&[][..], |foot| foot.topics);
    let topics: Vec<String> = topics.iter().map(|topic| format!("halfbuilt help {topic}")).collect();
    format!("More: {}", topics.join(", "))
}

/// The foot of the long help: the examples, then the topics.
pub(super) fn long(command: &str) -> String {
    let examples = foot(command).map_or(&[][..], |foot| foot.examples);
    if examples.is_empty() {
        return topics(command);
    }
    let shown = |(what, line): &(&str, &str)| format!("  {what}:\n    {}\n", line.replace('\n', "\n    "));
    let examples: Vec<String> = examples.iter().map(shown).collect();
    format!("Examples:\n{}\n{}", examples.concat(), topics(command))
}
