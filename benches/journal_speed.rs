//! Measures a journal: durable appends a second, one by one and several at once, and how fast a long one is checked.
//!
//! `cargo bench --bench journal_speed -- [FOLDER [APPENDS]]`; the folder (default: the present one) has to be on the
//! disk that is to be measured.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::future::join_all;
use halfbuilt::deletion::journal::{DatabaseName, Event, Intent, Journal, ReportFile, Start, read_or_new};
use halfbuilt::state::State;
use halfbuilt::timing::Timing;

const BUILDS: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let appends = arguments.next().map_or(Ok(3200), |appends| appends.parse())?;
    let folder = tempfile::tempdir_in(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut stdout = io::stdout().lock();
    for jobs in [1, 8, 32, 128] {
        let file = folder.path().join(format!("{jobs}.journal"));
        let rate = runtime.block_on(append(&file, appends, jobs))?;
        writeln!(stdout, "{jobs:>4} at once: {rate:>8.0} durable appends a second")?;
    }
    let file = folder.path().join("long.journal");
    let (journal, _) = Journal::open(&file)?;
    let run = (0..BUILDS).flat_map(|number| [intent(number), Event::result(&url(number), State::Deleted, "gone")]);
    runtime.block_on(journal.append([start()].into_iter().chain(run).collect()))?;
    let began = Instant::now();
    let lines = read_or_new(&file)?.lines;
    let megabytes = std::fs::metadata(&file)?.len() / 1_000_000;
    writeln!(stdout, "{lines} lines ({megabytes} MB) checked in {:.2} s", began.elapsed().as_secs_f64())?;
    Ok(())
}

/// Appends that many intents by that many jobs; tells how many came through a second.
async fn append(file: &Path, appends: u64, jobs: u64) -> Result<f64, Box<dyn Error>> {
    let (journal, _) = Journal::open(file)?;
    let began = Instant::now();
    let all = (0..jobs).map(|job| {
        let journal = journal.clone();
        async move {
            for number in (job..appends).step_by(jobs as usize) {
                journal.append(vec![intent(number)]).await?;
            }
            Ok::<(), io::Error>(())
        }
    });
    join_all(all).await.into_iter().collect::<io::Result<()>>()?;
    Ok(appends as f64 / began.elapsed().as_secs_f64())
}

fn url(number: u64) -> String {
    format!("https://ci.example.com/gh/acme/api/{number}")
}

fn intent(number: u64) -> Event {
    Event::Intent(Box::new(Intent {
        url: url(number),
        project: Some("acme/api".to_owned()),
        number: Some(number),
        request: None,
        line: number + 2,
        reasons: vec!["stuck-running".to_owned(), "output-truncated".to_owned()],
        evidence: "running, never stopped; step 4 \"run tests\": 812 of 2431 lines stored".to_owned(),
        timing: Timing::InFlight,
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
        key: Some(number.to_string()),
        queued_at: None,
        cancel: None,
    }))
}

fn start() -> Event {
    Event::Start(Box::new(Start {
        tool: "halfbuilt 0.1.0".to_owned(),
        user: "alice".to_owned(),
        machine: "bastion-1".to_owned(),
        pid: std::process::id(),
        report: ReportFile { file: "report.csv".to_owned(), sha256: "0".repeat(64) },
        results: None,
        plan: "0".repeat(64),
        deletions: BUILDS,
        kept: 0,
        host: "ci.example.com".to_owned(),
        admin: "nrepl://127.0.0.1:6005".to_owned(),
        database: DatabaseName {
            system_identifier: None,
            name: "circle".to_owned(),
            reads: "0123456789abcdef".to_owned(),
        },
        tables: None,
        collection: None,
        backup_time: None,
        restored_at: None,
        chosen_by: Vec::new(),
        allowed: Vec::new(),
    }))
}
