//! `--objects s3://`: a real S3 server, by pages, with odd keys, and with trouble on the way.

use halfbuilt::exit::Exit;

use crate::support::{BACKUP_TIME, Bucket, Fault, FaultyS3, ODD_KEYS, longest_key};
use crate::support::{Done, Report, Run, TIMES, TestDatabase, halfbuilt};

/// A sound build names each key, of five bytes each.
fn database(keys: &[String]) -> TestDatabase {
    let database = TestDatabase::circleci(&["healthy"]);
    database.run("DELETE FROM artifacts");
    let rows: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(nth, key)| {
            let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("({nth}, convert_from('\\x{hex}'::bytea, 'UTF8'))")
        })
        .collect();
    database.run(&format!(
        "INSERT INTO artifacts (build_id, path, storage_key, size)
         SELECT old.build_id, nth::text, key, 5
           FROM (VALUES {}) AS given (nth, key)
           JOIN (SELECT build_id, row_number() OVER (ORDER BY build_id) AS place FROM builds
                  WHERE stop_time < timestamptz '{BACKUP_TIME}' - interval '10 minutes') AS old ON old.place = 1 + nth % 50",
        rows.join(", ")
    ));
    database
}

fn keys() -> Vec<String> {
    let odd = ODD_KEYS.iter().map(|key| (*key).to_owned()).chain([longest_key()]);
    odd.chain((0..60).map(|nth| format!("artifacts/{nth}/0/coverage.html"))).collect()
}

fn scan(database: &TestDatabase, bucket: &Bucket) -> Run {
    halfbuilt(&["scan", "--format", "csv", "--objects", &bucket.url()])
        .args(&TIMES)
        .on(database)
        .envs(&bucket.environment())
}

#[track_caller]
fn missing(done: &Done) -> String {
    let report = Report::parse(&done.stdout);
    let rows = report.rows.iter().filter(|row| row["reasons"].contains("object-"));
    rows.map(|row| row["evidence"].clone()).collect::<Vec<_>>().join(" | ")
}

#[test]
fn odd_keys_are_found_over_many_pages() {
    let (keys, bucket) = (keys(), Bucket::with_pages_of(7));
    keys.iter().for_each(|key| bucket.put(key, b"12345"));
    let database = database(&keys);
    let done = scan(&database, &bucket).run().exits(Exit::Clean);
    assert_eq!(missing(&done), "");
    done.says(&format!("kind artifact: {0} of {0} files are there", keys.len()));
    // Each alone is missed.
    for key in ["a b", "a+b", "a%20b", "a//b", "..", "line\nin it", "\u{1f600}"] {
        bucket.delete(key);
        let found = missing(&scan(&database, &bucket).run().exits(Exit::Clean));
        assert!(found.starts_with("1 file not in s3://"), "{key:?}: {found}");
        bucket.put(key, b"12345");
    }
    bucket.put("a b", b"1");
    assert!(missing(&scan(&database, &bucket).run().exits(Exit::Clean)).contains(": a b (1 of 5 bytes)"));
}

#[test]
fn a_prefix_stands_before_every_key() {
    let bucket = Bucket::new();
    let keys: Vec<String> = (0..30).map(|nth| format!("artifacts/{nth}")).collect();
    for key in &keys[1..] {
        bucket.put(&format!("ci/live/{key}"), b"12345");
    }
    bucket.put("ci/live-old/artifacts/0", b"12345");
    let database = database(&keys);
    for place in ["ci/live", "ci/live/"] {
        let run = halfbuilt(&["scan", "--format", "csv", "--objects", &format!("{}/{place}", bucket.url())]);
        let done = run.args(&TIMES).on(&database).envs(&bucket.environment()).run().exits(Exit::Clean);
        assert!(missing(&done).ends_with(": artifacts/0"), "{}", missing(&done));
    }
}

#[test]
fn a_busy_server_and_a_cut_answer_are_asked_again() {
    let (keys, bucket) = (keys(), Bucket::with_pages_of(20));
    keys[1..].iter().for_each(|key| bucket.put(key, b"12345"));
    let database = database(&keys);
    for fault in [Fault::SlowDown, Fault::Cut] {
        let proxy = FaultyS3::start(&[(2..=3, fault)]);
        let run = scan(&database, &bucket).envs(&bucket.environment_through(proxy.port()));
        let found = missing(&run.run().exits(Exit::Clean));
        assert!(found.starts_with("1 file not in "), "{fault:?}: {found}");
        proxy.assert_only_read();
    }
}

