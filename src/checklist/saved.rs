//! A checklist that was run, as a JSON file: `halfbuilt-checklist/1`. Who reads it back sees what the run saw.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::file_access::{self, CHECKLIST};
use crate::report::Digesting;
use crate::text::Foreign;
use crate::version::TOOL;

use super::json_text;
use super::outcome::{CheckedItem, Checklist, Fault, ItemOutcome};

const FORMAT: &str = "halfbuilt-checklist/1";
/// What is added to the name of a report.
const ENDING: &str = ".checklist.json";

/// A file that is no checklist.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    #[error("{0}")]
    Shape(String),
    #[error("its format is {0:?}, not {FORMAT}")]
    Format(Foreign),
    #[error("it was edited: its exit_code is {said}, and its items come to {exit_code}")]
    Edited { said: u8, exit_code: u8 },
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    format: String,
    #[serde(default)]
    tool: String,
    began_at: Timestamp,
    machine: Option<String>,
    root: Option<String>,
    backup_time: Option<Timestamp>,
    restored_at: Option<Timestamp>,
    /// Who writes a file by hand may leave it out. Another than the items come to shows that they were edited.
    exit_code: Option<u8>,
    #[serde(default)]
    sentence: String,
    lists: Vec<ListOf>,
    items: Vec<ItemOf>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ListOf {
    name: String,
    title: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ItemOf {
    list: String,
    name: String,
    title: String,
    why: String,
    outcome: Word,
    /// What was seen, where it is right.
    #[serde(default)]
    seen: Vec<String>,
    #[serde(default)]
    faults: Vec<FaultOf>,
    #[serde(default)]
    todo: Vec<String>,
    /// Why it was not checked, or not needed.
    why_not: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FaultOf {
    what: String,
    file: Option<String>,
    line: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Right,
    ToDo,
    NotChecked,
    NotNeeded,
}

impl Checklist {
    /// The file of a checklist that belongs to a report: beside it, or, if that is a link, beside the file that it leads to.
    pub fn place(report: &Path) -> PathBuf {
        let report = report.canonicalize().unwrap_or_else(|_| report.to_owned());
        let mut name: OsString = report.into_os_string();
        name.push(ENDING);
        name.into()
    }

    /// Writes it.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let exit_code = self.tally().exit() as u8;
        let document = Document {
            format: FORMAT.to_owned(),
            tool: TOOL.to_owned(),
            began_at: self.began_at,
            machine: self.machine.as_ref().map(ToString::to_string),
            root: self.root.clone(),
            backup_time: self.backup,
            restored_at: self.restored,
            exit_code: Some(exit_code),
            sentence: self.sentence(),
            lists: self
                .lists
                .iter()
                .map(|(name, title)| ListOf { name: name.clone(), title: title.to_string() })
                .collect(),
            items: self.items.iter().map(ItemOf::from).collect(),
        };
        json_text::write(&document, to)
    }

    /// Reads a file, and gives the SHA-256 of its bytes.
    ///
    /// # Errors
    /// It cannot be read, or is no checklist.
    pub fn read(file: &Path) -> Result<(Self, String), SavedError> {
        Self::digested(file_access::read(file, CHECKLIST))
    }

    /// The same for a file that nobody named.
    ///
    /// # Errors
    /// It cannot be read, is no plain file, or is no checklist.
    pub fn read_plain(file: &Path) -> Result<Self, SavedError> {
        Ok(Self::digested(file_access::read_plain(file, CHECKLIST))?.0)
    }

    fn digested(bytes: io::Result<Vec<u8>>) -> Result<(Self, String), SavedError> {
        let bytes = bytes.map_err(SavedError::Read)?;
        let mut digesting = Digesting::new(bytes.as_slice());
        io::copy(&mut digesting, &mut io::sink()).map_err(SavedError::Read)?;
        Ok((Self::parse(&bytes)?, digesting.finish().1))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// It is no checklist.
    pub fn parse(bytes: &[u8]) -> Result<Self, SavedError> {
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let Format { format } = json_text::read(bytes).map_err(SavedError::Shape)?;
        if format != FORMAT {
            return Err(SavedError::Format(Foreign::name(&format)));
        }
        let document: Document = json_text::read(bytes).map_err(SavedError::Shape)?;
        let said = document.exit_code;
        let checklist = Self {
            root: document.root.map(|root| Foreign::url(&root).into()),
            machine: document.machine.as_deref().map(Foreign::name),
            began_at: document.began_at,
            backup: document.backup_time,
            restored: document.restored_at,
            lists: document
                .lists
                .into_iter()
                .map(|list| (Foreign::url(&list.name).into(), Foreign::name(&list.title)))
                .collect(),
            items: document.items.into_iter().map(CheckedItem::from).collect(),
        };
        let exit_code = checklist.tally().exit() as u8;
        match said.filter(|said| *said != exit_code) {
            Some(said) => Err(SavedError::Edited { said, exit_code }),
            None => Ok(checklist),
        }
    }
}

impl From<&CheckedItem> for ItemOf {
    fn from(item: &CheckedItem) -> Self {
        let texts = |texts: &[Foreign]| texts.iter().map(ToString::to_string).collect();
        let mut document = Self {
            list: item.list.clone(),
            name: item.name.clone(),
            title: item.title.to_string(),
            why: item.why.to_string(),
            outcome: Word::Right,
            seen: Vec::new(),
            faults: Vec::new(),
            todo: texts(item.outcome.todo()),
            why_not: None,
        };
        match &item.outcome {
            ItemOutcome::Right { seen } => document.seen = texts(seen),
            ItemOutcome::ToDo { faults, .. } => {
                document.outcome = Word::ToDo;
                document.faults = faults.iter().map(FaultOf::from).collect();
            }
            ItemOutcome::NotChecked { why } => {
                (document.outcome, document.why_not) = (Word::NotChecked, Some(why.to_string()));
            }
            ItemOutcome::NotNeeded { why } => {
                (document.outcome, document.why_not) = (Word::NotNeeded, Some(why.to_string()));
            }
        }
        document
    }
}

impl From<&Fault> for FaultOf {
    fn from(Fault { what, file, line }: &Fault) -> Self {
        Self { what: what.to_string(), file: file.as_ref().map(ToString::to_string), line: *line }
    }
}

impl From<ItemOf> for CheckedItem {
    fn from(item: ItemOf) -> Self {
        let texts = |texts: Vec<String>| texts.iter().map(|text| Foreign::evidence(text)).collect();
        let why = || Foreign::cut(item.why_not.as_deref().unwrap_or_default(), WHY).or("no reason on record");
        let fault = |fault: FaultOf| Fault {
            what: Foreign::evidence(&fault.what),
            file: fault.file.as_deref().map(Foreign::url),
            line: fault.line,
        };
        let outcome = match item.outcome {
            Word::Right => ItemOutcome::Right { seen: texts(item.seen) },
            Word::ToDo => {
                ItemOutcome::ToDo { faults: item.faults.into_iter().map(fault).collect(), todo: texts(item.todo) }
            }
            Word::NotChecked => ItemOutcome::NotChecked { why: why() },
            Word::NotNeeded => ItemOutcome::NotNeeded { why: why() },
        };
        Self {
            list: Foreign::url(&item.list).into(),
            name: Foreign::name(&item.name).into(),
            title: Foreign::evidence(&item.title),
            why: Foreign::evidence(&item.why),
            outcome,
        }
    }
}

/// The longest reason, in characters: several probes may have one each.
const WHY: usize = 1500;

#[cfg(test)]
mod tests {
    use super::*;

    fn checklist() -> Checklist {
        let item = |name: &str, outcome| CheckedItem {
            list: "circleci-2".to_owned(),
            name: name.to_owned(),
            title: Foreign::new("a title"),
            why: Foreign::new("a reason"),
            outcome,
        };
        let faults =
            vec![Fault::new("10.0.0.5 is \u{1b}[31mold").at("/etc/default/replicated", Some(3)), Fault::new("b")];
        Checklist {
            root: None,
            machine: Some(Foreign::new("ci-1")),
            began_at: "2026-12-01T00:00:00Z".parse().expect("a time"),
            backup: None,
            restored: "2026-11-20T06:30:00Z".parse().ok(),
            lists: vec![("circleci-2".to_owned(), Foreign::new("CircleCI Server 2.x"))],
            items: vec![
                item("a", ItemOutcome::Right { seen: vec![Foreign::new("seen")] }),
                item("b", ItemOutcome::ToDo { faults, todo: vec![Foreign::new("rm -rf /opt/nomad")] }),
                item("c", ItemOutcome::NotChecked { why: Foreign::new("why") }),
                item("d", ItemOutcome::NotNeeded { why: Foreign::new("not there") }),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut text = Vec::new();
        checklist().write(&mut text).expect("it is written");
        let back = Checklist::parse(&text).expect("a checklist");
        assert_eq!(format!("{back:?}"), format!("{:?}", checklist()));
        let mut again = Vec::new();
        back.write(&mut again).expect("it is written");
        assert_eq!(text, again);
        assert_eq!(back.tally(), checklist().tally());
    }

    #[test]
    fn a_checklist_whose_items_were_edited_is_refused() {
        let mut text = Vec::new();
        checklist().write(&mut text).expect("it is written");
        let edited = String::from_utf8(text).expect("UTF-8").replace("\"to-do\"", "\"right\"");
        let error = Checklist::parse(edited.as_bytes()).expect_err("it was edited").to_string();
        assert_eq!(error, "it was edited: its exit_code is 1, and its items come to 3");
        let without = edited.replace("\"exit_code\": 1,", "");
        assert!(without != edited && Checklist::parse(without.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_checklist_is_refused_without_its_text() {
        for (text, said) in [
            ("", "it breaks off"),
            ("{}", "it has another shape"),
            ("{\"format\":\"halfbuilt-verdict/1\"}", "its format is \"halfbuilt-verdict/1\""),
            ("{\"format\":\"halfbuilt-checklist/1\",\"items\":\"hunter2\"}", "it has another shape"),
        ] {
            let error = Checklist::parse(text.as_bytes()).expect_err(text).to_string();
            assert!(error.starts_with(said) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
