//! `checklist` over files: machines as a restore leaves them, right and wrong in each item.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use halfbuilt::exit::Exit;

use crate::support::{Done, Run, halfbuilt, is_root, open_to_all, repository};

/// What nobody may see of the fixtures' configuration.
const SECRET: &str = "hunter2";
/// The items that need more than files.
const WITHOUT_FILES: &str = "application,restored-at,services,certificate,launch,mounts,host-name";

/// A copy of a machine's files, which a test may change.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    pub(crate) fn of(layout: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        open_to_all(folder.path());
        let from = repository("fixtures/checklist").join(layout);
        let copied = Command::new("cp").arg("-a").arg(from).arg(folder.path().join("root")).status();
        assert!(copied.expect("cp").success());
        Self { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().expect("a folder")).expect("a folder");
        fs::write(self.path(path), text).expect("a file");
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).expect("a file");
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replace(from, to));
    }

    /// Looks at it, knowing all that files do not say.
    pub(crate) fn look(&self) -> Run {
        let flags = ["--address", "10.0.1.7", "--public-ip", "54.1.2.3", "--restored-at", "2 days ago"];
        halfbuilt(&["checklist", "--root"]).args(&[self.root()]).args(&flags).args(&["--without", WITHOUT_FILES])
    }
}

/// The lines of an item on the page, its first one with its outcome.
#[track_caller]
pub(crate) fn lines_of(done: &Done, item: &str) -> Vec<String> {
    // The outcome has up to two words.
    let begins = |line: &&str| line.split_whitespace().take(3).any(|word| word == item) && !line.starts_with(' ');
    let mut lines = done.stdout.lines().skip_while(|line| !begins(line));
    let first = lines.next().unwrap_or_else(|| panic!("no item {item}: {}", done.stdout));
    std::iter::once(first).chain(lines.take_while(|line| line.starts_with(' '))).map(str::to_owned).collect()
}

#[test]
fn a_machine_that_is_right_is_right_in_both_layouts() {
    for layout in ["debian", "rhel"] {
        let machine = Machine::of(layout);
        let done = machine.look().run().exits(Exit::Clean).says("all is right");
        for item in ["addresses", "storage", "retention", "nomad", "time-since"] {
            assert!(lines_of(&done, item)[0].starts_with("right"), "{layout}: {}", done.stdout);
        }
        // Made anew after the restore.
        machine.write("opt/nomad/server/raft.db", "");
        // What links lead to is not the scheduler's.
        symlink(".", machine.path("opt/nomad/server/again")).expect("a link");
        symlink("nowhere", machine.path("opt/nomad/server/gone")).expect("a link");
        machine.look().run().exits(Exit::Clean).prints("was made anew");
    }
}

