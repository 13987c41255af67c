//! The name of what the server calls by its file.

use crate::database::{Parameter, Snapshot};
use crate::sql::UNREAD;

use super::attempt::attempt;
use super::error::ScanError;

/// Asks for the name of a file.
const NAMED: &str = UNREAD.part("named");

/// What the file is that the server's words name, such as `index public.builds_pkey`; `None` where they name none, or nobody knows it.
///
/// # Errors
/// The connection is lost.
pub(super) async fn name_of_file(snapshot: &Snapshot<'_>, words: &str) -> Result<Option<String>, ScanError> {
    let Some((space, node)) = file_in(words) else { return Ok(None) };
    let read = async {
        let mut rows = snapshot.rows("asking for a name", NAMED, &[Parameter::Integers(vec![space, node])]).await?;
        Ok(rows.next().await?.map(|row| row.text("name")).transpose()?.flatten())
    };
    match attempt(snapshot, read).await? {
        Err(error) if !error.is_about_what_is_read() => Err(error),
        named => Ok(named.unwrap_or_default()),
    }
}

/// The table space, 0 for the database's own, and the number of the first file that is named.
fn file_in(words: &str) -> Option<(i64, i64)> {
    let is_of_path = |letter: char| letter.is_ascii_alphanumeric() || "/_.".contains(letter);
    words.split(|letter| !is_of_path(letter)).find_map(|path| {
        let parts: Vec<&str> = path.split('/').collect();
        let (space, file) = match parts.as_slice() {
            ["base", _, file] => ("0", *file),
            ["pg_tblspc", space, _, _, file] => (*space, *file),
            _ => return None,
        };
        // The further files of a large table have a number behind a dot, and its maps a word behind a line.
        let node = file.split(['.', '_']).next()?;
        Some((space.parse().ok()?, node.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_in_the_words_of_the_server() {
        for (words, expected) in [
            ("invalid page in block 4 of relation base/16708/16504", Some((0, 16504))),
            ("could not open file \"base/5/16384.1\": No such file or directory", Some((0, 16384))),
            (
                "could not read block 3 in file \"pg_tblspc/24/PG_15_202209061/5/77\": read only 0 of 8192",
                Some((24, 77)),
            ),
            ("invalid page in block 0 of relation base/5/77_vm", Some((0, 77))),
            ("division by zero in base/all", None),
            ("value \"base/x/y\" is no number", None),
        ] {
            assert_eq!(file_in(words), expected, "{words}");
        }
    }
}
