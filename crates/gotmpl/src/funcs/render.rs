//! Helm's functions that render other templates, end a render, or ask the caller.

use std::sync::Arc;

use bytes::Bytes;

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::exec::{HEADROOM, execute};
use crate::quote::quote;
use crate::set::{Scope, Tree, no_template, parse_with};
use crate::text::Text;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("include", &[Type::String, Type::Any], include),
    fixed("tpl", &[Type::String, Type::Any], tpl),
    fixed("required", &[Type::String, Type::Any], required),
    fixed("fail", &[Type::String], fail),
    fixed("getHostByName", &[Type::String], |run, arguments| {
        Ok(run.cx.hooks.host_by_name(&arguments.lossy(0)).into())
    }),
    fixed("lookup", &[Type::String, Type::String, Type::String, Type::String], |run, arguments| {
        run.cx.hooks.lookup(
            &arguments.lossy(0),
            &arguments.lossy(1),
            &arguments.lossy(2),
            &arguments.lossy(3),
        )
    }),
];

/// How often one name may be open at a time.
const MAX_OPEN: u32 = 1000;

/// The most bytes of `tpl` texts that are kept parsed.
const MAX_PARSED: usize = 16 << 20;

/// The name that Helm gives to the set, and so to what `tpl` parses.
const SET_NAME: &str = "gotpl";

fn include(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let name = arguments.lossy(0).into_owned();
    let too_deep = || {
        Error::wrap(
            format!("rendering template has a nested reference name: {name}: "),
            Error::new("unable to execute template"),
        )
    };
    {
        let mut included = run.shared.included.borrow_mut();
        match included.get_mut(&name) {
            Some(open) if *open > MAX_OPEN => return Err(too_deep()),
            Some(open) => *open += 1,
            None => {
                included.insert(name.clone(), 1);
            }
        }
    }
    let result = match run.scope.find(&name) {
        None => Err(no_template(&name)),
        Some(_) if run.cx.budget.check_depth(run.depth + HEADROOM).is_err() => Err(too_deep()),
        Some(tree) => {
            let mut out = Vec::new();
            let inner = Run { depth: run.depth + 1, ..*run };
            traced(run, &name, || execute(&inner, tree, arguments.take(1), &mut out).map(|()| out.into()))
                .map(Value::Str)
        }
    };
    if let Some(open) = run.shared.included.borrow_mut().get_mut(&name) {
        *open -= 1;
    }
    result
}

fn tpl(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let Value::Str(text) = arguments.take(0) else { return Ok(Value::text("")) };
    if crate::lex::find(&text, b"{{").is_none() {
        return Ok(Value::Str(without_no_value(text)));
    }
    run.cx.budget.check_depth(run.depth + HEADROOM)?;
    let quoted = || quote(&text);
    let parsed = parse_once(run, &text)
        .map_err(|error| Error::wrap(format!("cannot parse template {}: ", quoted()), error))?;
    // What the text defines is laid over what is known; blank templates replace nothing.
    let trees: std::collections::BTreeMap<String, Arc<Tree>> = parsed
        .iter()
        .filter(|(name, tree)| !tree.is_blank || run.scope.find(name).is_none())
        .map(|(name, tree)| (name.clone(), Arc::clone(tree)))
        .collect();
    let scope = Scope {
        parent: Some(run.scope),
        trees: &trees,
        functions: run.scope.functions,
        missing_key: run.scope.missing_key,
    };
    let Some(tree) = parsed.get(SET_NAME) else { return Ok(Value::text("")) };
    let mut out = Vec::new();
    let inner = Run { scope: &scope, depth: run.depth + 1, cx: run.cx, shared: run.shared };
    let printed =
        traced(run, "tpl", || execute(&inner, tree, arguments.take(1), &mut out).map(|()| out.into()));
    let printed = printed.map_err(|error| {
        Error::wrap(format!("error during tpl function execution for {}: ", quoted()), error)
    })?;
    Ok(Value::Str(without_no_value(printed)))
}

/// Runs an execution within another; its pieces are told to the outer one.
fn traced(run: &Run<'_>, name: &str, execute: impl FnOnce() -> Result<Text, Error>) -> Result<Text, Error> {
    let Some(tracer) = &run.shared.tracer else { return execute() };
    tracer.begin();
    let printed = execute();
    let pieces = tracer.end();
    if let Ok(text) = &printed {
        tracer.called(name, text, pieces);
    }
    printed
}

fn parse_once(
    run: &Run<'_>,
    text: &Text,
) -> Result<Arc<std::collections::BTreeMap<String, Arc<Tree>>>, Error> {
    if let Some(parsed) = run.shared.parsed.borrow().get(text) {
        return Ok(Arc::clone(parsed));
    }
    run.charge(text.len() / 8)?;
    let parsed = Arc::new(parse_with(SET_NAME, Bytes::copy_from_slice(text), run.scope.functions)?.trees);
    let bytes = run.shared.parsed_bytes.get() + text.len();
    if bytes <= MAX_PARSED {
        run.shared.parsed_bytes.set(bytes);
        run.shared.parsed.borrow_mut().insert(text.clone(), Arc::clone(&parsed));
    }
    Ok(parsed)
}

/// Helm blanks what Go prints for a missing value.
pub fn without_no_value(text: Text) -> Text {
    const NO_VALUE: &[u8] = b"<no value>";
    if crate::lex::find(&text, NO_VALUE).is_none() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest: &[u8] = &text;
    while let Some(at) = crate::lex::find(rest, NO_VALUE) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + NO_VALUE.len()..];
    }
    out.extend_from_slice(rest);
    out.into()
}

/// Marks a message so that it can be found in a chain of errors.
fn marked(message: &str) -> Error {
    Error::new(format!("HELM_ERR_START{message}HELM_ERR_END"))
}

fn required(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let value = arguments.take(1);
    let missing = match &value {
        Value::Nil => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    };
    if !missing {
        return Ok(value);
    }
    if run.cx.lint {
        run.cx.hooks.lint(&arguments.lossy(0));
        return Ok(Value::text(""));
    }
    Err(marked(&arguments.lossy(0)))
}

fn fail(run: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    if run.cx.lint {
        run.cx.hooks.lint(&arguments.lossy(0));
        return Ok(Value::text(""));
    }
    Err(marked(&arguments.lossy(0)))
}
