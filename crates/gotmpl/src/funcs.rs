//! The functions that templates call, one family a file.

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

/// Functions in buckets by the beginnings and lengths of their names, which tell nearly all of them apart.
struct Table {
    /// Where each bucket begins, and the last one ends.
    starts: Vec<usize>,
    functions: Vec<&'static Function>,
}

const BUCKETS: usize = 1 << 10;

fn bucket(name: &str) -> usize {
    let first = name.as_bytes().first().map_or(0, |byte| usize::from(*byte));
    (first % 32) * 32 + name.len() % 32
}

/// Later families hide functions of earlier ones: they come first in their bucket.
fn table(families: &[&[&'static [Function]]]) -> Table {
    let all = families.iter().flat_map(|families| families.iter()).flat_map(|family| family.iter());
    let mut all: Vec<(usize, &Function)> = all.map(|function| (bucket(function.name), function)).collect();
    all.reverse();
    let mut starts = vec![0; BUCKETS + 1];
    for (bucket, _) in &all {
        starts[bucket + 1] += 1;
    }
    for at in 0..BUCKETS {
        starts[at + 1] += starts[at];
    }
    // Each into the next free place of its bucket.
    let mut free = starts.clone();
    let mut functions: Vec<&Function> = all.iter().map(|(_, function)| *function).collect();
    for (bucket, function) in all {
        functions[free[bucket]] = function;
        free[bucket] += 1;
    }
    Table { starts, functions }
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
    let bucket = bucket(name);
    let near = &table.functions[table.starts[bucket]..table.starts[bucket + 1]];
    near.iter().copied().find(|function| function.name == name)
}

/// The names of all functions that templates can call, in order.
pub fn function_names(functions: Functions) -> Vec<&'static str> {
    let table = match functions {
        Functions::Text => &TEXT,
        Functions::Sprig => &SPRIG,
        Functions::Helm => &HELM,
    };
    let mut names: Vec<&str> = table.functions.iter().map(|function| function.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
