//! Lists of hosts and sockets, as psql follows them: both clients are run for each row of these tables, and have to agree on whether
//! and how they are connected.

use halfbuilt::exit::Exit;

use crate::support::{Answer, Beside, Server, scripted};

#[test]
fn several_hosts() {
    let beside = Beside::showing("chain");
    let rows = [
        ("plain", "host=127.0.0.1,127.0.0.1 port=1,{port}"),
        ("plain", "host=nowhere.invalid,127.0.0.1 port={port}"),
        ("plain", "host=/nonexistent,127.0.0.1 port={port}"),
        ("plain", "host=127.0.0.1,{socket} port=1,{port}"),
        ("plain", "host=localhost port={port}"),
        ("plain", "host=a,b hostaddr=127.0.0.1,127.0.0.1 port=1,{port}"),
        ("plain", "hostaddr=,127.0.0.1 host=nowhere.invalid, port={port}"),
        ("plain", "postgresql://127.0.0.1:1,127.0.0.1:{port}/postgres?sslmode=disable"),
        ("plain", "postgresql://[::1]:1,%31%32%37.0.0.1:{port}/postgres?sslmode=disable"),
        ("encrypted", "postgresql:///postgres?host=127.0.0.1&port={port}&ssl=true"),
        ("refused", "postgresql://127.0.0.1:{port}/postgres?sslmode=disable&nonsense=1"),
        ("refused", "host='127.0.0.1 , 127.0.0.1' port={port}"),
        ("plain", "host=127.0.0.1,127.0.0.1 port='1, {port} '"),
        ("refused", "host=127.0.0.1 port=' '"),
        ("refused", "host=127.0.0.1,127.0.0.1 port=1,2"),
        ("refused", "host=127.0.0.1,127.0.0.1 port=1,2,{port}"),
        ("refused", "host=a hostaddr=127.0.0.1,127.0.0.1 port={port}"),
        ("refused", "hostaddr=localhost port={port}"),
        ("refused", "host=127.0.0.1 port=0"),
        ("refused", "host=127.0.0.1 port=70000"),
        ("plain", "host=127.0.0.1 port={port} target_session_attrs=any"),
        ("plain", "host=127.0.0.1 port={port} target_session_attrs=read-write"),
        ("plain", "host=127.0.0.1 port={port} target_session_attrs=primary"),
        ("plain", "host=127.0.0.1 port={port} target_session_attrs=prefer-standby"),
        ("refused", "host=127.0.0.1 port={port} target_session_attrs=standby"),
        ("refused", "host=127.0.0.1 port={port} target_session_attrs=read-only"),
        (
            "plain",
            "host=127.0.0.1 port={port} target_session_attrs=read-only options=-cdefault_transaction_read_only=on",
        ),
        (
            "refused",
            "host=127.0.0.1 port={port} target_session_attrs=read-write options=-cdefault_transaction_read_only=on",
        ),
        ("plain", "host=127.0.0.1 port={port} target_session_attrs=primary options=-cdefault_transaction_read_only=on"),
        ("refused", "host=127.0.0.1 port={port} target_session_attrs=leader"),
        ("refused", "host=127.0.0.1 port={port} options=-cnonsense=1"),
        ("plain", "host=127.0.0.1 port={port} connect_timeout=50"),
        ("plain", "host=127.0.0.1 port={port} connect_timeout=-1"),
        ("refused", "host=127.0.0.1 port={port} connect_timeout=soon"),
        ("plain", "host=127.0.0.1 port={port} keepalives=1 keepalives_idle=9 keepalives_interval=9 keepalives_count=3"),
        ("plain", "host=127.0.0.1 port={port} keepalives=0 tcp_user_timeout=9000"),
        ("refused", "host=127.0.0.1 port={port} keepalives=on"),
        ("refused", "host=127.0.0.1 port={port} gssencmode=nonsense"),
        ("plain", "host=127.0.0.1 port={port} gssencmode=disable krbsrvname=x client_encoding=LATIN1"),
        ("plain", r"host=127.0.0.1 port={port} application_name='it\'s' fallback_application_name=x"),
    ];
    for (answer, settings) in rows {
        let uri = settings.starts_with("postgresql:");
        let settings = if uri { settings.to_owned() } else { format!("{settings} dbname=postgres sslmode=disable") };
        beside.expect(answer, &settings, &[]);
    }
    // Whoever answers and refuses ends the search, as the manual says.
    beside.at_home(".pgpass", "first:*:*:*:wrong\nsecond:*:*:*:{password}\n");
    let listed = "hostaddr=127.0.0.1,127.0.0.1 port={port} dbname=postgres";
    beside.expect("refused", &format!("host=first,second {listed}"), &[("PGPASSWORD", "")]);
    beside.expect("encrypted", &format!("host=second,first {listed}"), &[("PGPASSWORD", "")]);
    let unreached = "hostaddr=127.0.0.1,127.0.0.1 port=1,{port} dbname=postgres";
    beside.expect("encrypted", &format!("host=first,second {unreached}"), &[("PGPASSWORD", "")]);
    // PostgreSQL 15's psql does not know this one.
    let first = |balance: &str| {
        let hosts = "host=127.0.0.1,{socket} port={port} dbname=postgres sslmode=require";
        let done = beside.halfbuilt(&format!("{hosts} load_balance_hosts={balance}"), &[]).exits(Exit::Clean);
        ["encrypted", "plain"].into_iter().find(|kind| done.stdout.contains(&format!(",{kind},"))).expect("a kind")
    };
    for kind in ["encrypted", "plain"] {
        assert!((0..40).any(|_| first("random") == kind), "{kind} never came first");
    }
    assert!((0..5).all(|_| first("disable") == "encrypted"));
    let unreached = "host=127.0.0.1,127.0.0.1 port=1,{port} dbname=postgres load_balance_hosts=random";
    beside.halfbuilt(unreached, &[]).exits(Exit::Clean);
}

