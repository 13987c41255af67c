//! What `delete` is asked to do: its flags, their variables and the policy come together here, and no flag goes any further.

use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;

use crate::admin::{AdminFn, Options, Via};
use crate::build_url::{AddressForm, BuildUrl};
use crate::cli::{Allowed, ChosenTiming, DeleteArgs, TimingArg};
use crate::commands::fetching::{ServerRequest, named_source};
use crate::commands::read_request::ReadRequest;
use crate::commands::{Error, policy};
use crate::deletion::{GateError, Limits, Permit, RequestedLimits};
use crate::drill::BadAllowance;
use crate::file_access::is_dash;
use crate::http_deletion::HttpDeletion;
use crate::output::Printer;
use crate::policy::Policy;
use crate::project_glob::{ProjectGlobs, listed};
use crate::scan::Profile;
use crate::sources::Address;
use crate::timing::{RestoreTimes, Timing};

/// How many deletions are under way at once where `--jobs` does not say: each console is a program of its own, and takes its time
/// to start.
const CONSOLE_JOBS: usize = 1;
const OTHER_JOBS: usize = 4;

/// Where the builds come from.
pub(super) enum Source {
    /// A report or a list in a file.
    File(PathBuf),
    Stdin,
    /// Addresses on the command line.
    Addresses(Vec<String>),
}

/// What to delete, by what, and within which limits.
pub(super) struct DeleteRequest {
    pub(super) source: Source,
    /// A dry run may do without one.
    pub(super) via: Option<Via>,
    pub(super) admin: AdminRequest,
    /// How the server is asked, by the admin path and for builds that were collected.
    /// The server to which the token may go, by which collected builds are fetched again.
    pub(super) collected_from: Option<Address>,
    pub(super) server: ServerRequest,
    pub(super) reading: ReadRequest,
    pub(super) profile: Profile,
    /// Whether the report itself tells T and R, so that a command with the same report needs neither.
    pub(super) report_tells_times: bool,
    /// Only rows that one of these rules found; all rows where none is named.
    pub(super) reasons: Vec<String>,
    pub(super) projects: ProjectGlobs,
    /// Lists of `--project`, each with the globs that it may mean if it is one glob.
    pub(super) project_lists: Vec<(String, ProjectGlobs)>,
    /// Whether a person chooses in an editor.
    pub(super) choose: bool,
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
    /// A `--clock-tolerance` above the default that no policy allows: with it fewer builds contradict T and R.
    wider_tolerance: Option<String>,
    /// The policy that asks for an archive.
    pub(super) archive_required_by: Option<String>,
    /// The policy that asks for a restore checklist.
    pub(super) checklist_required_by: Option<String>,
}

/// How to reach the admin path.
pub(super) struct AdminRequest {
    admin_fn: Option<AdminFn>,
    console_pty: bool,
    start_timeout: Duration,
    token_header: Option<String>,
    jobs: Option<NonZeroU8>,
    /// The most deletions a second.
    pub(super) rate: Option<f64>,
}