#[test]
fn what_is_wrong_in_each_item_is_found_with_its_place() {
    type Spoil = fn(&Machine, &str);
    // What is spoilt, the item that says so, and what it says.
    let cases: [(&str, Spoil, &str, &[&str]); 9] = [
        (
            "replicated",
            |machine, folder| {
                machine.replace(
                    &format!("{folder}/replicated"),
                    "PRIVATE_ADDRESS=10.0.1.7\n#",
                    "PRIVATE_ADDRESS=10.0.0.5\n#",
                )
            },
            "addresses",
            &[
                "/replicated, line 2: 10.0.0.5 is no address of this machine: if it is the old machine's, change it (this one has 10.0.1.7, 54.1.2.3)",
            ],
        ),
        (
            "public",
            |machine, folder| machine.replace(&format!("{folder}/replicated"), "54.1.2.3", "54.9.9.9"),
            "addresses",
            &["/replicated, line 5: 54.9.9.9 is no address"],
        ),
        (
            "a name that holds an address",
            |machine, folder| machine.replace(&format!("{folder}/replicated"), "ip-10-0-1-7", "ip-10-0-0-5"),
            "addresses",
            &["/replicated, line 5: 10.0.0.5 is no address"],
        ),
        (
            "operator",
            |machine, folder| {
                machine.replace(
                    &format!("{folder}/replicated-operator"),
                    "DAEMON_ENDPOINT=10.0.1.7",
                    "DAEMON_ENDPOINT=10.0.0.5",
                )
            },
            "addresses",
            &["/replicated-operator, line 1: 10.0.0.5 is no address", "systemctl restart replicated"],
        ),
        (
            "nomad",
            |machine, _| {
                machine.write("opt/nomad/server/raft/raft.db", "");
                let old = SystemTime::now() - Duration::from_secs(30 * 86_400);
                let file = fs::File::options().write(true).open(machine.path("opt/nomad/server/raft/raft.db"));
                file.expect("a file").set_modified(old).expect("a time");
            },
            "nomad",
            &["opt/nomad/server/raft/raft.db: written at", "left over by the old machine", "rm -rf /opt/nomad"],
        ),
        (
            "empty storage",
            |machine, _| fs::remove_file(machine.path("data/circle/storage-fileserver/artifact")).expect("a file"),
            "storage",
            &["storage-fileserver: it is empty", "do:  mount the disk"],
        ),
        (
            "no place to mount on",
            |machine, _| {
                fs::remove_dir_all(machine.path("data/circle/storage-fileserver")).expect("a folder");
                machine.write("etc/fstab", "files:/ci /data/circle/storage-fileserver nfs4 _netdev\n");
            },
            "storage",
            &["/etc/fstab mounts files:/ci (nfs4) there, and it is not mounted"],
        ),
        (
            "cron",
            |machine, _| machine.write("etc/cron.daily/clean", "#!/bin/sh\nfind /data/circle -mtime +7 -delete\n"),
            "retention",
            &["etc/cron.daily/clean, line 2: a line that removes what is there, or may"],
        ),
        (
            "folder",
            |machine, _| {
                fs::remove_dir_all(machine.path("data/circle/storage-fileserver")).expect("a folder");
                machine.write("data/circle/storage-fileserver", "");
            },
            "storage",
            &["it is no folder"],
        ),
    ];
    for (layout, folder) in [("debian", "etc/default"), ("rhel", "etc/sysconfig")] {
        for (what, spoil, item, said) in &cases {
            let machine = Machine::of(layout);
            spoil(&machine, folder);
            let done = machine.look().run().exits(Exit::Found).says("something is to do before builds are cleaned up");
            let lines = lines_of(&done, item);
            assert!(lines[0].starts_with("to do"), "{what}: {}", done.stdout);
            for said in *said {
                assert!(lines.iter().any(|line| line.contains(said)), "{layout}, {what}: {said}: {lines:#?}");
            }
            assert!(done.stdout.contains("1 to do") || done.stderr.contains("1 to do"), "{what}: {}", done.stderr);
            assert!(!format!("{}{}", done.stdout, done.stderr).contains(SECRET), "{what}: {}", done.stdout);
        }
    }
    // A restore that is longer ago than objects are kept.
    let machine = Machine::of("debian");
    let long_ago = halfbuilt(&["checklist", "--restored-at", "40 days ago", "--root"]).args(&[machine.root()]).run();
    let lines = lines_of(&long_ago.exits(Exit::Found), "time-since");
    assert!(lines[0].starts_with("to do") && lines[1].contains("40 d ago, longer than 14 d"), "{lines:#?}");
}

#[test]
fn what_is_not_known_is_not_checked_and_never_right() {
    let machine = Machine::of("debian");
    let root = machine.root().display().to_string();
    let done = halfbuilt(&["checklist", "--root", &root]).run().exits(Exit::Failed);
    let done = done.says("not everything could be looked at");
    for (item, why) in [
        ("application", "with --root no command is run: `replicatedctl` with 3 words"),
        ("services", "with --root no URL is asked: http://127.0.0.1:8099/"),
        ("addresses", "names 10.0.1.7, 54.1.2.3; with --root the machine's addresses are not known"),
        ("mounts", "with --root it is not known what the machine has mounted"),
        ("launch", "with --root no metadata service is asked"),
        ("time-since", "R is not known: --restored-at says it"),
        ("host-name", "the configured host is ci.example.com"),
    ] {
        let lines = lines_of(&done, item);
        assert!(lines[0].starts_with("not checked") && lines[1].contains(why), "{item}: {lines:#?}");
    }
    assert!(!done.stdout.contains(SECRET), "{}", done.stdout);
    // A public address of which nobody says whether it is the machine's.
    let done = halfbuilt(&["checklist", "--root", &root, "--address", "10.0.1.7"]).run().exits(Exit::Failed);
    assert!(lines_of(&done, "addresses")[1].contains("is 54.1.2.3 the machine's public address? --public-ip says it"));
    // The scheduler's state without a time to compare it with.
    machine.write("opt/nomad/x", "");
    let done = halfbuilt(&["checklist", "--root", &root]).run().exits(Exit::Failed);
    assert!(lines_of(&done, "nomad")[1].contains("is there, its oldest file was written at"), "{}", done.stdout);
}

