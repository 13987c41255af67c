//! Compares times.

use std::sync::Arc;

use jiff::Timestamp;

use crate::checklist::json_text;
use crate::checklist::list::{Moment, TimeProbe, TimeSource, TimeTest};
use crate::checklist::look::{Context, Look};
use crate::checklist::web::Web;
use crate::duration::in_words;

use super::disk::{blocking_value, unread, written};
use super::{command, url};

/// Looks at a time.
pub(in crate::checklist) async fn look<W: Web>(probe: &TimeProbe, context: &Arc<Context>, web: &W) -> Look {
    let found = match &probe.of {
        TimeSource::Moment(moment) => context.moment(&[*moment]).map(|(time, _)| time),
        TimeSource::File(path) => {
            let (path, context) = (path.clone(), Arc::clone(context));
            let found = move || {
                let found = context.tree.find(&path).map_err(|error| unread(&context, &path, &error))?;
                written(&found.metadata).ok_or_else(|| format!("{} has no time", context.tree.shown(&path)))
            };
            blocking_value(found).await.and_then(|found| found)
        }
        TimeSource::Command { command, pointer } => {
            command::output(command, context).await.and_then(|output| at(&output, pointer))
        }
        TimeSource::Url { url, pointer } => url::body(url, context, web).await.and_then(|body| at(&body, pointer)),
    };
    match found {
        Ok(time) => match (compare(time, probe, context), &probe.of) {
            (Look::Right(seen), TimeSource::Moment(Moment::Launched)) => {
                Look::Right([seen, of_image(context)].concat())
            }
            (look, _) => look,
        },
        Err(why) => Look::Blind(format!("{}: {why}", probe.what)),
    }
}

/// What the metadata service says of the image that the instance was launched of.
fn of_image(context: &Context) -> Vec<String> {
    let image = context.metadata.as_ref().ok().and_then(|metadata| metadata.image.as_ref());
    image
        .map(|image| format!("of image {image}: its snapshots say T (`halfbuilt help find-times`)"))
        .into_iter()
        .collect()
}

fn at(bytes: &[u8], pointer: &str) -> Result<Timestamp, String> {
    let values = json_text::values(bytes, std::iter::once(pointer))?;
    let value = values.into_iter().next().flatten().ok_or_else(|| format!("the answer has no value at {pointer}"))?;
    value.trim().parse().map_err(|_| format!("what is at {pointer} is no time with a zone"))
}

fn compare(time: Timestamp, TimeProbe { what, test, .. }: &TimeProbe, context: &Context) -> Look {
    let compared = |moments: &[_], is_right: &dyn Fn(Timestamp) -> bool, word: &str| match context.moment(moments) {
        Ok((other, named)) if is_right(other) => Look::right(format!("{what}: {time}, {word} {named}")),
        Ok((_, named)) => Look::todo(format!("{what}: {time}, which is not {word} {named}")),
        Err(why) => Look::Blind(format!("{what}: {time}; {why}")),
    };
    match test {
        TimeTest::After(moments) => compared(moments, &|other| time > other, "after"),
        TimeTest::Before(moments) => compared(moments, &|other| time < other, "before"),
        TimeTest::Near { moments, tolerance } => {
            let word = format!("within {} of", in_words(*tolerance));
            compared(moments, &|other| time.duration_since(other).abs() <= *tolerance, &word)
        }
        TimeTest::Within(longest) => {
            let ago = context.now.duration_since(time);
            let long_ago = in_words(ago);
            match ago <= *longest {
                true => Look::right(format!("{what}: {time}, {long_ago} ago")),
                false => Look::todo(format!("{what}: {time}, {long_ago} ago, longer than {}", in_words(*longest))),
            }
        }
    }
}
