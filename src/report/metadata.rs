//! The metadata of a report: a small file beside it, `report.csv.about.json`, that says when and what was scanned. It is not part of
//! the report, since two scans of one unchanged database have to be the same byte for byte.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::build_url::AddressForm;
use crate::collection::Collection;
use crate::file_access;
use crate::table::Table;
use crate::version::TOOL;

use super::alive::{self, AliveList};
use super::collection;
use super::digest::Digesting;

/// The format that is written, and the only one that is read.
const FORMAT: &str = "halfbuilt-about/1";
/// The field that holds the digest of all others.
const SEAL: &str = "sha256";
/// The name of the file is that of the report with this at its end.
const ENDING: &str = ".about.json";

/// The file names the projects with the most builds, and no name that is longer than this, in bytes. So it can always be read.
const PROJECTS: usize = 1000;
const PROJECT_NAME: usize = 120;
/// The clocks of two machines may differ by this much: a backup may seem to be that much later than the scan.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(24);

/// The manifest with which the builds were compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    pub file: String,
    /// Builds in the manifest, in scope or not.
    pub builds: u64,
    /// Builds in scope that are not in the database any more.
    pub lost: u64,
    /// Projects whose highest build number is lower than it was.
    pub backwards: u64,
    /// `None` if there is no signature, or it was not checked.
    pub signature_is_good: Option<bool>,
}

/// When and what was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanMetadata {
    /// When the snapshot was taken, by the clock of the machine that scanned.
    pub scanned_at: Timestamp,
    /// The number of the server's data directory, if the role may read it.
    pub system_identifier: Option<String>,
    pub database: String,
    pub profile: String,
    /// How the addresses of builds are written. Older files do not say: then it is CircleCI's form.
    pub addresses: AddressForm,
    /// The tables that were read; `None` in older files.
    pub tables: Option<Vec<Table>>,
    /// Whose documents were read; `None` where the builds are no documents, and in older files.
    pub collection: Option<Collection>,
    /// T.
    pub backup_time: Option<Timestamp>,
    /// R, from the command line or from the server's own record.
    pub restored_at: Option<Timestamp>,
    /// `--clock-tolerance`, `--max-run-time` and `--max-queue-time`, in this order; `None` in older files.
    pub limits: Option<[SignedDuration; 3]>,
    /// Builds of the database that contradict T and R.
    pub contradictions: u64,
    /// Builds in scope.
    pub builds: u64,
    /// Builds in the report.
    pub findings: u64,
    /// The rules that were run.
    pub rules: Vec<String>,
    /// What was not checked, and why.
    pub not_checked: Vec<(String, String)>,
    pub baseline: Option<Baseline>,
    /// The lists of what is alive that were read.
    pub alive: Vec<AliveList>,
    /// Builds in scope by project; `""` is for builds without a project. Small projects may be missing.
    pub projects: BTreeMap<String, u64>,
    /// The SHA-256 of the report as it was written, in hexadecimal digits.
    pub report_sha256: String,
}

/// Metadata that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    /// What is wrong with a field.
    #[error("{0}")]
    Field(String),
}

impl ScanMetadata {
    /// The path of the metadata: beside the report, or, if that is a link, beside the file that it leads to.
    pub fn place(report: &Path) -> PathBuf {
        let report = report.canonicalize().unwrap_or_else(|_| report.to_owned());
        let mut name: OsString = report.into_os_string();
        name.push(ENDING);
        name.into()
    }

    /// The builds in scope and the lost ones.
    pub fn all_builds(&self) -> u64 {
        self.builds.saturating_add(self.baseline.as_ref().map_or(0, |baseline| baseline.lost))
    }

    /// Projects whose build numbers went backwards; 0 without a baseline.
    pub fn backwards(&self) -> u64 {
        self.baseline.as_ref().map_or(0, |baseline| baseline.backwards)
    }

    /// The projects that the metadata names: those with the most builds.
    pub fn largest(projects: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let mut largest: Vec<_> = projects.iter().filter(|(name, _)| name.len() <= PROJECT_NAME).collect();
        largest.sort_by_key(|(name, builds)| (Reverse(**builds), *name));
        largest.into_iter().take(PROJECTS).map(|(name, builds)| (name.clone(), *builds)).collect()
    }

    /// Reads the metadata; `None` if there is no such file.
    ///
    /// # Errors
    /// The file is there and cannot be read, or was not written by a scan.
    pub fn read(place: &Path) -> Result<Option<Self>, MetadataError> {
        Ok(Self::read_with_digest(place)?.map(|(about, _)| about))
    }

