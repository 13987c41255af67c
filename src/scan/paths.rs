//! The paths by which a CI deletes and cancels builds: the columns of the relation build that give them, and what stands against one.

use crate::build_url::AddressForm;
use crate::finding::Finding;
use crate::http_deletion::HttpDeletion;
use crate::obstacle::Obstacle;
use crate::request_path::RequestPath;
use crate::sql::{REPORT, expression, filled};

use super::pieces::part;
use super::profile::Profile;
use super::relation::{CANCEL_PATH, DELETE_PATH, Relation};
use super::selection::BuildSelection;
use super::shape::Shape;

/// The columns with paths that the headers of a profile ask for.
pub(super) fn wanted(profile: &Profile) -> impl Iterator<Item = &'static str> {
    let deletion = profile.deletion.as_ref();
    let cancels = deletion.is_some_and(|deletion| deletion.cancel.is_some());
    [deletion.is_some().then_some(DELETE_PATH), cancels.then_some(CANCEL_PATH)].into_iter().flatten()
}

/// Those of them that the relation build gives.
pub(super) fn offered(profile: &Profile, shape: &Shape) -> Vec<&'static str> {
    wanted(profile).filter(|column| shape.type_of(Relation::Build, column).is_some()).collect()
}

/// What the report says of paths, in the pieces that its statement is put together from: nothing where there are none.
#[derive(Default)]
pub(super) struct PathPieces {
    /// The relation of builds that share a path with another.
    pub(super) relation: Option<String>,
    /// What is read of a build.
    pub(super) read: String,
    /// What the report shows of it.
    pub(super) shown: String,
    /// How the two are joined.
    pub(super) joined: &'static str,
}

impl PathPieces {
    /// The pieces for these columns. `every` is the relation build, whatever is in scope.
    pub(super) fn new(columns: &[&'static str], scope: BuildSelection, every: &str) -> Self {
        if columns.is_empty() {
            return Self::default();
        }
        // Else each reading of a few builds would read them all.
        let looks_at_all = !matches!(scope, BuildSelection::Names | BuildSelection::Keys);
        let meaning = expression(const { REPORT.part("meaning_of_path") });
        let of_column = |column: &&'static str| {
            let meaning = filled(meaning, &[("column", column)]);
            let values = [("column", *column), ("every", every), ("meaning", &meaning)];
            filled(expression(const { REPORT.part("paths_of_column") }), &values)
        };
        let all_paths = columns.iter().map(of_column).collect::<Vec<_>>().join("\nUNION\n");
        let shared = columns.iter().filter(|_| looks_at_all).map(|column| {
            let meaning = filled(meaning, &[("column", column)]);
            let values = [
                ("column", *column),
                ("every", every),
                ("meaning", &meaning),
                ("word", word(column)),
                ("all_paths", &all_paths),
            ];
            filled(const { REPORT.part("shared_path") }, &values)
        });
        let shared: Vec<String> = shared.map(|sql| sql.trim_end().trim_end_matches(';').to_owned()).collect();
        let shared = match shared.as_slice() {
            [] => const { REPORT.part("no_shared_path") }.to_owned(),
            shared => shared.join("\nUNION ALL\n"),
        };
        let read = expression(const { REPORT.part("path_read") });
        Self {
            relation: Some(part("shared_path", "MATERIALIZED", &shared)),
            read: columns.iter().map(|column| filled(read, &[("column", column)])).collect(),
            shown: shown(columns, "timed") + expression(const { REPORT.part("shared_path_shown") }),
            joined: expression(const { REPORT.part("shared_path_joined") }),
        }
    }
}

/// Columns with paths of a relation, as they cross the wire.
pub(super) fn shown(columns: &[&'static str], of: &str) -> String {
    let piece = expression(const { REPORT.part("path_shown") });
    columns.iter().map(|column| filled(piece, &[("column", column), ("of", of)])).collect()
}

/// What a person calls the path of a column.
fn word(column: &str) -> &'static str {
    if column == CANCEL_PATH { "cancel path" } else { "delete path" }
}

/// What stands against deleting a build by a request of its profile. Without one, only addresses in CircleCI's form can be deleted by.
pub(super) fn of_paths(
    form: AddressForm,
    deletion: Option<&HttpDeletion>,
    (delete_path, cancel_path): (Option<&str>, Option<&str>),
) -> impl Iterator<Item = Obstacle> {
    let of_delete = match (deletion, delete_path.map(RequestPath::parse)) {
        (None, _) => (form == AddressForm::AsWritten).then_some(Obstacle::NoDeletion),
        (Some(_), None) => Some(Obstacle::NoDeletePath),
        (Some(_), Some(read)) => read.err().map(Obstacle::StrangeDeletePath),
    };
    let cancel_path = cancel_path.filter(|_| deletion.is_some_and(|deletion| deletion.cancel.is_some()));
    let of_cancel = cancel_path.and_then(|path| RequestPath::parse(path).err()).map(Obstacle::StrangeCancelPath);
    of_delete.into_iter().chain(of_cancel)
}

/// The paths of a build that was found.
pub(super) fn paths_of(found: &Finding) -> (Option<&str>, Option<&str>) {
    (found.delete_path.as_deref(), found.cancel_path.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn deletion(headers: &[(&'static str, &'static str)]) -> HttpDeletion {
        let headers: BTreeMap<&str, &str> = headers.iter().copied().collect();
        HttpDeletion::read(&headers).expect("headers").expect("a deletion")
    }

    fn notes(deletion: &HttpDeletion, paths: (Option<&str>, Option<&str>)) -> Vec<String> {
        of_paths(AddressForm::AsWritten, Some(deletion), paths).map(|obstacle| obstacle.to_string()).collect()
    }

    #[test]
    fn a_build_needs_a_path_and_where_it_has_one_to_cancel_it_that_must_be_one_too() {
        let deletes = deletion(&[("delete", "DELETE")]);
        assert_eq!(notes(&deletes, (Some("/jobs/1"), Some("//evil/1"))), [""; 0]);
        assert_eq!(notes(&deletes, (None, None)), ["the profile gives no path to delete it by"]);
        assert_eq!(
            notes(&deletes, (Some("/jobs/../1"), None)),
            ["its delete path is not a path: a part of it is . or .."]
        );
        let cancels = deletion(&[("delete", "DELETE"), ("cancel", "POST")]);
        assert_eq!(notes(&cancels, (Some("/jobs/1"), None)), [""; 0]);
        assert_eq!(
            notes(&cancels, (Some("/jobs/1"), Some("//evil/1"))),
            ["its cancel path is not a path: it names a host"]
        );
    }
}
