//! The functions `sets.*`: lists as sets.

use cel::common::types::{CelBool, CelList, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use crate::fuel::charge;

/// Adds the functions.
pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    let lists = || vec![LIST_TYPE, LIST_TYPE];
    env.add_overload("sets.contains", "sets.contains(list,list)", lists(), contains)?;
    env.add_overload("sets.equivalent", "sets.equivalent(list,list)", lists(), equivalent)?;
    env.add_overload("sets.intersects", "sets.intersects(list,list)", lists(), intersects)
}

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn contains<'b, 'v>(lists: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    answer(&lists, |one, other| holds_all(one, other))
}

fn equivalent<'b, 'v>(lists: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    answer(&lists, |one, other| Ok(holds_all(one, other)? && holds_all(other, one)?))
}

fn intersects<'b, 'v>(lists: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    answer(&lists, |one, other| any(one, |item| holds(other, item)))
}

type Found = Result<bool, ExecutionError>;

fn answer<'b, 'v>(lists: &[CowVal<'b, 'v>], ask: fn(&dyn Val, &dyn Val) -> Found) -> Answer<'b, 'v> {
    let [one, other] = lists else {
        return Err(ExecutionError::invalid_argument_count(2, lists.len()));
    };
    let length = |list: &dyn Val| list.downcast_ref::<CelList>().map_or(0, |list| list.inner().len() as u64);
    charge(length(one.as_ref()).saturating_mul(length(other.as_ref())))?;
    Ok(CowVal::owned(CelBool::from(ask(one.as_ref(), other.as_ref())?)))
}

fn holds_all(list: &dyn Val, items: &dyn Val) -> Found {
    Ok(!any(items, |item| Ok(!holds(list, item)?))?)
}

fn holds(list: &dyn Val, wanted: &dyn Val) -> Found {
    any(list, |item| Ok(item.equals(wanted)))
}

fn any(list: &dyn Val, is_it: impl Fn(&dyn Val) -> Found) -> Found {
    let Some(items) = list.as_iterable() else {
        return Err(ExecutionError::function_error("sets", "not a list"));
    };
    let mut items = items.iter();
    while let Some(item) = items.next() {
        if is_it(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}
