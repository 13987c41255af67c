//! What the records of builds promise of object storage, key by key.

use jiff::SignedDuration;

use crate::database::{Parameter, Rows};
use crate::sql::{OBJECTS, expression, filled};

use super::engine::Scan;
use super::error::ScanError;
use super::held::Held;
use super::relation::{EXPIRES_AT, Relation};
use super::rule::Rule;

/// Which kinds of files are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// Those that are named.
    These(Vec<String>),
    /// All others, and files of no kind.
    AllBut(Vec<String>),
}

/// A file that object storage should hold, by the record of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromisedObject {
    pub key: String,
    /// Output, artifact, cache; empty where the profile gives none.
    pub kind: String,
    /// Its size in bytes; `None` where the record gives none.
    pub size: Option<i64>,
    /// The key of its build as text.
    pub build_key: String,
    /// Whether its build stopped so long before the backup that all had been uploaded.
    pub is_judged: bool,
    /// Whether it may have been deleted on purpose by now.
    pub is_expired: bool,
}

/// The promised files in the order of their keys' bytes, read row by row.
pub struct Promised<'a> {
    rows: Rows<'a>,
}

impl Scan<'_> {
    /// Has the rules about object storage report this; `why_not` where no file of any build could be judged: then they checked nothing.
    pub fn hold(&mut self, held: Held, why_not: Option<&str>) {
        if let Some(why) = why_not {
            self.leave_out_rules(Rule::reads_listing, why);
        }
        self.held = Some(held);
    }

    /// Starts to read what the records promise. A file of a kind in `kept` may be deleted so long after the stop of its build. Where a key is
    /// an address, `before` is what its path has before the key: the bucket with a slash, and the prefix.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn promised(
        &self,
        kinds: &Kinds,
        kept: &[(String, SignedDuration)],
        before: [String; 2],
    ) -> Result<Promised<'_>, ScanError> {
        let (among, named) = match kinds {
            Kinds::These(named) => (const { OBJECTS.part("of_these_kinds") }, named),
            Kinds::AllBut(named) => (const { OBJECTS.part("of_other_kinds") }, named),
        };
        let (scope, mut parameters) = self.scope_parameters();
        let first = parameters.len();
        let expires_at = match self.fit.gives(Relation::Object, EXPIRES_AT) {
            true => "object.expires_at",
            false => "NULL::timestamptz",
        };
        // The parameters of the scope come first.
        let [kinds, kept_kinds, kept_for, before_key] =
            [(1, "text"), (2, "text"), (3, "bigint"), (4, "text")].map(|(nth, of)| format!("${}::{of}[]", first + nth));
        let among = filled(expression(among), &[("kinds", &kinds)]);
        let values = [
            ("among", among.as_str()),
            ("expires_at", expires_at),
            ("kept_kinds", &kept_kinds),
            ("kept_for", &kept_for),
            ("before", &before_key),
        ];
        let promised = filled(const { OBJECTS.part("promised") }, &values);
        parameters.push(Parameter::Texts(named.clone()));
        parameters.push(Parameter::Texts(kept.iter().map(|(kind, _)| kind.clone()).collect()));
        let microseconds = kept.iter().map(|(_, length)| i64::try_from(length.as_micros()).unwrap_or(i64::MAX));
        parameters.push(Parameter::Integers(microseconds.collect()));
        parameters.push(Parameter::Texts(before.to_vec()));
        let statement = self.relations(scope).followed_by(&[], &promised);
        let rows = self.snapshot.rows("reading which files builds have", &statement, &parameters).await?;
        Ok(Promised { rows })
    }
}

impl Promised<'_> {
    /// The next file, or `None` after the last.
    ///
    /// # Errors
    /// What the server complains about; a value that cannot be read.
    pub async fn next(&mut self) -> Result<Option<PromisedObject>, ScanError> {
        let Some(row) = self.rows.next().await? else { return Ok(None) };
        Ok(Some(PromisedObject {
            key: row.text("key")?.unwrap_or_default(),
            kind: row.text("kind")?.unwrap_or_default(),
            size: row.integer("size")?,
            build_key: row.text("build_key")?.unwrap_or_default(),
            is_judged: row.boolean("is_judged")?.unwrap_or(false),
            is_expired: row.boolean("is_expired")?.unwrap_or(false),
        }))
    }
}