#[test]
fn a_host_name_is_compared_with_what_the_operator_says() {
    let machine = Machine::of("debian");
    let root = machine.root().display().to_string();
    let look = |host: &str| halfbuilt(&["checklist", "--root", &root, "--address", "10.0.1.7", "--host", host]).run();
    let other = look("ci.example.org").exits(Exit::Found);
    assert!(
        lines_of(&other, "host-name")[1]
            .contains("the configured host is ci.example.com, and --host is ci.example.org")
    );
    // Each spelling of it.
    for host in ["CI.example.com", "ci.example.com.", "https://ci.example.com:8443/x"] {
        assert!(lines_of(&look(host), "host-name")[0].starts_with("not checked"), "{host}");
    }
    look("").exits(Exit::Usage).says("expected a host name");
    machine.replace("etc/replicated.conf", "ci.example.com", "https://CI.example.com:443/");
    let done = look("ci.example.com");
    assert!(lines_of(&done, "host-name")[0].starts_with("not checked"), "{}", done.stdout);
    machine.replace("etc/replicated.conf", "https://CI.example.com:443/", "ci.example.com");
    // That a disk calls itself so proves nothing.
    let name = fs::read_to_string(machine.path("etc/hostname")).expect("a name");
    machine.replace("etc/replicated.conf", "ci.example.com", name.trim());
    let done = halfbuilt(&["checklist", "--root", &root]).run();
    assert!(lines_of(&done, "host-name")[0].starts_with("not checked"), "{}", done.stdout);
    machine.replace("etc/replicated.conf", name.trim(), "ci.example.com");
    // An address as a name needs no look-up.
    machine.replace("etc/replicated.conf", "ci.example.com", "10.0.1.7");
    let done = halfbuilt(&["checklist", "--root", &root, "--address", "10.0.1.7"]).run();
    assert!(lines_of(&done, "host-name")[1].contains("10.0.1.7 leads to 10.0.1.7, which is this machine"));
    machine.replace("etc/replicated.conf", "10.0.1.7", "10.0.0.5");
    let done = halfbuilt(&["checklist", "--root", &root, "--address", "10.0.1.7", "--public-ip", "54.1.2.3"]).run();
    assert!(
        lines_of(&done.exits(Exit::Found), "host-name")[1].contains("leads to 10.0.0.5, and this machine has 10.0.1.7")
    );
}

#[test]
fn where_nothing_applies_nothing_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().display().to_string();
    let done = halfbuilt(&["checklist", "--root", &root]).run().exits(Exit::NothingInScope);
    done.says("nothing applied").says("hint: none of the lists that ship is of this machine");
    halfbuilt(&["checklist", "--root", "/nonexistent/root"]).run().exits(Exit::Failed).fails_with("cannot look below");
    let unknown = halfbuilt(&["checklist", "--root", &root, "--without", "adresses"]).run().exits(Exit::Usage);
    unknown.fails_with("no list has an item \"adresses\"").says("hint: its items are application, ");
    // A list that leaves everything out checks nothing.
    let machine = Machine::of("debian");
    let all = format!("{WITHOUT_FILES},addresses,nomad,storage,retention,time-since");
    machine.look().args(&["--without", &all]).run().exits(Exit::NothingInScope);
}

