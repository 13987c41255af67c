//! `--objects` of scan and verify: holds what records promise against what is stored.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::cli::ObjectsArgs;
use crate::not_checked::{NotChecked, Unchecked};
use crate::objects::{BucketSettings, Compared, KindTally, Listing, ObjectsArg, Place, compare};
use crate::output::Progress;
use crate::scan::{Held, Kinds, Scan, ScanPlan};
use crate::text::{Foreign, counted};

use super::Error;

/// The rule about files that are not stored.
const MISSING: &str = "object-missing";

/// What is to be listed, and how long files are kept.
pub(super) struct ObjectsRequest {
    places: Vec<(Kinds, Place)>,
    kept: Vec<(String, SignedDuration)>,
}

impl ObjectsRequest {
    /// `None` where nobody asked for it.
    ///
    /// # Errors
    /// Two places for one kind, or two lengths.
    pub(super) fn from_args(args: ObjectsArgs) -> Result<Option<Self>, Error> {
        let ObjectsArgs { objects, objects_retention } = args;
        let mut kinds = BTreeSet::new();
        for ObjectsArg { kind, .. } in &objects {
            if !kinds.insert(kind.clone()) {
                let of = kind
                    .as_deref()
                    .map_or_else(|| "files of any kind".to_owned(), |kind| format!("files of kind {kind}"));
                return Err(Error::Misuse {
                    what: format!("--objects names two places for {of}"),
                    hint: "name the kind of each: --objects artifact=s3://ONE --objects output=s3://OTHER".to_owned(),
                });
            }
        }
        let mut kept = BTreeSet::new();
        if let Some((kind, _)) = objects_retention.iter().find(|(kind, _)| !kept.insert(kind.clone())) {
            return Err(Error::Usage(format!("--objects-retention names kind {kind} twice")));
        }
        if objects.is_empty() {
            return Ok(None);
        }
        let named: Vec<String> = kinds.into_iter().flatten().collect();
        let mut places: Vec<(Kinds, Place)> = Vec::new();
        for ObjectsArg { kind, place } in objects {
            let same = places.iter_mut().find_map(|(kinds, known)| match kinds {
                Kinds::These(kinds) if *known == place => Some(kinds),
                _ => None,
            });
            match (kind, same) {
                // One listing serves several kinds.
                (Some(kind), Some(kinds)) => kinds.push(kind),
                (Some(kind), None) => places.push((Kinds::These(vec![kind]), place)),
                (None, _) => places.push((Kinds::AllBut(named.clone()), place)),
            }
        }
        Ok(Some(Self { places, kept: objects_retention }))
    }

    /// The saved listings, which no output may be.
    pub(super) fn files(&self) -> impl Iterator<Item = &std::path::Path> {
        self.places.iter().filter_map(|(_, place)| match place {
            Place::Saved(path) => Some(path.as_path()),
            Place::Bucket { .. } | Place::Folder(_) => None,
        })
    }

    /// Compares every place with what its records promise, and has the rules report what came of it. Gives back what was not checked.
    ///
    /// # Errors
    /// A place or the database cannot be read to the end: then nothing is said of any file.
    pub(super) async fn hold(&self, scan: &mut Scan<'_>, progress: &Progress) -> Result<Vec<NotChecked>, Error> {
        if !scan.rule_names().any(ScanPlan::is_about_objects) {
            return Ok(Vec::new());
        }
        let settings = BucketSettings::of_environment();
        let mut held = Held::default();
        let mut not_checked = Vec::new();
        let (mut judged, mut expired) = (0, 0);
        for (kinds, place) in &self.places {
            progress.enter(&format!("listing {}", Foreign::name(&place.to_string())));
            let listing = Listing::open(place, &settings).await?;
            let promised = scan.promised(kinds, &self.kept, place.before_keys()).await?;
            let compared = compare(listing, promised).await?;
            say(&compared, progress);
            judged += compared.by_kind.values().map(|kind| kind.judged).sum::<u64>();
            expired += compared.by_kind.values().map(|kind| kind.expired).sum::<u64>();
            not_checked.extend(
                compared.absent.iter().map(|absent| NotChecked {
                    what: Unchecked::FailedCheck(MISSING.to_owned()),
                    why: absent.in_words(),
                }),
            );
            if compared.not_named > 0 {
                let why = format!(
                    "of {} more nothing is said: too many builds lack files",
                    counted(compared.not_named, "file")
                );
                not_checked.push(NotChecked { what: Unchecked::FailedCheck(MISSING.to_owned()), why });
            }
            for (rule, build, evidence) in compared.found {
                held.add(rule, build, evidence);
            }
        }
        let why_not = match (judged, expired) {
            (0, 0) => Some("no build that stopped ten minutes before the backup names a file"),
            (0, _) => Some("each file that is not there may have been deleted on purpose, and none is there"),
            _ => None,
        };
        scan.hold(held, why_not);
        Ok(not_checked)
    }
}

/// Says what a comparison counted.
fn say(compared: &Compared, progress: &Progress) {
    let place = Foreign::name(&compared.place.to_string());
    progress.say(&format!("{place}: {} stored", counted(compared.stored, "object")));
    for (kind, tally) in &compared.by_kind {
        let kind = if kind.is_empty() { "no kind".to_owned() } else { format!("kind {}", Foreign::name(kind)) };
        let KindTally { judged, found, not_judged, expired } = tally;
        let files = if *judged == 1 { "file is" } else { "files are" };
        let mut line = format!("  {kind}: {found} of {judged} {files} there");
        for (count, why) in [
            (expired, "not there, and may have been deleted on purpose"),
            (not_judged, "not judged, since their builds did not stop ten minutes before the backup"),
        ] {
            if *count > 0 {
                line.push_str(&format!("; {count} {why}"));
            }
        }
        progress.say(&line);
    }
}
