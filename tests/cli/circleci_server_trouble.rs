//! What the stand-in for a CircleCI Server does wrong when a test says so, and what changes in it.

use std::collections::BTreeSet;

use crate::support::{API_TOKEN, Heard, StandIn, USER_TOKEN, request};

const LISTING: &str = "/api/v1/admin/recent-builds?limit=100000&shallow=true";

/// The addresses of all builds that the listing has now.
fn listed(server: &StandIn) -> BTreeSet<String> {
    let list: serde_json::Value =
        serde_json::from_str(&server.get(LISTING).text().replace("\\ud83d", "?")).expect("a list");
    let urls = list.as_array().expect("a list").iter().map(|build| build["build_url"].as_str().expect("an address"));
    urls.map(str::to_owned).collect()
}

fn statuses(server: &StandIn, path: &str, requests: usize) -> Vec<u16> {
    (0..requests).map(|_| server.get(path).status).collect()
}

#[test]
fn throttled_and_broken_down() {
    let server = StandIn::small();
    let document = server.document_path(&server.one("success"));
    server.behave(&[("answer", "429"), ("every", "3"), ("retry_after", "7")]);
    assert_eq!(statuses(&server, &document, 6), [200, 200, 429, 200, 200, 429]);
    server.reset();
    let one = |how: &[(&str, &str)]| -> Heard {
        server.behave(how);
        let heard = server.get(&document);
        server.reset();
        heard
    };
    for (retry_after, looks_right) in [
        ("7", (|text: &str| text == "7") as fn(&str) -> bool),
        ("date+9", |text| text.ends_with(" GMT")),
        ("none", str::is_empty),
    ] {
        let heard = one(&[("answer", "429"), ("retry_after", retry_after)]);
        assert_eq!((heard.status, heard.text().as_str()), (429, "Rate limited."));
        assert!(looks_right(heard.header("retry-after")), "{retry_after}: {:?}", heard.header("retry-after"));
        assert_eq!(heard.header("content-type"), "text/plain; charset=utf-8");
    }
    assert_eq!(one(&[("answer", "500")]).text(), "");
    let proxy = one(&[("answer", "503"), ("body", "html")]);
    assert!(proxy.status == 503 && proxy.text().contains("nginx") && proxy.header("x-route").is_empty());
    // Some requests only: the second and third of this kind.
    server.behave(&[("answer", "502"), ("on", "list"), ("skip", "1"), ("times", "2")]);
    assert_eq!(statuses(&server, &document, 3), [200; 3]);
    assert_eq!(statuses(&server, "/api/v1.1/recent-builds", 4), [200, 502, 502, 200]);
    server.reset();
    server.behave(&[("rate", "0")]);
    assert_eq!(statuses(&server, "/api/v1.1/me", 2), [429; 2]);
    server.reset();
    // The same as JSON, and through the console.
    let json = r#"{"answer": "500", "every": 2, "on": "me"}"#;
    assert_eq!(request(server.port(), "POST", "/fixture/behave", &[], json).status, 200);
    assert_eq!(statuses(&server, "/api/v1.1/me", 2), [200, 500]);
    let host = format!("127.0.0.1:{}", server.port());
    server.evaluate(&format!("(halfbuilt.fixture/reset-all! {host:?})"));
    server.evaluate(&format!("(halfbuilt.fixture/behave! {host:?} {{:answer 429 :on :me :retry-after 2}})"));
    assert_eq!(server.get("/api/v1.1/me").header("retry-after"), "2");
    // A word that it does not know is no setting that quietly does nothing.
    for wrong in ["answer=418", "every=2", "evry=2", "{\"answer\": }"] {
        assert_eq!(request(server.port(), "POST", "/fixture/behave", &[], wrong).status, 400, "{wrong}");
    }
}

