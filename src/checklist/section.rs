//! One `[[item.look]]` of a list: which keys belong together, and the probe that they make.

use std::net::IpAddr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use crate::duration;

use super::list::{
    CommandProbe, FileProbe, FileTest, JsonTest, KubernetesTest, Missing, Moment, MountProbe, Probe, TextTest,
    TimeProbe, TimeSource, TimeTest, UrlProbe, UrlTest,
};
use super::web::stays_here;

/// How long a command may take where the list does not say.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const URL_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest of both that a list may ask for.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a certificate has to hold.
const CERTIFICATE_HOLDS_FOR: &str = "14 days";
/// How much the times of one event may differ.
const TOLERANCE: &str = "15m";
/// The most paths of a file, and words of a command.
const MOST: usize = 1000;

/// A probe with all keys that one can have. Which belong together is checked afterwards.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Section {
    file: Option<Vec<String>>,
    mount: Option<String>,
    command: Option<Vec<String>>,
    url: Option<String>,
    time: Option<String>,

    absent: Option<bool>,
    holds: Option<String>,
    lacks: Option<String>,
    no_removal: Option<Vec<String>>,
    json: Option<String>,
    is: Option<Vec<String>>,
    is_host: Option<bool>,
    addresses: Option<bool>,
    except: Option<Vec<IpAddr>>,
    newer_than: Option<Vec<String>>,
    certificate: Option<bool>,
    holds_for: Option<String>,
    kubernetes: Option<KubernetesTest>,
    missing: Option<Missing>,

    is_mount: Option<bool>,
    not_empty: Option<bool>,

    timeout: Option<String>,
    status: Option<Vec<u16>>,
    any_certificate: Option<bool>,
    show: Option<Vec<String>>,
    inconclusive: Option<String>,

    of: Option<Box<Section>>,
    after: Option<Vec<String>>,
    before: Option<Vec<String>>,
    near: Option<Vec<String>>,
    within: Option<String>,
    tolerance: Option<String>,
}

impl Section {
    /// The probe.
    ///
    /// # Errors
    /// The keys make none.
    pub(super) fn probe(mut self) -> Result<Probe, String> {
        let kinds = [
            ("file", self.file.is_some()),
            ("mount", self.mount.is_some()),
            ("command", self.command.is_some()),
            ("url", self.url.is_some()),
            ("time", self.time.is_some()),
        ];
        let named: Vec<&str> = kinds.into_iter().filter(|(_, is_named)| *is_named).map(|(kind, _)| kind).collect();
        let [kind] = named.as_slice() else {
            return Err("look: expected one of file, mount, command, url and time".to_owned());
        };
        let kind = *kind;
        let probe = match kind {
            "file" => Probe::File(self.file()?),
            "mount" => Probe::Mount(self.mount()?),
            "command" => Probe::Command(self.command()?),
            "url" => Probe::Url(self.url()?),
            _ => Probe::Time(self.time()?),
        };
        // What is left was not taken by this kind of probe.
        match self.left() {
            Some(key) => Err(format!("{key} does not belong to this {kind}")),
            None => Ok(probe),
        }
    }

