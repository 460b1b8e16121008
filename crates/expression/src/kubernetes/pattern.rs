//! Regular expressions in Go's syntax: `matches`, `find`, `findAll`.

use std::cell::RefCell;

use cel::common::types::{INT_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};
use regex::bytes::Regex;
use sluice_gotmpl::pattern;

use crate::fuel::{PATTERN, charge};

use super::{Added, Answer, Arguments, failed, number, said, text, truth, words};

/// Patterns that are kept compiled: a loop asks with the same ones.
const KEPT: usize = 8;

thread_local! {
    static COMPILED: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

fn compiled(text: &str) -> Result<Result<Regex, String>, ExecutionError> {
    let kept =
        COMPILED.with_borrow(|all| all.iter().find(|(kept, _)| kept == text).map(|(_, found)| found.clone()));
    if let Some(kept) = kept {
        return Ok(Ok(kept));
    }
    charge(PATTERN)?;
    let found = match pattern::compile(text) {
        Ok(found) => found,
        Err(why) => return Ok(Err(why.to_string())),
    };
    COMPILED.with_borrow_mut(|all| {
        all.truncate(KEPT - 1);
        all.insert(0, (text.to_owned(), found.clone()));
    });
    Ok(Ok(found))
}

/// As the functions of Kubernetes' own say that a pattern is none.
fn illegal(why: String) -> ExecutionError {
    failed(format!("Illegal regex: {why}"))
}

fn found<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let pattern = compiled(text(&all, 1)?)?.map_err(illegal)?;
    let most = if all.len() > 2 { number(&all, 2)? } else { -1 };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let found = pattern.find_iter(text(&all, 0)?.as_bytes()).take(most);
    Ok(CowVal::owned(words(found.map(|one| String::from_utf8_lossy(one.as_bytes()).into_owned()))))
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_overload("@matches", "matches_string", vec![STRING_TYPE, STRING_TYPE], |all| {
        let pattern = compiled(text(&all, 1)?)?.map_err(failed)?;
        truth(pattern.is_match(text(&all, 0)?.as_bytes()))
    })?;
    env.add_member_overload("find", "string_find_string", STRING_TYPE, vec![STRING_TYPE], |all| {
        let pattern = compiled(text(&all, 1)?)?.map_err(illegal)?;
        let found = pattern.find(text(&all, 0)?.as_bytes());
        said(found.map(|one| String::from_utf8_lossy(one.as_bytes()).into_owned()).unwrap_or_default())
    })?;
    env.add_member_overload("findAll", "string_find_all_string", STRING_TYPE, vec![STRING_TYPE], found)?;
    let limited = vec![STRING_TYPE, INT_TYPE];
    env.add_member_overload("findAll", "string_find_all_string_int", STRING_TYPE, limited, found)
}
