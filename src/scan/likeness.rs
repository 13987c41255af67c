//! Builds that are alike: rows of one key, and names that differ in nothing but letters.

use crate::sql::{REPORT, filled};

use super::pieces::part;

/// Which builds may be alike, as far as it is known before a statement looks for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) keys: SharedKeys,
    pub(super) letters: Letters,
}

/// Where keys that stand for several rows are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SharedKeys {
    /// Nowhere: there are none.
    None,
    /// Among all builds.
    #[default]
    All,
    /// Among the builds that are read again.
    Chosen,
}

/// Whether names may differ in nothing but the case of letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Letters {
    /// None do, or whoever asks compares names.
    Differ,
    #[default]
    MayBeAlike,
}

/// The relations doubled, one_build and resembling. `every` is the relation build, whatever is in scope.
pub(super) fn relations(likeness: Likeness, every: &str) -> [String; 3] {
    let of_every = |part: &str| filled(part, &[("every", every)]);
    let one_row = const { REPORT.part("one_of_several") };
    let (doubled, one_build) = match likeness.keys {
        SharedKeys::None => (const { REPORT.part("key_of_one") }.to_owned(), const { REPORT.part("build_as_it_is") }),
        SharedKeys::All => (of_every(const { REPORT.part("keys_of_several") }), one_row),
        SharedKeys::Chosen => (of_every(const { REPORT.part("keys_of_several_chosen") }), one_row),
    };
    let resembling = match likeness.letters {
        Letters::MayBeAlike => of_every(const { REPORT.part("resembling") }),
        Letters::Differ => const { REPORT.part("no_resembling") }.to_owned(),
    };
    [
        part("doubled", "MATERIALIZED", &doubled),
        part("one_build", "NOT MATERIALIZED", one_build),
        part("resembling", "MATERIALIZED", &resembling),
    ]
}