    /// As [`ScanMetadata::read`], with the SHA-256 of the file in hexadecimal digits.
    ///
    /// # Errors
    /// The file is there and cannot be read, or was not written by a scan.
    pub fn read_with_digest(place: &Path) -> Result<Option<(Self, String)>, MetadataError> {
        let text = match file_access::read_plain(place, file_access::METADATA) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let about = Self::parse(&serde_json::from_slice(&text)?)?;
        let mut digesting = Digesting::new(text.as_slice());
        io::copy(&mut digesting, &mut io::sink())?;
        Ok(Some((about, digesting.finish().1)))
    }

    /// Writes the metadata.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let time = |time: Timestamp| time.to_string();
        let not_checked: Vec<Value> =
            self.not_checked.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect();
        let mut about = json!({
            "format": FORMAT,
            "tool": TOOL,
            "scanned_at": time(self.scanned_at),
            "database": { "system_identifier": self.system_identifier, "name": self.database },
            "profile": self.profile,
            "tables": self.tables.as_ref().map(|tables| tables.iter().map(of_table).collect::<Vec<_>>()),
            "collection": self.collection.as_ref().map(collection::to_json),
            "backup_time": self.backup_time.map(time),
            "restored_at": self.restored_at.map(time),
            "clock_tolerance_ms": self.limits.map(|limits| limits[0].as_millis()),
            "max_run_seconds": self.limits.map(|limits| limits[1].as_secs()),
            "max_queue_seconds": self.limits.map(|limits| limits[2].as_secs()),
            "times_contradicted": self.contradictions,
            "builds": self.builds,
            "findings": self.findings,
            "rules": self.rules,
            "not_checked": not_checked,
            "baseline": self.baseline.as_ref().map(|baseline| json!({
                "file": baseline.file,
                "builds": baseline.builds,
                "lost": baseline.lost,
                "backwards": baseline.backwards,
                "signature_is_good": baseline.signature_is_good,
            })),
            "alive": alive::to_json(&self.alive),
            "projects": self.projects,
            "report_sha256": self.report_sha256,
        });
        if self.addresses != AddressForm::default() {
            about["addresses"] = self.addresses.as_str().into();
        }
        about[SEAL] = seal(&about)?.into();
        serde_json::to_writer_pretty(&mut *to, &about)?;
        writeln!(to)
    }

    fn parse(about: &Value) -> Result<Self, MetadataError> {
        if about["format"] != FORMAT {
            return Err(MetadataError::Field(format!("its format is not {FORMAT}")));
        }
        // Older files have none.
        if about.get(SEAL).is_some_and(|sealed| seal(about).ok().as_deref() != sealed.as_str()) {
            return Err(MetadataError::Field(
                "it was changed since it was written: its sha256 is of another text".to_owned(),
            ));
        }
        let wrong = |field: &str| MetadataError::Field(format!("its field {field} cannot be read"));
        let text = |value: &Value, field| value.as_str().map(str::to_owned).ok_or_else(|| wrong(field));
        let number = |field| about[field].as_u64().ok_or_else(|| wrong(field));
        let time = |field| text(&about[field], field)?.parse::<Timestamp>().map_err(|_| wrong(field));
        let optional = |field| if about[field].is_null() { Ok(None) } else { time(field).map(Some) };
        let list = |field| about[field].as_array().ok_or_else(|| wrong(field));
        let system_identifier = &about["database"]["system_identifier"];
        let (scanned_at, backup_time, restored_at) =
            (time("scanned_at")?, optional("backup_time")?, optional("restored_at")?);
        // A scan refuses such times.
        for (field, at) in [("backup_time", backup_time), ("restored_at", restored_at)] {
            if at.is_some_and(|at| at.duration_since(scanned_at) > CLOCKS_APART) {
                return Err(MetadataError::Field(format!("its field {field} is after the scan")));
            }
        }
        if restored_at.is_some_and(|restored| backup_time.is_some_and(|backup| restored < backup)) {
            return Err(MetadataError::Field("its field restored_at is before its backup_time".to_owned()));
        }
        Ok(Self {
            scanned_at,
            system_identifier: match system_identifier {
                Value::Null => None,
                _ => Some(text(system_identifier, "database")?),
            },
            database: text(&about["database"]["name"], "database")?,
            profile: text(&about["profile"], "profile")?,
            addresses: match &about["addresses"] {
                Value::Null => AddressForm::default(),
                words => text(words, "addresses")?.parse().map_err(|()| wrong("addresses"))?,
            },
            tables: match &about["tables"] {
                Value::Null => None,
                tables => Some(tables_of(tables).ok_or_else(|| wrong("tables"))?),
            },
            collection: match &about["collection"] {
                Value::Null => None,
                written => Some(collection::parse(written).ok_or_else(|| wrong("collection"))?),
            },
            backup_time,
            restored_at,
            // Older files do not say.
            limits: limits(about),
            contradictions: about["times_contradicted"].as_u64().unwrap_or_default(),
            builds: number("builds")?,
            findings: number("findings")?,
            rules: list("rules")?.iter().map(|rule| text(rule, "rules")).collect::<Result<_, _>>()?,
            not_checked: list("not_checked")?
                .iter()
                .map(|left| Ok((text(&left["what"], "not_checked")?, text(&left["why"], "not_checked")?)))
                .collect::<Result<_, MetadataError>>()?,
            baseline: match &about["baseline"] {
                Value::Null => None,
                baseline => Some(Baseline::parse(baseline).ok_or_else(|| wrong("baseline"))?),
            },
            alive: alive::parse(&about["alive"]).ok_or_else(|| wrong("alive"))?,
            projects: match &about["projects"] {
                Value::Null => BTreeMap::new(),
                projects => {
                    let projects = projects.as_object().ok_or_else(|| wrong("projects"))?;
                    let project = |(name, builds): (&String, &Value)| Some((name.clone(), builds.as_u64()?));
                    projects.iter().map(project).collect::<Option<_>>().ok_or_else(|| wrong("projects"))?
                }
            },
            report_sha256: text(&about["report_sha256"], "report_sha256")?,
        })
    }
}

