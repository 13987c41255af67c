//! `checklist` over the jobs and mounts of a machine: what removes evidence, what may not be there, and what cannot be read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use halfbuilt::exit::Exit;

use crate::checklist::{Machine, as_nobody, lines_of};

#[test]
fn a_folder_that_cannot_be_read_hides_no_fault_elsewhere() {
    let machine = Machine::of("debian");
    machine.write("etc/cron.hourly/x", "");
    fs::set_permissions(machine.path("etc/cron.hourly"), fs::Permissions::from_mode(0o000)).expect("a mode");
    let lines = lines_of(&as_nobody(&machine).exits(Exit::Failed), "retention");
    assert!(lines[0].starts_with("not checked") && lines[1].contains("cron.hourly/* cannot be read"), "{lines:#?}");
    machine.write("etc/cron.daily/clean", "rm -rf /data/circle/x\n");
    let lines = lines_of(&as_nobody(&machine).exits(Exit::Found), "retention");
    assert!(lines[0].starts_with("to do") && lines[1].contains("cron.daily/clean, line 1"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("cron.hourly/* cannot be read")), "{lines:#?}");
    fs::set_permissions(machine.path("etc/cron.hourly"), fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn jobs_that_remove_are_found_wherever_cron_looks_and_jobs_that_read_are_none() {
    for file in [
        "etc/crontab",
        "etc/anacrontab",
        "etc/cron.d/x",
        "etc/cron.hourly/x",
        "etc/cron.daily/x",
        "etc/cron.weekly/x",
        "etc/cron.monthly/x",
        "var/spool/cron/ci",
        "var/spool/cron/crontabs/ci",
    ] {
        let machine = Machine::of("debian");
        machine.write(file, "#!/bin/sh\ntar czf /backup/x.tgz /data/circle\n");
        let lines = lines_of(&machine.look().run().exits(Exit::Clean), "retention");
        assert!(lines[0].starts_with("right"), "{lines:#?}");
        machine.write(file, "#!/bin/sh\nfind /data -mtime +7 -delete\n");
        let lines = lines_of(&machine.look().run().exits(Exit::Found), "retention");
        assert!(lines[0].starts_with("to do") && lines[1].contains(&format!("{file}, line 2")), "{lines:#?}");
    }
}

#[test]
fn a_mount_that_may_fail_is_not_checked_and_links_are_followed() {
    let machine = Machine::of("debian");
    // By a link, which leads to the place that is looked at.
    symlink("/data/circle/storage-fileserver", machine.path("store")).expect("a link");
    machine.write("etc/fstab", "files:/ci /store nfs4 _netdev\n");
    let lines = lines_of(&machine.look().run().exits(Exit::Failed), "storage");
    assert!(lines[0].starts_with("not checked") && lines[1].contains("it is not known what"), "{lines:#?}");
    fs::remove_dir_all(machine.path("data/circle/storage-fileserver")).expect("a folder");
    machine.write("etc/fstab", "files:/ci /data/circle/storage-fileserver nfs4 _netdev,nofail\n");
    let lines = lines_of(&machine.look().run().exits(Exit::Failed), "storage");
    assert!(
        lines[0].starts_with("not checked") && lines[1].contains("with nofail, and it is not mounted"),
        "{lines:#?}"
    );
}
