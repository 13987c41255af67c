//! TLS to the build database, as libpq's sslmode says.

use std::sync::LazyLock;

use halfbuilt::exit::Exit;

use crate::support::{Done, Run, Server, Signal, halfbuilt, repository, signal, wait_until};

static POSTGRES: LazyLock<Server> = LazyLock::new(|| Server::start("postgres.sh", &["--tls"], &[]));

/// A scan whose only finding shows by its status whether the connection is encrypted.
fn scan(settings: &str) -> Run {
    let [port, user, password] = ["PGPORT", "PGUSER", "PGPASSWORD"].map(|name| POSTGRES.variable(name));
    let settings = format!("host=127.0.0.1 port={port} user={user} dbname=postgres {settings}");
    let profile = repository("tests/cli/connect_tls_profile.sql");
    halfbuilt(&["scan", "--database-url", &settings, "--profile"]).args(&[profile]).env("PGPASSWORD", password)
}

fn root() -> String {
    format!("sslrootcert={}", POSTGRES.variable("CA_FILE"))
}

#[test]
fn every_mode_that_verifies_takes_a_server_that_is_vouched_for() {
    for mode in ["verify-ca", "verify-full", "require"] {
        let done = scan(&format!("sslmode={mode} {}", root())).run().exits(Exit::Clean);
        assert!(done.stdout.contains(",encrypted,"), "{mode}: {}", done.stdout);
    }
}

#[test]
fn what_verifies_nothing_is_encrypted_all_the_same() {
    for mode in ["sslmode=require", "sslmode=prefer", ""] {
        let done = scan(mode).run().exits(Exit::Clean);
        assert!(done.stdout.contains(",encrypted,"), "{mode}: {}", done.stdout);
    }
    let done = scan("sslmode=disable").run().exits(Exit::Clean);
    assert!(done.stdout.contains(",plain,"), "{}", done.stdout);
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused() {
    let done = scan("sslmode=verify-full sslrootcert=system").run().exits(Exit::Failed);
    done.fails_with("cannot connect").says("certificate verify failed").says("hint: the server's certificate is not");
}

#[test]
fn a_root_file_makes_require_verify_as_libpq_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, other_authority()).expect("a file");
    let done = scan(&format!("sslmode=require sslrootcert={}", other.display())).run().exits(Exit::Failed);
    done.says("certificate verify failed");
}

#[test]
fn a_root_file_stands_alone_even_where_the_system_trusts_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, other_authority()).expect("a file");
    let system = POSTGRES.variable("CA_FILE");
    scan("sslmode=verify-full sslrootcert=system").env("SSL_CERT_FILE", system).run().exits(Exit::Clean);
    let done = scan(&format!("sslmode=verify-full sslrootcert={}", other.display())).env("SSL_CERT_FILE", system).run();
    done.exits(Exit::Failed).says("certificate verify failed");
}

#[test]
fn another_name_is_refused_by_verify_full_alone() {
    let named = |mode: &str| scan(&format!("host=db.example hostaddr=127.0.0.1 sslmode={mode} {}", root())).run();
    named("verify-ca").exits(Exit::Clean);
    named("verify-full").exits(Exit::Failed).says("is not one of \"db.example\": hostname mismatch");
}

#[test]
fn an_interrupted_scan_stops_on_the_server_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("slow.sql");
    let quick = std::fs::read_to_string(repository("tests/cli/connect_tls_profile.sql")).expect("a file");
    std::fs::write(&profile, quick.replace("FROM pg_stat_ssl", "FROM pg_stat_ssl, pg_sleep(600)")).expect("a file");
    let [port, user, password] = ["PGPORT", "PGUSER", "PGPASSWORD"].map(|name| POSTGRES.variable(name));
    for way in
        [format!("host=127.0.0.1 sslmode=verify-full {}", root()), format!("host={}", POSTGRES.variable("SOCKET_DIR"))]
    {
        let settings = format!("{way} port={port} user={user} dbname=postgres");
        let run = halfbuilt(&["scan", "--database-url", &settings, "--profile"]).args(&[&profile]);
        let child = run.env("PGPASSWORD", password).start();
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        wait_until(|| POSTGRES.run("postgres", sleeping) == "1");
        signal(&child, Signal::SIGINT);
        Done::new(child.wait_with_output().expect("it ends")).exits(Exit::Interrupted);
        wait_until(|| POSTGRES.run("postgres", sleeping) == "0");
    }
}

#[test]
fn a_root_file_that_cannot_be_used_is_named() {
    let done = scan(&format!("sslmode=verify-full sslrootcert={}", repository("README.md").display())).run();
    done.exits(Exit::Failed).fails_with("no certificate could be read from");
}

/// An authority that vouches for nobody here.
fn other_authority() -> Vec<u8> {
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::x509::{X509Builder, X509NameBuilder};

    let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
    let mut name = X509NameBuilder::new().expect("a name");
    name.append_entry_by_text("CN", "another authority").expect("a name");
    let name = name.build();
    let mut builder = X509Builder::new().expect("a certificate");
    builder.set_version(2).expect("a version");
    builder.set_subject_name(&name).expect("a subject");
    builder.set_issuer_name(&name).expect("an issuer");
    builder.set_pubkey(&key).expect("a key");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("a time");
    builder.set_not_after(&Asn1Time::days_from_now(1).expect("a time")).expect("a time");
    builder.sign(&key, MessageDigest::sha256()).expect("a signature");
    builder.build().to_pem().expect("PEM")
}
