//! Which file imports from which: read from the text of the sources, through `use`, through paths, and through what a module re-exports.

use std::collections::{BTreeMap, BTreeSet};

/// The files of a crate by module path (`deletion::journal`), each with its path below src/ and its text without tests and comments.
pub struct Crate {
    modules: BTreeMap<String, (String, String)>,
}

impl Crate {
    /// `sources`: the path of each file below src/, and its text.
    pub fn new<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let modules = sources.map(|(path, text)| (module_of(path), (path.to_owned(), without_comments(text))));
        Self { modules: modules.collect() }
    }

    /// The imports of each file, by paths.
    pub fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let of_file = |(module, (path, text)): (&String, &(String, String))| {
            let targets = self.paths(module, text).into_iter().filter_map(|named| self.file_of(&named));
            (self.modules[module].0.as_str(), targets.filter(|target| *target != path).collect::<BTreeSet<&str>>())
        };
        self.modules.iter().map(|(module, file)| of_file((module, file))).collect()
    }

    /// All absolute paths that a file names.
    fn paths(&self, module: &str, text: &str) -> Vec<String> {
        let mut named = Vec::new();
        let mut aliases: BTreeMap<String, String> = BTreeMap::new();
        // What is only handed on with `pub use` is no import: whoever uses it imports it from where it is defined.
        for path in uses(text, Some(false)) {
            let Some(path) = self.absolute(module, &path) else { continue };
            if self.modules.contains_key(&path) {
                aliases.insert(last(&path).to_owned(), path.clone());
            }
            named.push(path);
        }
        for path in inline_paths(&without_uses(text)) {
            let (first, rest) = path.split_once("::").unwrap_or((&path, ""));
            match aliases.get(first) {
                Some(alias) => named.push(format!("{alias}::{rest}")),
                None => named.extend(self.absolute(module, &path)),
            }
        }
        named
    }

    /// A path from the root of the crate; `None` for what is not in the crate.
    fn absolute(&self, module: &str, path: &str) -> Option<String> {
        let mut segments: Vec<&str> = path.split("::").collect();
        let mut base: Vec<&str> = module.split("::").collect();
        match segments[0] {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                while segments.get(1) == Some(&"super") {
                    base.pop();
                    segments.remove(0);
                }
                base.pop();
            }
            child if self.modules.contains_key(&format!("{module}::{child}")) => segments.insert(0, "self"),
            _ => return None,
        }
        Some(base.into_iter().chain(segments.into_iter().skip(1)).collect::<Vec<_>>().join("::"))
    }

    /// The file that defines what an absolute path names.
    fn file_of(&self, path: &str) -> Option<&str> {
        let mut path = path.to_owned();
        // A re-export may lead to another one.
        for _ in 0..10 {
            let mut module = path.clone();
            while !self.modules.contains_key(&module) {
                module = module.rsplit_once("::")?.0.to_owned();
            }
            let item = path[module.len()..].trim_start_matches("::").split("::").next().unwrap_or_default();
            let reexported =
                uses(&self.modules[&module].1, None).into_iter().filter(|used| last(used) == item && !item.is_empty());
            let Some(next) = reexported.filter_map(|used| self.absolute(&module, &used)).find(|next| *next != path)
            else {
                return Some(&self.modules[&module].0);
            };
            path = next;
        }
        panic!("{path}: a re-export without an end");
    }
}

/// The groups of files that import one another in a circle, each sorted.
pub fn circles(imports: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Vec<String>> {
    let reach = |from: &str| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = imports[from].iter().copied().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&imports[next]);
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports.keys().map(|file| (*file, reach(file))).collect();
    let mut circles = BTreeSet::new();
    for (file, reaches) in &reached {
        if reaches.contains(file) {
            let circle = reaches.iter().filter(|other| reached[**other].contains(file));
            circles.insert(circle.map(ToString::to_string).collect::<Vec<_>>());
        }
    }
    circles.into_iter().collect()
}

fn module_of(path: &str) -> String {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.replace('/', "::")
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or_default()
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The paths of `use` items, groups taken apart; of `use a::b as c`, `a::b`. Only those that are, or are not, `pub` where `public` says so.
fn uses(text: &str, public: Option<bool>) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("use ") {
        let before = text[..start].rsplit('\n').next().unwrap_or_default().trim();
        let is_public = before.starts_with("pub");
        if !(before.is_empty() || is_public) || public.is_some_and(|public| public != is_public) {
            continue;
        }
        let rest = &text[start + 4..];
        let item: String = rest[..rest.find(';').unwrap_or(0)].split_whitespace().collect::<Vec<_>>().join(" ");
        expand("", &item, &mut found);
    }
    found
}

fn expand(prefix: &str, item: &str, found: &mut Vec<String>) {
    let item = item.trim();
    if let Some(open) = item.find('{') {
        let prefix = format!("{prefix}{}", &item[..open]);
        let (mut depth, mut begin) = (0, 0);
        let inner = &item[open + 1..item.rfind('}').unwrap_or(item.len())];
        for (place, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&prefix, &inner[begin..place], found);
                    begin = place + 1;
                }
                _ => {}
            }
        }
        expand(&prefix, &inner[begin..], found);
        return;
    }
    let path = item.split(" as ").next().unwrap_or_default().trim();
    match path {
        "" => {}
        "self" => found.push(prefix.trim_end_matches("::").to_owned()),
        _ => found.push(format!("{prefix}{path}")),
    }
}

fn without_uses(text: &str) -> String {
    let mut kept = String::new();
    let mut in_use = false;
    for line in text.lines() {
        let begins = line.trim_start();
        in_use |= begins.starts_with("use ") || (begins.starts_with("pub") && begins.contains(" use "));
        if !in_use {
            kept.push_str(line);
            kept.push('\n');
        }
        in_use &= !line.contains(';');
    }
    kept
}

/// Every `a::b::C` of a text.
fn inline_paths(text: &str) -> Vec<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.split(|c| !part(c)).filter(|word| word.contains("::")).map(|word| word.trim_matches(':').to_owned()).collect()
}

#[test]
fn a_circle_through_a_re_export_is_found() {
    let sources = [
        ("a/mod.rs", "pub use one::One;\nmod one;\nmod two;\n"),
        ("a/one.rs", "use super::two::{Two, self};\npub struct One;\n"),
        ("a/two.rs", "fn f(_: crate::a::One) {}\npub struct Two;\n"),
        ("b.rs", "use crate::a;\n// use crate::c::C;\nfn f(_: a::One) {}\n"),
        ("c.rs", "use crate::b::f;\npub struct C;\n"),
    ];
    let read = Crate::new(sources.into_iter());
    let imports = read.imports();
    assert_eq!(imports["b.rs"], BTreeSet::from(["a/mod.rs", "a/one.rs"]));
    assert_eq!(circles(&imports), [["a/one.rs", "a/two.rs"]]);
}
