//! What `nomad status` shows, as a table or as JSON.
//!
//! Source: CircleCI Server documentation, "Introduction to Nomad Cluster Operation": a job that is dead is over, whatever became of its
//! build. Nomad's job API: a job in a list has the fields ID, Name and Status.

use serde::Deserialize;

use crate::text::Foreign;

use super::error::AliveError;
use super::names::AliveNames;

/// The status of a job that is over. A job of any other status lives.
const OVER: &str = "dead";
/// What Nomad says where there is no job.
const NO_JOBS: &str = "No running jobs";
/// The columns of the table by which it is recognised.
const COLUMNS: [&str; 4] = ["ID", "Type", "Priority", "Status"];
/// How a line begins that holds the command itself, or a remark.
const PROMPTS: [&str; 3] = ["$ ", "# ", "> "];
/// How many lines may stand before the table, such as the command itself.
const LINES_BEFORE: usize = 20;

/// Whether a text is what `nomad status` shows.
pub(super) fn is_one(text: &str) -> bool {
    lines(text).take(LINES_BEFORE).any(|line| line == NO_JOBS || is_head(line))
}

/// Reads the table: how many jobs live, and how many are over.
pub(super) fn read_table(text: &str, names: &mut AliveNames) -> (u64, u64) {
    let (mut alive, mut over) = (0, 0);
    let mut place_of_status = None;
    for line in lines(text) {
        // Several tables may have been saved in one file.
        if is_head(line) {
            place_of_status = line.split_whitespace().position(|column| column == "Status");
            continue;
        }
        if line == NO_JOBS {
            continue;
        }
        let Some(place) = place_of_status else {
            // Somebody has put another list before the table, or behind "No running jobs".
            if !PROMPTS.iter().any(|prompt| line.starts_with(prompt)) {
                alive += 1;
                names.add(line);
            }
            continue;
        };
        let cells: Vec<&str> = line.split_whitespace().collect();
        // "dead (stopped)" is dead. A line that was cut says nothing of an end.
        if cells.get(place) == Some(&OVER) {
            over += 1;
            continue;
        }
        alive += 1;
        cells.first().iter().for_each(|id| names.add(id));
    }
    (alive, over)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Job {
    #[serde(rename = "ID")]
    id: String,
    name: Option<String>,
    status: String,
}

/// Reads a list of jobs as JSON: how many live, and how many are over.
pub(super) fn read_json(text: &str, names: &mut AliveNames) -> Result<(u64, u64), AliveError> {
    let jobs: Vec<Job> = serde_json::from_str(text).map_err(|error| {
        let why = format!("is no list of Nomad's jobs, each with ID and Status: {error}");
        AliveError::Json(Foreign::evidence(&why))
    })?;
    let (mut alive, mut over) = (0, 0);
    for Job { id, name, status } in jobs {
        if status == OVER {
            over += 1;
            continue;
        }
        alive += 1;
        names.add(&id);
        name.iter().for_each(|name| names.add(name));
    }
    Ok((alive, over))
}

fn is_head(line: &str) -> bool {
    let mut columns = line.split_whitespace();
    columns.next() == Some(COLUMNS[0]) && COLUMNS[1..].iter().all(|wanted| columns.any(|column| column == *wanted))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}
