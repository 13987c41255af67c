//! A row as PostgreSQL writes it as one text: `(1,"two words",,"")`. Source: record_out, src/backend/utils/adt/rowtypes.c.

/// The values of a row, in the order of its columns; `None` if the text is no row. An empty field is NULL, a quoted one a text.
pub(super) fn values(text: &str) -> Option<Vec<Option<String>>> {
    let mut rest = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut values = Vec::new();
    loop {
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted).map(|(value, after)| (Some(value), after))?,
            None => plain_value(rest)?,
        };
        values.push(value);
        if after.is_empty() {
            return Some(values);
        }
        rest = after.strip_prefix(',')?;
    }
}

fn plain_value(text: &str) -> Option<(Option<String>, &str)> {
    let (value, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    let is_plain = !value.contains(['"', '\\', '(', ')']);
    is_plain.then(|| ((!value.is_empty()).then(|| value.to_owned()), after))
}

/// Quotes and backslashes stand twice within quotes.
fn quoted_value(mut text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    loop {
        let (before, from) = text.split_at(text.find(['"', '\\'])?);
        value.push_str(before);
        let (mark, after) = from.split_at(1);
        match after.strip_prefix(mark) {
            Some(after) => {
                value.push_str(mark);
                text = after;
            }
            None if mark == "\"" => return Some((value, after)),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As record_out does it.
    fn written(values: &[Option<String>]) -> String {
        let field = |value: &Option<String>| match value {
            None => String::new(),
            Some(value) => {
                let doubled = value.replace('\\', "\\\\").replace('"', "\"\"");
                let quote =
                    |c: char| matches!(c, '"' | '\\' | '(' | ')' | ',') || c.is_ascii_whitespace() || c == '\u{b}';
                if value.is_empty() || value.contains(quote) { format!("\"{doubled}\"") } else { doubled }
            }
        };
        format!("({})", values.iter().map(field).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn null_and_the_empty_text_differ() {
        let given = |text: &str| Some(text.to_owned());
        assert_eq!(values(r#"(1,"two words",,"")"#), Some(vec![given("1"), given("two words"), None, given("")]));
        assert_eq!(values("()"), Some(vec![None]));
        assert_eq!(values("(,)"), Some(vec![None, None]));
        assert_eq!(values(r#"("a""b\\c,)(")"#), Some(vec![given(r#"a"b\c,)("#)]));
    }

    #[test]
    fn what_is_no_row_is_none() {
        for text in ["", "1", "(1", "1)", "(\"a)", "(\"a\"b)", "(a\"b)", "(\"a\\b\")", "(a(b)"] {
            assert_eq!(values(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_values_come_back(row in proptest::collection::vec(proptest::option::of("(?s).{0,20}"), 1..6)) {
            proptest::prop_assert_eq!(values(&written(&row)), Some(row));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[(),\"\\\\a é]{0,30}") {
            let _ = values(&text);
        }
    }
}
