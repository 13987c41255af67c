//! Files of evidence: which kind a file is, by what is in it, and what it says.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::file_access::{self, EVIDENCE};
use crate::text::Foreign;

use super::candidate::{Candidate, RestoreTime};
use super::error::EvidenceError;
use super::kind::{EvidenceKind, LogShape};
use super::manifest::{self, CountedDatabase};
use super::point::Point;
use super::{backup_label, cloud, ebs, json_text, log_line, pgbackrest, server_log, velero, waldump};

/// How a file in UTF-16 begins, in either order of the bytes.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The kind of a file that holds this; `None` for anything else.
fn kind_of(bytes: &[u8]) -> Option<EvidenceKind> {
    match json_text::begins(bytes) {
        true => json_text::kind(bytes),
        false if backup_label::is_one(bytes) => Some(EvidenceKind::BackupLabel),
        false if waldump::is_one(bytes) => Some(EvidenceKind::WalDump),
        false => server_log::is_one(bytes).then_some(EvidenceKind::ServerLog),
    }
}

/// The shape of a server's log that is not read. A file that is JSON as a whole may be another kind of evidence.
fn log_shape(bytes: &[u8]) -> Option<LogShape> {
    let is_evidence = json_text::begins(bytes) && json_text::kind(bytes).is_some();
    if is_evidence { None } else { log_line::shape(bytes) }
}

/// A file that a person names, and the one of its backups that is meant, or the zone of its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceFile {
    /// The file.
    pub path: PathBuf,
    choice: Option<String>,
}

impl EvidenceFile {
    /// Reads `FILE` or `FILE#NAME`. A file whose own name has a `#` is found too.
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once('#') {
            Some((path, choice)) if !path.is_empty() && !choice.is_empty() && !Path::new(text).exists() => {
                Self { path: path.into(), choice: Some(choice.to_owned()) }
            }
            _ => Self { path: text.into(), choice: None },
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, is none of the kinds that are known, or has a fault; what is asked for is not in it.
    pub fn read(&self) -> Result<Evidence, EvidenceError> {
        let bytes = file_access::read(&self.path, EVIDENCE).map_err(EvidenceError::Read)?;
        let evidence = Evidence::of(&bytes, self.choice.as_deref())?;
        Ok(evidence.in_file(&self.path.display().to_string()))
    }
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// The database of which it was made, where it is a manifest.
    pub counted: Option<CountedDatabase>,
    points: Vec<Point>,
    zone_is_named: bool,
}

impl Evidence {
    /// What these bytes of a file say. `choice` is the name of the backup that is meant, or the zone of the file's times.
    ///
    /// # Errors
    /// As of [`EvidenceFile::read`].
    pub fn of(bytes: &[u8], choice: Option<&str>) -> Result<Self, EvidenceError> {
        if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
            return Err(EvidenceError::Utf16);
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if let Some([one, other]) = json_text::two_kinds(bytes) {
            return Err(EvidenceError::TwoKinds(one, other));
        }
        if let Some(shape) = log_shape(bytes) {
            return Err(EvidenceError::LogShape(shape));
        }
        let kind = kind_of(bytes).ok_or(EvidenceError::Unknown)?;
        let has_written_times =
            matches!(kind, EvidenceKind::BackupLabel | EvidenceKind::WalDump | EvidenceKind::ServerLog);
        let zone = choice.filter(|_| has_written_times).and_then(|choice| TimeZone::get(choice).ok());
        let mut counted = None;
        let points = match kind {
            EvidenceKind::Manifest => manifest::read(bytes).map(|(database, point)| {
                counted = Some(database);
                vec![point]
            }),
            EvidenceKind::EbsSnapshots => ebs::read(bytes),
            EvidenceKind::RdsSnapshots => cloud::read_rds(bytes),
            EvidenceKind::Ec2Images => cloud::read_images(bytes),
            EvidenceKind::GcpSnapshots => cloud::read_gcp(bytes),
            EvidenceKind::Velero => velero::read(bytes),
            EvidenceKind::PgBackRest => pgbackrest::read(bytes),
            EvidenceKind::BackupLabel => backup_label::read(bytes, zone.as_ref()),
            EvidenceKind::WalDump => waldump::read(bytes, zone.as_ref()),
            EvidenceKind::ServerLog => server_log::read(bytes, zone.as_ref()),
        };
        let points = points.map_err(|fault| fault.of(kind))?;
        let all = Self { kind, points, zone_is_named: zone.is_some(), counted };
        match choice.filter(|_| !all.zone_is_named) {
            Some(choice) => all.only(choice),
            None => Ok(all),
        }
    }

