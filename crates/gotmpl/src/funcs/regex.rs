//! Regular expressions.

use std::sync::Arc;

use regex::bytes::Regex;

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::pattern::{compile, expand, quote_meta};
use crate::quote::can_backquote;
use crate::text::Text;
use crate::value::{Elements, List, Value};

const S: Type = Type::String;
const I: Type = Type::Int;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("regexMatch", &[S, S], |run, a| {
        Ok(match pattern(run, a) {
            Ok(regex) => matches(run, &regex, a.bytes(1))?.into(),
            Err(_) => false.into(),
        })
    }),
    fixed("mustRegexMatch", &[S, S], |run, a| {
        let regex = pattern(run, a)?;
        Ok(matches(run, &regex, a.bytes(1))?.into())
    }),
    fixed("regexFind", &[S, S], |run, a| find(run, &*must(run, a)?, a)),
    fixed("mustRegexFind", &[S, S], |run, a| find(run, &*pattern(run, a)?, a)),
    fixed("regexFindAll", &[S, S, I], |run, a| find_all(run, &*must(run, a)?, a)),
    fixed("mustRegexFindAll", &[S, S, I], |run, a| find_all(run, &*pattern(run, a)?, a)),
    fixed("regexReplaceAll", &[S, S, S], |run, a| replace(run, &*must(run, a)?, a, false)),
    fixed("mustRegexReplaceAll", &[S, S, S], |run, a| replace(run, &*pattern(run, a)?, a, false)),
    fixed("regexReplaceAllLiteral", &[S, S, S], |run, a| replace(run, &*must(run, a)?, a, true)),
    fixed("mustRegexReplaceAllLiteral", &[S, S, S], |run, a| replace(run, &*pattern(run, a)?, a, true)),
    fixed("regexSplit", &[S, S, I], |run, a| split(run, &*must(run, a)?, a)),
    fixed("mustRegexSplit", &[S, S, I], |run, a| split(run, &*pattern(run, a)?, a)),
    fixed("regexQuoteMeta", &[S], |_, a| Ok(Value::text(quote_meta(a.bytes(0))))),
];

/// The most compiled patterns that an execution keeps.
const MAX_KEPT: usize = 64;

/// The compiled pattern of argument 0.
fn pattern(run: &Run<'_>, arguments: &Arguments) -> Result<Arc<Regex>, Error> {
    let key = arguments.bytes(0);
    if let Some(regex) = run.shared.patterns.borrow().get(key) {
        return Ok(Arc::clone(regex));
    }
    run.charge(key.len() * 16)?;
    let text = std::str::from_utf8(key)
        .map_err(|_| Error::new(format!("error parsing regexp: invalid UTF-8: `{}`", arguments.lossy(0))))?;
    let regex = Arc::new(compile(text).map_err(|error| Error::new(error.to_string()))?);
    let mut kept = run.shared.patterns.borrow_mut();
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept.insert(Text::from(key), Arc::clone(&regex));
    Ok(regex)
}

/// As `pattern`, with what Go's MustCompile says.
fn must(run: &Run<'_>, arguments: &Arguments) -> Result<Arc<Regex>, Error> {
    pattern(run, arguments).map_err(|error| {
        if error.is_limit() {
            return error;
        }
        let text = arguments.bytes(0);
        let quoted =
            if can_backquote(text) { format!("`{}`", arguments.lossy(0)) } else { crate::quote::quote(text) };
        Error::new(format!("regexp: Compile({quoted}): {error}"))
    })
}

fn matches(run: &Run<'_>, regex: &Regex, text: &[u8]) -> Result<bool, Error> {
    run.charge(text.len() / 16)?;
    Ok(regex.is_match(text))
}

fn find(run: &Run<'_>, regex: &Regex, arguments: &Arguments) -> Outcome {
    let text = arguments.bytes(1);
    run.charge(text.len() / 16)?;
    Ok(Value::text(regex.find(text).map_or(&b""[..], |found| found.as_bytes())))
}

/// How many matches a count asks for; negative means all.
fn limit(count: i64, text: &[u8]) -> usize {
    usize::try_from(count).unwrap_or(text.len() + 1)
}

/// The matches one after another; an empty one inside a character does not count.
fn all<'a>(regex: &'a Regex, text: &'a [u8]) -> impl Iterator<Item = regex::bytes::Match<'a>> {
    regex.find_iter(text).filter(move |found| !(found.is_empty() && is_inside(text, found.start())))
}

fn is_inside(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80)
        && (1..=3.min(at))
            .any(|back| crate::text::decode_rune(&text[at - back..]).is_some_and(|(_, width)| width > back))
}

fn find_all(run: &Run<'_>, regex: &Regex, arguments: &Arguments) -> Outcome {
    let text = arguments.bytes(1);
    run.charge(text.len())?;
    run.charge_bytes(text.len() * 8)?;
    let found: Vec<Value> = all(regex, text)
        .take(limit(arguments.integer(2), text))
        .map(|found| Value::text(found.as_bytes()))
        .collect();
    Ok(Value::List(if found.is_empty() {
        List::nil(Elements::Strings)
    } else {
        List::new(Elements::Strings, found)
    }))
}

fn replace(run: &Run<'_>, regex: &Regex, arguments: &Arguments, literal: bool) -> Outcome {
    let (text, with) = (arguments.bytes(1), arguments.bytes(2));
    run.charge(text.len())?;
    let mut out = Vec::new();
    let mut from = 0;
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { continue };
        if found.is_empty() && is_inside(text, found.start()) {
            continue;
        }
        let before = out.len();
        out.extend_from_slice(&text[from..found.start()]);
        if literal {
            out.extend_from_slice(with);
        } else {
            expand(with, &captures, &mut out);
        }
        from = found.end();
        run.charge_bytes(out.len() - before)?;
    }
    out.extend_from_slice(&text[from..]);
    Ok(Value::text(out))
}

fn split(run: &Run<'_>, regex: &Regex, arguments: &Arguments) -> Outcome {
    let (text, count) = (arguments.bytes(1), arguments.integer(2));
    run.charge(text.len())?;
    run.charge_bytes(text.len() * 8)?;
    if count == 0 {
        return Ok(Value::List(List::nil(Elements::Strings)));
    }
    if !arguments.bytes(0).is_empty() && text.is_empty() {
        return Ok(Value::strings([""]));
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    let (mut from, mut end) = (0, 0);
    for found in all(regex, text).take(limit(count, text)) {
        if count > 0 && parts.len() as i64 == count - 1 {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(&text[from..end]);
        }
        from = found.end();
    }
    if end != text.len() {
        parts.push(&text[from..]);
    }
    Ok(Value::strings(parts))
}
