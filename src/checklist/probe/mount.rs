//! Looks at folders on other disks and servers: whether they are mounted, and whether something is in them.

use std::os::unix::fs::MetadataExt;

use crate::checklist::list::MountProbe;
use crate::checklist::look::{Context, Look};
use crate::checklist::mounts::{self, Mount};
use crate::checklist::outcome::Fault;
use crate::checklist::tree::{Found, is_absent};
use crate::text::Foreign;

use super::disk::unread;

/// The kernel's table of what this process sees mounted.
const MOUNTED: &str = "/proc/self/mountinfo";
/// What is mounted when the machine starts.
const FSTAB: &str = "/etc/fstab";

/// Looks at a folder, or at all places of /etc/fstab.
pub(in crate::checklist) fn look(probe: &MountProbe, context: &Context) -> Look {
    match &probe.path {
        Some(path) => of_path(path, probe, context),
        None => of_fstab(context),
    }
}

fn of_path(path: &str, probe: &MountProbe, context: &Context) -> Look {
    let name = context.tree.shown(path);
    let (found, wanted) = match (context.tree.find(path), wanted(context)) {
        (Err(error), Ok(wanted)) if is_absent(&error) => {
            return match wanted.iter().find(|mount| mount.place == path) {
                Some(mount) if mount.may_fail && !probe.is_mount => Look::Blind(not_there_with_nofail(mount)),
                Some(mount) => Look::ToDo(vec![not_mounted(mount).at(&name, None)]),
                None => Look::missing(probe.missing, format!("not there: {name}")),
            };
        }
        (Err(error), _) => return Look::Blind(unread(context, path, &error)),
        (Ok(found), Ok(wanted)) => (found, wanted),
        (Ok(found), Err(why)) if probe.is_mount => {
            // It decides nothing where the folder has to be a mount in any case.
            let _ = why;
            (found, Vec::new())
        }
        (Ok(_), Err(why)) => return Look::Blind(why),
    };
    if !found.metadata.is_dir() {
        return Look::ToDo(vec![Fault::new("it is no folder").at(&name, None)]);
    }
    let is_it = |mount: &&Mount| mount.place == path || place_of(mount, context) == found.place;
    let of_fstab = wanted.iter().find(is_it);
    let must_be_mounted = probe.is_mount || of_fstab.is_some();
    let state = state(path, &found, context);
    let (mut faults, mut unseen) = (Vec::new(), Vec::new());
    let place = match (&state, must_be_mounted) {
        (Ok(State::Mounted(what)), _) => format!("{name} is mounted{what}"),
        (Ok(State::NotMounted(_)), true) if !probe.is_mount && of_fstab.is_some_and(|mount| mount.may_fail) => {
            unseen.extend(of_fstab.map(not_there_with_nofail));
            String::new()
        }
        (Ok(State::NotMounted(_)), true) => {
            let what = of_fstab.map_or_else(|| Fault::new("it is not mounted"), not_mounted);
            faults.push(what.at(&name, None));
            String::new()
        }
        (Ok(State::NotMounted(on)), false) => format!("{name} is no mount, as in {FSTAB}; it is on {on}"),
        (Err(why), true) => {
            unseen.push(format!("{name}: {why}"));
            String::new()
        }
        (Err(_), false) => format!("{name} is no place of {FSTAB}"),
    };
    let mut seen = vec![place];
    if probe.not_empty {
        match found.is_empty() {
            Ok(true) => faults.push(Fault::new("it is empty").at(&name, None)),
            Ok(false) => seen.push("it is not empty".to_owned()),
            Err(error) => unseen.push(unread(context, path, &error)),
        }
    }
    Look::all(faults, unseen, seen)
}

fn not_mounted(mount: &Mount) -> Fault {
    let Mount { kind, source, .. } = mount;
    Fault::new(format!(
        "{FSTAB} mounts {} ({}) there, and it is not mounted",
        Foreign::url(source),
        Foreign::name(kind)
    ))
}

/// The machine starts without it, and nobody knows whether it has to be there.
fn not_there_with_nofail(mount: &Mount) -> String {
    let (place, source) = (Foreign::url(&mount.place), Foreign::url(&mount.source));
    format!("{FSTAB} mounts {source} at {place} with nofail, and it is not mounted: is it needed?")
}

/// Where a mount is, without the links that /etc/fstab may name.
fn place_of(mount: &Mount, context: &Context) -> String {
    context.tree.find(&mount.place).map_or_else(|_| mount.place.clone(), |found| found.place)
}

enum State {
    /// What is mounted there.
    Mounted(String),
    /// What it is on.
    NotMounted(String),
}

fn state(path: &str, found: &Found, context: &Context) -> Result<State, String> {
    if !context.tree.is_this_machine() {
        let above = path.trim_end_matches('/').rsplit_once('/').map_or("/", |(above, _)| above);
        let above = context.tree.find(above).map_err(|error| unread(context, path, &error))?;
        return match above.metadata.dev() == found.metadata.dev() {
            true => Err("with --root it is not known what the machine has mounted there".to_owned()),
            false => Ok(State::Mounted(": it is another file system than the folder above".to_owned())),
        };
    }
    let mounts = mounted(context)?;
    let Some(on) = mounts::of(&mounts, &found.place) else { return Err(format!("{MOUNTED} does not know it")) };
    let what = format!("{} ({})", Foreign::url(&on.source), Foreign::name(&on.kind));
    Ok(if on.place == found.place { State::Mounted(format!(": {what}")) } else { State::NotMounted(what) })
}

fn of_fstab(context: &Context) -> Look {
    let wanted = match wanted(context) {
        Ok(wanted) => wanted,
        Err(why) => return Look::Blind(why),
    };
    if wanted.is_empty() {
        return Look::Nothing(format!("{} names no mount", context.tree.shown(FSTAB)));
    }
    if !context.tree.is_this_machine() {
        return Look::Blind("with --root it is not known what the machine has mounted".to_owned());
    }
    let mounted = match mounted(context) {
        Ok(mounted) => mounted,
        Err(why) => return Look::Blind(why),
    };
    let is_missing = |mount: &&Mount| {
        let is_at = |place: &str| mounted.iter().any(|other| other.place == place);
        !is_at(&mount.place) && !is_at(&place_of(mount, context))
    };
    let missing = wanted.iter().filter(is_missing);
    let (may_fail, must): (Vec<&Mount>, Vec<&Mount>) = missing.partition(|mount| mount.may_fail);
    let faults: Vec<Fault> = must.into_iter().map(|mount| not_mounted(mount).at(&mount.place, None)).collect();
    let unseen: Vec<String> = may_fail.into_iter().map(not_there_with_nofail).collect();
    let places: Vec<String> = wanted.iter().map(|mount| Foreign::url(&mount.place).into()).collect();
    Look::all(faults, unseen, vec![format!("all of {FSTAB} is mounted: {}", places.join(", "))])
}

/// What should be mounted; nothing where there is no such file.
fn wanted(context: &Context) -> Result<Vec<Mount>, String> {
    match context.tree.read(FSTAB) {
        Ok(bytes) => Ok(mounts::wanted(&bytes)),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(unread(context, FSTAB, &error)),
    }
}

fn mounted(context: &Context) -> Result<Vec<Mount>, String> {
    context.tree.read(MOUNTED).map(|bytes| mounts::mounted(&bytes)).map_err(|error| unread(context, MOUNTED, &error))
}