#[test]
fn answers_that_are_no_documents() {
    let server = StandIn::small();
    let document = server.document_path(&server.one("success"));
    let whole = server.get(&document).body.len();
    let one = |answer: &str| -> Heard {
        server.behave(&[("answer", answer), ("path", &document)]);
        let heard = server.get(&document);
        server.reset();
        heard
    };
    let html = one("html");
    assert_eq!((html.status, html.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(one("edn").text().starts_with("{:compare "));
    assert!(one("comment").text().starts_with("// "));
    assert_eq!(["array", "string", "null", "empty"].map(|answer| one(answer).text()), ["[]", "\"a text\"", "null", ""]);
    assert!(serde_json::from_slice::<serde_json::Value>(&one("garbage").body).is_err());
    let cut = one("cut");
    assert_eq!(cut.header("content-length"), whole.to_string());
    assert!(cut.body.len() < whole && !cut.body.is_empty());
    assert_eq!(one("close").status, 0);
    let from_github = one("github-404").json()["message"].as_str().expect("a text").to_owned();
    assert!(from_github.starts_with("{\"message\":\"Not Found\""), "{from_github}");
    let away = one("redirect");
    let elsewhere = format!("http://localhost:{}{document}", server.variable("BUCKET_PORT"));
    assert_eq!((away.status, away.header("location")), (302, elsewhere.as_str()));
    let secure = one("redirect-https");
    assert_eq!((secure.status, secure.header("location")), (301, format!("{}{document}", server.https()).as_str()));
}

#[test]
fn a_token_that_comes_to_its_end() {
    let server = StandIn::small();
    let document = server.document_path(&server.one("success"));
    server.behave(&[("token_ends_after", "2")]);
    assert_eq!(statuses(&server, &document, 4), [200, 200, 401, 401]);
    server.behave(&[("token_end_is", "404")]);
    assert_eq!(server.get(&document).json()["message"], "Project not found");
    server.reset();
    server.behave(&[("admin_ends_after", "1")]);
    assert_eq!(server.get("/api/v1.1/me").json()["admin"], true);
    assert_eq!(server.get("/api/v1.1/me").json()["admin"], false);
    assert_eq!(server.get(LISTING).status, 403);
    server.reset();
    assert_eq!(server.get(LISTING).status, 200);
}

#[test]
fn builds_come_end_and_go_between_pages() {
    let server = StandIn::small();
    let first = listed(&server);
    server.behave(&[("arrive", "2")]);
    assert_eq!(listed(&server), first);
    let second = listed(&server);
    assert!(second.is_superset(&first) && second.len() == first.len() + 2);
    let came: Vec<_> = second.difference(&first).collect();
    assert!(came.iter().all(|url| server.document(url).status == 200));
    server.reset();
    server.behave(&[("vanish", "3")]);
    let third = listed(&server);
    let fourth = listed(&server);
    assert!(third.is_superset(&fourth) && fourth.len() == third.len() - 3);
    assert!(third.difference(&fourth).all(|url| server.document(url).json()["message"] == "Build not found"));
    server.reset();
    let running = || {
        let heard = server.get("/api/v1/admin/recent-builds?status=running&limit=1000").json();
        heard.as_array().expect("a list").len()
    };
    server.behave(&[("end", "4")]);
    let before = running();
    assert_eq!(running(), before - 4);
    server.reset();
    // One of them, by name.
    let stuck = server.one("cut-running");
    server.set("end", &[("url", &stuck), ("status", "failed"), ("stop", "2026-11-20T08:00:00Z")]);
    let ended = server.document(&stuck).json();
    assert_eq!((&ended["lifecycle"], &ended["status"]), (&"finished".into(), &"failed".into()));
    assert_eq!(ended["stop_time"], "2026-11-20T08:00:00.000Z");
    // The truth goes along.
    assert_eq!(server.truth().len(), listed(&server).len());
}

#[test]
fn a_build_is_canceled_only_where_it_lives() {
    let server = StandIn::small();
    let cancel = |kind: &str| {
        let path = format!("{}/cancel", server.document_path(&server.one(kind)));
        let headers = [("Circle-Token", API_TOKEN), ("Accept", "application/json")];
        let heard = request(server.port(), "POST", &path, &headers, "");
        assert_eq!(heard.status, 200);
        heard.json()
    };
    let waiting = cancel("live-scheduled");
    assert_eq!((&waiting["lifecycle"], &waiting["status"]), (&"scheduled".into(), &"canceled".into()));
    assert_eq!(cancel("success")["status"], "success");
    assert_eq!(cancel("cut-running")["canceled"], false);
}

#[test]
fn the_console_deletes() {
    let server = StandIn::with(&[("builds", "300"), ("large_mb", "1"), ("host", "CI7.acme.example")]);
    let url = server.one("cut-running");
    assert!(url.starts_with("https://CI7.acme.example/"));
    let delete = |url: &str| server.evaluate(&format!("(admin/delete-build {url:?})"));
    let find = |url: &str| server.evaluate(&format!("(circle.model.build/find-one-by-circle-url {url:?})"));
    assert!(find(&url).contains(":lifecycle :running"));
    for wrong in [
        url.replace("https:", "http:"),
        url.replace("CI7", "CI8"),
        format!("{url}/"),
        format!("{url}?a=b"),
        format!("{url}#top"),
        url.replace("https://", "https://user@"),
        format!("{url}x"),
        "12".to_owned(),
    ] {
        let said = delete(&wrong);
        assert!(said.contains("eval-error") && said.contains("not the URL of a build"), "{wrong}: {said}");
    }
    let path = server.document_path(&url);
    assert_eq!(server.get(&path).status, 200);
    server.behave(&[("deletion", "pretend")]);
    assert!(delete(&url).contains(":deleted"));
    assert_eq!(server.get(&path).status, 200);
    server.behave(&[("deletion", "throw")]);
    assert!(delete(&url).contains("set to fail"));
    server.reset();
    // A cached answer shows it once more.
    server.behave(&[("linger", "1")]);
    assert!(delete(&url).contains(":deleted"));
    assert_eq!(statuses(&server, &path, 3), [200, 404, 404]);
    assert_eq!(server.get(&path).json()["message"], "Build not found");
    assert!(!listed(&server).contains(&url) && !find(&url).contains(":lifecycle"));
    assert!(delete(&url).contains("no such build"));
    let calls = server.calls();
    assert_eq!(calls.iter().filter(|call| call.ends_with(&format!("console delete-build {url}"))).count(), 4);
}

#[test]
fn every_request_is_on_record_and_no_token() {
    let server = StandIn::small();
    server.get("/api/v1.1/me?mine=false");
    server.get_as(None, "/api/v1.1/me");
    server.get_as(None, &format!("/api/v1.1/me?circle-token={USER_TOKEN}"));
    request(server.port(), "POST", "/api/v1.1/nothing", &[("Authorization", &format!("Bearer {API_TOKEN}"))], "");
    let calls = server.calls();
    let without_time: Vec<_> = calls.iter().map(|call| call.split_once(' ').expect("a time").1).collect();
    assert_eq!(
        without_time,
        [
            "http GET /api/v1.1/me?mine=false 200 token",
            "http GET /api/v1.1/me 401 no-token",
            "http GET /api/v1.1/me?circle-token=(redacted) 200 token",
            "http POST /api/v1.1/nothing 404 token",
        ]
    );
    assert!(calls.iter().all(|call| !call.contains(API_TOKEN) && !call.contains(USER_TOKEN)));
}

#[test]
fn the_same_seed_gives_the_same_builds() {
    let now = ("now", "2026-11-20T12:00:00Z");
    let make = |seed| {
        StandIn::with(&[("builds", "300"), ("large_mb", "1"), ("host", "ci.acme.example:8443"), ("seed", seed), now])
    };
    let (one, same, other) = (make("5"), make("5"), make("6"));
    let truth = |server: &StandIn| std::fs::read_to_string(server.variable("TRUTH")).expect("a file");
    assert_eq!(truth(&one), truth(&same));
    assert_ne!(truth(&one), truth(&other));
    assert_eq!(one.truth().len(), 300);
    // All but the addresses in the bucket.
    let document = |server: &StandIn| {
        let mut build = server.document(&one.one("cut-running")).json();
        for action in build["steps"].as_array_mut().expect("steps").iter_mut().map(|step| &mut step["actions"][0]) {
            action.as_object_mut().expect("an action").remove("output_url");
        }
        build
    };
    assert_eq!(document(&one), document(&same));
}
