//! The kinds of files that say T or R.

use std::fmt;

/// The most backups that a file may hold.
pub(super) const BACKUPS_READ: usize = 10_000;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// What `aws ec2 describe-snapshots` says.
    EbsSnapshots,
    /// Backups of Velero, or of the volumes of pods, as kubectl gives them.
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
    pub const ALL: [Self; 7] = [
        Self::EbsSnapshots,
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
            Self::EbsSnapshots => "snapshot",
            Self::Manifest => "manifest",
            Self::Velero | Self::PgBackRest | Self::BackupLabel => "backup",
            Self::WalDump => "shutdown checkpoint",
            Self::ServerLog => "start",
        }
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EbsSnapshots => "the JSON of `aws ec2 describe-snapshots`",
            Self::Velero => "the JSON of a Velero Backup or PodVolumeBackup",
            Self::Manifest => "a manifest of halfbuilt",
            Self::PgBackRest => "the JSON of `pgbackrest info --output=json`",
            Self::BackupLabel => "a backup_label or *.backup file of PostgreSQL",
            Self::WalDump => "the text of pg_waldump",
            Self::ServerLog => "a log of a PostgreSQL server in English",
        })
    }
}
