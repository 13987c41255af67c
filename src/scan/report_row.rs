//! Turns a row of the report into a finding.

use crate::alive::BuildName;
use crate::database::Row;
use crate::finding::Finding;
use crate::obstacle::{Ground, Obstacle};
use crate::premise::{Premise, earlier};
use crate::text::Foreign;
use crate::timing::{BuildTimes, Timing};

use super::blind::{reads_what_builds_hold, why_blind};
use super::error::ScanError;
use super::fingerprint::fingerprint;
use super::fit::Fit;
use super::judge::{RowDetails, obstacles};
use super::plan::ScanPlan;
use super::relation::{CANCEL_PATH, DELETE_PATH, Relation};
use super::rule::Rule;

/// Where a build's steps and output stand: what they come to, and when they were last written.
#[derive(Clone, Copy)]
pub(super) enum Signs<'a> {
    /// In the same row.
    InRow,
    /// In another row of the part `report`, read by the key of the build.
    Read(&'a Row),
    /// Nowhere: they could not be read.
    Unread,
}

/// Reads a row of the part `report` of sql/engine/report.sql.
pub(super) fn finding(
    plan: &ScanPlan,
    fit: &Fit,
    premise: &Premise,
    row: &Row,
    signs: Signs<'_>,
) -> Result<Finding, ScanError> {
    let is_read = !matches!(signs, Signs::Unread);
    let steps_known = is_read && plan.profile.offers(Relation::Step);
    let output_known = is_read && plan.profile.offers(Relation::Chunk);
    let signs = match signs {
        Signs::Read(signs) => signs,
        Signs::InRow | Signs::Unread => row,
    };
    let times = BuildTimes {
        queued: row.time("queued_at")?,
        started: row.time("started_at")?,
        stopped: row.time("stopped_at")?,
        last_seen_by_backup: signs.time("last_seen_by_backup")?,
        last_step_started: signs.time("last_step_started_at")?,
        last_stored: signs.time("last_stored_at")?,
    };
    let timing = match Timing::of(&times, premise.moments().as_ref()) {
        // It has been silent only as far as can be read.
        Timing::Stale if !is_read => Timing::InFlight,
        timing => timing,
    };
    let path_columns = fit.path_columns(plan);
    let path = |column: &'static str| match path_columns.contains(&column) {
        true => row.text(column),
        false => Ok(None),
    };
    let shares_path = if path_columns.is_empty() { None } else { row.text("shares_path")? };
    let mut found = Finding {
        key: row.text("build_key")?.unwrap_or_default(),
        build_url: row.text("build_url")?,
        project: row.text("project")?,
        build_num: row.integer("build_num")?,
        lifecycle: row.text("lifecycle")?,
        status: row.text("status")?,
        queued_at: times.queued,
        started_at: times.started,
        stopped_at: times.stopped,
        last_activity_at: signs.time("last_activity_at")?,
        last_work_at: times.last_step_started.max(times.last_stored),
        timing,
        reasons: row.texts("reasons")?,
        evidence: Foreign::new(&row.text("evidence")?.unwrap_or_default()).into(),
        steps: signs.integer("steps")?.filter(|_| steps_known),
        steps_unfinished: signs.integer("steps_unfinished")?.filter(|_| steps_known),
        output_expected: signs.integer("output_expected")?,
        output_stored: signs.integer("output_stored")?.filter(|_| output_known),
        same_address: row.text("same_address")?.map(|shares| Foreign::new(&shares).into()),
        delete_path: path(DELETE_PATH)?,
        cancel_path: path(CANCEL_PATH)?,
        obstacles: Vec::new(),
        unlisted: false,
        fingerprint: String::new(),
    };
    let seen = RowDetails {
        is_there: row.boolean("is_there")?.unwrap_or(false),
        did_between: did_between(&times, premise),
        written: premise.row_versions.written(row.integer("row_version")?.map(i64::unsigned_abs)),
        in_future: signs.boolean("in_future")?.unwrap_or(true),
        signs_unread: !is_read,
        rows_of_key: row.integer("rows_of_key")?.map(i64::unsigned_abs),
        resembles: row.text("resembles")?.map(|other| Foreign::new(&other).into()),
        shares_path: shares_path.map(|shares| Foreign::new(&shares).into()),
        odd_number: row.text("odd_number")?.map(|number| Foreign::name(&number).into()),
        shows_a_start: shows_a_start(&times, premise),
        grounds: grounds(plan, &found.reasons, row.texts("obstacles")?),
        blind: blind(plan, premise, &found.reasons, row.boolean("is_lost")?.unwrap_or(false)),
    };
    found.obstacles = obstacles(&found, &seen, plan.ci_behaviour(premise), premise);
    add_what_lists_say(&mut found, plan);
    if found.lifecycle.is_some() && found.build_url.is_none() && found.build_num.is_none() {
        // Nothing else in its row would show a person which build it is.
        found.evidence = format!("build {}: {}", Foreign::new(&found.key), found.evidence);
    }
    found.fingerprint = fingerprint(&found.key, &found, row.text("off_record")?.as_deref(), &fit.database_tag);
    Ok(found)
}