    /// A key that nothing has taken.
    fn left(&self) -> Option<&'static str> {
        let keys = [
            ("absent", self.absent.is_some()),
            ("holds", self.holds.is_some()),
            ("lacks", self.lacks.is_some()),
            ("no_removal", self.no_removal.is_some()),
            ("json", self.json.is_some()),
            ("is", self.is.is_some()),
            ("is_host", self.is_host.is_some()),
            ("addresses", self.addresses.is_some()),
            ("except", self.except.is_some()),
            ("newer_than", self.newer_than.is_some()),
            ("certificate", self.certificate.is_some()),
            ("holds_for", self.holds_for.is_some()),
            ("kubernetes", self.kubernetes.is_some()),
            ("missing", self.missing.is_some()),
            ("is_mount", self.is_mount.is_some()),
            ("not_empty", self.not_empty.is_some()),
            ("timeout", self.timeout.is_some()),
            ("status", self.status.is_some()),
            ("any_certificate", self.any_certificate.is_some()),
            ("show", self.show.is_some()),
            ("inconclusive", self.inconclusive.is_some()),
            ("of", self.of.is_some()),
            ("after", self.after.is_some()),
            ("before", self.before.is_some()),
            ("near", self.near.is_some()),
            ("within", self.within.is_some()),
            ("tolerance", self.tolerance.is_some()),
        ];
        keys.into_iter().find(|(_, is_left)| *is_left).map(|(key, _)| key)
    }

    fn file(&mut self) -> Result<FileProbe, String> {
        let paths = paths("file", self.file.take().unwrap_or_default())?;
        let text = self.text()?;
        let tests = [
            text.map(FileTest::Text),
            yes("absent", self.absent.take())?.map(|()| FileTest::Absent),
            yes("addresses", self.addresses.take())?
                .map(|()| FileTest::Addresses { except: self.except.take().unwrap_or_default() }),
            self.newer_than.take().map(|moments| self.newer_than(&moments)).transpose()?,
            self.certificate()?.map(|holds_for| FileTest::Certificate { holds_for }),
            self.kubernetes.take().map(FileTest::Kubernetes),
        ];
        let test = one(tests.into_iter().flatten())?.unwrap_or(FileTest::Present);
        let missing = match (self.missing.take(), &test) {
            (Some(_), FileTest::Absent) => {
                return Err("missing: where a file is to be absent, that is right".to_owned());
            }
            (Some(missing), _) => missing,
            (None, FileTest::Present | FileTest::Text(TextTest::Holds(_) | TextTest::Json { .. })) => Missing::ToDo,
            (None, FileTest::Certificate { .. } | FileTest::Kubernetes(_)) => Missing::NotChecked,
            (None, FileTest::Absent | FileTest::NewerThan { .. }) => Missing::Right,
            (None, FileTest::Text(TextTest::Lacks(_) | TextTest::Removes(_))) => Missing::Right,
            (None, FileTest::Addresses { .. }) => Missing::NotNeeded,
        };
        Ok(FileProbe { paths, test, missing })
    }

    fn newer_than(&mut self, moments: &[String]) -> Result<FileTest, String> {
        let tolerance = length("tolerance", self.tolerance.take().as_deref().unwrap_or(TOLERANCE))?;
        Ok(FileTest::NewerThan { moments: self::moments("newer_than", moments)?, tolerance })
    }

    fn certificate(&mut self) -> Result<Option<SignedDuration>, String> {
        if yes("certificate", self.certificate.take())?.is_none() {
            return Ok(None);
        }
        length("holds_for", self.holds_for.take().as_deref().unwrap_or(CERTIFICATE_HOLDS_FOR)).map(Some)
    }

    /// The test of a text, where there is one.
    fn text(&mut self) -> Result<Option<TextTest>, String> {
        let pattern = |key: &str, text: Option<String>| {
            let pattern = text.as_deref().map(glob::Pattern::new).transpose();
            pattern.map_err(|error| format!("{key}: {error}"))
        };
        let json = match self.json.take() {
            None => None,
            // With `of`, it is where the time stands.
            Some(pointer) => {
                let test = match (self.is.take(), yes("is_host", self.is_host.take())?) {
                    (Some(values), None) if !values.is_empty() => JsonTest::Is(values),
                    (None, Some(())) => JsonTest::IsHost,
                    _ => return Err("json: expected is = [...], or is_host = true, beside it".to_owned()),
                };
                Some(TextTest::Json { pointer: self::pointer("json", pointer)?, test })
            }
        };
        let holds = pattern("holds", self.holds.take())?.map(TextTest::Holds);
        let lacks = pattern("lacks", self.lacks.take())?.map(TextTest::Lacks);
        let folders = self.no_removal.take().map(|folders| self::paths("no_removal", folders)).transpose()?;
        one([json, holds, lacks, folders.map(TextTest::Removes)].into_iter().flatten())
    }

    fn mount(&mut self) -> Result<MountProbe, String> {
        let named = self.mount.take().unwrap_or_default();
        let path = match named.as_str() {
            "fstab" => None,
            _ => Some(paths("mount", vec![named])?.remove(0)),
        };
        if path.is_none() && (self.is_mount.is_some() || self.missing.is_some() || self.not_empty.is_some()) {
            return Err("mount: all of fstab are mounts, and no other key belongs to it".to_owned());
        }
        Ok(MountProbe {
            path,
            is_mount: self.is_mount.take().unwrap_or(true),
            not_empty: self.not_empty.take().unwrap_or(false),
            missing: self.missing.take().unwrap_or(Missing::ToDo),
        })
    }

    fn command(&mut self) -> Result<CommandProbe, String> {
        let run = self.command.take().unwrap_or_default();
        if run.first().is_none_or(|program| program.trim().is_empty()) || run.len() > MOST {
            return Err("command: expected a program and its arguments, each a word of its own".to_owned());
        }
        if run.iter().any(|word| word.contains('\0')) {
            return Err("command: a word cannot contain a zero byte".to_owned());
        }
        Ok(CommandProbe { run, timeout: self.timeout(COMMAND_TIMEOUT)?, test: self.text()?, show: self.show()? })
    }

    fn url(&mut self) -> Result<UrlProbe, String> {
        let url = parse_url(&self.url.take().unwrap_or_default()).map_err(|why| format!("url: {why}"))?;
        let any_certificate = yes("any_certificate", self.any_certificate.take())?.is_some();
        if any_certificate && !stays_here(&url) {
            return Err("any_certificate: only of this machine, where a certificate proves nothing".to_owned());
        }
        let certificate = self.certificate()?.map(|holds_for| UrlTest::Certificate { holds_for });
        let text = self.text()?.map(UrlTest::Text);
        if certificate.is_some() && url.scheme() != "https" {
            return Err("certificate: only https has one".to_owned());
        }
        Ok(UrlProbe {
            url,
            timeout: self.timeout(URL_TIMEOUT)?,
            statuses: self.status.take().unwrap_or_default(),
            any_certificate,
            test: one([certificate, text].into_iter().flatten())?.unwrap_or(UrlTest::Answers),
            show: self.show()?,
            inconclusive: self.inconclusive.take(),
        })
    }

    fn time(&mut self) -> Result<TimeProbe, String> {
        let what = self.time.take().unwrap_or_default();
        let mut of = *self.of.take().ok_or("time: expected of = {...}, which says where the time comes from")?;
        let source = of.time_source()?;
        if let Some(key) = of.left() {
            return Err(format!("of: {key} does not belong there"));
        }
        let tests = [
            self.after.take().map(|named| moments("after", &named).map(TimeTest::After)).transpose()?,
            self.before.take().map(|named| moments("before", &named).map(TimeTest::Before)).transpose()?,
            self.near.take().map(|named| self.near(&named)).transpose()?,
            self.within.take().map(|text| length("within", &text).map(TimeTest::Within)).transpose()?,
        ];
        let test = one(tests.into_iter().flatten())?;
        let test = test.ok_or("time: expected one of after, before, near and within")?;
        Ok(TimeProbe { of: source, what, test })
    }

    fn near(&mut self, named: &[String]) -> Result<TimeTest, String> {
        let tolerance = length("tolerance", self.tolerance.take().as_deref().unwrap_or(TOLERANCE))?;
        Ok(TimeTest::Near { moments: moments("near", named)?, tolerance })
    }

    fn time_source(&mut self) -> Result<TimeSource, String> {
        let json = match self.json.take() {
            Some(pointer) => self::pointer("of: json", pointer),
            None => Err("of: expected json = \"/...\", which says where in the answer the time stands".to_owned()),
        };
        match (self.file.take(), self.time.take(), self.command.is_some(), self.url.is_some()) {
            (Some(file), None, false, false) if file.len() == 1 => {
                Ok(TimeSource::File(paths("of: file", file)?.remove(0)))
            }
            (None, Some(moment), false, false) => Ok(TimeSource::Moment(self::moment("of: time", &moment)?)),
            (None, None, true, false) => {
                let pointer = json?;
                Ok(TimeSource::Command { command: self.command()?, pointer })
            }
            (None, None, false, true) => {
                let pointer = json?;
                Ok(TimeSource::Url { url: self.url()?, pointer })
            }
            _ => Err("of: expected one of file, with one path, command, url and time".to_owned()),
        }
    }

    fn timeout(&mut self, usual: Duration) -> Result<Duration, String> {
        let Some(text) = self.timeout.take() else { return Ok(usual) };
        let timeout = Duration::try_from(length("timeout", &text)?).unwrap_or(Duration::MAX);
        if timeout > LONGEST_TIMEOUT { Err(format!("timeout: at most {LONGEST_TIMEOUT:?}")) } else { Ok(timeout) }
    }

    fn show(&mut self) -> Result<Vec<String>, String> {
        self.show.take().unwrap_or_default().into_iter().map(|text| pointer("show", text)).collect()
    }
}

