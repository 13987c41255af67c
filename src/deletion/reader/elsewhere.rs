//! Names a build that stands where another one was looked for.

use crate::finding::Finding;

/// Its address and its number, as far as it has them.
pub(super) fn described(build: &Finding) -> String {
    let url = build.build_url.as_deref().unwrap_or("a build without a URL");
    match build.build_num {
        Some(number) => format!("{url}, number {number}"),
        None => format!("{url}, without a number"),
    }
}
