//! Masks secrets in what programs say.

/// What stands for a secret.
const MASK: &str = "***";
/// How the names of values end, or go on with an ending of their own, that are secrets.
const NAMES: [&str; 8] = ["password", "passwd", "passphrase", "pwd", "token", "secret", "key", "credential"];
/// Words after which a secret comes.
const BEFORE: [&str; 2] = ["bearer", "basic"];

/// What the words before say of the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Plain,
    /// It is a secret if it begins with `=` or `:`.
    PerhapsSecret,
    Secret,
    /// And so is each up to this mark.
    SecretUpTo(char),
}

/// The text without the secrets that can be recognised. It rather masks too much.
pub(super) fn masked(text: &str) -> String {
    let mut next = Next::Plain;
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let plain = word.trim_end();
        if plain.is_empty() {
            return word.to_owned();
        }
        let (shown, after) = of_word(plain, next);
        next = after;
        format!("{shown}{}", &word[plain.len()..])
    });
    words.collect()
}

fn of_word(word: &str, next: Next) -> (String, Next) {
    let begins_a_value = word.starts_with(['=', ':']);
    match next {
        Next::SecretUpTo(mark) => {
            let after = if word.contains(mark) { Next::Plain } else { next };
            return (MASK.to_owned(), after);
        }
        Next::PerhapsSecret if begins_a_value && word.len() == 1 => return (word.to_owned(), Next::Secret),
        Next::PerhapsSecret if begins_a_value => return (MASK.to_owned(), after_value(&word[1..])),
        Next::Secret if is_before(word) => return (MASK.to_owned(), Next::Secret),
        Next::Secret => return (MASK.to_owned(), after_value(word)),
        Next::Plain | Next::PerhapsSecret => {}
    }
    if is_before(word) {
        return (word.to_owned(), Next::Secret);
    }
    let word = without_user(word);
    let lower = word.to_ascii_lowercase();
    for (at, _) in lower.char_indices() {
        let Some(name) = NAMES.iter().find(|name| lower[at..].starts_with(**name)) else { continue };
        let behind = &word[at + name.len()..];
        let rest = behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-\"'".contains(c));
        if let Some(value) = rest.strip_prefix(['=', ':']) {
            let kept = &word[..word.len() - value.len()];
            return match value.split_once('&') {
                _ if value.is_empty() => (kept.to_owned(), Next::Secret),
                Some((_, more)) => {
                    let (more, after) = of_word(more, Next::Plain);
                    (format!("{kept}{MASK}&{more}"), after)
                }
                None => (format!("{kept}{MASK}"), after_value(value)),
            };
        }
        if rest.is_empty() {
            let after = if word.starts_with('-') { Next::Secret } else { Next::PerhapsSecret };
            return (word, after);
        }
    }
    (word, Next::Plain)
}

fn is_before(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    BEFORE.iter().any(|before| word.eq_ignore_ascii_case(before))
}

/// A quoted value may have several words.
fn after_value(value: &str) -> Next {
    match value.chars().next().filter(|mark| matches!(mark, '"' | '\'')) {
        Some(mark) if !value[1..].contains(mark) => Next::SecretUpTo(mark),
        _ => Next::Plain,
    }
}

/// A word without `user:password@`.
fn without_user(word: &str) -> String {
    let Some((before, host)) = word.rsplit_once('@') else { return word.to_owned() };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{MASK}@{host}"),
        None if before.contains(':') => format!("{MASK}@{host}"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        for (text, shown) in [
            ("cannot connect to replicated", "cannot connect to replicated"),
            ("password=hunter2 is wrong", "password=*** is wrong"),
            ("PGPASSWORD='hunter2 x' psql", "PGPASSWORD=*** *** psql"),
            ("{\"api_token\": \"hunter2\", \"a\": 1}", "{\"api_token\": *** \"a\": 1}"),
            ("AWS_SECRET_ACCESS_KEY: hunter2", "AWS_SECRET_ACCESS_KEY: ***"),
            ("postgres://a:hunter2@h/db refused", "postgres://***@h/db refused"),
            ("https://hunter2@h/", "https://***@h/"),
            ("postgres://a:hunt/er2@h/db", "postgres://***@h/db"),
            ("user me:hunter2@h", "user ***@h"),
            ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
            ("token: Bearer hunter2", "token: *** ***"),
            ("usage: x --api-key hunter2 y", "usage: x --api-key *** y"),
            ("password = hunter2 y", "password = *** y"),
            ("password authentication failed", "password authentication failed"),
            ("GET /x?a=1&token=hunter2&b=2", "GET /x?a=1&token=***&b=2"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_password_is_never_shown(
            secret in "[a-zA-Z0-9]{12}",
            context in proptest::sample::select(&["password={}", "x token: {};", "SECRET=\"{}\"", "k://u:{}@h", "'key' : '{}'", " --password {}"][..]),
            before in "[a-z ]{0,5}",
        ) {
            let shown = masked(&format!("{before} {}", context.replace("{}", &secret)));
            proptest::prop_assert!(!shown.contains(&secret), "{shown}");
        }

        #[test]
        fn any_text_is_read(text in ".{0,80}") {
            masked(&text);
        }
    }
}