/// The one test that there is.
fn one<T>(mut tests: impl Iterator<Item = T>) -> Result<Option<T>, String> {
    let first = tests.next();
    match tests.next() {
        Some(_) => Err("look: it asks two things at once: make two items of it".to_owned()),
        None => Ok(first),
    }
}

fn yes(key: &str, value: Option<bool>) -> Result<Option<()>, String> {
    match value {
        Some(false) => Err(format!("{key}: it can only be true: leave it out")),
        Some(true) => Ok(Some(())),
        None => Ok(None),
    }
}

fn paths(key: &str, paths: Vec<String>) -> Result<Vec<String>, String> {
    if paths.is_empty() || paths.len() > MOST {
        return Err(format!("{key}: it names no path"));
    }
    for path in &paths {
        if !path.starts_with('/') || path.contains('\0') {
            return Err(format!("{key}: {path:?} is no path from the root: it begins with /"));
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder.contains(['*', '?']) {
            return Err(format!("{key}: {path:?}: * and ? stand for names in the last part alone"));
        }
    }
    Ok(paths)
}

fn pointer(key: &str, text: String) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        return Ok(text);
    }
    Err(format!("{key}: {text:?} is no JSON pointer (RFC 6901): it begins with /"))
}

/// A URL that may be asked.
pub(super) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is none: {error}"))?;
    let has_secret = !url.username().is_empty() || url.password().is_some();
    match url.scheme() {
        "http" | "https" if has_secret => Err("it must not hold a user name or a password".to_owned()),
        "http" | "https" => Ok(url),
        other => Err(format!("its scheme is {other:?}, not http or https")),
    }
}

fn length(key: &str, text: &str) -> Result<SignedDuration, String> {
    duration::parse_or_zero(text).map_err(|why| format!("{key}: {why}"))
}

fn moments(key: &str, named: &[String]) -> Result<Vec<Moment>, String> {
    if named.is_empty() {
        return Err(format!("{key}: it names no time"));
    }
    named.iter().map(|text| moment(key, text)).collect()
}

fn moment(key: &str, text: &str) -> Result<Moment, String> {
    match text {
        "backup" => Ok(Moment::Backup),
        "restored" => Ok(Moment::Restored),
        "launched" => Ok(Moment::Launched),
        _ => text
            .parse()
            .map(Moment::At)
            .map_err(|_| format!("{key}: {text:?} is none of backup, restored, launched and a time with a zone")),
    }
}
