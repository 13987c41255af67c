use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;
use tempfile::TempDir;

use crate::finding::Finding;

use super::header::Extent;
use super::*;
use crate::testing;

const URL: &str = "https://ci.example.com/gh/acme/api/12";

fn header() -> ArchiveHeader {
    let tables = ["builds", "output"].map(str::to_owned).to_vec();
    ArchiveHeader { profile: "circleci".to_owned(), rows_of: "tables", tables, ..ArchiveHeader::default() }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deleted.jsonl.gz");
    (folder, path)
}

fn finding() -> Finding {
    Finding {
        key: "7".to_owned(),
        build_url: Some(URL.to_owned()),
        project: Some("acme/api".to_owned()),
        build_num: Some(12),
        evidence: "a \"quoted\" \u{1} word".to_owned(),
        fingerprint: "f1".to_owned(),
        ..testing::finding()
    }
}

fn columns() -> Vec<String> {
    ["id", "message"].map(str::to_owned).to_vec()
}

fn add(archive: &mut Archive, rows: usize) -> io::Result<Extent> {
    let mut member = Member::begin(archive)?;
    let build = member.add_build(&finding())?;
    member.add_row(build, 0, &columns(), &[Some("7".to_owned()), None])?;
    for row in 0..rows {
        member.add_row(build, 1, &columns(), &[Some(row.to_string()), Some("\\x1b\n\u{1b}é".to_owned())])?;
    }
    member.finish()
}

fn lines(path: &Path) -> Vec<Value> {
    let mut text = String::new();
    MultiGzDecoder::new(File::open(path).expect("a file")).read_to_string(&mut text).expect("gzip throughout");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().append(true).open(path).and_then(|mut file| file.write_all(bytes)).expect("a write");
}

#[test]
fn a_member_says_what_it_is_and_how_much_it_holds() {
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    let extent = add(&mut archive, 2).expect("a member");
    assert_eq!((extent.offset, extent.rows), (0, 3));
    assert_eq!(extent.length, std::fs::metadata(&path).expect("a file").len());
    let lines = lines(&path);
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["kind"].as_str()).collect();
    assert_eq!(kinds, ["archive", "build", "row", "row", "row", "counts", "end"]);
    assert_eq!((&lines[0]["format"], &lines[0]["rows_of"]), (&"halfbuilt-archive/1".into(), &"tables".into()));
    assert_eq!((&lines[1]["build_key"], &lines[1]["evidence"]), (&"7".into(), &"a \"quoted\" \u{1} word".into()));
    assert_eq!((&lines[2]["table"], &lines[2]["row"]["message"]), (&"builds".into(), &Value::Null));
    assert_eq!(lines[3]["row"], serde_json::json!({ "id": "0", "message": "\\x1b\n\u{1b}é" }));
    assert_eq!(lines[5]["rows"], serde_json::json!({ "builds": 1, "output": 2 }));
    assert_eq!((&lines[6]["builds"], &lines[6]["rows"]), (&1.into(), &3.into()));
}

#[test]
fn only_its_owner_may_read_it_and_nothing_is_written_over() {
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    add(&mut archive, 1).expect("a member");
    assert!(matches!(Archive::open(&path, Start::Continue(None), header()), Err(ArchiveError::InUse(_))));
    drop(archive);
    assert!(matches!(Archive::open(&path, Start::New, header()), Err(ArchiveError::Exists(_))));
}

#[test]
fn an_archive_that_is_taken_away_takes_no_more() {
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    add(&mut archive, 1).expect("a member");
    std::fs::remove_file(&path).expect("a file");
    let error = add(&mut archive, 2).expect_err("it is gone");
    assert_eq!(error.to_string(), "the archive was removed");
}

#[test]
fn what_a_run_leaves_that_was_killed_before_it_began_is_not_in_the_way() {
    let (_folder, path) = place();
    std::fs::write(&path, "").expect("a file");
    let archive = Archive::open(&path, Start::New, header()).expect("an archive");
    assert!(matches!(Archive::open(&path, Start::New, header()), Err(ArchiveError::InUse(_))));
    drop(archive);
    assert!(!path.exists());
}

#[test]
fn an_archive_in_which_nothing_is_complete_goes_again() {
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    Member::begin(&mut archive).and_then(|mut member| member.add_build(&finding())).expect("a build");
    drop(archive);
    assert!(!path.exists());
}

#[test]
fn a_member_that_is_not_finished_was_never_there() {
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    let first = add(&mut archive, 1).expect("a member");
    let mut torn = Member::begin(&mut archive).expect("a member");
    let build = torn.add_build(&finding()).expect("a build");
    for row in 0..100_000 {
        torn.add_row(build, 1, &columns(), &[Some(row.to_string()), None]).expect("a row");
    }
    assert!(std::fs::metadata(&path).expect("a file").len() > first.length, "some of it is in the file");
    drop(torn);
    assert_eq!(std::fs::metadata(&path).expect("a file").len(), first.length);
    let second = add(&mut archive, 1).expect("a member");
    assert_eq!(second.offset, first.length);
    assert_eq!(lines(&path).iter().filter(|line| line["kind"] == "end").count(), 2);
}