#[test]
fn a_hostile_root_shows_nothing_of_the_host() {
    let machine = Machine::of("debian");
    let secret = machine.folder.path().join("secret");
    fs::write(&secret, "OF_THE_HOST=10.66.66.66\n").expect("a file");
    let replicated = machine.path("etc/default/replicated");
    fs::remove_file(&replicated).expect("a file");
    for target in
        [secret.display().to_string(), "../../../secret".to_owned(), "/../../../../../../../secret".to_owned()]
    {
        symlink(&target, &replicated).expect("a link");
        let done = machine.look().run().exits(Exit::Failed).does_not_print("10.66.66.66");
        let lines = lines_of(&done, "addresses");
        assert!(lines[0].starts_with("not checked") && lines[1].contains("a link is there, and what it"), "{lines:#?}");
        fs::remove_file(&replicated).expect("a link");
    }
    // A pipe, a device and a name that drives a terminal.
    nix::unistd::mkfifo(&replicated, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    machine.write("etc/sysconfig/replicated-\u{1b}[31m\u{202e}##[error]", "A=10.0.0.5\n");
    machine.write("etc/cron.d/\n::stop-commands::x", "0 0 * * * root rm /data/circle/\u{1b}[2J\n");
    symlink("/dev/zero", machine.path("etc/crontab.new")).expect("a link");
    let done = machine.look().run().exits(Exit::Found);
    assert!(done.stdout.contains("etc/default/replicated cannot be read: it is a pipe, not a file"), "{}", done.stdout);
    assert!(
        done.stdout.contains("replicated-\\u{1b}[31m\\u{202e}#\\u{23}[error], line 1: 10.0.0.5"),
        "{}",
        done.stdout
    );
    assert!(
        !done.stdout.contains('\u{1b}') && !done.stdout.lines().any(|line| line.starts_with("::")),
        "{}",
        done.stdout
    );
}

#[test]
fn hostile_contents_are_bounded() {
    let machine = Machine::of("debian");
    let many: String =
        (0..100_000).map(|place| format!("A{place}=10.{}.{}.9\n", place / 250 % 250, place % 250)).collect();
    machine.write("etc/default/replicated", &many);
    machine.write("etc/cron.d/many", &"0 0 * * * root rm /data/circle/x\n".repeat(100_000));
    machine.write("etc/cron.d/binary", &"\u{0}\u{1}".repeat(1000));
    machine.write("etc/replicated.conf", &"[".repeat(100_000));
    let large = fs::File::create(machine.path("etc/cron.d/large")).expect("a file");
    large.set_len(65 << 20).expect("a length");
    let done = machine.look().run().exits(Exit::Found);
    assert!(done.stdout.len() < 100_000 && done.stdout.contains("and 951 more things"), "{}", done.stdout.len());
    assert!(done.stdout.contains("etc/cron.d/large cannot be read: it is larger than the 64 MiB"), "{}", done.stdout);
    assert!(done.stdout.contains("and 99980 more lines"), "{}", done.stdout);
}

#[test]
fn without_root_rights_what_cannot_be_read_is_said() {
    let machine = Machine::of("debian");
    for path in ["etc/default/replicated-operator", "etc/cron.d/circle"] {
        fs::set_permissions(machine.path(path), fs::Permissions::from_mode(0o000)).expect("a mode");
    }
    let done = as_nobody(&machine).exits(Exit::Failed);
    let lines = lines_of(&done, "addresses");
    assert!(lines[0].starts_with("not checked"), "{lines:#?}");
    assert!(lines[1].contains("replicated-operator cannot be read: Permission denied"), "{lines:#?}");
    assert!(lines[1].contains("run it as a user who may read it, or as root"), "{lines:#?}");
    // What could be read still counts.
    machine.replace("etc/default/replicated", "PRIVATE_ADDRESS=10.0.1.7", "PRIVATE_ADDRESS=10.0.0.5");
    let done = as_nobody(&machine).exits(Exit::Found);
    let lines = lines_of(&done, "addresses");
    assert!(lines[1].contains("10.0.0.5") && lines.iter().any(|line| line.contains("cannot be read")), "{lines:#?}");
}

#[test]
fn what_is_no_text_is_never_right() {
    let machine = Machine::of("debian");
    let text: Vec<u8> = "PRIVATE_ADDRESS=10.0.1.7\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(machine.path("etc/default/replicated"), text).expect("a file");
    let lines = lines_of(&machine.look().run().exits(Exit::Failed), "addresses");
    assert!(lines[0].starts_with("not checked") && lines[1].contains("not text in UTF-8"), "{lines:#?}");
}

/// Looks at a machine as a user without rights.
pub(crate) fn as_nobody(machine: &Machine) -> Done {
    let run = machine.look();
    if !is_root() {
        return run.run();
    }
    run.by_user(65_534).run()
}

/// What can be seen of every file below a folder: also when it was last read.
fn tree(root: &Path) -> Vec<String> {
    let listed = Command::new("find").arg(root).args(["-printf", "%P %y %m %U %G %s %T@ %C@ %A@ %l\n"]).output();
    let mut lines: Vec<String> =
        String::from_utf8(listed.expect("find").stdout).expect("UTF-8").lines().map(str::to_owned).collect();
    lines.iter_mut().for_each(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        // `find` itself reads folders and links, and whoever starts a program reads it and what it is made of.
        let is_program = ["halfbuilt", "items.toml", "lib", "usr"].iter().any(|name| fields[0].starts_with(name));
        if fields[1] != "f" || is_program {
            *line = [&fields[..8], &fields[9..]].concat().join(" ");
        }
    });
    lines.sort();
    lines
}

