//! `delete` of builds that were collected, killed at any instant: what was done counts, what was not is done, and nothing is sent twice
//! without a look in between.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

use halfbuilt::exit::Exit;

use crate::delete_console::command;
use crate::support::{API_TOKEN, Collection, Hearing, Report, Run, StandIn, wait_until};

/// Kills in a run of the tests; `HALFBUILT_TEST_KILLS` for more.
const KILLS: usize = 8;
/// Kills of one deletion; then it may come to its end.
const KILLS_EACH: usize = 8;

/// A deletion by a report of what was collected of a server of its own.
struct Deletion {
    via: String,
    collection: Collection,
    folder: tempfile::TempDir,
    before: BTreeSet<String>,
    chosen: BTreeSet<String>,
}

impl Deletion {
    fn new(seed: usize) -> Self {
        let options = [("builds", "300"), ("large_mb", "1"), ("seed", &seed.to_string())];
        let collection = Collection::of(StandIn::with(&options));
        let folder = tempfile::tempdir().expect("a folder");
        collection.collect(&["--all"]).run().exits(Exit::Clean);
        collection.reads(&["scan", "-o", "report.csv"]).at(folder.path()).run().exits(Exit::Clean);
        let report = Report::read(&folder.path().join("report.csv")).rows.into_iter();
        let chosen = report.filter(|row| row["deletable"] == "yes").map(|row| row["build_url"].clone()).collect();
        let before = collection.there().into_iter().collect();
        let nrepl = collection.server.nrepl();
        let port = nrepl.rsplit_once(':').expect("a port").1;
        // By nREPL, and by a program that is typed into.
        let via = if seed % 2 == 1 { nrepl.clone() } else { format!("console:{}", command(&format!("nrepl {port}"))) };
        Self { via, collection, folder, before, chosen }
    }

    fn run(&self) -> Run {
        let host = format!("127.0.0.1:{}", self.collection.server.port());
        let run =
            self.collection.reads(&["delete", "report.csv", "--via", &self.via, "--max-percent", "100", "--execute"]);
        run.args(&["--confirm", &host, "-o", "results.csv"]).env("HALFBUILT_TOKEN", API_TOKEN).at(self.folder.path())
    }

    /// Starts it, and kills it after a while; the first time not before something is gone, however long a busy machine takes for it. Gives
    /// whether it was killed before it came to its end.
    fn kill_after(&self, pause: Duration, is_first: bool) -> bool {
        let mut child = self.run().start();
        let hearing = Hearing::of(&mut child);
        if is_first {
            let child = std::cell::RefCell::new(&mut child);
            wait_until(|| !self.gone().is_empty() || child.borrow_mut().try_wait().expect("a child").is_some());
        } else {
            std::thread::sleep(pause);
        }
        let ended = child.try_wait().expect("a child").is_some();
        let _ = child.kill();
        let _ = child.wait();
        drop(hearing);
        !ended
    }

    fn gone(&self) -> BTreeSet<String> {
        let after: BTreeSet<String> = self.collection.there().into_iter().collect();
        self.before.difference(&after).cloned().collect()
    }

    /// The builds that were sent more than once, and of these the ones that were not looked at in between.
    fn sent_again(&self) -> (usize, Vec<String>) {
        let mut sent: BTreeMap<String, usize> = BTreeMap::new();
        let (mut looked, mut again, mut blind) = (BTreeSet::new(), 0, Vec::new());
        let base = self.collection.server.variable("BASE").to_owned();
        for call in self.collection.server.calls() {
            let words: Vec<&str> = call.split(' ').collect();
            match words.as_slice() {
                [_, "console", "delete-build", url] => {
                    let url = (*url).to_owned();
                    if sent.contains_key(&url) {
                        again += 1;
                        if !looked.contains(&url) {
                            blind.push(url.clone());
                        }
                    }
                    looked.remove(&url);
                    *sent.entry(url).or_default() += 1;
                }
                [_, "http", "GET", path, ..] => {
                    let path = path.strip_prefix("/api/v1.1/project").unwrap_or_default();
                    looked.insert(format!("{base}{path}"));
                }
                _ => {}
            }
        }
        assert!(sent.keys().all(|url| self.chosen.contains(url)), "{sent:?}");
        (again, blind)
    }
}

#[test]
fn a_kill_at_any_instant_loses_nothing_and_sends_nothing_twice_without_a_look() {
    let kills = std::env::var("HALFBUILT_TEST_KILLS").map_or(KILLS, |kills| kills.parse().expect("a number"));
    let (mut killed, mut in_the_middle, mut again, mut round) = (0, 0, 0, 0);
    while killed < kills {
        let deletion = Deletion::new(round + 1);
        assert!(deletion.chosen.len() > 20);
        // While it connects, plans, looks, sends and proves; in each deletion at other instants. The first of all is in the middle.
        for number in 0..KILLS_EACH.min(kills - killed) {
            let pause = 300 + (round * 370 + number * 1310) % 9000;
            if !deletion.kill_after(Duration::from_millis(pause as u64), number == 0) {
                break;
            }
            killed += 1;
            let gone = deletion.gone();
            assert!(gone.is_subset(&deletion.chosen), "lost: {:?}", gone.difference(&deletion.chosen));
            in_the_middle += usize::from(!gone.is_empty() && gone != deletion.chosen);
        }
        let done = deletion.run().run().exits(Exit::Clean);
        assert_eq!(deletion.gone(), deletion.chosen, "{}", done.stderr);
        let results = Report::read(&deletion.folder.path().join("results.csv")).rows;
        let states: BTreeSet<&String> = results.iter().map(|row| &row["state"]).collect();
        assert!(states.iter().all(|state| ["deleted", "already-gone"].contains(&state.as_str())), "{states:?}");
        // What was deleted before a kill is in the list of what to run again, too.
        let list = Report::read(&deletion.folder.path().join("report.csv.run-again.csv")).rows;
        assert_eq!(list.iter().map(|row| row["build_url"].clone()).collect::<BTreeSet<_>>(), deletion.chosen);
        assert!(list.iter().all(|row| row["commit"].len() == 40), "{list:?}");
        let (sent_again, blind) = deletion.sent_again();
        assert_eq!(blind, Vec::<String>::new(), "sent twice without a look");
        again += sent_again;
        round += 1;
    }
    if std::env::var_os("HALFBUILT_TEST_KILLS").is_some() {
        let said = format!("{killed} kills of {round} deletions, {in_the_middle} in the middle; sent again: {again}");
        writeln!(std::io::stderr(), "{said}").expect("it is written");
    }
    assert!(in_the_middle > 0, "no kill came while it deleted");
}
