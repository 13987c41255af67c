//! What `delete` is asked to do: its flags, their variables and the policy come together here, and no flag goes any further.

use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

use crate::admin::{AdminFn, Options, Via};
use crate::cli::{ChosenTiming, DeleteArgs, TimingArg};
use crate::commands::read_request::ReadRequest;
use crate::commands::{Error, policy};
use crate::deletion::{GateError, Limits, Permit, RequestedLimits};
use crate::file_access::{self, is_dash};
use crate::policy::Policy;
use crate::project_glob::ProjectGlobs;
use crate::timing::{RestoreTimes, Timing};

/// How many deletions are under way at once where `--jobs` does not say: each console is a program of its own, and takes its time
/// to start.
const CONSOLE_JOBS: usize = 1;
const OTHER_JOBS: usize = 4;

/// What to delete, by what, and within which limits.
pub(super) struct DeleteRequest {
    /// The report or list; `-` is standard input.
    pub(super) report: PathBuf,
    pub(super) via: Via,
    pub(super) admin: AdminRequest,
    pub(super) reading: ReadRequest,
    /// Only rows that one of these rules found; all rows where none is named.
    pub(super) reasons: Vec<String>,
    pub(super) projects: ProjectGlobs,
    /// Where nothing is sent unless this is true.
    pub(super) execute: bool,
    /// The host that `--confirm` names.
    pub(super) confirm: Option<String>,
    pub(super) output: Option<PathBuf>,
    pub(super) journal: Option<PathBuf>,
    pub(super) archive: Option<PathBuf>,
    pub(super) policy: Option<PathBuf>,
    pub(super) permit: Permit,
    pub(super) limits: Limits,
    /// The policy that asks for an archive.
    pub(super) archive_required_by: Option<String>,
}

/// How to reach the admin path.
pub(super) struct AdminRequest {
    admin_fn: Option<AdminFn>,
    console_pty: bool,
    start_timeout: Duration,
    pub(super) token_file: Option<PathBuf>,
    token_header: String,
    pub(super) ca_file: Option<PathBuf>,
    allow_plain_http: bool,
    jobs: Option<NonZeroU8>,
    /// The most deletions a second.
    pub(super) rate: Option<f64>,
    timeout: Duration,
}

impl DeleteRequest {
    /// # Errors
    /// A flag or the policy cannot be read, or a flag is looser than the policy.
    pub(super) fn from_args(args: DeleteArgs) -> Result<Self, Error> {
        let via: Via = args.via.parse()?;
        let projects = ProjectGlobs::new(&args.projects)?;
        let reading = ReadRequest::from_args(&args.reading)?;
        let gates = args.gates;
        let policy = gates.policy.as_deref().map(policy::read).transpose()?;
        let asked = RequestedLimits {
            max: gates.max,
            max_percent: gates.max_percent,
            max_age: gates.max_age,
            times_contradicted: gates.allow,
        };
        let limits = Limits::settle(&asked, policy.as_ref())?;
        let allowed: Vec<Timing> = gates.allow_timing.into_iter().map(allowed_timing).collect();
        let mut permit = Permit {
            allowed_timings: allowed,
            only_timings: args.timings.into_iter().map(chosen_timing).collect(),
            ..Permit::default()
        };
        if let Some(policy) = &policy {
            check_timings(&permit.allowed_timings, policy)?;
            check_tolerance(reading.times.clock_tolerance, policy)?;
        }
        permit.denied.add(&gates.deny, "--deny")?;
        if let Some(policy) = &policy {
            permit.denied.add(&policy.delete.deny, &format!("deny in {}", policy.name()))?;
        }
        let admin = args.admin;
        Ok(Self {
            report: args.report,
            via,
            admin: AdminRequest {
                admin_fn: admin.admin_fn,
                console_pty: admin.console_pty,
                start_timeout: admin.start_timeout,
                token_file: admin.token_file,
                token_header: admin.token_header,
                ca_file: admin.ca_file,
                allow_plain_http: admin.allow_plain_http,
                jobs: admin.jobs,
                rate: admin.rate,
                timeout: admin.timeout,
            },
            reading,
            reasons: args.reasons,
            projects,
            execute: args.execute,
            confirm: args.confirm,
            output: args.output,
            journal: args.journal,
            archive: args.archive,
            policy: gates.policy,
            permit,
            limits,
            archive_required_by: policy.filter(|policy| policy.delete.archive).map(|policy| policy.name()),
        })
    }

