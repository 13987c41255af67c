//! Which service of a CircleCI Server an nREPL belongs to: several have one on port 6005, and only the frontend's deletes builds.

use std::fmt;

/// What the names of namespaces begin with, each with a dot at its end. Their sources: the console forms of CircleCI's documentation
/// (circle.http.api.admin-commands, and those under it), `vault-to-tink/export-contexts.sh` (contexts-service.db) and
/// `kots-exporter/wfc-grpc-mg.logs` (workflows-conductor.entities.uuid, circleci.backplane.nrepl, circle.util.math) in
/// github.com/CircleCI-Public/server-scripts. The conductor has namespaces of `circle` too, so that alone proves no frontend.
const FRONTEND: &str = "circle.http.api.admin-commands.";
const CONTEXTS: &str = "contexts-service.";
const CONDUCTOR: &str = "workflows-conductor.";
const WORDS: [&str; 5] = [FRONTEND, CONTEXTS, CONDUCTOR, "circle.", "circleci."];

/// What a server that has no function to delete builds looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Frontend,
    Contexts,
    Conductor,
    /// A program of CircleCI's.
    CircleCi,
    /// It has no namespace of CircleCI's.
    Other,
}

impl Service {
    /// Reads the printed answer to [`question`]. Returns None for anything else.
    pub(super) fn read(printed: &str) -> Option<Self> {
        let inner = printed.trim().strip_prefix('[')?.strip_suffix(']')?;
        let words = inner.split_whitespace().map(|word| word.strip_prefix('"')?.strip_suffix('"'));
        let words: Vec<&str> = words.collect::<Option<_>>()?;
        if !words.iter().all(|word| WORDS.contains(word)) {
            return None;
        }
        let services = [(FRONTEND, Self::Frontend), (CONTEXTS, Self::Contexts), (CONDUCTOR, Self::Conductor)];
        let found: Vec<Self> =
            services.into_iter().filter(|(word, _)| words.contains(word)).map(|(_, service)| service).collect();
        Some(match found[..] {
            [service] => service,
            _ if words.is_empty() => Self::Other,
            _ => Self::CircleCi,
        })
    }

    /// What the operator can do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Frontend => {
                "name the function that deletes a build with --admin-fn NAMESPACE/NAME, or leave --admin-fn out; delete-build is documented for \
                 CircleCI Server 2.x only: see `halfbuilt help server-4`"
            }
            Self::Contexts | Self::Conductor | Self::CircleCi => {
                "several services of a CircleCI Server have an nREPL on port 6005; builds are deleted through the frontend's: see \
                 `halfbuilt help server-2` and `halfbuilt help server-4`"
            }
            Self::Other => {
                "check that --via leads to the frontend of the CI server: see `halfbuilt help server-2` and `halfbuilt help server-4`"
            }
        }
    }
}

/// The end of the sentence that says what the server lacks.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frontend => "it looks like the frontend of a CircleCI Server, where it may have another name",
            Self::Contexts => "it looks like contexts-service, which is another service of a CircleCI Server",
            Self::Conductor => "it looks like workflows-conductor, which is another service of a CircleCI Server",
            Self::CircleCi => "it looks like a service of a CircleCI Server, but not like its frontend",
            Self::Other => "it is a Clojure server without any namespace of CircleCI's",
        })
    }
}

/// Makes the question which of [`WORDS`] a namespace begins with, without the parentheses around it. The answer holds nothing else.
pub(super) fn question() -> String {
    let words = WORDS.map(|word| format!("\"{word}\"")).join(" ");
    format!(
        "clojure.core/filterv (fn* [w] (clojure.core/some \
         (fn* [n] (.startsWith (clojure.core/str (clojure.core/ns-name n) \".\") w)) (clojure.core/all-ns))) [{words}]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_its_own_namespaces() {
        for (printed, service) in [
            (r#"["circle.http.api.admin-commands." "circle."]"#, Service::Frontend),
            (r#"["contexts-service." "circleci."]"#, Service::Contexts),
            // As in its log of 2022.
            (r#"["workflows-conductor." "circle." "circleci."]"#, Service::Conductor),
            (r#"["circle."]"#, Service::CircleCi),
            (r#"["contexts-service." "workflows-conductor."]"#, Service::CircleCi),
            (r#"["circle.http.api.admin-commands." "workflows-conductor." "circle."]"#, Service::CircleCi),
            ("[]\n", Service::Other),
        ] {
            assert_eq!(Service::read(printed), Some(service), "{printed}");
        }
    }

    #[test]
    fn any_other_text_is_no_answer() {
        for odd in ["", "nil", "[", "[nil]", r#"["secret"]"#, r#"["circle." "#, r#"("circle.")"#, "[circle.]", r#"["]"#]
        {
            assert_eq!(Service::read(odd), None, "{odd}");
        }
    }
}
