//! The headers of a profile that say how its CI deletes a build by HTTP.

use std::collections::BTreeMap;

use crate::http_deletion::HttpDeletion;

use super::header::{FileFault, SqlFile};
use super::known::AdminPath;

/// Reads them, and by which admin paths builds can be deleted then. `head` holds the headers with their lines.
pub(super) fn read(
    source: &SqlFile<'_>,
    head: &BTreeMap<&str, (usize, &str)>,
    admin_paths: Option<Vec<AdminPath>>,
) -> Result<(Option<HttpDeletion>, Option<Vec<AdminPath>>), FileFault> {
    let values = head.iter().map(|(header, (_, value))| (*header, *value)).collect();
    let line = |header: &str| head.get(header).map_or(1, |(line, _)| *line);
    let deletion = HttpDeletion::read(&values).map_err(|fault| of_deletion(source.fault(line(fault.header), fault)))?;
    if deletion.is_none() {
        return Ok((None, admin_paths));
    }
    match admin_paths.as_deref() {
        None | Some([AdminPath::Http]) => Ok((deletion, Some(vec![AdminPath::Http]))),
        Some(_) => {
            let fault =
                "a profile with the header \"-- delete:\" is deleted by HTTP alone: expected \"-- admin-paths: HTTP\"";
            Err(of_deletion(source.fault(line("admin-paths"), fault)))
        }
    }
}

/// The same fault, of what another help topic explains.
fn of_deletion(fault: FileFault) -> FileFault {
    FileFault { topic: "delete-by-http", ..fault }
}
