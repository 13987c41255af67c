//! What a comparison of files came to.

/// What a comparison of two files came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The files agree.
    Agrees,
    /// They do not: nothing is clean.
    Differs,
    /// There is something to be known, and nothing wrong.
    Note,
}

impl Agreement {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Note => "note",
        }
    }
}

/// A comparison of files, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCheck {
    pub agreement: Agreement,
    /// What was compared, and how it came out, in a sentence.
    pub text: String,
}

impl FileCheck {
    pub(super) fn agrees(text: String) -> Self {
        Self { agreement: Agreement::Agrees, text }
    }

    pub(super) fn differs(text: String) -> Self {
        Self { agreement: Agreement::Differs, text }
    }

    pub(super) fn note(text: String) -> Self {
        Self { agreement: Agreement::Note, text }
    }
}
