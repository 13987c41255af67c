//! The flags of `rules` and `profiles`.

use std::path::PathBuf;

use clap::Args;

/// The flags of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// Print the SQL file of this rule instead, as it stands
    ///
    /// To change it, redirect it to a file, give it a name of its own in its first line, and pass the folder by --rules.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// A folder with rules of your own, *.sql, to list (or print) in addition to those that ship
    #[arg(long = "rules", value_name = "DIR")]
    pub rule_folder: Option<PathBuf>,
    /// Print the whole statement that runs for this rule, or without NAME every statement of a scan, as a script for psql
    ///
    /// No database is asked, so the script assumes the types of keys, and says which: those of the reference schema. It takes the times as
    /// variables: psql -X -v backup_time=2026-11-20T02:00:00Z -v restored_at=2026-11-20T06:30:00Z -f FILE
    #[arg(long)]
    pub composed: bool,
    /// With --composed: the name of a profile that ships, or a file of your own [default: circleci]
    #[arg(long, value_name = "NAME|FILE", requires = "composed")]
    pub profile: Option<String>,
    /// With --composed: the schema of the build tables [default: public]
    #[arg(long, value_name = "NAME", requires = "composed")]
    pub schema: Option<String>,
}

/// The flags of `profiles`.
#[derive(Debug, Args)]
pub struct ProfilesArgs {
    /// Print the SQL file of this profile instead, as it stands
    ///
    /// To change it, redirect it to a file, and pass that by --profile.
    #[arg(value_name = "NAME", conflicts_with = "check")]
    pub name: Option<String>,
    /// Check a profile, your own file or one that ships: what it offers, which rules can be run over it, and which builds can be deleted
    ///
    /// Where a database is named, by --database-url, HALFBUILT_DATABASE_URL, PGHOST, PGHOSTADDR, PGSERVICE or PGDATABASE,
    /// its server also checks the columns and types of every relation, and every rule over them; all faults are
    /// listed. One row of each relation is shown, and the addresses of up to 100,000 builds are judged: can these builds be
    /// deleted? Exits with 3 if there is a fault.
    #[arg(long, value_name = "FILE|NAME")]
    pub check: Option<String>,
    /// With --check: a folder with rules of your own, *.sql, to check in addition to those that ship
    // A NAME excludes --check, and clap then does not require it: so a NAME is a conflict here too.
    #[arg(long = "rules", value_name = "DIR", requires = "check", conflicts_with = "name")]
    pub rule_folder: Option<PathBuf>,
    /// With --check: the build database, postgres://USER@HOST:PORT/DATABASE, "host=... dbname=..." or `private` [default:
    /// HALFBUILT_DATABASE_URL, or PGHOST and libpq's other variables]
    // clap does not read the environment here: it would require --check wherever the variable is set.
    #[arg(long, value_name = "URL", requires = "check", conflicts_with = "name")]
    pub database_url: Option<String>,
    /// With --check: the server's address, such as https://ci.example.com, where the database does not hold the builds' own
    /// [default: HALFBUILT_BASE_URL]
    #[arg(long, value_name = "URL", requires = "check", conflicts_with = "name")]
    pub base_url: Option<String>,
    /// With --check: the schema of the build tables [default: HALFBUILT_SCHEMA, or the one schema of the role's search path that has all of
    /// them]
    #[arg(long, value_name = "NAME", requires = "check", conflicts_with = "name")]
    pub schema: Option<String>,
}
