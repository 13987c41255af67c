//! The stand-in for a CircleCI Server is as the public facts have it, so that what is tested against it is tested against them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{API_TOKEN, BACKUP_TIME, Heard, RESTORED_AT, StandIn, Truth, USER_TOKEN, request};

const LISTING: &str = "/api/v1/admin/recent-builds";

fn list(server: &StandIn, path: &str) -> Vec<Value> {
    let heard = server.get(path);
    assert_eq!(heard.status, 200, "{path}: {}", heard.text());
    // Half a pair of surrogates is no text to this parser: names of the kind odd-names have some.
    let text = heard.text().replace("\\ud83d", "?");
    serde_json::from_str(&text).expect("a list")
}

fn urls(list: &[Value]) -> Vec<String> {
    list.iter().map(|build| build["build_url"].as_str().expect("an address").to_owned()).collect()
}

#[track_caller]
fn says(heard: &Heard, status: u16, message: &str) {
    assert_eq!((heard.status, heard.json()["message"].as_str()), (status, Some(message)));
    assert_ne!(heard.header("x-route"), "", "a JSON error names its route");
    assert!(heard.header("content-type").starts_with("application/json"));
}

#[test]
fn who_one_is_and_what_one_may() {
    let server = StandIn::small();
    assert_eq!(server.get("/api/v1.1/me").json()["admin"], true);
    assert_eq!(server.get_as(Some(USER_TOKEN), "/api/v1.1/me").json()["admin"], false);
    for path in ["/api/v1.1/me", "/api/v1.1/projects", "/api/v1.1/recent-builds"] {
        for token in [None, Some("wrong")] {
            says(&server.get_as(token, path), 401, "You must log in first.");
        }
    }
    says(&server.get_as(Some(USER_TOKEN), LISTING), 403, "Permission denied");
    // A project that shows itself to everybody proves nothing of a token.
    let truth = server.truth();
    let of =
        |project: &str| truth.iter().find(|build| build.build_url.contains(project)).expect("one").build_url.clone();
    let open = server.document_path(&of("/gh/tools/lint.er/"));
    assert_eq!(server.get_as(None, &open).status, 200);
    let closed = server.document_path(&of("/gh/acme/deploy/"));
    says(&server.get_as(None, &closed), 404, "Project not found");
    says(&server.get_as(Some(USER_TOKEN), &closed), 404, "Project not found");
}

#[test]
fn what_is_not_there_answers_in_three_ways() {
    let server = StandIn::small();
    says(&server.get("/api/v1.1/project/gh/acme/api/999999999"), 404, "Build not found");
    says(&server.get("/api/v1.1/project/gh/acme/unheard-of/1"), 404, "Project not found");
    for path in
        ["/", "/api/v1.1/project/github/github/acme/api/1", "/api/v1.1/admin/recent-builds", "/api/v1.1/nothing"]
    {
        let heard = server.get(path);
        assert_eq!((heard.status, heard.header("x-route")), (404, ""), "{path}");
        assert!(heard.text().contains("Continuous Integration and Deployment"));
    }
    assert_eq!(server.get(&format!("{LISTING}?limit=many")).status, 400);
}

#[test]
fn without_the_right_word_an_answer_is_no_json() {
    let server = StandIn::small();
    let ask = |accept: &[(&str, &str)]| {
        let headers = [&[("Circle-Token", API_TOKEN)], accept].concat();
        request(server.port(), "GET", "/api/v1.1/me", &headers, "")
    };
    assert!(ask(&[]).text().starts_with("{:enrolled_betas [], :in_beta_program false"));
    let pretty = ask(&[("Accept", "*/*")]);
    assert_eq!(pretty.header("content-type"), "text/plain; charset=utf-8");
    assert!(pretty.text().starts_with("{\n  \"enrolled_betas\" : [],\n"));
    let zipped = ask(&[("Accept", "application/json"), ("Accept-Encoding", "gzip")]);
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(zipped.body.as_slice()), &mut plain).expect("gzip");
    assert!(plain.starts_with("{\"enrolled_betas\":[]"));
}

