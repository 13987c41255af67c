//! Where a verdict goes besides the one sentence: JUnit, JSON, and what GitHub Actions shows.

use std::path::{Path, PathBuf};

use crate::build_url::BuildUrl;
use crate::cli::VerifyArgs;
use crate::drill::Judgement;
use crate::file_access;
use crate::output::{Printer, VerdictFile, VerdictFormat, annotations, append_step_summary};
use crate::policy::VerifyPolicy;
use crate::text::shorten;

use super::Error;
use super::files::Files;
use super::read_request::ReadRequest;

/// How much of a text that is no address is shown, in characters.
const SHOWN: usize = 200;

/// Where a verdict goes.
pub(super) struct Outlets {
    files: Vec<VerdictFile>,
    on_github: bool,
    step_summary: Option<PathBuf>,
}

impl Outlets {
    /// Opens the files, so that a folder which cannot be written is found out before the work starts.
    pub(super) fn open(args: &VerifyArgs, request: &ReadRequest) -> Result<Self, Error> {
        Files::default()
            .read("--baseline", args.baseline.baseline.as_deref())
            .read("--key-file", args.baseline.key_file.as_deref())
            .read("--policy", args.verdict.policy.as_deref())
            .read("--expect-file", args.verdict.expect_file.as_deref())
            .read_by(request)
            .write_report(args.output.as_deref())
            .write("--junit", args.verdict.junit.as_deref())
            .write("--json", args.verdict.json.as_deref())
            .keep_apart()?;
        let formats = [(VerdictFormat::Junit, &args.verdict.junit), (VerdictFormat::Json, &args.verdict.json)];
        let files = formats.into_iter().filter_map(|(format, path)| Some(VerdictFile::open(format, path.as_ref()?)));
        let files = files.collect::<Result<_, _>>()?;
        // Source: GitHub docs, "Default environment variables": GITHUB_ACTIONS is always true in a run.
        let on_github = std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true");
        let step_summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| on_github && !file.is_empty());
        Ok(Self { files, on_github, step_summary: step_summary.map(PathBuf::from) })
    }

    /// Writes the verdict to all of them.
    pub(super) fn write(self, judgement: &Judgement, printer: Printer) -> Result<(), Error> {
        if self.on_github {
            annotations(judgement).iter().for_each(|line| printer.command(line));
        }
        if let Some(file) = self.step_summary
            && let Err(error) = append_step_summary(judgement, &file)
        {
            // Nobody asked for it by a flag, and the verdict stands.
            printer.warn(&format!("no summary for GITHUB_STEP_SUMMARY: cannot append to {}: {error}", file.display()));
        }
        // Each is written, whatever becomes of the others.
        let written: Vec<_> = self.files.into_iter().map(|file| file.write(judgement)).collect();
        Ok(written.into_iter().collect::<Result<(), _>>()?)
    }
}

/// The builds that have to be found: those of the flags, of the file and of the policy.
pub(super) fn expected(args: &VerifyArgs, policy: Option<&VerifyPolicy>) -> Result<Vec<BuildUrl>, Error> {
    let parse = |text: &str, place: &str| {
        BuildUrl::parse(text).map_err(|why| Error::Usage(format!("{place} {:?}: {why}", shorten(text, SHOWN))))
    };
    let mut expected: Vec<BuildUrl> = policy.map(|policy| policy.expect.clone()).unwrap_or_default();
    for text in &args.verdict.expect {
        expected.push(parse(text, "--expect")?);
    }
    if let Some(file) = &args.verdict.expect_file {
        let before = expected.len();
        for (number, line) in read(file)?.lines().enumerate() {
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                expected.push(parse(line, &format!("{}, line {}:", file.display(), number + 1))?);
            }
        }
        if expected.len() == before {
            // A list that was lost must not pass for one that expects nothing.
            return Err(Error::Usage(format!("--expect-file {}: it names no build", file.display())));
        }
    }
    Ok(expected)
}

fn read(file: &Path) -> Result<String, Error> {
    file_access::read_text(file, file_access::EXPECTED).map_err(|source| Error::Read { file: file.to_owned(), source })
}
