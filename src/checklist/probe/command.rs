//! Runs programs.

use crate::checklist::command;
use crate::checklist::harmless::harmless;
use crate::checklist::list::CommandProbe;
use crate::checklist::look::{Context, Look};
use crate::text::{Foreign, counted};

use super::text::{self, Source};

/// Runs a program, and looks at what it writes.
pub(in crate::checklist) async fn look(probe: &CommandProbe, context: &Context) -> Look {
    let name = name(probe);
    let ran = match run(probe, context).await {
        Ok(ran) => ran,
        Err(why) => return Look::Blind(why),
    };
    let Some(test) = &probe.test else {
        return match ran.code {
            Some(0) => Look::Right([vec![format!("{name} succeeds")], text::shown(&ran.output, &probe.show)].concat()),
            code => Look::todo(format!("{name} {}", ended(code, &ran.said, probe))),
        };
    };
    if ran.code != Some(0) {
        return Look::Blind(format!("{name} {}", ended(ran.code, &ran.said, probe)));
    }
    match text::test(&ran.output, test, Source { name: &name, is_file: false, show: &probe.show }, context).await {
        Look::Right(seen) => Look::Right([seen, text::shown(&ran.output, &probe.show)].concat()),
        other => other,
    }
}

/// What a program writes.
pub(super) async fn output(probe: &CommandProbe, context: &Context) -> Result<Vec<u8>, String> {
    let ran = run(probe, context).await?;
    match ran.code {
        Some(0) => Ok(ran.output),
        code => Err(format!("{} {}", name(probe), ended(code, &ran.said, probe))),
    }
}

async fn run(probe: &CommandProbe, context: &Context) -> Result<command::Ran, String> {
    if !context.tree.is_this_machine() {
        return Err(format!("with --root no command is run: {}", name(probe)));
    }
    command::run(&probe.run, probe.timeout).await
}

fn name(probe: &CommandProbe) -> String {
    // A word of it may be a secret.
    match probe.run.split_first() {
        Some((program, [])) => format!("`{program}`"),
        Some((program, more)) => format!("`{program}` with {}", counted(more.len() as u64, "word")),
        None => String::new(),
    }
}

fn ended(code: Option<i32>, said: &str, probe: &CommandProbe) -> String {
    let how = code.map_or_else(|| "was ended by a signal".to_owned(), |code| format!("ends with exit code {code}"));
    let program = probe.run.first().map_or("", String::as_str);
    match harmless(said, program) {
        _ if said.is_empty() => how,
        Some(said) => format!("{how}: {}", Foreign::url(said)),
        None => format!("{how}; what it says is not shown, as it may hold a secret: run it yourself"),
    }
}
