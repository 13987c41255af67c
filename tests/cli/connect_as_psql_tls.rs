//! TLS as psql has it: both clients are run for each row of these tables, on the same server, and have to agree on whether and how
//! they are connected.

use std::collections::BTreeMap;

use halfbuilt::exit::Exit;

use crate::support::{Beside, tls_proxy};

const LOCAL: &str = "host=localhost hostaddr=127.0.0.1 port={port} dbname=postgres";

/// Runs a table of settings and counts the answers: a table of one answer would prove little.
#[track_caller]
fn agree(beside: &Beside, rows: &[String], least: &[(&str, usize)]) {
    let mut counts = BTreeMap::<String, usize>::new();
    for row in rows {
        *counts.entry(beside.both(row, &[])).or_default() += 1;
    }
    for (answer, count) in least {
        assert!(counts.get(*answer).is_some_and(|counted| counted >= count), "{answer}: {counts:?}");
    }
}

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

#[test]
fn the_manuals_self_signed_certificate() {
    let beside = Beside::showing("self-signed");
    let mut rows = Vec::new();
    for mode in MODES {
        for root in ["", "sslrootcert={dir}/self-signed.crt", "sslrootcert={dir}/root.crt", "sslrootcert=/nonexistent"]
        {
            rows.push(format!("{LOCAL} sslmode={mode} {root}"));
        }
        let rooted = "sslrootcert={dir}/self-signed.crt";
        rows.push(format!("host=127.0.0.1 port={{port}} dbname=postgres sslmode={mode} {rooted}"));
        rows.push(format!("hostaddr=127.0.0.1 port={{port}} dbname=postgres sslmode={mode} {rooted}"));
    }
    agree(&beside, &rows, &[("encrypted", 10), ("plain", 5), ("refused", 8)]);
    beside.expect("encrypted", &format!("{LOCAL} sslmode=verify-full sslrootcert={{dir}}/self-signed.crt"), &[]);
}

#[test]
fn the_manuals_chain() {
    for (name, least) in [("chain", ("encrypted", 4)), ("chain-alone", ("plain", 4))] {
        let beside = Beside::showing(name);
        let mut rows = Vec::new();
        for mode in ["prefer", "require", "verify-ca", "verify-full"] {
            for root in ["root", "intermediate", "chain", "self-signed"] {
                rows.push(format!("{LOCAL} sslmode={mode} sslrootcert={{dir}}/{root}.crt"));
            }
        }
        agree(&beside, &rows, &[least, ("refused", 4)]);
    }
    Beside::showing("chain").expect(
        "encrypted",
        &format!("{LOCAL} sslmode=verify-full sslrootcert={{dir}}/root.crt"),
        &[],
    );
}

#[test]
fn the_root_file_at_home() {
    let beside = Beside::showing("chain");
    beside.at_home(".postgresql/root.crt", &std::fs::read_to_string(beside.file("root.crt")).expect("a file"));
    let rows: Vec<String> = MODES.iter().map(|mode| format!("{LOCAL} sslmode={mode}")).collect();
    agree(&beside, &rows, &[("encrypted", 4), ("plain", 2)]);
    // It vouches for somebody else: psql continues without TLS where that will do, and so do we.
    beside.at_home(".postgresql/root.crt", &std::fs::read_to_string(beside.file("self-signed.crt")).expect("a file"));
    agree(&beside, &rows, &[("plain", 3), ("refused", 3)]);
    let done = rows.iter().map(|row| row.replace("dbname=postgres", "dbname=only_tls")).collect::<Vec<_>>();
    agree(&beside, &done, &[("refused", 6)]);
}

