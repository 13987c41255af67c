//! Every server that psql reaches is reached with the same settings, and none that psql refuses, wherever the settings stand: in a
//! connection string, in a file, in the environment. Both clients are run for each row of these tables, on the same server, and
//! have to agree on whether and how they are connected.

use halfbuilt::exit::Exit;

use crate::support::Beside;

#[test]
fn service_files() {
    let beside = Beside::showing("chain");
    let file = "# services\n[first]\nhost=127.0.0.1\nport={port}\ndbname=postgres\nsslmode=disable\n\n[tls]\nhost=127.0.0.1\n\
                port={port}\ndbname=only_tls\n[plain]\nhost=127.0.0.1\nport={port}\ndbname=only_tls\nsslmode=disable\n\
                [nested]\nservice=first\n[bad]\nhost = 127.0.0.1\n[nonsense]\nnonsense=1\n[noise]\nnoise\n";
    beside.at_home(".pg_service.conf", file);
    beside.at_home("etc/pg_service.conf", "[system]\nhost=127.0.0.1\nport={port}\ndbname=postgres\n[first]\nport=1\n");
    beside.at_home("named.conf", "[named]\nhost=127.0.0.1\nport={port}\ndbname=postgres\n");
    let folder = ("PGSYSCONFDIR", "{home}/etc");
    for (answer, settings, variables) in [
        ("plain", "service=first", vec![]),
        ("plain", "", vec![("PGSERVICE", "first")]),
        ("plain", "service=first", vec![("PGSERVICE", "noise"), folder]),
        ("encrypted", "postgresql://?service=first&sslmode=require", vec![]),
        ("encrypted", "service=first sslmode=require", vec![("PGPORT", "1")]),
        ("encrypted", "service=tls", vec![("PGSSLMODE", "require")]),
        ("refused", "service=plain", vec![("PGSSLMODE", "require")]),
        ("refused", "service=first port=1", vec![]),
        ("refused", "service=nested", vec![]),
        ("refused", "service=bad", vec![]),
        ("refused", "service=nonsense", vec![]),
        ("refused", "service=noise", vec![]),
        ("refused", "service=nowhere", vec![]),
        ("refused", "service=system", vec![]),
        ("encrypted", "service=system", vec![folder]),
        ("encrypted", "service=named", vec![("PGSERVICEFILE", "{home}/named.conf")]),
        ("refused", "service=first", vec![("PGSERVICEFILE", "{home}/named.conf")]),
        ("encrypted", "service=system", vec![("PGSERVICEFILE", "{home}/named.conf"), folder]),
        ("refused", "service=named", vec![("PGSERVICEFILE", "{home}/none.conf")]),
    ] {
        beside.expect(answer, settings, &variables);
    }
    let done = beside.halfbuilt("service=noise", &[]).exits(Exit::Failed);
    done.says(".pg_service.conf, line 24: expected KEYWORD=VALUE").does_not_say("noise");
    beside.halfbuilt("service=named servicefile={home}/named.conf", &[]).exits(Exit::Clean);
}

#[test]
fn password_files() {
    use std::os::unix::fs::PermissionsExt;
    let beside = Beside::showing("chain");
    let file = beside.home.path().join("passwords");
    let row = "host=127.0.0.1 port={port} dbname=only_tls";
    for (answer, line) in [
        ("encrypted", "127.0.0.1:{port}:only_tls:halfbuilt:{password}"),
        ("encrypted", "*:*:*:*:{password}"),
        ("encrypted", "# 127.0.0.1:*:*:*:wrong\n\n127.0.0.1:*:*:*:{password}\n"),
        ("encrypted", "127.0.0.1:{port}:*:half\\built:{password}:and more"),
        ("encrypted", "127.0.0.1:1:*:*:wrong\n127.0.0.1:*:*:*:{password}\n*:*:*:*:wrong"),
        ("encrypted", "127.0.0.1:*:*:*:{password}\r\n"),
        ("refused", "127.0.0.1:*:*:*:wrong\n*:*:*:*:{password}"),
        ("refused", "\\*:*:*:*:{password}"),
        ("refused", "localhost:*:*:*:{password}"),
        ("refused", "127.0.0.1:*:*:{password}"),
        ("refused", "127.0.0.1:*:*:*:\\:{password}"),
        ("refused", ""),
    ] {
        beside.at_home("passwords", line);
        beside.expect(answer, row, &[("PGPASSWORD", ""), ("PGPASSFILE", "{home}/passwords")]);
    }
    beside.at_home("passwords", "*:*:*:*:{password}");
    beside.expect("encrypted", &format!("{row} passfile={{home}}/passwords"), &[("PGPASSWORD", "")]);
    beside.expect("refused", &format!("{row} passfile={{home}}/passwords"), &[("PGPASSWORD", "wrong")]);
    beside.expect("refused", &format!("{row} passfile={{home}}/none"), &[("PGPASSWORD", "")]);
    beside.expect("encrypted", &format!("{row} passfile={{home}}/none password={{password}}"), &[("PGPASSWORD", "")]);
    for mode in [0o640, 0o604, 0o400] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("permissions");
        let answer = if mode == 0o400 { "encrypted" } else { "refused" };
        beside.expect(answer, &format!("{row} passfile={{home}}/passwords"), &[("PGPASSWORD", "")]);
    }
    beside.at_home(".pgpass", "*:*:*:*:{password}");
    beside.expect("encrypted", row, &[("PGPASSWORD", "")]);
}

