//! Asks URLs.

use crate::checklist::certificate::Certificate;
use crate::checklist::list::{UrlProbe, UrlTest};
use crate::checklist::look::{Context, Look};
use crate::checklist::web::{Web, WebAnswer, WebRequest};

use super::certificate;
use super::text::{self, Source};

/// The most bytes of a body.
const BODY: usize = 1 << 20;

/// Asks a URL, and looks at the answer.
pub(in crate::checklist) async fn look<W: Web>(probe: &UrlProbe, context: &Context, web: &W) -> Look {
    let name = &name(probe);
    let answer = match ask(probe, context, web).await {
        Ok(answer) => answer,
        Err(why) => return Look::Blind(why),
    };
    let status = answer.status;
    if let UrlTest::Certificate { holds_for } = probe.test {
        let Some(der) = &answer.certificate else { return Look::Blind(format!("{name} showed no certificate")) };
        return match Certificate::from_der(der) {
            Ok(found) => certificate::test(&found, name, holds_for, context),
            Err(why) => Look::Blind(format!("{name}: {why}")),
        };
    }
    if !is_wanted(probe, status) {
        return Look::todo(format!("{name} answers {status}"));
    }
    let look = match &probe.test {
        UrlTest::Text(_) if answer.is_cut => {
            Look::Blind(format!("{name}: its answer is larger than {} MiB", BODY >> 20))
        }
        UrlTest::Text(test) => {
            text::test(&answer.body, test, Source { name, is_file: false, show: &probe.show }, context).await
        }
        UrlTest::Answers | UrlTest::Certificate { .. } => Look::right(format!("{name} answers {status}")),
    };
    match (look, &probe.inconclusive) {
        (Look::Right(seen), Some(but)) => Look::Blind(format!("{}: {but}", seen.join("; "))),
        (Look::Right(seen), None) => Look::Right([seen, text::shown(&answer.body, &probe.show)].concat()),
        (other, _) => other,
    }
}

/// The body of a good answer.
pub(super) async fn body<W: Web>(probe: &UrlProbe, context: &Context, web: &W) -> Result<Vec<u8>, String> {
    let answer = ask(probe, context, web).await?;
    match is_wanted(probe, answer.status) && !answer.is_cut {
        true => Ok(answer.body),
        false => Err(format!("{} answers {}, or more than {} MiB", name(probe), answer.status, BODY >> 20)),
    }
}

/// A redirect is an answer, and nobody follows it.
fn is_wanted(probe: &UrlProbe, status: u16) -> bool {
    match probe.statuses.is_empty() {
        true => (200..400).contains(&status),
        false => probe.statuses.contains(&status),
    }
}

/// Without a query, which may hold a secret.
fn name(probe: &UrlProbe) -> String {
    let mut url = probe.url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

async fn ask<W: Web>(probe: &UrlProbe, context: &Context, web: &W) -> Result<WebAnswer, String> {
    if !context.tree.is_this_machine() {
        return Err(format!("with --root no URL is asked: {}", name(probe)));
    }
    let request = WebRequest {
        url: probe.url.clone(),
        is_put: false,
        headers: Vec::new(),
        timeout: probe.timeout,
        largest: BODY,
        any_certificate: probe.any_certificate,
    };
    web.ask(request).await.map_err(|why| format!("{}: no answer: {why}", name(probe)))
}
