//! The JSON of `aws s3api list-objects-v2`: one answer, or several behind each other, or only its array `Contents`.

use std::fmt;
use std::io::BufRead;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::entry::Entry;
use super::take::{Stop, Take};

/// What an answer of this command has, one of which is always there.
const FIELDS: [&str; 9] =
    ["Contents", "Name", "Prefix", "KeyCount", "MaxKeys", "IsTruncated", "RequestCharged", "EncodingType", "NextToken"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
    size: u64,
    #[serde(default)]
    last_modified: Option<String>,
}

pub(super) fn read(input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    let mut parser = serde_json::Deserializer::from_reader(input);
    let mut stopped = None;
    let mut goes_on = true;
    while goes_on || parser.end().is_err() {
        goes_on = match (Answer { take: &mut *take, stopped: &mut stopped }).deserialize(&mut parser) {
            Ok(goes_on) => goes_on,
            Err(error) => {
                return Err(match stopped {
                    Some(stop) => stop,
                    None if error.is_io() => Stop::Read(error.into()),
                    None => Stop::Fault(format!("it is no listing in JSON: {error}")),
                });
            }
        };
        if goes_on && parser.end().is_ok() {
            return Err(Stop::Fault("it says itself that it is only a part of the listing: save all of it".to_owned()));
        }
    }
    Ok(())
}

/// One answer, whose objects go on as they are read. Its value is whether the listing goes on behind it.
struct Answer<'a, 't> {
    take: Take<'t>,
    stopped: &'a mut Option<Stop>,
}

impl<'de> DeserializeSeed<'de> for Answer<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Answer<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of `aws s3api list-objects-v2`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut is_known, mut goes_on) = (false, false);
        while let Some(field) = map.next_key::<String>()? {
            is_known |= FIELDS.contains(&field.as_str());
            match field.as_str() {
                "Contents" => map.next_value_seed(Contents { take: &mut *self.take, stopped: &mut *self.stopped })?,
                "IsTruncated" => goes_on |= map.next_value::<Option<bool>>()?.unwrap_or(false),
                "NextToken" | "NextContinuationToken" => goes_on |= map.next_value::<Option<String>>()?.is_some(),
                "Prefix" | "Delimiter" | "StartAfter" | "Marker" | "NextMarker" => {
                    if map.next_value::<Option<String>>()?.is_some_and(|value| !value.is_empty()) {
                        return Err(de::Error::custom(format!(
                            "it is only a part of a bucket, by {field}: save all of it"
                        )));
                    }
                }
                // A list without any leaves nothing out.
                "CommonPrefixes" if map.next_value::<Option<Vec<IgnoredAny>>>()?.is_none_or(|list| list.is_empty()) => {
                }
                "CommonPrefixes" | "Versions" | "DeleteMarkers" => {
                    return Err(de::Error::custom(format!(
                        "it has {field}: save what `aws s3api list-objects-v2` gives of the whole bucket"
                    )));
                }
                // Encoded by whom, and whether still, it does not say.
                "EncodingType" if map.next_value::<Option<String>>()?.is_some() => {
                    return Err(de::Error::custom("its keys are encoded: save it without --encoding-type"));
                }
                "EncodingType" => {}
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if !is_known {
            return Err(de::Error::custom("it has nothing that `aws s3api list-objects-v2` gives"));
        }
        Ok(goes_on)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<bool, A::Error> {
        Contents { take: self.take, stopped: self.stopped }.visit_seq(list)?;
        Ok(false)
    }
}

struct Contents<'a, 't> {
    take: Take<'t>,
    stopped: &'a mut Option<Stop>,
}

impl<'de> DeserializeSeed<'de> for Contents<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Contents<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects with Key and Size")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(Object { key, size, last_modified }) = list.next_element()? {
            let written = last_modified.and_then(|time| time.parse::<Timestamp>().ok()).map(Timestamp::as_microsecond);
            // What a console makes for a folder is no file.
            if key.ends_with('/') && size == 0 {
                continue;
            }
            if let Err(stop) = (self.take)(Entry { key: key.into_bytes(), size, written }) {
                *self.stopped = Some(stop);
                return Err(de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
