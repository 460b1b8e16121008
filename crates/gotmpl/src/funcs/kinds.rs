//! Types, kinds, defaults.

use super::{fixed, variadic};
use crate::call::{Function, Type};
use crate::value::Value;

const ANY: Type = Type::Any;
const S: Type = Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("typeOf", &[ANY], |_, a| Ok(a.value(0).type_name().as_ref().into())),
    fixed("typeIs", &[S, ANY], |_, a| Ok((a.lossy(0) == a.value(1).type_name()).into())),
    fixed("typeIsLike", &[S, ANY], |_, a| {
        let name = a.value(1).type_name();
        let target = a.lossy(0);
        Ok((target == name || name.strip_prefix('*') == Some(target.as_ref())).into())
    }),
    fixed("kindOf", &[ANY], |_, a| Ok(a.value(0).kind_name().as_ref().into())),
    fixed("kindIs", &[S, ANY], |_, a| Ok((a.lossy(0) == a.value(1).kind_name()).into())),
    variadic("default", &[ANY, ANY], |_, a| {
        Ok(if a.len() > 1 && a.value(1).truth() { a.take(1) } else { a.take(0) })
    }),
    fixed("empty", &[ANY], |_, a| Ok((!a.value(0).truth()).into())),
    variadic("coalesce", &[ANY], |_, a| Ok(a.rest(0).into_iter().find(Value::truth).unwrap_or_default())),
    variadic("all", &[ANY], |_, a| Ok(a.rest(0).iter().all(Value::truth).into())),
    variadic("any", &[ANY], |_, a| Ok(a.rest(0).iter().any(Value::truth).into())),
    fixed("ternary", &[ANY, ANY, Type::Bool], |_, a| Ok(if a.boolean(2) { a.take(0) } else { a.take(1) })),
];
