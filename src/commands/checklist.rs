//! `halfbuilt checklist`: what has to be right on the restored machine before builds are cleaned up.

use std::path::{Path, PathBuf};

use crate::checklist::{self, Checklist, ChecklistRequest, List, SHIPPED, Web, WebAnswer, WebRequest, stays_here};
use crate::cli::ChecklistArgs;
use crate::exit::Exit;
use crate::file_access::{self, is_dash};
use crate::output::{
    OutputError, OutputFile, Printer, checklist_page, show, write_checklist_junit, write_checklist_markdown,
};
use crate::sources::Question;
use crate::text::similar::did_you_mean;

use super::Error;
use super::backup_evidence::BackupEvidence;
use super::files::Files;
use super::interrupt::Interrupt;
use super::rules::print;

/// Writes a checklist in one form.
type WriteForm = fn(&Checklist, &mut OutputFile) -> std::io::Result<()>;

/// Asks over the network.
struct Network;

impl Web for Network {
    async fn ask(&self, request: WebRequest) -> Result<WebAnswer, String> {
        let is_local = stays_here(&request.url);
        let WebRequest { url, is_put, headers, timeout, largest, any_certificate } = request;
        let question = Question { url, is_put, headers, timeout, largest, any_certificate, is_local };
        let reply = question.ask().await?;
        Ok(WebAnswer { status: reply.status, body: reply.body, is_cut: reply.is_cut, certificate: reply.certificate })
    }
}

/// Looks at every item, and shows what it came to.
pub(super) async fn run(args: ChecklistArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    if let Some(name) = &args.print {
        return print(List::shipped(name).ok_or_else(|| unknown(name))?);
    }
    let forms: [(&'static str, Option<PathBuf>, WriteForm); 3] = [
        ("--json", args.json.clone(), Checklist::write),
        ("--junit", args.junit.clone(), write_checklist_junit),
        ("--markdown", args.markdown.clone(), write_checklist_markdown),
    ];
    let request = request(args, &forms, printer)?;
    let named = forms.into_iter().filter_map(|(_, file, write)| Some((file?, write)));
    let outputs: Vec<(PathBuf, WriteForm)> = named.collect();
    let mut opened = Vec::new();
    for (file, write) in &outputs {
        opened.push((OutputFile::verdict(file)?, *write));
    }
    let look = async {
        let on_item = |item: &checklist::Item| printer.detail(&format!("looking at {}: {}", item.name, item.title));
        Ok(checklist::run(request, &Network, on_item).await?)
    };
    let checklist = interrupt.or(look).await?;
    if !outputs.iter().any(|(file, _)| is_dash(file)) {
        show(&checklist_page(&checklist, printer.color()))?;
    }
    // Each is written, whatever becomes of the others.
    let written: Vec<Result<(), OutputError>> = opened
        .into_iter()
        .map(|(mut output, write)| {
            let name = output.name();
            write(&checklist, &mut output).map_err(|source| OutputError::new(name, source))?;
            output.finish()
        })
        .collect();
    written.into_iter().collect::<Result<(), OutputError>>()?;
    printer.tell(&checklist.sentence());
    if checklist.lists.is_empty() {
        printer.hint(
            "none of the lists that ship is of this machine: run it on the services machine, or name saved files, --root or --items",
        );
    }
    Ok(checklist.tally().exit())
}

fn request(
    args: ChecklistArgs,
    forms: &[(&'static str, Option<PathBuf>, WriteForm); 3],
    printer: Printer,
) -> Result<ChecklistRequest, Error> {
    let backup = BackupEvidence::of(args.backup_time.as_ref(), printer)?;
    let files = args.saved.iter().fold(Files::default(), |files, file| files.read("FILE", Some(file)));
    let own = args.items.iter().filter(|name| List::shipped(name).is_none());
    let files = own.fold(files, |files, list| files.read("--items", Some(Path::new(list))));
    let files = files.read("--backup-time", backup.file.as_deref());
    forms.iter().fold(files, |files, (flag, file, _)| files.write(flag, file.as_deref())).keep_apart()?;
    let lists_are_named = !args.items.is_empty();
    let lists = match lists_are_named {
        true => args.items.iter().map(|name| list(name)).collect::<Result<_, _>>()?,
        false => SHIPPED.iter().map(|(name, text)| Ok(List::parse(name, text)?)).collect::<Result<_, Error>>()?,
    };
    Ok(ChecklistRequest {
        lists,
        lists_are_named,
        root: args.root,
        saved: args.saved,
        backup: backup.time,
        restored: args.restored_at,
        addresses: args.addresses,
        public: args.public_ip,
        host: args.host,
        without: args.without,
    })
}

/// A list that ships, by its name, or a file.
fn list(name: &str) -> Result<List, Error> {
    if let Some(text) = List::shipped(name) {
        return Ok(List::parse(name, text)?);
    }
    let file = Path::new(name);
    let text = file_access::read_text(file, file_access::ITEMS)
        .map_err(|source| Error::Read { file: file.to_owned(), source })?;
    Ok(List::parse(name, &text)?)
}

fn unknown(name: &str) -> Error {
    let hint = did_you_mean(name, SHIPPED.iter().map(|(name, _)| *name));
    Error::UnknownList { name: name.to_owned(), hint }
}