#[test]
fn what_was_torn_is_cut_off_and_what_is_complete_stays() {
    for cut in 1..60 {
        let (_folder, path) = place();
        let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
        let first = add(&mut archive, 1).expect("a member");
        let second = add(&mut archive, 2).expect("a member");
        let third = add(&mut archive, 3).expect("a member");
        drop(archive);
        let kept = third.offset + third.length - cut;
        File::options().write(true).open(&path).and_then(|file| file.set_len(kept)).expect("a torn file");
        // The second was complete, though the journal never heard of it.
        let mut archive = Archive::open(&path, Start::Continue(Some(&first)), header()).expect("an archive");
        assert_eq!(archive.bytes_cut_off(), third.length - cut);
        let fourth = add(&mut archive, 4).expect("a member");
        assert_eq!(fourth.offset, second.offset + second.length);
        let rows: Vec<_> = lines(&path).iter().filter_map(|line| line["rows"].as_u64()).collect();
        assert_eq!(rows, [2, 3, 5]);
    }
}

#[test]
fn garbage_after_the_end_is_cut_off() {
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    let first = add(&mut archive, 1).expect("a member");
    drop(archive);
    // What a machine that lost its power leaves behind.
    append(&path, &[0; 5000]);
    let archive = Archive::open(&path, Start::Continue(Some(&first)), header()).expect("an archive");
    assert_eq!(archive.bytes_cut_off(), 5000);
    drop(archive);
    assert_eq!(lines(&path).len(), 6);
}

#[test]
fn a_run_that_was_killed_before_its_first_member_goes_on() {
    let (_folder, path) = place();
    assert_eq!(Archive::open(&path, Start::Continue(None), header()).expect("a new one").bytes_cut_off(), 0);
    std::fs::write(&path, [0x1f, 0x8b, 8]).expect("a file");
    let mut archive = Archive::open(&path, Start::Continue(None), header()).expect("an archive");
    assert_eq!(archive.bytes_cut_off(), 3);
    add(&mut archive, 1).expect("a member");
}

#[test]
fn another_file_is_refused_and_left_alone() {
    let (_folder, path) = place();
    std::fs::write(&path, "a letter to my mother").expect("a file");
    assert!(matches!(Archive::open(&path, Start::Continue(None), header()), Err(ArchiveError::NoArchive(_))));
    assert_eq!(std::fs::read(&path).expect("a file"), b"a letter to my mother");

    // Another archive, though it is longer.
    let (_other_folder, other) = place();
    let first = add(&mut Archive::open(&other, Start::New, header()).expect("an archive"), 1).expect("a member");
    std::fs::remove_file(&path).expect("it goes");
    add(&mut Archive::open(&path, Start::New, header()).expect("an archive"), 100).expect("a member");
    let before = std::fs::read(&path).expect("a file");
    let refused = Archive::open(&path, Start::Continue(Some(&first)), header());
    assert!(matches!(refused, Err(ArchiveError::Altered { .. })));
    assert_eq!(std::fs::read(&path).expect("a file"), before);

    // The same one, shortened.
    std::fs::write(&other, &std::fs::read(&other).expect("a file")[..50]).expect("a file");
    assert!(matches!(
        Archive::open(&other, Start::Continue(Some(&first)), header()),
        Err(ArchiveError::Altered { .. })
    ));
}

#[test]
fn a_row_that_fits_nothing_is_an_error() {
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    let mut member = Member::begin(&mut archive).expect("a member");
    let build = member.add_build(&finding()).expect("a build");
    assert!(member.add_row(build, 0, &columns(), &[None]).is_err());
    assert!(member.add_row(build, 2, &columns(), &[None, None]).is_err());
    assert!(member.add_row(build + 1, 0, &columns(), &[None, None]).is_err());
}

#[test]
fn a_full_disk_ends_the_archive() {
    // No device of this name is on every machine; without it nothing is proved, and the test says so by failing.
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let (_folder, path) = place();
    let mut archive = Archive::open(&path, Start::New, header()).expect("an archive");
    add(&mut archive, 1).expect("a member");
    let before = std::fs::read(&path).expect("a file");
    let real = archive.file.try_clone().expect("a file");
    archive.file = Flock::lock(full, FlockArg::LockExclusiveNonblock).map_err(|(_, why)| why).expect("a lock");
    let error = add(&mut archive, 1).expect_err("no room");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(Member::begin(&mut archive).is_err(), "nothing more is taken");
    assert_eq!(std::fs::read(&path).expect("a file"), before);
    drop(real);
}
