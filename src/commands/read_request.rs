//! How a command reads the build database: what its flags and variables come to.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cli::{AliveArgs, ReadingArgs};
use crate::database::{Database, DatabaseError, Settings};
use crate::output::Printer;
use crate::scan::{Profile, Rule, ScanPlan};
use crate::timing::RestoreTimes;

use super::alive::AliveFile;
use super::backup_evidence::BackupEvidence;
use super::command_line::CommandLine;
use super::database_address::DatabaseAddress;
use super::server_warnings::ServerWarnings;
use super::{Error, base_url};

/// The largest clock tolerance. No clocks are further apart, and the server can add it to any time.
const LARGEST_TOLERANCE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far the clocks of two machines may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// How to read the build database.
#[derive(Clone, Debug)]
pub(super) struct ReadRequest {
    address: DatabaseAddress,
    /// The name of a profile that ships, or a file.
    pub(super) profile: String,
    pub(super) schema: Option<String>,
    pub(super) rule_folder: Option<PathBuf>,
    pub(super) times: RequestedTimes,
    /// The file that T was taken from.
    pub(super) evidence: Option<PathBuf>,
    pub(super) statement_timeout: Option<Duration>,
    /// Lists of what is alive.
    pub(super) alive: Vec<AliveFile>,
    /// The server's address, without a slash at its end.
    pub(super) base_url: Option<String>,
    /// Shows what the server says, on whichever connection.
    server_warnings: ServerWarnings,
}

/// T, R and the limits, as far as they are known before the profile is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestedTimes {
    pub(super) backup: Option<Timestamp>,
    pub(super) restored: Option<Timestamp>,
    pub(super) max_run_time: Option<SignedDuration>,
    pub(super) clock_tolerance: Option<SignedDuration>,
    pub(super) max_queue_time: Option<SignedDuration>,
}

impl ReadRequest {
    /// Turns flags into a request of this command.
    ///
    /// # Errors
    /// `--base-url` is not the address of a server; a file does not say T.
    pub(super) fn from_args(args: &ReadingArgs, command: &'static str, printer: Printer) -> Result<Self, Error> {
        // It is not read by the command line itself, whose errors would repeat a password in it.
        let base_url = args.base_url.as_deref().map(base_url::parse).transpose();
        let address = DatabaseAddress::new(args.database_url.clone(), command);
        let backup = BackupEvidence::of(args.backup_time.as_ref(), printer)?;
        Ok(Self {
            profile: args.profile.clone().unwrap_or_else(|| address.default_profile().to_owned()),
            address,
            schema: args.schema.clone(),
            rule_folder: args.rule_folder.clone(),
            times: RequestedTimes {
                backup: backup.time,
                restored: args.restored_at,
                max_run_time: args.max_run_time,
                clock_tolerance: args.clock_tolerance,
                max_queue_time: args.max_queue_time,
            },
            evidence: backup.file,
            statement_timeout: args.statement_timeout,
            alive: Vec::new(),
            base_url: base_url.map_err(|why| Error::Usage(format!("--base-url cannot be read: {why}")))?,
            server_warnings: ServerWarnings::default(),
        })
    }

    /// The same with the lists of what is alive.
    ///
    /// # Errors
    /// One cannot be read, or is none.
    pub(super) fn with_alive(self, args: &AliveArgs) -> Result<Self, Error> {
        Ok(Self { alive: AliveFile::read_all(&args.alive)?, ..self })
    }

    /// The same with other times.
    pub(super) fn at(mut self, backup: Option<Timestamp>, restored: Option<Timestamp>) -> Self {
        (self.times.backup, self.times.restored) = (backup, restored);
        self
    }

    /// Loads the profile and the rules, and checks the times.
    ///
    /// # Errors
    /// Times that contradict one another; a profile or a rule that cannot be read.
    pub(super) fn plan(&self, named_rules: &[String]) -> Result<ScanPlan, Error> {
        self.plan_by(self.load_profile()?, named_rules)
    }