#[test]
fn servers_that_answer_badly() {
    let beside = Beside::showing("chain");
    for (answer, expected) in [
        // A standby that lets nobody in yet: the next one is asked. Any other refusal ends the search.
        (Answer::Error("57P03"), ["encrypted", "refused", "plain"]),
        (Answer::Error("53300"), ["refused"; 3]),
        (Answer::Error("28P01"), ["refused"; 3]),
        (Answer::ErrorToTls, ["refused"; 3]),
        (Answer::HangUp, ["refused"; 3]),
        (Answer::Silence, ["encrypted"; 3]),
        (Answer::Stuffing, ["refused"; 3]),
    ] {
        let port = scripted(answer);
        // To wait for a silent one takes seconds.
        let modes = if matches!(answer, Answer::Silence) { 1 } else { 3 };
        for (mode, expected) in ["prefer", "require", "disable"].into_iter().zip(expected).take(modes) {
            let hosts = format!("host=127.0.0.1,127.0.0.1 port={port},{{port}} dbname=postgres");
            beside.expect(expected, &format!("{hosts} sslmode={mode} connect_timeout=10"), &[]);
        }
    }
    let silent = format!("host=127.0.0.1 port={} connect_timeout=1", scripted(Answer::Silence));
    let done = beside.halfbuilt(&silent, &[]).exits(Exit::Failed);
    done.fails_with("cannot connect").says("no answer within 1s (connect_timeout)").says("hint: check the address");
}

#[cfg(target_os = "linux")]
#[test]
fn sockets_without_a_file() {
    let beside = Beside::showing("chain");
    let name = format!("@halfbuilt-{}", std::process::id());
    let server = Server::start("postgres.sh", &["-c", &format!("unix_socket_directories={name}")], &[]);
    let settings = format!("host={name} port={} dbname=postgres sslmode=require", server.variable("PGPORT"));
    beside.expect("plain", &settings, &[]);
    beside.expect("refused", &settings.replace(&name, "@nobody-at-all"), &[]);
}

#[test]
fn each_host_is_named_with_its_reason() {
    let beside = Beside::showing("chain");
    let settings =
        "host=127.0.0.1,nowhere.invalid,/nonexistent,localhost port=1,2,3,{port} hostaddr=,,,127.0.0.1 dbname=postgres";
    let done = beside.halfbuilt(&format!("{settings} target_session_attrs=standby"), &[]).exits(Exit::Failed);
    let done = done.fails_with("cannot connect to the build database at 127.0.0.1:1, nowhere.invalid:2, /nonexistent");
    let done = done.says("127.0.0.1:1: Connection refused").says("; nowhere.invalid:2: the name cannot be looked up");
    let done =
        done.says("; /nonexistent (socket, port 3): No such file").says(" (127.0.0.1): the server is not a standby");
    done.says("hint: name more hosts, or ask for another kind by target_session_attrs");
}

#[test]
fn whose_socket_it_is() {
    use std::os::unix::fs::MetadataExt;
    let beside = Beside::showing("chain");
    let uid = std::fs::metadata(beside.variable("SOCKET_DIR")).expect("a folder").uid();
    let users = std::fs::read_to_string("/etc/passwd").expect("users");
    let owner = users.lines().find(|line| line.split(':').nth(2) == Some(&uid.to_string())).expect("a user");
    let owner = owner.split(':').next().expect("a name");
    let socket = "host={socket} port={port} dbname=postgres";
    beside.expect("plain", &format!("{socket} requirepeer={owner}"), &[]);
    beside.expect("refused", &format!("{socket} requirepeer=nobody-at-all"), &[]);
    let local = "host=localhost hostaddr=127.0.0.1 port={port} dbname=postgres";
    beside.expect("encrypted", &format!("{local} requirepeer=nobody-at-all"), &[]);
    let done = beside.halfbuilt(&format!("{socket} requirepeer=nobody-at-all"), &[]);
    done.fails_with("cannot connect").says(&format!("runs as {owner}, and requirepeer is nobody-at-all"));
}