#[test]
fn variables() {
    let beside = Beside::showing("chain");
    let server = [("PGHOST", "127.0.0.1"), ("PGPORT", "{port}"), ("PGDATABASE", "postgres")];
    for (answer, variables) in [
        ("encrypted", vec![]),
        ("plain", vec![("PGSSLMODE", "disable")]),
        ("refused", vec![("PGSSLMODE", "nonsense")]),
        ("encrypted", vec![("PGREQUIRESSL", "1"), ("PGDATABASE", "only_tls")]),
        ("refused", vec![("PGREQUIRESSL", "1"), ("PGDATABASE", "only_plain")]),
        ("plain", vec![("PGREQUIRESSL", "0"), ("PGDATABASE", "only_plain")]),
        ("refused", vec![("PGSSLMODE", "verify-ca")]),
        ("encrypted", vec![("PGSSLMODE", "verify-ca"), ("PGSSLROOTCERT", "{dir}/root.crt")]),
        ("refused", vec![("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "{dir}/root.crt")]),
        (
            "encrypted",
            vec![
                ("PGHOSTADDR", "127.0.0.1"),
                ("PGHOST", "localhost"),
                ("PGSSLMODE", "verify-full"),
                ("PGSSLROOTCERT", "{dir}/root.crt"),
            ],
        ),
        (
            "encrypted",
            vec![
                ("PGSSLCERT", "{dir}/client.crt"),
                ("PGSSLKEY", "{dir}/client.key"),
                ("PGUSER", "client"),
                ("PGDATABASE", "by_certificate"),
            ],
        ),
        ("refused", vec![("PGSSLMINPROTOCOLVERSION", "TLSv1.3"), ("PGSSLMAXPROTOCOLVERSION", "TLSv1.2")]),
        ("encrypted", vec![("PGSSLSNI", "0"), ("PGSSLCOMPRESSION", "1"), ("PGCHANNELBINDING", "require")]),
        ("refused", vec![("PGCHANNELBINDING", "require"), ("PGSSLMODE", "disable")]),
        ("refused", vec![("PGTARGETSESSIONATTRS", "standby")]),
        ("encrypted", vec![("PGOPTIONS", "-c geqo=off"), ("PGAPPNAME", "x"), ("PGCONNECT_TIMEOUT", "9")]),
        ("refused", vec![("PGOPTIONS", "-c nonsense=1")]),
        ("encrypted", vec![("PGTZ", "Asia/Tokyo"), ("PGDATESTYLE", "German"), ("PGGEQO", "off")]),
        ("encrypted", vec![("PGCLIENTENCODING", "LATIN1"), ("PGGSSENCMODE", "prefer"), ("PGKRBSRVNAME", "x")]),
        ("plain", vec![("PGHOST", "{socket}"), ("PGSSLMODE", "require")]),
        ("refused", vec![("PGHOST", "{socket}"), ("PGREQUIREPEER", "nobody-at-all")]),
        ("refused", vec![("PGUSER", "nobody-at-all")]),
        ("refused", vec![("PGDATABASE", "")]),
    ] {
        let base = server.into_iter().filter(|(name, _)| !variables.iter().any(|(other, _)| other == name));
        let all: Vec<(&str, &str)> = base.chain(variables.iter().copied()).collect();
        beside.expect(answer, "", &all);
    }
}

/// `PGREQUIREAUTH` and its keyword forbid ways to log in. To ignore it would be to send a password to a server that may not have it.
#[test]
fn a_way_of_logging_in_that_is_required_is_refused_wherever_it_is_asked_for() {
    let beside = Beside::showing("chain");
    beside.at_home(
        ".pg_service.conf",
        "[ci]\nhost=127.0.0.1\nport={port}\ndbname=postgres\nrequire_auth=scram-sha-256\n",
    );
    let local = "host=127.0.0.1 port={port} dbname=postgres";
    for (settings, variables) in [
        (format!("{local} require_auth=scram-sha-256"), vec![]),
        (format!("{local} require_auth=!password"), vec![]),
        (format!("{local} require_auth=none"), vec![]),
        ("postgresql://127.0.0.1:{port}/postgres?require_auth=scram-sha-256".to_owned(), vec![]),
        (local.to_owned(), vec![("PGREQUIREAUTH", "scram-sha-256")]),
        ("service=ci".to_owned(), vec![]),
    ] {
        let done = beside.halfbuilt(&settings, &variables).exits(Exit::Failed);
        let done = done.fails_with("require_auth cannot be followed: the ways to log in cannot be restricted");
        done.says("hint: leave it out: look in --database-url, PGREQUIREAUTH and the service file");
    }
    beside.halfbuilt(&format!("{local} require_auth=''"), &[("PGREQUIREAUTH", "")]).exits(Exit::Clean);
}

#[test]
fn connection_strings() {
    let beside = Beside::showing("chain");
    for (answer, settings) in [
        ("encrypted", "postgresql://halfbuilt:{password}@127.0.0.1:{port}/postgres"),
        ("encrypted", "postgres://%68alfbuilt:{password}@127.0.0.1:{port}/%70ostgres"),
        ("refused", "postgresql://halfbuilt:wrong@127.0.0.1:{port}/postgres"),
        ("encrypted", "postgresql://halfbuilt@127.0.0.1:{port}/postgres?password={password}"),
        (
            "encrypted",
            "postgresql://halfbuilt:wrong@127.0.0.1:1/nowhere?password={password}&port={port}&dbname=postgres",
        ),
        ("encrypted", "postgresql://:{password}@127.0.0.1:{port}/postgres?user=halfbuilt"),
        ("plain", "postgresql://{password}/postgres?host={socket}&port={port}"),
        ("encrypted", "postgresql://[127.0.0.1]:{port}/postgres?password={password}"),
        ("refused", "postgresql://[127.0.0.1:{port}/postgres?password={password}"),
        ("refused", "postgresql://[]:{port}/postgres?password={password}"),
        ("refused", "postgresql://[127.0.0.1]x:{port}/postgres?password={password}"),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&sslmode=%zz"),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&options=%00"),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&sslmode"),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&options=-cgeqo=off"),
        // An empty value is a value.
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&sslmode="),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&target_session_attrs="),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&channel_binding="),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&connect_timeout="),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&keepalives="),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&host="),
        (
            "encrypted",
            "postgresql://127.0.0.1:{port}/postgres?password={password}&hostaddr=&options=&sslcert=&port={port}",
        ),
        ("plain", "postgresql://127.0.0.1:{port}/postgres?%70assword={password}&ssl%6Dode=disable"),
        ("encrypted", "postgresql://127.0.0.1:{port}/only_tls?password={password}&s%73l=tru%65"),
        ("encrypted", "postgresql://127.0.0.1:{port}/postgres?password={password}&options=-c%20geqo%3Doff"),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?password={password}&ssl=false"),
        ("encrypted", "postgresql://127.0.0.1:{port}/only_tls?password={password}&ssl=true"),
        ("refused", "postgresql://127.0.0.1:{port}/only_plain?password={password}&ssl=true"),
        ("encrypted", "postgresql://127.0.0.1:{port}?password={password}&dbname=postgres"),
        ("encrypted", "host = 127.0.0.1\n port= {port}\tdbname =postgres password={password}"),
        ("encrypted", "host='127.0.0.1'port='{port}'dbname=postgres password='{password}'"),
        ("encrypted", r"host=127\.0.0.1 port={port} dbname='post\gres' password={password}"),
        ("encrypted", "host=nowhere.invalid host=127.0.0.1 port={port} dbname=postgres password={password}"),
        ("refused", "host='127.0.0.1 port={port} dbname=postgres password={password}"),
        ("refused", "host=127.0.0.1 port={port} dbname=postgres password={password} sslmode"),
        ("refused", "host=127.0.0.1 port={port} dbname=postgres password={password} =x"),
        ("refused", "host=127.0.0.1 port={port} dbname=postgres password={password} sslmode="),
        ("refused", "host=127.0.0.1 port={port} dbname=postgres password={password} SSLMODE=disable"),
        ("refused", "host=127.0.0.1 port={port} dbname=postgres password={password} target_session_attrs=''"),
        ("refused", "host=127.0.0.1 port='{port} x' dbname=postgres password={password}"),
        ("encrypted", "host=127.0.0.1 port=' {port} ' dbname=postgres password={password}"),
        ("encrypted", "host=127.0.0.1 port={port} dbname=postgres password={password} connect_timeout=' 90 '"),
    ] {
        beside.expect(answer, settings, &[("PGPASSWORD", "")]);
    }
}