#[test]
fn nothing_is_changed() {
    let machine = Machine::of("debian");
    machine.write("opt/nomad/server/raft.db", "");
    let before = tree(&machine.root());
    assert!(before.len() > 15, "{before:#?}");
    machine.look().run().exits(Exit::Clean);
    assert_eq!(tree(&machine.root()), before);
}

/// As on the machine itself: the program is in it, and nothing else of the host.
#[test]
fn root_in_the_machine_itself_changes_nothing() {
    let machine = Machine::of("debian");
    let program = env!("CARGO_BIN_EXE_halfbuilt");
    let libraries = Command::new("ldd").arg(program).output().expect("ldd");
    let libraries = String::from_utf8(libraries.stdout).expect("UTF-8");
    let libraries = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    for file in libraries.chain([program]) {
        let to = if file == program { machine.path("halfbuilt") } else { machine.path(file.trim_start_matches('/')) };
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(file, to).expect("a copy");
    }
    machine.write("opt/nomad/server/raft.db", "");
    // No URL is asked: this machine may have a metadata service of its own.
    let list = halfbuilt(&["checklist", "--print", "circleci-2"]).run().stdout;
    machine.write("items.toml", &without_urls(&list));
    let before = tree(&machine.root());
    let Some(mut command) = alone_in(&machine.root()) else {
        // Whoever has no right to a root of their own looks from outside.
        machine.look().run().exits(Exit::Clean);
        assert_eq!(tree(&machine.root()), before);
        return;
    };
    let command = command.args(["/halfbuilt", "checklist", "--items", "/items.toml"]);
    let command = command.args(["--address", "10.0.1.7", "--public-ip", "54.1.2.3", "--restored-at", "1 hour ago"]);
    // A resolver is of another machine.
    let command = command.args(["--without", "host-name"]);
    let done = Done::new(command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().expect("it runs"))
        .exits(Exit::Failed);
    for (item, begins, said) in [
        ("addresses", "right", "/etc/default/replicated: 3 addresses, all of this machine"),
        ("nomad", "right", "/opt/nomad was made anew"),
        ("retention", "right", "/etc/crontab: no line removes anything there"),
        ("application", "not checked", "replicatedctl is not there"),
        ("mounts", "not checked", "/proc/self/mountinfo cannot be read"),
    ] {
        let lines = lines_of(&done, item);
        assert!(lines[0].starts_with(begins) && lines[1].contains(said), "{item}: {lines:#?}");
    }
    assert_eq!(tree(&machine.root()), before);
}

/// What runs a program as root in a root folder of its own; `None` where this user may not, as in a chroot without rights.
fn alone_in(root: &Path) -> Option<Command> {
    let mut command = if is_root() { Command::new("chroot") } else { Command::new("unshare") };
    if !is_root() {
        let in_a_namespace = ["--user", "--map-root-user"];
        let may =
            Command::new("unshare").args(in_a_namespace).arg("true").output().is_ok_and(|done| done.status.success());
        if !may {
            return None;
        }
        command.args(in_a_namespace).arg("chroot");
    }
    command.arg(root);
    Some(command)
}

/// A list without its URLs.
fn without_urls(list: &str) -> String {
    let (head, items) = list.split_once("[[item]]").expect("items");
    let head: String =
        head.lines().filter(|line| !line.starts_with("metadata")).map(|line| format!("{line}\n")).collect();
    let looks = |item: &str| {
        let (head, looks) = item.split_once("[[item.look]]").expect("a look");
        let looks: Vec<&str> = looks.split("[[item.look]]").filter(|look| !look.contains("url = ")).collect();
        let looks = looks.into_iter().map(|look| format!("[[item.look]]{look}")).collect::<String>();
        if looks.is_empty() { String::new() } else { format!("[[item]]{head}{looks}") }
    };
    head + &items.split("[[item]]").map(looks).collect::<String>()
}
