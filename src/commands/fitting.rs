//! Which of the profiles that ship fit a database, where the one that was asked for does not.

use crate::database::Database;
use crate::scan::{Fit, Profile, Rule, ScanError, ScanPlan};

use super::Error;
use super::read_request::ReadRequest;

/// Adds to the error of a profile that does not fit the database which of those that ship do. Other errors stay as they are.
pub(super) async fn name_fitting_profiles(error: Error, read: &ReadRequest, database: &mut Database) -> Error {
    let source = match error {
        Error::Scan(source @ (ScanError::NoSchema { .. } | ScanError::Misfit { .. } | ScanError::Columns { .. })) => {
            source
        }
        other => return other,
    };
    // Where the profile fits without any rule, a rule is at fault.
    let Ok(false) = fits(&read.profile, read, database).await else { return Error::Scan(source) };
    let mut fitting = Vec::new();
    for (name, _) in Profile::shipped().filter(|(name, _)| *name != read.profile) {
        match fits(name, read, database).await {
            Ok(true) => fitting.push(name),
            Ok(false) => {}
            Err(_) => return Error::Scan(source),
        }
    }
    Error::WrongProfile { source: Box::new(source), profile: read.profile.clone(), fitting }
}

/// Whether a profile fits the database, whatever the rules.
///
/// # Errors
/// It cannot be known: the profile cannot be read, the connection is lost.
async fn fits(profile: &str, read: &ReadRequest, database: &mut Database) -> Result<bool, Error> {
    let profile = Profile::load(profile)?;
    let times = read.times.with_defaults(Some(&profile));
    let no_rules: Vec<Rule> = Vec::new();
    let plan = ScanPlan::new(profile, no_rules, &[], times, None)?.in_schema(read.schema.clone());
    let snapshot = database.snapshot(&plan.settings()).await?;
    match Fit::check(&plan, &snapshot).await {
        Ok(_) | Err(ScanError::CollectionTooOld { .. }) => Ok(true),
        Err(
            ScanError::NoSchema { .. }
            | ScanError::NoCollection { .. }
            | ScanError::Misfit { .. }
            | ScanError::Columns { .. },
        ) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