    /// The one backup of this name.
    fn only(self, choice: &str) -> Result<Self, EvidenceError> {
        let Self { kind, points, zone_is_named, counted } = self;
        let names = |points: &[Point]| points.iter().filter_map(Point::name).collect::<Vec<_>>();
        let is_meant = |point: &Point| point.names.iter().any(|name| name == choice);
        let meant: Vec<Point> = points
            .iter()
            .filter(|point| is_meant(point))
            .cloned()
            .map(|point| if kind == EvidenceKind::ServerLog { point.named() } else { point })
            .collect();
        match meant.is_empty() {
            true => Err(EvidenceError::NoSuch { kind, name: Foreign::name(choice), names: names(&points) }),
            false => Ok(Self { kind, points: meant, zone_is_named, counted }),
        }
    }

    fn in_file(self, file: &str) -> Self {
        let candidates = |point: Point| point.candidates.into_iter().map(|known| known.in_file(file)).collect();
        let points = self.points.into_iter();
        let points = points.map(|point| Point { names: point.names.clone(), candidates: candidates(point) }).collect();
        let counted = self.counted.map(|counted| CountedDatabase { file: Foreign::url(file), ..counted });
        Self { points, counted, ..self }
    }

    /// All that the file says, of every backup in it.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.points.iter().flat_map(|point| &point.candidates)
    }

    /// Checks that the file is about one backup.
    ///
    /// # Errors
    /// It holds several, of different times.
    pub fn is_of_one_backup(&self) -> Result<(), EvidenceError> {
        let moments =
            |point: &Point| point.candidates.iter().map(|known| (known.which, known.moment)).collect::<Vec<_>>();
        // Snapshots of several volumes that were made by one request have one time.
        match self.points.windows(2).all(|pair| moments(&pair[0]) == moments(&pair[1])) {
            true => Ok(()),
            false => {
                if let [first, _, ..] = self.points.as_slice()
                    && self.points.iter().all(|point| point.names == first.names)
                    && let Some(name) = first.name()
                {
                    return Err(EvidenceError::SameName { kind: self.kind, name, backups: self.points.len() as u64 });
                }
                let names = self.points.iter().filter_map(Point::name).collect();
                Err(EvidenceError::Several { kind: self.kind, names, zone_is_named: self.zone_is_named })
            }
        }
    }

    /// What the file says of T.
    ///
    /// # Errors
    /// It holds several backups of different times, or says no T.
    pub fn backup(&self) -> Result<&Candidate, EvidenceError> {
        self.is_of_one_backup()?;
        let candidates = self.points.first().into_iter().flat_map(|point| &point.candidates);
        let of_backup = candidates.clone().filter(|known| known.which == RestoreTime::Backup);
        let usable = of_backup.clone().find(|known| known.moment.usable().is_some());
        usable.ok_or_else(|| EvidenceError::NotSaid {
            candidates: candidates.cloned().collect(),
            name: self
                .points
                .first()
                .filter(|_| self.kind == EvidenceKind::ServerLog && !self.zone_is_named)
                .and_then(Point::name),
        })
    }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "evidence_log_tests.rs"]
mod log_tests;

#[cfg(test)]
#[path = "evidence_start_tests.rs"]
mod start_tests;
