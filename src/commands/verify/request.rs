//! What `verify` is asked for: flags, environment and policy, read in one place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::build_url::{AddressForm, BuildUrl};
use crate::cli::{BaselineArgs, FetchArgs, VerifyArgs};
use crate::collation::COLLATION_VERSION;
use crate::drill::{Allowance, Baseline, Difference, PolicyAllowance};
use crate::file_access;
use crate::output::Printer;
use crate::premise::TIMES_CONTRADICTED;
use crate::project_glob::ProjectGlobs;
use crate::scan::ScanPlan;
use crate::sources::Address;
use crate::text::Foreign;

use crate::commands::fetching::{ServerRequest, named_source};
use crate::commands::files::{Files, keep_report_of_deletion};
use crate::commands::manifest::read_key;
use crate::commands::objects::ObjectsRequest;
use crate::commands::read_request::{ReadRequest, RequestedTimes};
use crate::commands::{Error, policy};

/// How long the server may be silent while it answers.
const ANSWER: Duration = Duration::from_secs(60);

pub(super) struct VerifyRequest {
    pub(super) read: ReadRequest,
    pub(super) projects: ProjectGlobs,
    /// What is listed besides.
    pub(super) objects: Option<ObjectsRequest>,
    pub(super) baseline: Option<BaselineRequest>,
    pub(super) criteria: CriteriaRequest,
    pub(super) fetch: FetchRequest,
    /// Where the report of what was found goes.
    pub(super) report: Option<PathBuf>,
    pub(super) outlets: OutletsRequest,
}

/// The manifest to compare with.
pub(super) struct BaselineRequest {
    file: PathBuf,
    /// Holds the key of its signature, which is then demanded.
    key_file: Option<PathBuf>,
    retention: Option<SignedDuration>,
}

/// How builds are fetched again that were collected.
pub(super) struct FetchRequest {
    /// The server to which the token may go.
    pub(super) source: Option<Address>,
    pub(super) server: ServerRequest,
}

/// What the restore is held to.
pub(super) struct CriteriaRequest {
    policy: Option<PathBuf>,
    allow: Vec<String>,
    expect: Vec<String>,
    expect_file: Option<PathBuf>,
}

/// Where the verdict goes besides the terminal.
pub(super) struct OutletsRequest {
    pub(super) junit: Option<PathBuf>,
    pub(super) json: Option<PathBuf>,
    pub(super) on_github: bool,
    pub(super) step_summary: Option<PathBuf>,
}

/// What the restore is held to, as the flags and the policy say.
pub(super) struct Criteria {
    pub(super) expected: Vec<BuildUrl>,
    allow: Vec<String>,
    /// What the policy allows, and its name.
    ruled: Option<(BTreeMap<String, u64>, String)>,
}

impl VerifyRequest {
    /// # Errors
    /// Flags that contradict one another; two files that are one.
    pub(super) fn from_args(args: VerifyArgs, printer: Printer) -> Result<Self, Error> {
        let VerifyArgs { output, overwrite, allow, projects, alive, baseline, verdict, fetch, objects, reading } = args;
        let objects = ObjectsRequest::from_args(objects)?;
        let fetch = FetchRequest::from_args(fetch)?;
        let read = ReadRequest::from_args(&reading, "verify", printer)?.with_alive(&alive)?;
        let baseline = BaselineRequest::from_args(baseline);
        let listings = objects.iter().flat_map(ObjectsRequest::files);
        listings
            .fold(Files::default(), |files, file| files.read("--objects", Some(file)))
            .read("--baseline", baseline.as_ref().map(|baseline| &*baseline.file))
            .read("--key-file", baseline.as_ref().and_then(|baseline| baseline.key_file.as_deref()))
            .read("--policy", verdict.policy.as_deref())
            .read("--expect-file", verdict.expect_file.as_deref())
            .read("--token-file", fetch.server.token_file.as_deref())
            .read("--ca-file", fetch.server.ca_file.as_deref())
            .read_by(&read)
            .write_report(output.as_deref())
            .write("--junit", verdict.junit.as_deref())
            .write("--json", verdict.json.as_deref())
            .keep_apart()?;
        keep_report_of_deletion(output.as_deref(), overwrite)?;
        Ok(Self {
            read,
            projects: ProjectGlobs::new(&projects)?,
            objects,
            baseline,
            criteria: CriteriaRequest {
                policy: verdict.policy,
                allow,
                expect: verdict.expect,
                expect_file: verdict.expect_file,
            },
            fetch,
            report: output,
            outlets: OutletsRequest::new(verdict.junit, verdict.json),
        })
    }
}

impl FetchRequest {
    fn from_args(args: FetchArgs) -> Result<Self, Error> {
        let FetchArgs { source, token_file, ca_file, allow_plain_http } = args;
        let source = source.map(|source| named_source(&source)).transpose()?;
        Ok(Self { source, server: ServerRequest { token_file, timeout: ANSWER, ca_file, allow_plain_http } })
    }

    /// A flag that says to fetch builds again.
    pub(super) fn flag(&self) -> Option<&'static str> {
        let flags = [("--source", self.source.is_some()), ("--token-file", self.server.token_file.is_some())];
        flags.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}

