//! What is known of T and R: a page for a person, and JSON for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::text::Foreign;
use crate::times::{Candidate, Continuation, ManifestRead, RestoreTime, TimesReport, Witnesses, WrittenSince};

/// The format of the JSON.
const FORMAT: &str = "halfbuilt-times/1";

/// The page.
pub fn times_page(report: &TimesReport) -> String {
    let mut page = String::new();
    let heads = [
        (RestoreTime::Backup, "T, when the backup was taken"),
        (RestoreTime::Restored, "R, when the restored server came back"),
    ];
    for (which, head) in heads {
        page += &format!("{head}:\n");
        let known: Vec<&Candidate> = report.of(which).collect();
        if known.is_empty() {
            page += "  nothing is known\n";
        }
        for candidate in known {
            page += &format!("  {}\n    by {}\n    beware: {}\n", candidate.moment, candidate.source, candidate.trap);
        }
        page.push('\n');
    }
    for ManifestRead { counted, continuation, written_since } in &report.manifests {
        let compared = continuation.map(|found| found.to_string()).into_iter();
        let compared = compared.chain(written_since.map(|found| found.to_string()));
        let remarks: Vec<String> = counted.remarks().into_iter().chain(compared).collect();
        page += &section(&format!("manifest {}", counted.file), &remarks);
    }
    if let Some(database) = &report.database {
        let mut remarks = match &database.witnesses {
            Some(witnesses) => witnesses.remarks(),
            None => {
                vec!["the builds are copies: what the database server says of itself says nothing of the CI".to_owned()]
            }
        };
        remarks.extend(database.row_versions.as_ref().map(ToString::to_string));
        page += &section(&format!("database {:?}", database.name), &remarks);
    }
    let against = report.conflict_sentences().into_iter();
    let against: Vec<String> = against.chain(report.contradictions.clone().into_iter().flatten()).collect();
    let nothing = match report.contradictions {
        Some(_) => "nothing, and no build either",
        None => "nothing; the builds were not compared with T and R",
    };
    page += &section("what contradicts T and R", &if against.is_empty() { vec![nothing.to_owned()] } else { against });
    if !report.several.is_empty() {
        page += &section("which is meant?", &report.several.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    if !report.unread.is_empty() {
        page += &section("could not be read", &report.unread.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    let flags: Vec<String> = report.flags().iter().map(|(flag, time)| format!("{flag} {time}")).collect();
    page += &match (flags.is_empty(), report.is_contradicted()) {
        (true, _) => {
            "flags to pass: none yet, since T is not known for certain (`halfbuilt help find-times`)\n".to_owned()
        }
        (false, true) => format!("flags to pass, once the contradictions are explained:\n  {}\n", flags.join(" ")),
        (false, false) => format!("flags to pass:\n  {}\n", flags.join(" ")),
    };
    if !flags.is_empty() && report.restored.is_none() {
        page += "  R is not known: nothing is deletable without --restored-at\n";
    }
    page
}

fn section(head: &str, lines: &[String]) -> String {
    let lines: String = lines.iter().map(|line| format!("  {}\n", Foreign::new(line))).collect();
    format!("{head}:\n{lines}\n")
}

/// Writes the JSON.
///
/// # Errors
/// The output cannot be written.
pub fn write_times(report: &TimesReport, to: &mut impl Write) -> io::Result<()> {
    let flags = report.flags().into_iter().map(|(flag, time)| json!({ "flag": flag, "time": time.to_string() }));
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    let database = report.database.as_ref().map(|database| {
        let server = database.witnesses.as_ref().map(server);
        json!({ "name": database.name, "server": server, "row_versions": database.row_versions })
    });
    let document = json!({
        "format": FORMAT,
        "backup_time": time(report.backup),
        "restored_at": time(report.restored),
        "flags": flags.collect::<Vec<_>>(),
        "candidates": report.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "database": database,
        "manifests": report.manifests.iter().map(manifest).collect::<Vec<_>>(),
        "conflicts": report.conflict_sentences(),
        "contradictions": report.contradictions,
        "several": report.several,
        "could_not_be_read": report.unread,
    });
    serde_json::to_writer_pretty(&mut *to, &document)?;
    writeln!(to)
}

fn candidate(known: &Candidate) -> Value {
    json!({
        "which": known.which.letter(),
        "time": known.moment.time().to_string(),
        "begin": known.moment.begin().map(|begin| begin.to_string()),
        "exactness": known.moment.word(),
        "source": known.source,
        "trap": known.trap,
    })
}

fn manifest(read: &ManifestRead) -> Value {
    let ManifestRead { counted, continuation, written_since } = read;
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    json!({
        "file": counted.file,
        "database": counted.name,
        "system_identifier": counted.system_identifier,
        "made_at": time(counted.counted_at),
        "newest_build": time(counted.newest_build),
        "next_transaction": counted.server.map(|server| server.next_transaction),
        "timeline": counted.server.and_then(|server| server.timeline),
        "last_commit": time(counted.server.and_then(|server| server.last_commit)),
        "continuation": match written_since {
            Some(WrittenSince::OlderBackup { .. }) => Some("older-backup"),
            _ => continuation.map(Continuation::word),
        },
        "builds_written_since": match written_since {
            Some(WrittenSince::Builds { builds, .. }) => Some(builds),
            _ => None,
        },
    })
}

fn server(witnesses: &Witnesses) -> Value {
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    json!({
        "is_standby": witnesses.is_standby,
        "started_at": time(witnesses.started_at),
        "last_replayed_at": time(witnesses.replayed_at),
        "recovered_at": time(witnesses.recovered_at),
        "timeline": witnesses.timeline(),
        "next_transaction": witnesses.moment.map(|moment| moment.next_transaction),
    })
}