#[test]
fn names() {
    let hosts = ["localhost", "127.0.0.1", "a.internal", "A.Internal", "a.b.internal", "x.db.example", "internal"];
    for (certificate, accepted) in [
        ("cn-address", &["127.0.0.1"][..]),
        ("san-address", &["127.0.0.1"]),
        ("san-address-as-name", &["127.0.0.1"]),
        ("san-star", &["a.internal", "A.Internal", "x.db.example"]),
        ("cn-star", &["a.internal", "A.Internal"]),
        ("san-hides-cn", &[]),
        ("san-address-and-cn-name", &["localhost"]),
        ("san-mail-and-cn", &["localhost"]),
    ] {
        let beside = Beside::showing(certificate);
        for host in hosts {
            let verified = "sslmode=verify-full sslrootcert={dir}/root.crt";
            let settings = format!("host={host} hostaddr=127.0.0.1 port={{port}} dbname=postgres {verified}");
            beside.expect(if accepted.contains(&host) { "encrypted" } else { "refused" }, &settings, &[]);
        }
    }
}

#[test]
fn revoked_certificates() {
    for (certificate, connected) in [("revoked", 4), ("cn-address", 8)] {
        let beside = Beside::showing(certificate);
        let mut rows = Vec::new();
        for mode in ["prefer", "require", "verify-ca"] {
            for list in [
                "",
                "sslcrl={dir}/revoked.crl",
                "sslcrl={dir}/nobody.crl",
                "sslcrl=/nonexistent",
                "sslcrl={dir}/root.crt",
                "sslcrldir={dir}/crls",
                "sslcrldir={home}",
            ] {
                rows.push(format!("{LOCAL} dbname=only_tls sslmode={mode} sslrootcert={{dir}}/root.crt {list}"));
            }
        }
        agree(&beside, &rows, &[("encrypted", connected), ("refused", 2)]);
    }
    let beside = Beside::showing("revoked");
    let settings = format!("{LOCAL} sslmode=verify-ca sslrootcert={{dir}}/root.crt");
    beside.expect("refused", &format!("{settings} sslcrl={{dir}}/revoked.crl"), &[]);
    let done = beside.halfbuilt(&format!("{settings} sslcrl={{dir}}/revoked.crl"), &[]).exits(Exit::Failed);
    done.says("certificate revoked").says("hint: sslcrl, sslcrldir or ~/.postgresql/root.crl names the server's");
    let done = beside.halfbuilt(&format!("{settings} sslcrl=/nonexistent"), &[]).exits(Exit::Clean);
    done.says("warning: no list of revoked certificates could be read from /nonexistent");
    beside.at_home(".postgresql/root.crl", &std::fs::read_to_string(beside.file("revoked.crl")).expect("a file"));
    beside.expect("refused", &settings, &[]);
    beside.expect("encrypted", &format!("{settings} sslcrl={{dir}}/nobody.crl"), &[]);
}

