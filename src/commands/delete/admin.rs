//! The admin path, as a deletion sees it.

use secrecy::SecretString;

use crate::admin::{AdminPath, Answer, Freshness, Options, Via};
use crate::build_url::BuildUrl;
use crate::cli::DeleteArgs;
use crate::commands::Error;
use crate::deletion::Deleter;
use crate::file_access;

/// The admin path, as a deletion sees it.
pub(super) struct Admin(pub(super) AdminPath);

/// Where nothing is to be sent, there is none.
impl Deleter for Option<Admin> {
    async fn delete(&self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        match self {
            Some(admin) => admin.0.delete(build, fresh).await,
            None => Answer::Denied("there is no admin path".to_owned()),
        }
    }
}

/// How to talk to it, by the flags and the environment.
pub(super) fn options(args: &DeleteArgs, via: &Via) -> Result<Options, Error> {
    // Each console is a program of its own, and takes its time to start.
    let usual = if matches!(via, Via::Console { .. }) { 1 } else { 4 };
    let admin = &args.admin;
    let token = match &admin.token_file {
        Some(file) => {
            let text = file_access::read_text(file, file_access::TOKEN);
            let text = text.map_err(|source| Error::Read { file: file.clone(), source })?;
            Some(text.trim().to_owned())
        }
        None => std::env::var("HALFBUILT_TOKEN").ok(),
    };
    Ok(Options {
        timeout: admin.timeout,
        jobs: admin.jobs.map_or(usual, |jobs| jobs.get().into()),
        admin_fn: admin.admin_fn.clone(),
        console_pty: admin.console_pty,
        start_timeout: admin.start_timeout,
        token: token.filter(|token| !token.is_empty()).map(SecretString::from),
        token_header: admin.token_header.clone(),
        ca_file: admin.ca_file.clone(),
        allow_plain_http: admin.allow_plain_http,
    })
}