impl BaselineRequest {
    fn from_args(args: BaselineArgs) -> Option<Self> {
        let key_file = args.key_file.or_else(|| std::env::var_os("HALFBUILT_KEY_FILE").map(PathBuf::from));
        Some(Self { file: args.baseline?, key_file, retention: args.retention })
    }

    /// Reads the manifest. Its T is that of the run where no other is given.
    ///
    /// # Errors
    /// It cannot be read, or cannot be trusted; times that contradict it.
    pub(super) fn read(&self, times: &mut RequestedTimes) -> Result<Baseline, Error> {
        let refused = |source| Error::Baseline { file: self.file.clone(), source };
        let mut baseline = Baseline::read(&self.file).map_err(refused)?;
        if let Some(key_file) = &self.key_file {
            baseline.verify(&read_key(key_file)?).map_err(refused)?;
        }
        let of_manifest = baseline.manifest().backup_time;
        // A backup takes its time: what ran at its end may have begun after the manifest was made, and was cut all the same.
        let backup = *times.backup.get_or_insert(of_manifest);
        if backup < of_manifest {
            return Err(Error::Usage(format!(
                "--backup-time {backup} is before the T of --baseline {}, {of_manifest}: the backup cannot hold what the baseline does",
                self.file.display()
            )));
        }
        if let Some(retention) = self.retention {
            let kept_since = times.restored.unwrap_or_else(Timestamp::now).checked_sub(retention);
            baseline.retire_before(kept_since.map_err(|_| Error::Usage("--retention is too long".to_owned()))?);
        }
        Ok(baseline)
    }

    /// Makes sure that the database is read as the manifest was, and that no rule has the name of a difference.
    ///
    /// # Errors
    /// It is not, or one has.
    pub(super) fn check_fit(&self, baseline: &Baseline, plan: &ScanPlan) -> Result<(), Error> {
        if let Some(name) = plan.all_rule_names().iter().find(|name| Difference::parse(name).is_some()) {
            return Err(Error::Usage(format!(
                "--rules: {name:?} is what --baseline calls a difference, so no rule can have the name"
            )));
        }
        let fits = baseline.check_profile(plan.profile_name());
        fits.map_err(|source| Error::Baseline { file: self.file.clone(), source })
    }
}

impl OutletsRequest {
    fn new(junit: Option<PathBuf>, json: Option<PathBuf>) -> Self {
        // Source: GitHub docs, "Default environment variables": GITHUB_ACTIONS is always true in a run.
        let on_github = std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true");
        let step_summary: Option<OsString> = std::env::var_os("GITHUB_STEP_SUMMARY");
        let step_summary = step_summary.filter(|file| on_github && !file.is_empty()).map(PathBuf::from);
        Self { junit, json, on_github, step_summary }
    }
}

impl CriteriaRequest {
    /// Reads the policy and the lists of expected builds, whose addresses have this form.
    ///
    /// # Errors
    /// A file that cannot be read; what is no address.
    pub(super) fn read(&self, form: AddressForm) -> Result<Criteria, Error> {
        let policy = self.policy.as_deref().map(|file| policy::read(file, form)).transpose()?;
        let name = policy.as_ref().map(|policy| policy.name()).unwrap_or_default();
        let (allow, mut expected) =
            policy.map(|policy| (policy.verify.allow, policy.verify.expect)).unwrap_or_default();
        for text in &self.expect {
            expected.push(address(text, form, "--expect")?);
        }
        if let Some(file) = &self.expect_file {
            expected.extend(read_addresses(file, form)?);
        }
        Ok(Criteria { expected, allow: self.allow.clone(), ruled: allow.map(|allow| (allow, name)) })
    }
}

impl Criteria {
    /// How many findings each check may have. Where there is a baseline, its differences are checks too.
    ///
    /// # Errors
    /// An allowance that cannot be read or goes too far.
    pub(super) fn allowance(&self, plan: &ScanPlan, with_baseline: bool) -> Result<Allowance, Error> {
        let mut names = plan.all_rule_names().to_vec();
        names.extend([TIMES_CONTRADICTED, COLLATION_VERSION].map(str::to_owned));
        if with_baseline {
            names.extend(Difference::ALL.map(|difference| difference.as_str().to_owned()));
        }
        let ruled = self.ruled.as_ref().map(|(allow, file)| PolicyAllowance { allow, file });
        Ok(Allowance::settle(&self.allow, ruled, &names)?)
    }
}

fn address(text: &str, form: AddressForm, place: &str) -> Result<BuildUrl, Error> {
    BuildUrl::parse_in(form, text).map_err(|why| Error::Usage(format!("{place} {:?}: {why}", Foreign::url(text))))
}

/// The addresses of `--expect-file`.
fn read_addresses(file: &Path, form: AddressForm) -> Result<Vec<BuildUrl>, Error> {
    let text = file_access::read_text(file, file_access::EXPECTED)
        .map_err(|source| Error::Read { file: file.to_owned(), source })?;
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let expected = lines
        .map(|(number, line)| address(line, form, &format!("{}, line {number}:", file.display())))
        .collect::<Result<Vec<_>, _>>()?;
    if expected.is_empty() {
        // A list that was lost must not pass for one that expects nothing.
        return Err(Error::Usage(format!("--expect-file {}: it names no build", file.display())));
    }
    Ok(expected)
}