    /// The file of the report; `None` where it comes from standard input.
    pub(super) fn report_file(&self) -> Option<&Path> {
        Some(self.report.as_path()).filter(|report| !is_dash(report))
    }

    /// How to connect to the admin path. The token is read here, so a dry run needs none.
    ///
    /// # Errors
    /// The file of the token cannot be read.
    pub(super) fn admin_options(&self) -> Result<Options, Error> {
        let admin = &self.admin;
        let usual = if matches!(self.via, Via::Console { .. }) { CONSOLE_JOBS } else { OTHER_JOBS };
        let token = match &admin.token_file {
            Some(file) => {
                let text = file_access::read_text(file, file_access::TOKEN);
                let text = text.map_err(|source| Error::Read { file: file.clone(), source })?;
                Some(text.trim().to_owned())
            }
            None => std::env::var("HALFBUILT_TOKEN").ok(),
        };
        Ok(Options {
            timeout: admin.timeout,
            jobs: admin.jobs.map_or(usual, |jobs| jobs.get().into()),
            admin_fn: admin.admin_fn.clone(),
            console_pty: admin.console_pty,
            start_timeout: admin.start_timeout,
            token: token.filter(|token| !token.is_empty()).map(SecretString::from),
            token_header: admin.token_header.clone(),
            ca_file: admin.ca_file.clone(),
            allow_plain_http: admin.allow_plain_http,
        })
    }
}

fn chosen_timing(chosen: ChosenTiming) -> Timing {
    match chosen {
        ChosenTiming::InFlight => Timing::InFlight,
        ChosenTiming::Stale => Timing::Stale,
        ChosenTiming::Ended => Timing::Ended,
        ChosenTiming::AfterRestore => Timing::AfterRestore,
        ChosenTiming::Between => Timing::Between,
        ChosenTiming::Unknown => Timing::Unknown,
    }
}

fn allowed_timing(allowed: TimingArg) -> Timing {
    match allowed {
        TimingArg::AfterRestore => Timing::AfterRestore,
        TimingArg::Between => Timing::Between,
        TimingArg::Unknown => Timing::Unknown,
    }
}

/// No flag allows a timing that the policy does not allow.
fn check_timings(asked: &[Timing], policy: &Policy) -> Result<(), GateError> {
    let Some(ruled) = &policy.delete.allow_timing else { return Ok(()) };
    let Some(looser) = asked.iter().find(|asked| !ruled.contains(asked)) else { return Ok(()) };
    let ruled: Vec<&str> = ruled.iter().map(|timing| timing.as_str()).collect();
    Err(GateError::Looser {
        flag: "--allow-timing",
        asked: looser.to_string(),
        ruled: format!("{ruled:?}"),
        policy: policy.name(),
        key: "allow_timing",
    })
}

/// Where the policy limits how many builds may contradict T and R, no flag can make them fewer by a larger tolerance.
fn check_tolerance(asked: Option<SignedDuration>, policy: &Policy) -> Result<(), GateError> {
    let ruled = policy.delete.clock_tolerance;
    let ruled = ruled.or(policy.delete.times_contradicted.map(|_| RestoreTimes::CLOCK_TOLERANCE));
    match (asked, ruled) {
        (Some(asked), Some(ruled)) if asked > ruled => Err(GateError::Looser {
            flag: "--clock-tolerance",
            asked: format!("{asked:#}"),
            ruled: format!("{ruled:#}"),
            policy: policy.name(),
            key: "clock_tolerance",
        }),
        _ => Ok(()),
    }
}
