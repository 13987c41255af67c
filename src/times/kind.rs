//! The kinds of files that say T or R.

use std::fmt;

/// The most backups that a file may hold.
pub(super) const BACKUPS_READ: usize = 10_000;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// What `aws ec2 describe-snapshots` says.
    EbsSnapshots,
    /// What `aws rds describe-db-snapshots` says.
    RdsSnapshots,
    /// What `aws ec2 describe-images` says.
    Ec2Images,
    /// What `gcloud compute snapshots` says.
    GcpSnapshots,
    /// Backups and restores of Velero, or of the volumes of pods, and snapshots of volumes, as kubectl gives them.
    Velero,
    /// What `halfbuilt manifest` wrote.
    Manifest,
    /// What `pgbackrest info` says.
    PgBackRest,
    /// `backup_label`, or the archive's history file of a base backup.
    BackupLabel,
    /// What pg_waldump says.
    WalDump,
    /// The log of a PostgreSQL server.
    ServerLog,
}

impl EvidenceKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::EbsSnapshots,
        Self::RdsSnapshots,
        Self::Ec2Images,
        Self::GcpSnapshots,
        Self::Velero,
        Self::Manifest,
        Self::PgBackRest,
        Self::BackupLabel,
        Self::WalDump,
        Self::ServerLog,
    ];

    /// One of the things that such a file holds several of.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::EbsSnapshots | Self::RdsSnapshots | Self::GcpSnapshots => "snapshot",
            Self::Ec2Images => "image",
            Self::Velero => "object",
            Self::Manifest => "manifest",
            Self::PgBackRest | Self::BackupLabel => "backup",
            Self::WalDump => "shutdown checkpoint",
            Self::ServerLog => "start",
        }
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EbsSnapshots => "the JSON of `aws ec2 describe-snapshots`",
            Self::RdsSnapshots => "the JSON of `aws rds describe-db-snapshots`",
            Self::Ec2Images => "the JSON of `aws ec2 describe-images`",
            Self::GcpSnapshots => "the JSON of `gcloud compute snapshots`",
            Self::Velero => {
                "the JSON of Velero's Backup, Restore, PodVolumeBackup or PodVolumeRestore, or of a VolumeSnapshot"
            }
            Self::Manifest => "a manifest of halfbuilt",
            Self::PgBackRest => "the JSON of `pgbackrest info --output=json`",
            Self::BackupLabel => "a backup_label or *.backup file of PostgreSQL",
            Self::WalDump => "the text of pg_waldump",
            Self::ServerLog => "a log of a PostgreSQL server in English",
        })
    }
}

/// A shape of a PostgreSQL server's log that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogShape {
    /// Its csvlog.
    Csv,
    /// Its jsonlog, the file in which Docker keeps what a container printed, or the JSON of a collector.
    Json,
    /// Its messages in quotes, as logfmt has them.
    Quoted,
}

impl fmt::Display for LogShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Quoted => "text in quotes",
        })
    }
}
