//! What the fuzz targets see of foreign files.

use crate::checklist::{addresses, mounts};
use crate::text::Foreign;

use super::object::Object;
use super::objects;

/// The names of saved objects, or why there are none.
pub(in crate::checklist) fn kubernetes(bytes: &[u8]) -> Vec<String> {
    match objects::read(bytes) {
        Ok(objects) => objects.iter().map(Object::full_name).collect(),
        Err(why) => vec![why],
    }
}

/// The addresses and mounts of a file of configuration.
pub(in crate::checklist) fn places(bytes: &[u8]) -> Vec<String> {
    let addresses =
        addresses::mentions(bytes).found.into_iter().map(|found| format!("{}: {}", found.line, found.address));
    let mounts = mounts::wanted(bytes).into_iter().chain(mounts::mounted(bytes));
    addresses.chain(mounts.map(|mount| Foreign::url(&mount.place).into())).collect()
}