#[test]
fn lists_have_pages() {
    let server = StandIn::small();
    let all = list(&server, &format!("{LISTING}?limit=100000"));
    let truth: BTreeSet<_> = server.truth().into_iter().map(|build| build.build_url).collect();
    assert_eq!(urls(&all).into_iter().collect::<BTreeSet<_>>(), truth);
    assert_eq!((all.len(), truth.len()), (300, 300));
    // About the newest first, and not quite.
    let asked: Vec<_> = all.iter().filter_map(|build| build["usage_queued_at"].as_str()).collect();
    let backwards = asked.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((1..asked.len() / 3).contains(&backwards), "{backwards} of {}", asked.len());
    // Page after page is the same, and only an empty one is the end.
    let pages = (0..).map(|page| list(&server, &format!("{LISTING}?limit=70&offset={}", page * 70)));
    let pages: Vec<Value> = pages.take_while(|page| !page.is_empty()).flatten().collect();
    assert_eq!(urls(&pages), urls(&all));
    let backwards = list(&server, &format!("{LISTING}?limit=100000&order=asc"));
    assert_eq!(urls(&backwards), urls(&all).into_iter().rev().collect::<Vec<_>>());
    // What is open is asked for by its status.
    let status = |words: &str| list(&server, &format!("{LISTING}?limit=100000&status={words}"));
    let words =
        |list: &[Value]| list.iter().map(|build| build["status"].as_str().map(str::to_owned)).collect::<BTreeSet<_>>();
    assert_eq!(words(&status("running")), BTreeSet::from([Some("running".to_owned())]));
    assert_eq!(words(&status("scheduled,queued")).len(), 2);
    // Version 1.1 gives a hundred at most without a word, and only of projects that one follows.
    assert_eq!(list(&server, "/api/v1.1/recent-builds?limit=1000").len(), 100);
    let followed = list(&server, "/api/v1.1/projects").len();
    assert_eq!(followed, 2);
    let mine = list(&server, "/api/v1.1/recent-builds?limit=100&offset=0");
    let mine: BTreeSet<_> = mine.iter().map(|build| build["reponame"].as_str().expect("a name")).collect();
    assert_eq!(mine, BTreeSet::from(["api", "lint.er"]));
    // A project's are in order, and under both names of where it is kept.
    let numbers: Vec<_> = list(&server, "/api/v1.1/project/github/acme/api?limit=100")
        .iter()
        .map(|build| build["build_num"].as_i64())
        .collect();
    assert!(numbers.len() > 20 && numbers.windows(2).all(|pair| pair[0] > pair[1]), "{numbers:?}");
    let running = list(&server, "/api/v1.1/project/gh/acme/api?filter=running");
    assert!(running.iter().all(|build| build["lifecycle"] == "running") && !running.is_empty());
}

#[test]
fn a_summary_lacks_what_the_document_has() {
    let server = StandIn::small();
    let build_url = server.one("success");
    let document = server.document(&build_url).json();
    let find = |path: &str| {
        list(&server, path).into_iter().find(|build| build["build_url"] == build_url.as_str()).expect("it")
    };
    let listed = find(&format!("{LISTING}?limit=1000"));
    assert!(document["steps"].is_array() && listed["steps"].is_null() && listed["picard"].is_null());
    let millis = |build: &Value| build["build_time_millis"].as_i64().expect("a number");
    assert!(millis(&listed) > millis(&document), "the time in the queue is counted in the list");
    let shallow = find(&format!("{LISTING}?limit=1000&shallow=true"));
    let absent = ["previous", "retry_of", "messages", "canceled", "failed", "timedout", "vcs_type"];
    assert!(absent.iter().all(|name| shallow.get(name).is_none() && listed.get(name).is_some()));
}

/// Whether a document alone shows damage, by T and R and by nothing that the truth file says.
fn is_damaged(build: &Value) -> bool {
    let text = |name: &str| build[name].as_str();
    let (start, stop) = (text("start_time"), text("stop_time"));
    let over =
        build["outcome"].is_string() || stop.is_some() || build["canceled"] == true || build["dont_build"].is_string();
    let by_backup = |time: &str| time <= BACKUP_TIME;
    let actions =
        build["steps"].as_array().into_iter().flatten().filter_map(|step| step["actions"].as_array()).flatten();
    let open = actions.filter(|action| action["end_time"].is_null() && action["background"] != true).count();
    match text("lifecycle") {
        Some("finished") => open > 0 || stop.is_none() || start.is_some_and(by_backup) && stop > Some(RESTORED_AT),
        Some("running") => over || start.is_none_or(by_backup),
        Some("not_run") => start.is_some(),
        _ => !over && text("queued_at").or(text("usage_queued_at")).is_some_and(by_backup),
    }
}

#[test]
fn the_truth_is_what_the_documents_show() {
    let server = StandIn::small();
    let truth = server.truth();
    // What only the bucket shows.
    let elsewhere = ["output-lost", "artifact-lost"];
    let read = |build: &Truth| -> Value {
        let text = server.document(&build.build_url).text().replace("\\ud83d", "?");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{build:?}: {error}"))
    };
    let wrong: Vec<_> = truth
        .iter()
        .filter(|build| !elsewhere.contains(&build.kind.as_str()) && is_damaged(&read(build)) != build.damaged)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut kinds = BTreeMap::new();
    for build in &truth {
        *kinds.entry(build.kind.as_str()).or_insert(0) += 1;
        assert!(build.damaged || build.deletable == "no", "{build:?}");
    }
    assert!(kinds.len() > 60 && truth.iter().filter(|build| build.damaged).count() > 70, "{kinds:?}");
}

