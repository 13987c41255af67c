//! What `collect` is asked to do: its flags and their variables come together here, and no flag goes any further.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::cli::CollectArgs;
use crate::commands::Error;
use crate::commands::backup_evidence::BackupEvidence;
use crate::commands::database_address::DatabaseAddress;
use crate::output::Printer;
use crate::premise::earlier;
use crate::sources::{Address, ApiOptions, CollectPlan};
use crate::timing::RestoreTimes;

/// How far the clocks of two machines may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// What to collect, from where, and where it goes.
pub(super) struct CollectRequest {
    pub(super) source: Address,
    pub(super) destination: DatabaseAddress,
    pub(super) plan: CollectPlan,
    pub(super) token_file: Option<PathBuf>,
    max_run_time: SignedDuration,
    rate: f64,
    timeout: Duration,
    ca_file: Option<PathBuf>,
    allow_plain_http: bool,
}

impl CollectRequest {
    /// # Errors
    /// The address is none of a server, a file does not say T, or the times say nothing of what is wanted.
    pub(super) fn from_args(args: CollectArgs, printer: Printer) -> Result<Self, Error> {
        let source = args.source.as_deref().unwrap_or_default();
        let source = source.parse::<Address>().map_err(|why| Error::Misuse {
            what: format!("SOURCE cannot be read: {why}"),
            hint: "write the address of the server: https://ci.example.com; the token comes by --token-file FILE or HALFBUILT_TOKEN".to_owned(),
        })?;
        let backup = BackupEvidence::of(args.backup_time.as_ref(), printer)?.time;
        let times = (backup, args.restored_at);
        if let (Some(backup), Some(restored)) = times
            && restored < backup
        {
            return Err(Error::Usage(format!("--restored-at {restored} is before --backup-time {backup}")));
        }
        for (flag, time) in [("--backup-time", backup), ("--restored-at", args.restored_at), ("--since", args.since)] {
            if let Some(time) = time.filter(|time| *time > Timestamp::now() + CLOCKS_APART) {
                return Err(Error::Usage(format!("{flag} {time} is in the future")));
            }
        }
        let since = window(&args, backup)?;
        Ok(Self {
            source,
            destination: DatabaseAddress::new(Some(args.into.clone()), "collect"),
            plan: CollectPlan {
                since,
                backup,
                restored: args.restored_at,
                output: args.output,
                jobs: args.jobs.get().into(),
            },
            token_file: args.token_file,
            max_run_time: args.max_run_time.unwrap_or(RestoreTimes::MAX_RUN_TIME),
            rate: args.rate,
            timeout: args.timeout,
            ca_file: args.ca_file,
            allow_plain_http: args.allow_plain_http,
        })
    }

    /// What is worth a warning before anything is asked.
    pub(super) fn doubt(&self) -> Option<String> {
        let (since, backup) = (self.plan.since?, self.plan.backup?);
        (since > earlier(backup, self.max_run_time)).then(|| {
            format!(
                "--since {since} is later than the longest run time ({:#}) before --backup-time: builds that the backup cut and that are over \
                 by now may be missing",
                self.max_run_time
            )
        })
    }

    /// How the server is asked.
    pub(super) fn api_options(&self, token: Option<SecretString>) -> ApiOptions {
        ApiOptions {
            token,
            rate: self.rate,
            timeout: self.timeout,
            ca_file: self.ca_file.clone(),
            allow_plain_http: self.allow_plain_http,
        }
    }
}

/// Since when builds are collected; `None`: all.
fn window(args: &CollectArgs, backup: Option<Timestamp>) -> Result<Option<Timestamp>, Error> {
    let longest: SignedDuration = args.max_run_time.unwrap_or(RestoreTimes::MAX_RUN_TIME);
    match (args.all, args.since, backup) {
        (true, _, _) => Ok(None),
        (false, Some(since), _) => Ok(Some(since)),
        (false, None, Some(backup)) => Ok(Some(backup.checked_sub(longest).unwrap_or(Timestamp::MIN))),
        (false, None, None) => Err(Error::Misuse {
            what: "which builds to collect was not said".to_owned(),
            hint: "give --backup-time, before which builds are of no interest; or --since TIME; or --all, which may take hours".to_owned(),
        }),
    }
}
