//! The functions that templates call, one family a file.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::call::{Arguments, Function, Run, Signature, Type};
use crate::error::Error;
use crate::set::Functions;
use crate::value::Value;

mod builtin;
mod compare;
pub(crate) mod render;
pub(crate) mod strings;

type Outcome = Result<Value, Error>;
type Body = fn(&Run<'_>, &mut Arguments) -> Outcome;

/// A function with fixed parameters.
const fn fixed(name: &'static str, parameters: &'static [Type], run: Body) -> Function {
    Function { name, signature: Signature { parameters, variadic: false }, run }
}

/// A function whose last parameter may come any number of times.
const fn variadic(name: &'static str, parameters: &'static [Type], run: Body) -> Function {
    Function { name, signature: Signature { parameters, variadic: true }, run }
}

type Table = HashMap<&'static str, &'static Function>;

fn table(families: &[&'static [Function]]) -> Table {
    families.iter().flat_map(|family| family.iter()).map(|function| (function.name, function)).collect()
}

static TEXT: LazyLock<Table> = LazyLock::new(|| table(&[builtin::FUNCTIONS, compare::FUNCTIONS]));
static SPRIG: LazyLock<Table> = LazyLock::new(|| table(&[builtin::FUNCTIONS, compare::FUNCTIONS]));
static HELM: LazyLock<Table> =
    LazyLock::new(|| table(&[builtin::FUNCTIONS, compare::FUNCTIONS, render::FUNCTIONS]));

/// The function of that name.
pub(crate) fn find(name: &str, functions: Functions) -> Option<&'static Function> {
    let table = match functions {
        Functions::Text => &TEXT,
        Functions::Sprig => &SPRIG,
        Functions::Helm => &HELM,
    };
    table.get(name).copied()
}
