//! The functions that templates call, one family a file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::call::{Arguments, Function, Run, Signature, Type};
use crate::error::Error;
use crate::set::Functions;
use crate::value::Value;

mod builtin;
#[cfg(feature = "certificates")]
mod certificates;
#[cfg(not(feature = "certificates"))]
#[path = "funcs/no_certificates.rs"]
mod certificates;
pub(crate) mod codecs;
mod compare;
mod crypto;
pub(crate) mod dates;
mod hashes;
mod kinds;
mod lists;
mod maps;
mod math;
mod paths;
mod random;
mod regex;
pub(crate) mod render;
pub(crate) mod strings;
pub(crate) mod urls;
mod versions;
mod words;

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

/// Sorted by name.
type Table = Vec<(&'static str, &'static Function)>;

/// Later families hide functions of earlier ones.
fn table(families: &[&[&'static [Function]]]) -> Table {
    let all = families.iter().flat_map(|families| families.iter()).flat_map(|family| family.iter());
    let known: BTreeMap<_, _> = all.map(|function| (function.name, function)).collect();
    known.into_iter().collect()
}

const TEXT_FAMILIES: &[&[Function]] = &[builtin::FUNCTIONS, compare::FUNCTIONS];

const SPRIG_FAMILIES: &[&[Function]] = &[
    certificates::FUNCTIONS,
    codecs::SPRIG,
    crypto::FUNCTIONS,
    dates::FUNCTIONS,
    hashes::FUNCTIONS,
    regex::FUNCTIONS,
    urls::FUNCTIONS,
    kinds::FUNCTIONS,
    lists::FUNCTIONS,
    lists::SLICES,
    maps::FUNCTIONS,
    math::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
    strings::FUNCTIONS,
    versions::FUNCTIONS,
    words::FUNCTIONS,
];

const HELM_FAMILIES: &[&[Function]] = &[codecs::HELM, render::FUNCTIONS];

static TEXT: LazyLock<Table> = LazyLock::new(|| table(&[TEXT_FAMILIES]));
static SPRIG: LazyLock<Table> = LazyLock::new(|| table(&[TEXT_FAMILIES, SPRIG_FAMILIES]));
static HELM: LazyLock<Table> = LazyLock::new(|| table(&[TEXT_FAMILIES, SPRIG_FAMILIES, HELM_FAMILIES]));

/// The function of that name.
pub(crate) fn find(name: &str, functions: Functions) -> Option<&'static Function> {
    let table = match functions {
        Functions::Text => &TEXT,
        Functions::Sprig => &SPRIG,
        Functions::Helm => &HELM,
    };
    let at = table.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    Some(table[at].1)
}

/// The names of all functions that templates can call, in order.
pub fn function_names(functions: Functions) -> Vec<&'static str> {
    let table = match functions {
        Functions::Text => &TEXT,
        Functions::Sprig => &SPRIG,
        Functions::Helm => &HELM,
    };
    let mut names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names
}
