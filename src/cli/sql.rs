//! The flags of `sql`.

use clap::Args;

/// The flags of `sql`.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// Print this file, as it stands
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}
