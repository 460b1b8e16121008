//! What lists can tell: `isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`, `first`, `last`; and `lists.range`, with a limit.

use cel::common::types::{CelInt, CelList, CelOptional, DYN_TYPE, INT_TYPE, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};

use super::{Added, Answer, Arguments, argument, failed, number, truth, whole};
use crate::fuel::charge;

/// The longest list that `lists.range` makes.
const RANGE: i64 = 1_000_000;

fn items<'a, 'v>(all: &'a Arguments<'_, 'v>) -> Result<Vec<&'a (dyn Val + 'v)>, ExecutionError> {
    let list = argument(all, 0)?.as_iterable().ok_or_else(|| failed("no such overload"))?;
    let (mut items, mut out) = (list.iter(), Vec::new());
    while let Some(item) = items.next() {
        out.push(item);
    }
    Ok(out)
}

fn compared(one: &dyn Val, other: &dyn Val) -> Result<std::cmp::Ordering, ExecutionError> {
    let comparer = one.as_comparer().ok_or_else(|| failed("no such overload"))?;
    comparer.compare(other).map_err(|_| failed("no such overload"))
}

fn is_sorted<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    for pair in items(&all)?.windows(2) {
        if compared(pair[0], pair[1])?.is_gt() {
            return truth(false);
        }
    }
    truth(true)
}

fn sum<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let mut items = items(&all)?.into_iter();
    let Some(first) = items.next() else { return whole(0) };
    let mut sum = first.clone_as_boxed();
    for item in items {
        let adder = sum.as_adder().ok_or_else(|| failed("no such overload"))?;
        sum = adder.add(item)?.into_owned();
    }
    Ok(CowVal::Owned(sum))
}

fn extreme<'b, 'v>(all: &Arguments<'b, 'v>, name: &str, prefers: std::cmp::Ordering) -> Answer<'b, 'v> {
    let mut items = items(all)?.into_iter();
    let mut best = items.next().ok_or_else(|| failed(format!("{name} called on empty list")))?;
    for item in items {
        if compared(item, best)? == prefers {
            best = item;
        }
    }
    Ok(CowVal::Owned(best.clone_as_boxed()))
}

fn place<'b, 'v>(all: &Arguments<'b, 'v>, from_end: bool) -> Answer<'b, 'v> {
    let (items, wanted) = (items(all)?, argument(all, 1)?);
    let mut all = items.iter();
    let found = if from_end {
        all.rposition(|item| item.equals(wanted))
    } else {
        all.position(|item| item.equals(wanted))
    };
    whole(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

fn end<'b, 'v>(all: &Arguments<'b, 'v>, is_first: bool) -> Answer<'b, 'v> {
    let items = items(all)?;
    let found = if is_first { items.first() } else { items.last() };
    let found = found.map(|item| item.clone_as_boxed());
    Ok(CowVal::owned(found.map_or_else(CelOptional::none, CelOptional::of)))
}

/// The values of those that have one.
fn unwrapped<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let mut out = Vec::new();
    for item in items(&all)? {
        let optional = item.downcast_ref::<CelOptional>().ok_or_else(|| failed("no such overload"))?;
        out.extend(optional.option().map(|value| value.clone_as_boxed()));
    }
    Ok(CowVal::owned(CelList::from(out)))
}

fn range<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let most = number(&all, 0)?;
    if most > RANGE {
        return Err(failed(format!("lists.range: size {most} exceeds maximum allowed ({RANGE})")));
    }
    if most < 0 {
        return Err(failed(format!("lists.range: size must be non-negative, got {most}")));
    }
    charge(most.unsigned_abs())?;
    let boxed = |number| Box::new(CelInt::from(number)) as Box<dyn Val>;
    Ok(CowVal::owned(CelList::from((0..most).map(boxed).collect::<Vec<_>>())))
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_member_overload("isSorted", "list_is_sorted", LIST_TYPE, vec![], is_sorted)?;
    env.add_member_overload("sum", "list_sum", LIST_TYPE, vec![], sum)?;
    env.add_member_overload("min", "list_min", LIST_TYPE, vec![], |all| {
        extreme(&all, "min", std::cmp::Ordering::Less)
    })?;
    env.add_member_overload("max", "list_max", LIST_TYPE, vec![], |all| {
        extreme(&all, "max", std::cmp::Ordering::Greater)
    })?;
    env.add_member_overload("indexOf", "list_index_of", LIST_TYPE, vec![DYN_TYPE], |all| place(&all, false))?;
    env.add_member_overload("lastIndexOf", "list_last_index_of", LIST_TYPE, vec![DYN_TYPE], |all| {
        place(&all, true)
    })?;
    env.add_member_overload("first", "list_first", LIST_TYPE, vec![], |all| end(&all, true))?;
    env.add_member_overload("last", "list_last", LIST_TYPE, vec![], |all| end(&all, false))?;
    env.add_member_overload("unwrapOpt", "list_unwrap_opt", LIST_TYPE, vec![], unwrapped)?;
    env.add_overload("optional.unwrap", "optional_unwrap", vec![LIST_TYPE], unwrapped)?;
    env.add_overload("@range", "lists_range", vec![INT_TYPE], range)
}