#[test]
fn client_certificates() {
    let beside = Beside::showing("self-signed");
    let mut rows = Vec::new();
    for (certificate, key) in [
        ("client.crt", "client.key"),
        ("client.crt", "client-der.key"),
        ("client.crt", "client-encrypted.key sslpassword=opensesame"),
        ("client.crt", "client-encrypted.key sslpassword=wrong"),
        ("client.crt", "client-open.key"),
        ("client.crt", "stranger.key"),
        ("client.crt", "none.key"),
        ("stranger.crt", "stranger.key"),
        ("none.crt", "client.key"),
        ("client.key", "client.key"),
    ] {
        for database in ["by_certificate", "by_both", "postgres"] {
            for mode in ["prefer", "require", "disable"] {
                let shown = format!("sslcert={{dir}}/{certificate} sslkey={{dir}}/{key}");
                rows.push(format!("{LOCAL} user=client sslmode={mode} {shown} dbname={database}"));
            }
        }
    }
    agree(&beside, &rows, &[("encrypted", 18), ("plain", 10), ("refused", 20)]);
    let at_home = format!("{LOCAL} user=client dbname=by_certificate sslmode=require");
    beside.expect("refused", &at_home, &[]);
    for (name, file) in [("postgresql.crt", "client.crt"), ("postgresql.key", "client.key")] {
        beside.at_home(&format!(".postgresql/{name}"), &std::fs::read_to_string(beside.file(file)).expect("a file"));
    }
    beside.expect("encrypted", &at_home, &[]);
    beside.expect("encrypted", &format!("{LOCAL} user=client dbname=by_both sslmode=require"), &[]);
    // psql asks on the terminal: we never do.
    let encrypted = format!("{at_home} sslcert={{dir}}/client.crt sslkey={{dir}}/client-encrypted.key");
    let done = beside.halfbuilt(&encrypted, &[]).exits(Exit::Failed);
    done.fails_with("client-encrypted.key is encrypted, and sslpassword is missing").says("hint: give sslpassword");
    let done = beside.halfbuilt(&format!("{encrypted} sslpassword=opensesame"), &[]).exits(Exit::Clean);
    assert!(!done.stderr.contains("opensesame"), "{}", done.stderr);
    for (shown, said, hint) in [
        (
            "client.crt sslkey={dir}/client-open.key",
            "client-open.key is not used: other users can read it",
            "hint: chmod 0600",
        ),
        ("client.crt sslkey={dir}/stranger.key", "stranger.key does not belong to the certificate ", ""),
        ("client.crt sslkey={dir}/none.key", "client.crt has no file with its key", "hint: give it by sslkey"),
        ("client.key sslkey={dir}/client.key", "no client certificate could be read from ", ""),
        ("client.crt sslkey={dir}/client.crt", "no key could be read from ", ""),
        ("client.crt sslkey=engine:key", "a key in a device", ""),
    ] {
        let done = beside.halfbuilt(&format!("{at_home} sslcert={{dir}}/{shown}"), &[]).exits(Exit::Failed);
        done.fails_with(said).says(hint);
    }
    // It is not asked for here, and libpq would go on without TLS and without a word.
    let unusable = format!("{LOCAL} sslcert={{dir}}/client.crt sslkey={{dir}}/stranger.key sslmode=prefer");
    let done = beside.halfbuilt(&unusable, &[]).exits(Exit::Clean);
    done.says("warning: the key ").says("with sslmode=prefer, the connection is then not encrypted");
    // PostgreSQL 15's psql does not know this one.
    beside.halfbuilt(&format!("{at_home} sslcertmode=disable"), &[]).exits(Exit::Failed);
    beside.halfbuilt(&format!("{at_home} sslcertmode=require"), &[]).exits(Exit::Failed).says("sslcertmode cannot be");
}

#[test]
fn with_tls_and_without() {
    let beside = Beside::showing("chain");
    let mut rows = Vec::new();
    for mode in MODES {
        for database in ["only_tls", "only_plain", "postgres", "by_md5", "by_password", "trusted", "nowhere"] {
            rows.push(format!("{LOCAL} dbname={database} sslmode={mode} sslrootcert={{dir}}/root.crt"));
        }
        rows.push(format!("{LOCAL} password=wrong sslmode={mode} sslrootcert={{dir}}/root.crt"));
        rows.push(format!("host={{socket}} port={{port}} dbname=postgres sslmode={mode}"));
    }
    agree(&beside, &rows, &[("encrypted", 20), ("plain", 14), ("refused", 15)]);
    for (answer, database, mode) in [
        ("plain", "only_plain", "prefer"),
        ("encrypted", "only_tls", "allow"),
        ("plain", "postgres", "allow"),
        ("encrypted", "postgres", "prefer"),
    ] {
        beside.expect(answer, &format!("{LOCAL} dbname={database} sslmode={mode}"), &[]);
    }
    // Both tries are named, and the hint is on the one that was wanted.
    let done = beside.halfbuilt(&format!("{LOCAL} dbname=only_tls password=wrong"), &[]).exits(Exit::Failed);
    let done = done.fails_with("cannot connect").says("password authentication failed").says("; localhost:");
    done.says("no encryption").says("hint: the password is wrong");
}

