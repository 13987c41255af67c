//! A collection as JSON: a field of a report's metadata and of a verdict.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::collection::Collection;

/// The collection as JSON.
pub(crate) fn to_json(collection: &Collection) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let (from, to) = collection.fetched.unzip();
    json!({
        "id": collection.id,
        "source": collection.source,
        "began_at": time(collection.began_at),
        "ended_at": time(collection.ended_at),
        "since": time(collection.since),
        "lists_all": collection.lists_all,
        "token_user": collection.token_user,
        "fetched_from": time(from),
        "fetched_to": time(to),
        "builds": collection.builds,
        "unread": collection.unread,
        "gone": collection.gone,
    })
}

/// Reads what [`to_json`] wrote; `None` where it is something else.
pub(super) fn parse(written: &Value) -> Option<Collection> {
    let text = |field: &str| written[field].as_str().map(str::to_owned);
    let time = |field: &str| match &written[field] {
        Value::Null => Some(None),
        time => Some(Some(time.as_str()?.parse::<Timestamp>().ok()?)),
    };
    Some(Collection {
        id: text("id")?,
        source: text("source")?,
        began_at: time("began_at")?,
        ended_at: time("ended_at")?,
        since: time("since")?,
        lists_all: written["lists_all"].as_bool()?,
        token_user: text("token_user"),
        fetched: time("fetched_from")?.zip(time("fetched_to")?),
        builds: written["builds"].as_u64()?,
        unread: written["unread"].as_u64()?,
        gone: written["gone"].as_u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(
            (id, source, user) in ("[0-9]{1,3}", ".{0,20}", proptest::option::of(".{0,9}")),
            times in proptest::array::uniform4(proptest::option::of(0..4_000_000_000_i64)),
            (lists_all, builds, unread, gone) in proptest::arbitrary::any::<(bool, u64, u64, u64)>(),
        ) {
            let [began_at, ended_at, since, from] = times.map(|at| at.map(|at| Timestamp::from_second(at).expect("a time")));
            let fetched = from.zip(began_at);
            let collection =
                Collection { id, source, began_at, ended_at, since, lists_all, token_user: user, fetched, builds, unread, gone };
            let text = to_json(&collection).to_string();
            proptest::prop_assert_eq!(parse(&serde_json::from_str(&text).expect("JSON")), Some(collection));
        }

        #[test]
        fn anything_else_is_refused(text in ".{0,40}") {
            proptest::prop_assert_eq!(parse(&Value::String(text)), None);
        }
    }
}
