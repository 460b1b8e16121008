//! What Kubernetes adds to CEL: amounts, places on the web, addresses and networks, versions, formats, patterns, lists.
//!
//! Errors are in the words of Kubernetes' own functions.

mod entries;
mod format;
mod lists;
mod network;
mod pattern;
mod quantity;
mod semver;
mod url;

use cel::common::types::{CelBool, CelInt, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;
type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Added = Result<(), DeclarationError>;

/// A type of values of our own: what it holds, and its name in CEL.
macro_rules! kind {
    ($name:ident, $type:ident, $named:literal) => {
        static $type: cel::common::types::Type = cel::common::types::Type::new_unspecified_type($named);

        impl cel::common::value::Val for $name {
            fn get_type(&self) -> &cel::common::types::Type {
                &$type
            }

            fn cel_type() -> &'static cel::common::types::Type {
                &$type
            }

            fn equals(&self, other: &dyn cel::common::value::Val) -> bool {
                other.downcast_ref::<$name>().is_some_and(|other| other == self)
            }

            fn clone_as_boxed<'v>(&self) -> Box<dyn cel::common::value::Val + 'v>
            where
                Self: 'v,
            {
                Box::new(self.clone())
            }

            fn as_any(&self) -> Option<&dyn std::any::Any> {
                Some(self)
            }
        }

        impl cel::common::value::StaticVal for $name {}
    };
}
use kind;

/// Adds the functions.
pub(super) fn extension(env: &mut Env) -> Added {
    for add in [
        quantity::extension,
        url::extension,
        network::extension,
        semver::extension,
        format::extension,
        pattern::extension,
        lists::extension,
        entries::extension,
    ] {
        add(env)?;
    }
    Ok(())
}

fn failed(why: impl ToString) -> ExecutionError {
    ExecutionError::function_error("kubernetes", why)
}

fn truth<'b, 'v>(truth: bool) -> Answer<'b, 'v> {
    Ok(CowVal::owned(CelBool::from(truth)))
}

fn whole<'b, 'v>(number: i64) -> Answer<'b, 'v> {
    Ok(CowVal::owned(CelInt::from(number)))
}

fn said<'b, 'v>(text: impl Into<String>) -> Answer<'b, 'v> {
    Ok(CowVal::owned(CelString::from(text.into())))
}

fn words(all: impl IntoIterator<Item = impl Into<String>>) -> CelList<'static> {
    let boxed = |text| Box::new(CelString::from(Into::<String>::into(text))) as Box<dyn Val>;
    CelList::from(all.into_iter().map(boxed).collect::<Vec<_>>())
}

/// The argument at a place, which the choice of the overload has made sure of.
fn argument<'a, 'b, 'v>(all: &'a Arguments<'b, 'v>, at: usize) -> Result<&'a (dyn Val + 'v), ExecutionError> {
    all.get(at).map(AsRef::as_ref).ok_or_else(|| ExecutionError::invalid_argument_count(at + 1, all.len()))
}

fn text<'a>(all: &'a Arguments<'_, '_>, at: usize) -> Result<&'a str, ExecutionError> {
    let value = argument(all, at)?.downcast_ref::<CelString>();
    value.map(CelString::inner).ok_or_else(|| failed("no such overload"))
}

fn number(all: &Arguments<'_, '_>, at: usize) -> Result<i64, ExecutionError> {
    let value = argument(all, at)?.downcast_ref::<CelInt>();
    value.map(|number| *number.inner()).ok_or_else(|| failed("no such overload"))
}

fn own<'a, T: cel::common::value::StaticVal>(
    all: &'a Arguments<'_, '_>,
    at: usize,
) -> Result<&'a T, ExecutionError> {
    argument(all, at)?.downcast_ref::<T>().ok_or_else(|| failed("no such overload"))
}

/// As Go writes a text in an error.
fn quoted(text: &str) -> String {
    sluice_gotmpl::quote::quote(text.as_bytes())
}