#[test]
fn versions_of_tls_and_bindings() {
    let beside = Beside::showing("chain");
    let mut rows = Vec::new();
    for version in [
        "ssl_min_protocol_version=TLSv1.3",
        "ssl_max_protocol_version=TLSv1.2",
        "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        "ssl_min_protocol_version=tlsv1.2 ssl_max_protocol_version=tlsv1.2",
        "ssl_min_protocol_version=SSLv3",
        "ssl_min_protocol_version=TLSv1.1 ssl_max_protocol_version=TLSv1.1",
        "sslsni=0",
        "sslcompression=1",
        "requiressl=1",
    ] {
        rows.push(format!("{LOCAL} sslmode=require {version}"));
    }
    for binding in ["disable", "prefer", "require", "nonsense"] {
        for (database, mode) in
            [("postgres", "require"), ("postgres", "disable"), ("by_password", "require"), ("trusted", "require")]
        {
            rows.push(format!("{LOCAL} dbname={database} sslmode={mode} channel_binding={binding}"));
        }
        rows.push(format!("{LOCAL} user=old dbname=by_md5 sslmode=require channel_binding={binding}"));
    }
    agree(&beside, &rows, &[("encrypted", 13), ("plain", 2), ("refused", 8)]);
    beside.expect("encrypted", &format!("{LOCAL} channel_binding=require sslmode=require"), &[]);
    // What the machine's owner settled for all programs.
    let sections = "openssl_conf = one\n[one]\nssl_conf = two\n[two]\nsystem_default = three\n[three]\n";
    beside.at_home("openssl.cnf", &format!("{sections}MaxProtocol = TLSv1.2\n"));
    let owners = [("OPENSSL_CONF", "{home}/openssl.cnf")];
    beside.expect("encrypted", &format!("{LOCAL} sslmode=require"), &owners);
    beside.expect("refused", &format!("{LOCAL} sslmode=require ssl_min_protocol_version=TLSv1.3"), &owners);
}

/// Its signature names no digest to bind a login by: psql does not go on without either.
#[test]
fn a_certificate_that_no_login_can_be_bound_to() {
    let folder = Beside::showing("chain").file("");
    let (key, certificate) = ed25519();
    std::fs::write(folder.join("ed25519.key"), key).expect("a file");
    std::fs::write(folder.join("ed25519.crt"), certificate).expect("a file");
    let beside = Beside::showing("ed25519");
    for (answer, settings) in [
        ("refused", "sslmode=require"),
        ("refused", "sslmode=prefer"),
        ("refused", "sslmode=require channel_binding=require"),
        ("encrypted", "sslmode=require channel_binding=disable"),
        ("encrypted", "sslmode=require dbname=trusted"),
        ("encrypted", "sslmode=require dbname=by_password"),
        ("plain", "sslmode=disable"),
    ] {
        beside.expect(answer, &format!("{LOCAL} {settings}"), &[]);
    }
    let done = beside.halfbuilt(&format!("{LOCAL} channel_binding=require"), &[]).exits(Exit::Failed);
    done.says("cannot be bound to the TLS channel").says("hint: channel_binding=disable logs in without it");
}

/// The key and the certificate of a server, in PEM.
fn ed25519() -> (Vec<u8>, Vec<u8>) {
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::x509::{X509Builder, X509NameBuilder};

    let key = PKey::generate_ed25519().expect("a key");
    let mut name = X509NameBuilder::new().expect("a name");
    name.append_entry_by_text("CN", "localhost").expect("a name");
    let name = name.build();
    let mut builder = X509Builder::new().expect("a certificate");
    builder.set_version(2).expect("a version");
    builder.set_subject_name(&name).expect("a subject");
    builder.set_issuer_name(&name).expect("an issuer");
    builder.set_pubkey(&key).expect("a key");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("a time");
    builder.set_not_after(&Asn1Time::days_from_now(1).expect("a time")).expect("a time");
    builder.sign(&key, MessageDigest::null()).expect("a signature");
    (key.private_key_to_pem_pkcs8().expect("PEM"), builder.build().to_pem().expect("PEM"))
}

