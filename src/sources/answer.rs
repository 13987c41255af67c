//! What an answer of the server means, before anybody looks at what it says.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::causes::causes;
use crate::text::Foreign;

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No connection, or none that may be trusted.
    #[error("the server cannot be reached: {why}")]
    Unreached { why: Foreign, is_untrusted: bool },
    /// The request was sent, and there is no whole answer.
    #[error("the answer broke off: {0}")]
    Broken(Foreign),
    #[error("{0}")]
    Unauthorized(Foreign),
    #[error("{0}")]
    Forbidden(Foreign),
    #[error("404 Not Found: {}", .0.said)]
    NotFound(Missing),
    /// The server has too much to do, and may say when to come again.
    #[error("{said}")]
    Busy { said: Foreign, wait: Option<Duration> },
    /// The server asks to wait for longer than anybody would.
    #[error("{said}: the server asks to wait {} s", wait.as_secs())]
    AsksTooMuch { said: Foreign, wait: Duration },
    /// Any other status that is no success.
    #[error("{said}")]
    Failed { status: StatusCode, said: Foreign },
    /// A redirect that is not followed: the token goes to one server only.
    #[error("the server redirects to {0}, which is not followed: the token goes to the named server only")]
    Redirected(Foreign),
    #[error("the answer is {content_type}, and not JSON: {said}")]
    NotJson { content_type: Foreign, said: Foreign },
    #[error("the answer is larger than {0} MiB")]
    TooLarge(u64),
    /// JSON, but not what was asked for.
    #[error("{0}")]
    Unexpected(String),
}

/// A 404.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub said: Foreign,
    /// What it looks like without its numbers, if it is an answer of the API itself; `None` for a page of a proxy or of the user interface, and
    /// for what the API says where it does not know the project, or passes on what the forge says.
    pub(super) shape: Option<String>,
    /// Whether it names the route of the API that gave it.
    pub(super) has_route: bool,
}

/// What the API says with an error.
#[derive(Deserialize)]
struct Message {
    message: String,
}

impl Fault {
    /// Whether the same request may get another answer soon.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            // To wait does not make a certificate valid.
            Self::Unreached { is_untrusted, .. } => !is_untrusted,
            Self::Broken(_) | Self::Busy { .. } => true,
            Self::Failed { status, .. } => status.is_server_error(),
            // A proxy answers in the server's place while the server starts.
            Self::NotJson { content_type, .. } => content_type.as_str().starts_with("text/html"),
            _ => false,
        }
    }

    /// Whether it says something of the server or of the token, and not of what was asked for.
    pub(super) fn is_of_the_server(&self) -> bool {
        match self {
            Self::Unreached { .. } | Self::Unauthorized(_) | Self::Busy { .. } | Self::AsksTooMuch { .. } => true,
            Self::Broken(_)
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Failed { .. }
            | Self::Redirected(_)
            | Self::NotJson { .. }
            | Self::TooLarge(_)
            | Self::Unexpected(_) => false,
        }
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreached { is_untrusted: true, .. } => {
                "--ca-file FILE trusts a certificate of your own (PEM), or that of the authority which has signed it"
            }
            Self::Unreached { .. } => "check the address, and that the server is up",
            Self::Unauthorized(_) => {
                "give a personal API token that is valid, of an administrator: --token-file FILE, or the variable HALFBUILT_TOKEN"
            }
            Self::Forbidden(_) => "the token's user may not do this: give the personal API token of an administrator",
            Self::NotFound(_) | Self::NotJson { .. } => {
                "name the host of the API: on CircleCI Server 4 the user interface is at app.DOMAIN, the API at DOMAIN itself"
            }
            Self::Redirected(_) => "name the address to which the server redirects, if it is the server that you mean",
            Self::AsksTooMuch { .. } | Self::Busy { .. } => "ask for less at once with --rate and --jobs, or later",
            Self::Broken(_) | Self::Failed { .. } | Self::TooLarge(_) | Self::Unexpected(_) => return None,
        })
    }
}

impl From<reqwest::Error> for Fault {
    /// By the innermost cause, which says what happened. An address, which may have a query, is not shown.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let innermost = causes(&error).last().map_or_else(|| error.to_string(), ToString::to_string);
        let why = Foreign::evidence(&innermost);
        match error.is_connect() {
            true => Self::Unreached { is_untrusted: why.as_str().contains("certificate verify failed"), why },
            false => Self::Broken(why),
        }
    }
}

/// What the API said with an error, or the beginning of whatever was said.
pub(super) fn said(status: StatusCode, body: &str) -> Foreign {
    let body = match serde_json::from_str::<Message>(body) {
        Ok(Message { message }) => message,
        Err(_) => body.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    match body.trim() {
        "" => Foreign::new(&status.to_string()),
        body => Foreign::evidence(&format!("{status}: {body}")),
    }
}

/// What a 404 is.
pub(super) fn missing(body: &str, is_json: bool, has_route: bool) -> Missing {
    let message = serde_json::from_str::<Message>(body).ok().filter(|_| is_json).map(|found| found.message);
    let said = match &message {
        Some(message) => Foreign::evidence(message),
        None => Foreign::cut(&body.split_whitespace().collect::<Vec<_>>().join(" "), 120),
    };
    let said = said.or("an empty answer");
    // The API says "Project not found" also where the token may not see the project, and passes on what the forge says as JSON in a text.
    let is_of_a_build = |message: &String| !message.to_lowercase().contains("project") && !message.contains('{');
    Missing { said, shape: message.filter(is_of_a_build).map(|message| without_numbers(&message)), has_route }
}

/// Whether a 403 is the forge's own limit on requests, which the API passes on as JSON in a text.
pub(super) fn is_limit_of_the_forge(body: &str) -> bool {
    body.contains("API rate limit exceeded")
}

fn without_numbers(message: &str) -> String {
    let mut shape = String::new();
    for c in message.chars() {
        match c {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            c => shape.push(c),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_the_api_about_a_build_has_a_shape() {
        let shape = |body: &str, is_json| missing(body, is_json, true).shape;
        assert_eq!(shape(r#"{"message":"Build not found"}"#, true), Some("Build not found".to_owned()));
        assert_eq!(
            shape(r#"{"message":"Build 1234 of 7 not found"}"#, true),
            Some("Build # of # not found".to_owned())
        );
        for (body, is_json) in [
            (r#"{"message":"Build not found"}"#, false),
            (r#"{"message":"Project not found"}"#, true),
            (r#"{"message":"{\"message\":\"Not Found\",\"documentation_url\":\"x\"}"}"#, true),
            ("<html><title>Continuous Integration and Deployment</title></html>", true),
            ("", true),
        ] {
            assert_eq!(shape(body, is_json), None, "{body}");
        }
    }

    #[test]
    fn what_the_server_says_is_one_line() {
        assert_eq!(
            said(StatusCode::TOO_MANY_REQUESTS, "Rate limited.\n").as_str(),
            "429 Too Many Requests: Rate limited."
        );
        assert_eq!(said(StatusCode::BAD_GATEWAY, "").as_str(), "502 Bad Gateway");
        assert_eq!(said(StatusCode::FORBIDDEN, r#"{"message":"a\u001b[1m"}"#).as_str(), "403 Forbidden: a\\u{1b}[1m");
    }
}