#[test]
fn the_surprises_are_in_it() {
    let server = StandIn::small();
    let of = |kind: &str| server.document(&server.one(kind)).json();
    let actions = |build: &Value| -> Vec<Value> {
        let steps = build["steps"].as_array().expect("steps");
        steps.iter().flat_map(|step| step["actions"].as_array().expect("actions").clone()).collect()
    };
    let service = actions(&of("service")).into_iter().find(|action| action["end_time"].is_null()).expect("an open one");
    assert!(service["name"].as_str().is_some_and(|name| name.starts_with("Container ")));
    assert!(service["background"] == true && service["insignificant"] == true && service["has_output"] == true);
    assert!(service.get("output_url").is_none());
    let behind = of("stop-before-start");
    assert!(behind["stop_time"].as_str() < behind["start_time"].as_str() && behind["build_time_millis"].is_null());
    let canceled = of("canceled-before-start");
    assert!(
        canceled["start_time"].is_null() && canceled["stop_time"].is_string() && canceled.get("queued_at").is_none()
    );
    assert_eq!((&canceled["lifecycle"], &canceled["canceler"]["user?"]), (&"scheduled".into(), &true.into()));
    assert_eq!(of("scheduled-not-run")["dont_build"], "1.0-not-available");
    assert_eq!(of("retries-491")["retries"].as_array().expect("numbers").len(), 491);
    let expired = of("expired");
    assert!(expired["steps"].as_array().is_some_and(Vec::is_empty) && expired["has_artifacts"] == false);
    let old = of("one-oh");
    assert!(old["picard"].is_null() && old["platform"] == "1.0");
    assert_eq!(actions(&old).iter().map(|action| action["step"].as_i64()).next_back().flatten(), Some(17));
    assert!(actions(&of("output-url-missing")).iter().any(|action| action.get("output_url").is_none()));
    assert!(of("tag")["branch"].is_null() && of("tag")["vcs_tag"].is_string());
    assert_eq!(of("no-user")["user"]["login"], "none");
    let twice = actions(&of("step-twice"));
    let places: BTreeSet<_> = twice.iter().map(|action| (action["step"].as_i64(), action["index"].as_i64())).collect();
    assert!(places.len() < twice.len());
    let odd = server.document(&server.one("odd-names")).text();
    assert!(["\\u0000", "\\ud83d ", "\u{1f680}", "\\u001b[31m"].iter().all(|part| odd.contains(part)));
    assert!(server.document(&server.one("large")).body.len() > 1 << 20);
    assert!(of("secret")["build_parameters"]["DEPLOY_PASSWORD"].is_string());
    assert_eq!(of("year-2013")["stop_time"].as_str().map(str::len), Some("2026-11-20T01:59:59Z".len()));
}

#[test]
fn the_bucket_takes_presigned_addresses_and_no_token() {
    let server = StandIn::small();
    let port = server.variable("BUCKET_PORT").parse().expect("a port");
    let presigned = |kind: &str| {
        let document = server.document(&server.one(kind)).json();
        let steps = document["steps"].as_array().expect("steps").clone();
        let url = steps.last().expect("a step")["actions"][0]["output_url"].as_str().expect("an address").to_owned();
        url::Url::parse(&url)
            .map(|url| format!("{}?{}", url.path(), url.query().unwrap_or_default()))
            .expect("an address")
    };
    let path = presigned("success");
    let get = |path: &str, headers: &[(&str, &str)]| request(port, "GET", path, headers, "");
    let messages = get(&path, &[]).json();
    assert!(messages[0]["time"].is_string() && messages[0]["message"].is_string() && messages[0]["type"].is_string());
    assert_eq!(get(&path, &[("Circle-Token", API_TOKEN)]).status, 400);
    assert_eq!(get(&format!("{path}0"), &[]).status, 403);
    assert_eq!(get(path.split('?').next().expect("a path"), &[]).status, 403);
    assert_eq!(request(port, "HEAD", &path, &[], "").status, 403);
    assert_eq!(get(&presigned("output-lost"), &[]).status, 404);
    server.behave(&[("expires", "-1")]);
    assert!(get(&presigned("success"), &[]).text().contains("Request has expired"));
    server.reset();
    let artifacts = server.get(&format!("{}/artifacts", server.document_path(&server.one("artifact-lost")))).json();
    let found: Vec<u16> = artifacts
        .as_array()
        .expect("a list")
        .iter()
        .map(|artifact| {
            let url = url::Url::parse(artifact["url"].as_str().expect("an address")).expect("an address");
            get(&format!("{}?{}", url.path(), url.query().unwrap_or_default()), &[]).status
        })
        .collect();
    assert_eq!(found, [200, 404, 200]);
    let none = server.get(&format!("{}/artifacts", server.document_path(&server.one("not-run")))).json();
    assert_eq!(none, Value::Array(Vec::new()));
}