/// The SHA-256 of all other fields, in hexadecimal digits. It shows that a field was edited, or that two files were mixed. It does not
/// show a change by somebody who computes the digest again or removes it.
fn seal(about: &Value) -> io::Result<String> {
    let mut about = about.clone();
    if let Some(fields) = about.as_object_mut() {
        fields.remove(SEAL);
    }
    let mut digesting = Digesting::new(io::sink());
    serde_json::to_writer(&mut digesting, &about)?;
    Ok(digesting.finish().1)
}

impl Baseline {
    fn parse(baseline: &Value) -> Option<Self> {
        Some(Self {
            file: baseline["file"].as_str()?.to_owned(),
            builds: baseline["builds"].as_u64()?,
            lost: baseline["lost"].as_u64()?,
            backwards: baseline["backwards"].as_u64()?,
            signature_is_good: match &baseline["signature_is_good"] {
                Value::Null => None,
                good => Some(good.as_bool()?),
            },
        })
    }
}

fn of_table(table: &Table) -> Value {
    let Table { schema, name, kind, owner, definition_sha256 } = table;
    json!({ "schema": schema, "name": name, "kind": kind, "owner": owner, "definition_sha256": definition_sha256 })
}

fn tables_of(tables: &Value) -> Option<Vec<Table>> {
    let table = |table: &Value| {
        let text = |field: &str| table[field].as_str().map(str::to_owned);
        let definition_sha256 = match &table["definition_sha256"] {
            Value::Null => None,
            digest => Some(digest.as_str()?.to_owned()),
        };
        Some(Table {
            schema: text("schema")?,
            name: text("name")?,
            kind: text("kind")?,
            owner: text("owner")?,
            definition_sha256,
        })
    };
    tables.as_array()?.iter().map(table).collect()
}