impl DeleteRequest {
    /// # Errors
    /// A flag or the policy cannot be read, or a flag is looser than the policy.
    pub(super) fn from_args(args: DeleteArgs, printer: Printer) -> Result<Self, Error> {
        let via = args.via.filter(|via| !via.trim().is_empty());
        let via = via.map(|via| via.parse::<Via>()).transpose()?;
        let lists = args.projects.iter().filter(|list| listed(list).len() > 1);
        let project_lists = lists.map(|list| Ok((list.clone(), ProjectGlobs::new(std::slice::from_ref(list))?)));
        let project_lists = project_lists.collect::<Result<_, Error>>()?;
        let projects: Vec<String> = args.projects.iter().flat_map(|list| listed(list)).collect();
        let projects = ProjectGlobs::new(&projects)?;
        let reading = ReadRequest::from_args(&args.reading, "delete", printer)?.with_alive(&args.alive)?;
        let profile = reading.load_profile()?;
        if args.execute && via.is_none() {
            return Err(no_admin_path(&profile));
        }
        let source = source(args.sources, profile.addresses)?;
        let gates = args.gates;
        let policy = gates.policy.as_deref().map(|file| policy::read(file, profile.addresses)).transpose()?;
        let asked = RequestedLimits {
            max: gates.max,
            max_percent: gates.max_percent,
            max_age: gates.max_age,
            ..allowed_by(&gates.allow)?
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
        let is_ruled = policy.as_ref().is_some_and(|policy| policy.delete.clock_tolerance.is_some());
        let wider_tolerance =
            reading.times.clock_tolerance.filter(|asked| !is_ruled && *asked > RestoreTimes::CLOCK_TOLERANCE);
        permit.denied.add_lists(&gates.deny, "--deny")?;
        if let Some(policy) = &policy {
            permit.denied.add(&policy.delete.deny, &format!("deny in {}", policy.name()))?;
        }
        let admin = args.admin;
        Ok(Self {
            source,
            via,
            admin: AdminRequest {
                admin_fn: admin.admin_fn,
                console_pty: admin.console_pty,
                start_timeout: admin.start_timeout,
                token_header: admin.token_header,
                jobs: admin.jobs,
                rate: admin.rate,
            },
            collected_from: admin.source.as_deref().map(named_source).transpose()?,
            server: ServerRequest {
                token_file: admin.token_file,
                timeout: admin.timeout,
                ca_file: admin.ca_file,
                allow_plain_http: admin.allow_plain_http,
            },
            reading,
            profile,
            report_tells_times: false,
            reasons: args.reasons,
            projects,
            project_lists,
            choose: args.choose,
            execute: args.execute,
            confirm: args.confirm,
            output: args.output,
            journal: args.journal,
            archive: args.archive,
            policy: gates.policy,
            permit,
            limits,
            wider_tolerance: wider_tolerance.map(|asked| format!("--clock-tolerance {asked:#}")),
            archive_required_by: policy.as_ref().filter(|policy| policy.delete.archive).map(Policy::name),
            checklist_required_by: policy.as_ref().filter(|policy| policy.delete.checklist).map(Policy::name),
        })
    }

    /// The file of the report or list; `None` where there is none.
    pub(super) fn report_file(&self) -> Option<&Path> {
        match &self.source {
            Source::File(file) => Some(file),
            Source::Stdin | Source::Addresses(_) => None,
        }
    }

    /// The admin path, which `--execute` needs.
    ///
    /// # Errors
    /// It was not named.
    pub(super) fn admin_path(&self) -> Result<&Via, Error> {
        self.via.as_ref().ok_or_else(|| no_admin_path(&self.profile))
    }

    /// By what the rows were chosen, besides the report itself.
    pub(super) fn chosen_by(&self) -> Vec<String> {
        let flags =
            |flag: &'static str, values: Vec<String>| values.into_iter().map(move |value| format!("{flag} {value}"));
        let timings = |timings: &[Timing]| timings.iter().map(ToString::to_string).collect();
        let editor = self.choose.then(|| "--choose".to_owned());
        flags("--reason", self.reasons.clone())
            .chain(flags("--timing", timings(&self.permit.only_timings)))
            .chain(flags("--allow-timing", timings(&self.permit.allowed_timings)))
            .chain(flags("--project", self.projects.globs().map(str::to_owned).collect()))
            .chain(editor)
            .collect()
    }

    /// What flags allow beyond the defaults and the policy. No policy allows a timing by itself, so each one is a flag's.
    pub(super) fn allowed_by_flags(&self) -> Vec<String> {
        let timings = self.permit.allowed_timings.iter().map(|timing| format!("--allow-timing {timing}"));
        let limits = self.limits.allowed_by_flags().into_iter();
        limits.chain(timings).chain(self.wider_tolerance.clone()).collect()
    }

    /// What the journal and messages call the report.
    pub(super) fn report_name(&self) -> String {
        match &self.source {
            Source::File(file) => file.display().to_string(),
            Source::Stdin => "-".to_owned(),
            Source::Addresses(_) => "the command line".to_owned(),
        }
    }

    /// Checks that builds can be deleted as their profile says through what `--via` names.
    ///
    /// # Errors
    /// The profile says how its CI deletes by HTTP, and `--via` names a console.
    pub(super) fn check_admin_path(&self, deletion: Option<&HttpDeletion>) -> Result<(), Error> {
        match (&self.via, deletion) {
            (Some(via @ (Via::Nrepl { .. } | Via::Console { .. })), Some(deletion)) => Err(Error::Misuse {
                what: format!(
                    "profile {} deletes a build by {} of its own path, and --via {via} is no HTTP server",
                    self.reading.profile, deletion.delete
                ),
                hint: "name the CI's own address: --via https://ci.example.com".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// How to connect to the admin path, and how builds are deleted there by HTTP. The token is read here, so a dry run needs none.
    ///
    /// # Errors
    /// The file of the token cannot be read.
    pub(super) fn admin_options(&self, deletion: Option<&HttpDeletion>) -> Result<Options, Error> {
        let (admin, server) = (&self.admin, &self.server);
        let usual = if matches!(self.via, Some(Via::Console { .. })) { CONSOLE_JOBS } else { OTHER_JOBS };
        Ok(Options {
            timeout: server.timeout,
            jobs: admin.jobs.map_or(usual, |jobs| jobs.get().into()),
            admin_fn: admin.admin_fn.clone(),
            console_pty: admin.console_pty,
            start_timeout: admin.start_timeout,
            token: server.token()?,
            token_header: admin.token_header.clone(),
            deletion: deletion.cloned(),
            ca_file: server.ca_file.clone(),
            allow_plain_http: server.allow_plain_http,
        })
    }
}

fn no_admin_path(profile: &Profile) -> Error {
    let hint = match profile.deletion {
        Some(_) => {
            "--via https://HOST, or HALFBUILT_VIA: the server that takes the requests of the profile; `halfbuilt help delete-by-http`"
        }
        None => {
            "--via nrepl://HOST:6005, --via 'console:COMMAND' or --via https://HOST/PATH, or HALFBUILT_VIA; `halfbuilt help delete` says \
             which"
        }
    };
    Error::Misuse {
        what: "--execute needs --via URI: the admin path through which builds are deleted".to_owned(),
        hint: hint.to_owned(),
    }
}

/// A report, a list, or addresses, never both.
fn source(named: Vec<PathBuf>, form: AddressForm) -> Result<Source, Error> {
    let address = |name: &PathBuf| {
        let name = name.to_string_lossy();
        let is_address = ["http://", "https://"].iter().any(|begin| name.starts_with(begin));
        // In CircleCI's form without what follows a question mark: it may hold a token.
        is_address
            .then(|| BuildUrl::parse_in(form, &name).map_or_else(|_| name.clone().into_owned(), |url| url.to_string()))
    };
    let addresses: Vec<String> = named.iter().filter_map(address).collect();
    match named.as_slice() {
        [one] if is_dash(one) => Ok(Source::Stdin),
        [one] if addresses.is_empty() => Ok(Source::File(one.clone())),
        _ if addresses.len() == named.len() => Ok(Source::Addresses(addresses)),
        _ => Err(Error::Misuse {
            what: format!("{} things to delete from: expected one report, or only URLs of builds", named.len()),
            hint: "delete from one report at a time; a list of URLs may be a file or standard input, too".to_owned(),
        }),
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

/// The limits that `--allow CHECK=N` sets.
fn allowed_by(flags: &[Allowed]) -> Result<RequestedLimits, Error> {
    let mut asked = RequestedLimits::default();
    for flag in flags {
        let (check, limit, builds) = match flag {
            Allowed::TimesContradicted(builds) => ("times-contradicted", &mut asked.times_contradicted, builds),
            Allowed::Collateral(builds) => ("collateral", &mut asked.collateral, builds),
        };
        if limit.replace(*builds).is_some() {
            return Err(BadAllowance::Twice(check.to_owned()).into());
        }
    }
    Ok(asked)
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
