//! The order of the output.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::error::{Result, fail};
use crate::file::SortOptions;
use crate::ids::{Gvk, ORDER_FIRST, ORDER_LAST, ResId};
use crate::resmap::ResMap;
use crate::schema::Schemas;

/// Sorts as the options say.
pub(crate) fn sort(map: &mut ResMap, options: &SortOptions, schemas: &Schemas) -> Result<()> {
    match options.order.as_str() {
        "fifo" => {
            if options.legacy_sort_options.is_some() {
                fail!(
                    "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not \
                     'legacy'"
                );
            }
            Ok(())
        }
        "legacy" => {
            let (first, last): (Vec<String>, Vec<String>) = match &options.legacy_sort_options {
                Some(legacy) => (legacy.order_first.clone(), legacy.order_last.clone()),
                None => (
                    ORDER_FIRST.iter().map(|kind| (*kind).to_owned()).collect(),
                    ORDER_LAST.iter().map(|kind| (*kind).to_owned()).collect(),
                ),
            };
            let mut ranks: HashMap<&str, i64> = HashMap::new();
            for (at, kind) in first.iter().enumerate() {
                ranks.insert(kind, at as i64 - first.len() as i64);
            }
            for (at, kind) in last.iter().enumerate() {
                ranks.insert(kind, at as i64 + 1);
            }
            map.sort_by(|a, b| compare(&a.id(schemas), &b.id(schemas), &ranks));
            map.check_unique(schemas)
                .map_err(|error| error.within("SortOrderTransformer: Failed to append to resources"))
        }
        _ => fail!("the field 'sortOptions.order' must be one of [fifo, legacy]"),
    }
}

fn compare(a: &ResId, b: &ResId, ranks: &HashMap<&str, i64>) -> Ordering {
    if a.gvk != b.gvk {
        return if kind_is_less(&a.gvk, &b.gvk, ranks) { Ordering::Less } else { Ordering::Greater };
    }
    key(a).cmp(&key(b))
}

fn kind_is_less(a: &Gvk, b: &Gvk, ranks: &HashMap<&str, i64>) -> bool {
    let rank = |gvk: &Gvk| ranks.get(gvk.kind.as_str()).copied().unwrap_or(0);
    if rank(a) != rank(b) {
        return rank(a) < rank(b);
    }
    let both_namespaces = a.kind == "Namespace" && b.kind == "Namespace";
    if both_namespaces && (a.group.is_empty() || b.group.is_empty()) {
        return a.sort_text() > b.sort_text();
    }
    a.sort_text() < b.sort_text()
}

fn key(id: &ResId) -> String {
    let namespace = if id.namespace.is_empty() { "~X" } else { &id.namespace };
    let name = if id.name.is_empty() { "~N" } else { &id.name };
    format!("{}|{namespace}|{name}", id.gvk)
}