#[test]
fn a_listing_that_does_not_come_to_its_end_says_nothing_of_any_file() {
    let (keys, bucket) = (keys(), Bucket::with_pages_of(20));
    keys[1..].iter().for_each(|key| bucket.put(key, b"12345"));
    let database = database(&keys);
    for (fault, words, hint) in [
        (Fault::SlowDown, "SlowDown", "run the command again later"),
        (Fault::Cut, "cannot list s3://", "AWS_ENDPOINT_URL"),
        (Fault::HalfDocument, "is no listing", "AWS_ENDPOINT_URL"),
        (Fault::ExpiredToken, "ExpiredToken", "get new credentials"),
        (Fault::AccessDenied, "AccessDenied", "s3:ListBucket"),
        (Fault::OtherRegion, "PermanentRedirect", "set AWS_REGION"),
        (Fault::Html, "it is <html>", "AWS_ENDPOINT_URL"),
        (Fault::NoToken, "it says that it goes on, and not how", "AWS_ENDPOINT_URL"),
        (Fault::FirstPageAgain, "", ""),
        (Fault::OutOfOrder, "is not in the order of bytes at", "save a listing"),
        (Fault::Silence, "cannot list s3://", "AWS_ENDPOINT_URL"),
    ] {
        let proxy = FaultyS3::start(&[(2..=usize::MAX, fault)]);
        let run = scan(&database, &bucket).envs(&bucket.environment_through(proxy.port())).env("AWS_TIMEOUT", "1s");
        let done = run.run().exits(Exit::Failed).fails_with(words).says(hint);
        for (name, value) in bucket.environment() {
            assert!(name != "AWS_SECRET_ACCESS_KEY" || !done.stderr.contains(&value), "{}", done.stderr);
        }
        proxy.assert_only_read();
    }
}

#[test]
fn credentials_come_as_for_aws_s_own_tools() {
    let bucket = Bucket::new();
    let keys: Vec<String> = (0..30).map(|nth| format!("artifacts/{nth}")).collect();
    keys.iter().for_each(|key| bucket.put(key, b"12345"));
    let database = database(&keys);
    let environment = bucket.environment();
    let value = |name: &str| environment.iter().find(|(known, _)| known == name).expect("it is given").1.clone();
    let (id, secret, endpoint) =
        (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), value("AWS_ENDPOINT_URL"));
    let without = || halfbuilt(&["scan", "--format", "csv", "--objects", &bucket.url()]).args(&TIMES).on(&database);
    // The token of a session.
    without().envs(&bucket.session_environment()).run().exits(Exit::Clean).says("30 of 30 files are there");
    // A profile, named or not.
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join(".aws")).expect("a folder");
    let home_path = home.path().to_str().expect("a path");
    let config = |text: &str| std::fs::write(home.path().join(".aws/config"), text).expect("a file");
    config(&format!(
        "[profile drill]\nregion = us-east-1\nendpoint_url = {endpoint}\n[profile sso]\nsso_session = x\n"
    ));
    std::fs::write(
        home.path().join(".aws/credentials"),
        format!("[drill]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    )
    .expect("a file");
    let by_profile =
        |name: &str| without().env("HOME", home_path).env("AWS_PROFILE", name).env("AWS_EC2_METADATA_DISABLED", "true");
    by_profile("drill").run().exits(Exit::Clean).says("30 of 30 files are there");
    by_profile("sso")
        .run()
        .exits(Exit::Failed)
        .fails_with("its credentials come by sso_session")
        .says("export-credentials");
    by_profile("other").run().exits(Exit::Failed).fails_with("no profile has this name");
    let none = without().env("HOME", home_path).env("AWS_EC2_METADATA_DISABLED", "true");
    none.env("AWS_ENDPOINT_URL", &endpoint)
        .run()
        .exits(Exit::Failed)
        .fails_with("no credentials for s3://")
        .says("neither in the environment nor in a profile")
        .says("AWS_PROFILE; or save a listing");
    // A wrong secret is the server's to refuse; it is not shown.
    let wrong = without().envs(&environment).env("AWS_SECRET_ACCESS_KEY", "wrong-secret").run();
    wrong.exits(Exit::Failed).fails_with("SignatureDoesNotMatch").does_not_say("wrong-secret");
    for endpoint in ["no address", "ftp://127.0.0.1", "http://user:hunter2@127.0.0.1"] {
        let done = without().envs(&environment).env("AWS_ENDPOINT_URL", endpoint).run();
        done.exits(Exit::Failed).fails_with("cannot use AWS_ENDPOINT_URL").does_not_say("hunter2");
    }
    let nobody = without().envs(&environment).env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").run();
    nobody.exits(Exit::Failed).fails_with("cannot list s3://");
    let other = halfbuilt(&["scan", "--objects", "s3://no-such-bucket"]).args(&TIMES).on(&database).envs(&environment);
    other.run().exits(Exit::Failed).fails_with("NoSuchBucket").says("is this the bucket's name");
}