/// Adds which lists of what is alive name the build, or that none does.
fn add_what_lists_say(found: &mut Finding, plan: &ScanPlan) {
    let name = BuildName {
        key: &found.key,
        url: found.build_url.as_deref(),
        project: found.project.as_deref(),
        number: found.build_num,
    };
    let listing = plan.alive.iter().filter(|list| list.may_list(name));
    let listed: Vec<Obstacle> = listing.map(|list| Obstacle::ListedAsAlive(list.file.clone())).collect();
    found.unlisted = listed.is_empty() && !plan.alive.is_empty();
    // What is alive comes first.
    found.obstacles.splice(..0, listed);
}

/// What it did last between T and R, in words.
fn did_between(times: &BuildTimes, premise: &Premise) -> Option<String> {
    let (deed, at) = times.last_deed_between(&premise.moments()?)?;
    Some(format!("{deed} at {at}"))
}

/// Whether anything shows that it started since it was queued. Older signs are of an earlier attempt; clocks may differ.
fn shows_a_start(times: &BuildTimes, premise: &Premise) -> bool {
    let queued = times.queued.map(|queued| earlier(queued, premise.times.clock_tolerance));
    let signs = [times.started, times.last_step_started, times.last_stored];
    signs.into_iter().flatten().any(|sign| queued.is_none_or(|queued| sign >= queued))
}

/// When each reason makes a build deletable. A reason that no rule of the plan has is a baseline's, and never does.
fn grounds(plan: &ScanPlan, reasons: &[String], objections: Vec<String>) -> Vec<(Ground, String)> {
    let ground =
        |reason: &String| plan.rules.iter().find(|rule| rule.name == *reason).map_or(Ground::Never, |rule| rule.ground);
    reasons.iter().map(ground).zip(objections.iter().map(|word| Foreign::new(word).into())).collect()
}

/// For each reason, why it tells nothing: what the rule reads is lost, and not of this build alone.
fn blind(plan: &ScanPlan, premise: &Premise, reasons: &[String], is_lost: bool) -> Vec<Option<Obstacle>> {
    let of_rule = |rule: &Rule| match why_blind(rule, &premise.losses) {
        Some(empty) => Some(Obstacle::RelationEmpty(empty.clone())),
        None => (is_lost && reads_what_builds_hold(rule)).then_some(Obstacle::LostWithOthers),
    };
    let of_reason = |reason: &String| plan.rules.iter().find(|rule| rule.name == *reason).and_then(of_rule);
    reasons.iter().map(of_reason).collect()
}

/// The finding for a build that does not exist. It cannot be deleted.
pub(super) fn absent(fit: &Fit, project: &str, number: Option<i64>, rule: &str, evidence: String) -> Finding {
    let mut absent = Finding {
        key: String::new(),
        build_url: None,
        project: Some(project.to_owned()),
        build_num: number,
        lifecycle: None,
        status: None,
        queued_at: None,
        started_at: None,
        stopped_at: None,
        last_activity_at: None,
        last_work_at: None,
        timing: Timing::Ended,
        reasons: vec![rule.to_owned()],
        evidence: Foreign::new(&evidence).into(),
        steps: None,
        steps_unfinished: None,
        output_expected: None,
        output_stored: None,
        same_address: None,
        delete_path: None,
        cancel_path: None,
        obstacles: vec![Obstacle::NoBuild],
        unlisted: false,
        fingerprint: String::new(),
    };
    absent.fingerprint = fingerprint("", &absent, None, &fit.database_tag);
    absent
}