/// What stands in plain text behind the yes to TLS comes from somebody in between: neither is it taken for the server's, nor is it
/// passed over, nor is the rest then said in plain text.
#[test]
fn plain_text_behind_the_answer_to_tls() {
    let beside = Beside::showing("chain");
    for (stuffing, expected) in [
        (&b""[..], ["encrypted", "encrypted", "plain"]),
        // A notice; the beginning of the answer; nonsense.
        (b"N\0\0\0\x0cSNOTICE\0", ["refused", "refused", "plain"]),
        (b"S", ["refused", "refused", "plain"]),
        (b"\x16\x03\x03\0\x7a\x02", ["refused", "refused", "plain"]),
    ] {
        let port = stuffing_proxy(beside.variable("PGPORT"), stuffing);
        for (mode, expected) in ["prefer", "require", "disable"].into_iter().zip(expected) {
            let settings = format!("host=127.0.0.1 port={port} dbname=trusted sslmode={mode}");
            beside.expect(expected, &settings, &[]);
        }
    }
}

/// Stands before the server, and sends this behind its yes to TLS.
fn stuffing_proxy(server: &str, stuffing: &'static [u8]) -> u16 {
    use std::io::{Read, Write, copy};
    use std::net::{Shutdown, TcpListener, TcpStream};

    let server = format!("127.0.0.1:{server}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serve = move |mut client: TcpStream| -> std::io::Result<()> {
        let mut server = TcpStream::connect(&server)?;
        let mut request = [0; 8];
        client.read_exact(&mut request)?;
        server.write_all(&request)?;
        if request[4..] == 80_877_103_u32.to_be_bytes() {
            let mut answer = [0];
            server.read_exact(&mut answer)?;
            client.write_all(&[&answer, stuffing].concat())?;
        }
        let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
        std::thread::spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        copy(&mut server, &mut client)?;
        client.shutdown(Shutdown::Both)
    };
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let serve = serve.clone();
            // A client that has gone needs no answer.
            std::thread::spawn(move || serve(client));
        }
    });
    port
}

/// PostgreSQL 15, and its psql, do not know it.
#[test]
fn tls_from_the_first_byte_on() {
    let beside = Beside::showing("chain");
    let direct = |names_protocol| {
        let port = tls_proxy(&beside.file("chain.crt"), beside.variable("PGPORT"), names_protocol);
        let server = format!("host=localhost hostaddr=127.0.0.1 port={port} dbname=trusted");
        format!("{server} sslnegotiation=direct sslmode=verify-full sslrootcert={{dir}}/root.crt")
    };
    let done = beside.halfbuilt(&direct(true), &[]).exits(Exit::Clean);
    assert!(done.stdout.contains(",plain,"), "the server speaks with the proxy: {}", done.stdout);
    let wrong = direct(true).replace("root.crt", "self-signed.crt");
    beside.halfbuilt(&wrong, &[]).exits(Exit::Failed).says("certificate verify failed");
    beside.halfbuilt(&direct(false), &[]).exits(Exit::Failed).says("did not say that it speaks PostgreSQL inside TLS");
    // A server that waits for the question.
    let asked = "sslnegotiation=direct sslmode=require";
    let done = beside.halfbuilt(&format!("{LOCAL} {asked}"), &[]).exits(Exit::Failed).fails_with("cannot connect");
    done.says("needs PostgreSQL 17");
    let weak = beside.halfbuilt(&format!("{LOCAL} sslnegotiation=direct"), &[]).exits(Exit::Failed);
    weak.says("sslmode").says("which sslnegotiation=direct needs");
}
