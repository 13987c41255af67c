//! The admin path, as a deletion sees it.

use secrecy::SecretString;

use crate::admin::{AdminPath, Answer, Options};
use crate::build_url::BuildUrl;
use crate::cli::DeleteArgs;
use crate::commands::Error;
use crate::deletion::Deleter;

/// The admin path, as a deletion sees it.
pub(super) struct Admin(pub(super) AdminPath);

impl Deleter for Admin {
    async fn delete(&mut self, build: &BuildUrl) -> Answer {
        self.0.delete(build).await
    }
}

/// How to talk to it, by the flags and the environment.
pub(super) fn options(args: &DeleteArgs) -> Result<Options, Error> {
    let admin = &args.admin;
    let token = match &admin.token_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|source| Error::Read { file: file.clone(), source })?;
            Some(text.trim().to_owned())
        }
        None => std::env::var("HALFBUILT_TOKEN").ok(),
    };
    Ok(Options {
        timeout: admin.timeout,
        admin_fn: admin.admin_fn.clone(),
        console_pty: admin.console_pty,
        start_timeout: admin.start_timeout,
        token: token.filter(|token| !token.is_empty()).map(SecretString::from),
        token_header: admin.token_header.clone(),
        ca_file: admin.ca_file.clone(),
        allow_plain_http: admin.allow_plain_http,
    })
}