    /// Loads the profile alone.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn load_profile(&self) -> Result<Profile, Error> {
        Ok(Profile::load(&self.profile)?)
    }

    /// As [`Self::plan`], by a profile that has been loaded.
    pub(super) fn plan_by(&self, profile: Profile, named_rules: &[String]) -> Result<ScanPlan, Error> {
        self.times.check()?;
        let rules = Rule::load_all(self.rule_folder.as_deref())?;
        let times = self.times.with_defaults(Some(&profile));
        let plan = ScanPlan::new(profile, rules, named_rules, times, self.base_url.clone())?;
        let alive = self.alive.iter().map(|file| file.list.clone()).collect();
        Ok(plan.in_schema(self.schema.clone()).with_alive(alive))
    }

    /// Connects to the build database.
    pub(super) async fn connect(&self, printer: Printer) -> Result<Database, Error> {
        let mut database = self.address.connect(&self.server_warnings, printer).await?;
        if let Some(longest) = self.statement_timeout {
            database.set_statement_timeout(longest);
        }
        Ok(database)
    }

    /// Whether a flag or a variable names a database.
    pub(super) fn names_a_database(&self) -> bool {
        self.address.is_named()
    }

    /// Whether the builds are in the private database, which nobody else can write.
    pub(super) fn is_private(&self) -> bool {
        self.address.is_private()
    }

    /// How to connect, by the flag, the environment and the files as they are now.
    pub(super) fn settings(&self) -> Result<Settings, DatabaseError> {
        self.address.settings(&self.server_warnings)
    }

    /// The same for what writes documents.
    pub(super) fn writing_settings(&self) -> Result<Settings, DatabaseError> {
        self.address.writing_settings(&self.server_warnings)
    }

    /// Adds the flags by which another command reads the same builds by the same times.
    pub(super) fn add_flags(&self, line: CommandLine) -> CommandLine {
        let own = Some(&self.profile).filter(|profile| *profile != self.address.default_profile());
        let rules = self.rule_folder.as_ref().map(|folder| folder.display());
        let RequestedTimes { backup, restored, max_run_time, clock_tolerance, max_queue_time } = self.times;
        let unusual = |asked: Option<SignedDuration>, usual| {
            asked.filter(|asked| *asked != usual).map(|asked| format!("{asked:#}"))
        };
        let line = line
            .flag_if("--database-url", self.address.flag().as_ref())
            .flag_if("--profile", own)
            .flag_if("--schema", self.schema.as_ref())
            .flag_if("--rules", rules.as_ref())
            .flag_if("--backup-time", backup.as_ref())
            .flag_if("--restored-at", restored.as_ref())
            .flag_if("--max-run-time", unusual(max_run_time, RestoreTimes::MAX_RUN_TIME).as_ref())
            .flag_if("--clock-tolerance", unusual(clock_tolerance, RestoreTimes::CLOCK_TOLERANCE).as_ref())
            .flag_if("--max-queue-time", unusual(max_queue_time, RestoreTimes::MAX_QUEUE_TIME).as_ref())
            .flag_if("--base-url", self.base_url.as_ref());
        // A pipe has nothing for another command.
        let files = self.alive.iter().map(|file| &file.path).filter(|path| path.is_file());
        files.fold(line, |line, path| line.flag("--alive", &path.display()))
    }

    /// The flags that bring SQL which does not ship; `None` where all of it ships.
    pub(super) fn foreign_sql(&self, plan: &ScanPlan) -> Option<String> {
        match (plan.profile_ships(), &self.rule_folder) {
            (true, None) => None,
            (false, None) => Some(format!("--profile {}", self.profile)),
            (true, Some(folder)) => Some(format!("--rules {}", folder.display())),
            (false, Some(folder)) => Some(format!("--profile {} and --rules {}", self.profile, folder.display())),
        }
    }
}

impl RequestedTimes {
    /// Puts the limits of the profile, and then the defaults, where no flag sets one.
    pub(super) fn with_defaults(&self, profile: Option<&Profile>) -> RestoreTimes {
        let of_profile = profile.and_then(|profile| profile.max_run_time);
        RestoreTimes {
            backup: self.backup,
            restored: self.restored,
            max_run_time: self.max_run_time.or(of_profile).unwrap_or(RestoreTimes::MAX_RUN_TIME),
            clock_tolerance: self.clock_tolerance.unwrap_or(RestoreTimes::CLOCK_TOLERANCE),
            max_queue_time: self.max_queue_time.unwrap_or(RestoreTimes::MAX_QUEUE_TIME),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let tolerance = self.clock_tolerance.unwrap_or(RestoreTimes::CLOCK_TOLERANCE);
        if let (Some(backup), Some(restored)) = (self.backup, self.restored) {
            if restored < backup {
                return Err(Error::Misuse {
                    what: format!("--restored-at {restored} is before --backup-time {backup}"),
                    hint: "are the two swapped? T is when the backup was taken, R when the server came back: `halfbuilt help times`"
                        .to_owned(),
                });
            }
            let apart = restored.duration_since(backup);
            if apart < tolerance {
                return Err(Error::Usage(format!(
                    "--clock-tolerance {tolerance:#} is longer than the time between --backup-time and --restored-at, {apart:#}: builds \
                     before and after the restore cannot be distinguished"
                )));
            }
        }
        if tolerance > LARGEST_TOLERANCE {
            return Err(Error::Usage(format!(
                "--clock-tolerance {tolerance:#} is longer than {LARGEST_TOLERANCE:#}: no two clocks are that far apart"
            )));
        }
        if self.restored.is_some() && self.backup.is_none() {
            let by = std::env::var_os("HALFBUILT_RESTORED_AT").map_or("", |_| " (HALFBUILT_RESTORED_AT is set)");
            return Err(Error::Usage(format!("--restored-at needs --backup-time{by}")));
        }
        for (flag, time) in [("--backup-time", self.backup), ("--restored-at", self.restored)] {
            // Every live build has started by a time in the future, and would look as if the backup had cut it.
            if let Some(time) = time.filter(|time| *time > Timestamp::now() + CLOCKS_APART) {
                return Err(Error::Usage(format!("{flag} {time} is in the future")));
            }
        }
        Ok(())
    }
}