fn limits(about: &Value) -> Option<[SignedDuration; 3]> {
    let number = |field: &str| about[field].as_i64().filter(|number| *number >= 0);
    Some([
        SignedDuration::from_millis(number("clock_tolerance_ms")?),
        SignedDuration::from_secs(number("max_run_seconds")?),
        SignedDuration::from_secs(number("max_queue_seconds")?),
    ])
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use std::fs::File;

    fn about() -> ScanMetadata {
        ScanMetadata {
            scanned_at: "2026-11-22T21:12:05.123456Z".parse().expect("a time"),
            system_identifier: Some("7300000000000000001".to_owned()),
            database: "c\"i".to_owned(),
            profile: "circleci".to_owned(),
            addresses: AddressForm::AsWritten,
            tables: Some(vec![Table {
                schema: "public".to_owned(),
                name: "builds".to_owned(),
                kind: "view".to_owned(),
                owner: "ci".to_owned(),
                definition_sha256: Some("cd".repeat(32)),
            }]),
            collection: Some(Collection {
                id: "3".to_owned(),
                since: "2026-11-19T21:00:00Z".parse().ok(),
                ..Collection::default()
            }),
            backup_time: "2026-11-20T02:00:00Z".parse().ok(),
            restored_at: None,
            limits: Some([SignedDuration::from_secs(5), SignedDuration::from_hours(5), SignedDuration::from_hours(1)]),
            contradictions: 3,
            builds: 405,
            findings: 51,
            rules: vec!["stuck-running".to_owned()],
            not_checked: vec![("output-gap".to_owned(), "left out by --rule".to_owned())],
            baseline: Some(Baseline {
                file: "before.json".to_owned(),
                builds: 410,
                lost: 5,
                backwards: 1,
                signature_is_good: Some(true),
            }),
            alive: vec![AliveList {
                file: "nomad.txt".to_owned(),
                kind: "jobs of nomad status".to_owned(),
                alive: 3,
                over: 1,
                sha256: "ef".repeat(32),
            }],
            projects: [("acme/api".to_owned(), 400), (String::new(), 5)].into(),
            report_sha256: "ab".repeat(32),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let report = folder.path().join("report.csv");
        let place = ScanMetadata::place(&report);
        assert!(place.ends_with("report.csv.about.json"));
        assert!(ScanMetadata::read(&place).expect("nothing").is_none());
        about().write(&mut File::create(&place).expect("a file")).expect("a write");
        assert_eq!(ScanMetadata::read(&place).expect("it is good"), Some(about()));
    }

    #[test]
    fn however_many_projects_there_are_the_file_can_be_read() {
        let name = |number: u64| format!("{number:04}{}", "\u{1}".repeat(PROJECT_NAME - 4));
        let mut many: BTreeMap<String, u64> = (0..3000).map(|number| (name(number), number)).collect();
        many.insert("x".repeat(PROJECT_NAME + 1), 9000);
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("x");
        let largest = ScanMetadata { projects: ScanMetadata::largest(&many), ..about() };
        largest.write(&mut File::create(&place).expect("a file")).expect("a write");
        let read = ScanMetadata::read(&place).expect("it is good").expect("it is there");
        let expected: Vec<u64> = (2000..3000).collect();
        assert_eq!(read.projects.values().copied().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("x");
        let mut text = Vec::new();
        about().write(&mut text).expect("a write");
        let text = String::from_utf8(text).expect("UTF-8");
        let edited = text.replace("2026-11-22T21", "2026-11-22T22");
        std::fs::write(&place, edited).expect("a file");
        let message = ScanMetadata::read(&place).expect_err("trusted").to_string();
        assert_eq!(message, "it was changed since it was written: its sha256 is of another text");
        // As an older version wrote it.
        let unsealed = text.lines().filter(|line| !line.starts_with("  \"sha256\": "));
        let text: String = unsealed.map(|line| format!("{line}\n")).collect();
        std::fs::write(&place, &text).expect("a file");
        assert_eq!(ScanMetadata::read(&place).expect("it is good"), Some(about()));
        for (other, expected) in [
            (text[..text.len() / 2].to_owned(), "not JSON"),
            (text.replace("about/1", "about/2"), "its format is not halfbuilt-about/1"),
            (text.replace("2026-11-22T21:12:05.123456Z", "lately"), "its field scanned_at"),
            (text.replace("\"builds\": 405", "\"builds\": -1"), "its field builds"),
            (text.replace("\"acme/api\": 400", "\"acme/api\": true"), "its field projects"),
            (text.replace("\"kind\": \"view\"", "\"kind\": 1"), "its field tables"),
            (text.replace("\"lost\": 5", "\"lost\": \"5\""), "its field baseline"),
            (text.replace("2026-11-20T02:00:00Z", "9999-12-30T02:00:00Z"), "its field backup_time is after the scan"),
            (
                text.replace("\"restored_at\": null", "\"restored_at\": \"2026-11-20T01:59:59Z\""),
                "its field restored_at is before its backup_time",
            ),
            (" ".repeat(file_access::METADATA.largest as usize + 1), "larger than the 1 MiB"),
        ] {
            assert_ne!(other, text);
            std::fs::write(&place, other).expect("a file");
            let message = ScanMetadata::read(&place).expect_err("trusted");
            let message = format!("{message}: {:?}", message.source());
            assert!(message.contains(expected), "{message}");
        }
    }
}
