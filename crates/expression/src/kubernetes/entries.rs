//! What loops with two variables need: the entries of a list or map, and maps made from entries.

use std::collections::HashMap;

use cel::common::types::{CelInt, CelList, CelMap, CelMapKey, LIST_TYPE, MAP_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};

use super::{Added, Answer, Arguments, argument, failed};
use crate::fuel::{charge_bytes, size};

fn pair<'v>(key: Box<dyn Val + 'v>, value: Box<dyn Val + 'v>) -> Box<dyn Val + 'v> {
    Box::new(CelList::from(vec![key, value]))
}

fn of_list<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    charge_bytes(size(argument(&all, 0)?))?;
    let list = argument(&all, 0)?.as_iterable().ok_or_else(|| failed("no such overload"))?;
    let (mut items, mut out) = (list.iter(), Vec::new());
    while let Some(item) = items.next() {
        let index = CelInt::from(out.len() as i64);
        out.push(pair(Box::new(index), item.clone_as_boxed()));
    }
    Ok(CowVal::owned(CelList::from(out)))
}

/// In the order of their keys.
fn of_map<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    charge_bytes(size(argument(&all, 0)?))?;
    let map = argument(&all, 0)?.downcast_ref::<CelMap>().ok_or_else(|| failed("no such overload"))?;
    let mut entries: Vec<_> = map.inner().iter().collect();
    entries.sort_by(|one, other| one.0.cmp(other.0));
    let entries =
        entries.into_iter().map(|(key, value)| pair(key.inner().clone_as_boxed(), value.clone_as_boxed()));
    Ok(CowVal::owned(CelList::from(entries.collect::<Vec<_>>())))
}

fn items<'a, 'v>(all: &'a Arguments<'_, 'v>) -> Result<&'a [Box<dyn Val + 'v>], ExecutionError> {
    let list = argument(all, 0)?.downcast_ref::<CelList>().ok_or_else(|| failed("no such overload"))?;
    Ok(list.inner())
}

fn put<'v>(
    map: &mut HashMap<CelMapKey<'v>, Box<dyn Val + 'v>>,
    key: CelMapKey<'v>,
    value: Box<dyn Val + 'v>,
) -> Result<(), ExecutionError> {
    if map.contains_key(&key) {
        let shown = match &key {
            CelMapKey::Bool(key) => key.inner().to_string(),
            CelMapKey::Int(key) => key.inner().to_string(),
            CelMapKey::UInt(key) => key.inner().to_string(),
            CelMapKey::String(key) => key.inner().to_owned(),
        };
        return Err(failed(format!("insert failed: key {shown} already exists")));
    }
    map.insert(key, value);
    Ok(())
}

/// A map from a list of its entries.
fn map<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let mut out = HashMap::new();
    for item in items(&all)? {
        let entry = item.downcast_ref::<CelList>().map(CelList::inner);
        let Some([key, value]) = entry else { return Err(failed("no such overload")) };
        let key = CelMapKey::try_from(key.clone_as_boxed()).map_err(|_| failed("unsupported key type"))?;
        put(&mut out, key, value.clone_as_boxed())?;
    }
    Ok(CowVal::owned(CelMap::from(out)))
}

/// One map from many, none of which share a key.
fn merge<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let mut out = HashMap::new();
    for item in items(&all)? {
        let entries = item.downcast_ref::<CelMap>().ok_or_else(|| failed("no such overload"))?;
        let mut entries: Vec<_> = entries.inner().iter().collect();
        entries.sort_by(|one, other| one.0.cmp(other.0));
        for (key, value) in entries {
            put(&mut out, key.clone(), value.clone_as_boxed())?;
        }
    }
    Ok(CowVal::owned(CelMap::from(out)))
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_overload("@pairs", "pairs_of_list", vec![LIST_TYPE], of_list)?;
    env.add_overload("@pairs", "pairs_of_map", vec![MAP_TYPE], of_map)?;
    env.add_overload("@map", "map_of_pairs", vec![LIST_TYPE], map)?;
    env.add_overload("@merge", "map_of_maps", vec![LIST_TYPE], merge)
}
