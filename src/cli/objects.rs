//! The flags about object storage.

use clap::Args;
use jiff::SignedDuration;

use crate::objects::ObjectsArg;

use super::values;

/// The flags about object storage.
#[derive(Debug, Args)]
#[command(next_help_heading = "Object storage")]
pub struct ObjectsArgs {
    /// Look whether the files of builds are stored in s3://BUCKET/PREFIX, below file:///FOLDER, or in the FILE of a saved listing; several times for
    /// kinds that are kept apart, such as artifact=s3://BUCKET
    ///
    /// Nothing but listings is read, and nothing is written. Credentials, region and endpoint are those of AWS's own tools: AWS_ACCESS_KEY_ID
    /// and the like, AWS_PROFILE, the role of an instance, AWS_ENDPOINT_URL. What is found never makes a build deletable.
    #[arg(long, value_name = "[KIND=]URI")]
    pub objects: Vec<ObjectsArg>,
    /// Files of this kind are deleted on purpose so long after their build stopped: of those nothing is missing
    #[arg(long, value_name = "KIND=DURATION", value_parser = values::kept_for, requires = "objects", value_delimiter = ',')]
    pub objects_retention: Vec<(String, SignedDuration)>,
}
