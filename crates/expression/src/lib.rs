//! CEL expressions about objects: custom health checks, conditions on dependencies, rules of CRDs.
//!
//! Invariant: parsing and evaluation end, in little time and stack. The interpreter has no limit of its own, so the
//! depth of an expression is bounded, and it pays from a tank of fuel for what it does.
//! Texts of errors are upstream's where people see them.

pub mod amount;
mod expand;
mod fuel;
mod kubernetes;
mod output;
mod sets;
mod shape;
mod term;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::parser::PrattParser;
use cel::{Context, Env, ExecutionError, IdedExpr, Value, extensions};
use serde_json::{Map, Value as Json};

use shape::Shape;
pub use term::Term;

/// The longest expression.
const LONGEST: usize = 16 << 10;
/// The deepest: each level takes stack when it is evaluated.
const DEEPEST: usize = 64;
/// How deep brackets may be when an expression is parsed.
const BRACKETS: u16 = 32;
/// The stack of the thread that parses; the parser recurses over operators too, as often as they fit into an expression.
const PARSER_STACK: usize = 64 << 20;
/// What an evaluation says that has used up its fuel.
pub const TOO_MUCH: &str = fuel::TOO_MUCH;
/// The longest text of an error.
const ERROR: usize = 1024;

/// A parsed expression.
#[derive(Debug)]
pub struct Expression {
    text: String,
    root: IdedExpr,
    shape: Shape,
}

/// What an expression answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Truth(bool),
    Text(String),
    Other,
}

fn environment() -> Arc<Env> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    let make = || {
        let mut env = Env::stdlib().with_optional_support(true);
        for extension in [
            extensions::strings,
            extensions::encoders,
            extensions::lists,
            sets::extension,
            kubernetes::extension,
            fuel::extension,
        ] {
            env.add_extension(extension).expect("the extensions fit together");
        }
        Arc::new(env)
    };
    Arc::clone(ENV.get_or_init(make))
}

impl Expression {
    /// Parses an expression whose variables are not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let failed = |why: &str| format!("failed to parse the CEL expression '{}': {why}", shortened(text));
        if text.len() > LONGEST {
            return Err(failed(&format!("it is longer than {LONGEST} bytes")));
        }
        // What is too deep is also dropped on the deep stack.
        let parse = || {
            let parser = PrattParser::new().enable_optional_syntax(true).max_recursion_depth(BRACKETS);
            let mut root = parser.parse(text).map_err(|errors| errors.to_string())?;
            expand::expand(&mut root)?;
            let shape = Shape::of(&root);
            fuel::meter(&mut root);
            if shape.height > DEEPEST { Err("it is too deep".to_owned()) } else { Ok((root, shape)) }
        };
        let parsed = thread::scope(|scope| {
            let thread = thread::Builder::new().name("cel".to_owned()).stack_size(PARSER_STACK);
            thread
                .spawn_scoped(scope, parse)
                .map_err(|error| error.to_string())?
                .join()
                .unwrap_or_else(|_| Err("the parser gave up".to_owned()))
        });
        let (root, shape) = parsed.map_err(|why| failed(&shortened(&why)))?;
        Ok(Self { text: text.to_owned(), root, shape })
    }

    /// Parses an expression that knows these variables only, all of them objects, and answers yes or no.
    pub fn compile(text: &str, variables: &[&str]) -> Result<Self, String> {
        let expression = Self::parse(text)?;
        let names = output::undeclared(&expression.root, variables);
        if !names.is_empty() {
            let why = output::undeclared_text(text, &names);
            return Err(format!("failed to parse the CEL expression '{}': {why}", shortened(text)));
        }
        match output::kind(&expression.root) {
            None | Some("bool") => Ok(expression),
            Some(other) => Err(format!("CEL expression output type mismatch: expected bool, got {other}")),
        }
    }

    /// Evaluates with these variables.
    pub fn is_true(&self, variables: &Map<String, Json>) -> Result<bool, String> {
        let text = shortened(&self.text);
        let used = variables.iter().filter(|(name, _)| self.names(name));
        match self.value(used.map(|(name, value)| (name.clone(), Term::from(value))).collect()) {
            Ok(Value::Bool(value)) => Ok(value),
            Ok(_) => Err(format!("failed to evaluate CEL expression as boolean: '{text}'")),
            Err(why) => Err(format!("failed to evaluate the CEL expression '{text}': {why}")),
        }
    }

    /// What it answers with these variables, or why it cannot, in few words.
    pub fn answer(&self, variables: &BTreeMap<String, Term>) -> Result<Answer, String> {
        let used = variables.iter().filter(|(name, _)| self.names(name));
        Ok(match self.value(used.map(|(name, value)| (name.clone(), value.clone())).collect())? {
            Value::Bool(value) => Answer::Truth(value),
            Value::String(text) => Answer::Text(text.to_string()),
            _ => Answer::Other,
        })
    }

    /// Whether it may speak of a name.
    pub fn names(&self, name: &str) -> bool {
        self.shape.names.contains(name)
    }

    fn value(&self, variables: BTreeMap<String, Term>) -> Result<Value, String> {
        fuel::fill();
        let run = || -> Result<Value, String> {
            let env = environment();
            let mut context = Context::with_env(Arc::clone(&env));
            for (name, value) in variables {
                context.add_variable_as_val(name, value.into_val(&env));
            }
            Value::resolve(&self.root, &context).map_err(|error| self.explain(&error))
        };
        let value = catch_unwind(AssertUnwindSafe(run)).map_err(|_| "it cannot be evaluated".to_owned())?;
        // An error may have been of no account: `a || b`.
        if fuel::is_spent() { Err(TOO_MUCH.to_owned()) } else { value }
    }

    fn explain(&self, error: &ExecutionError) -> String {
        match error {
            ExecutionError::UndeclaredReference(name) => {
                let chain = chain_from(&self.root, name);
                format!("no such attribute(s): {}", chain.unwrap_or_else(|| name.to_string()))
            }
            ExecutionError::NoSuchKey(name) => format!("no such key: {name}"),
            ExecutionError::FunctionError { function, message } => match function.as_str() {
                "timestamp" => unconverted("google.protobuf.Timestamp"),
                "duration" => unconverted("google.protobuf.Duration"),
                kind @ ("int" | "uint" | "double" | "bool") if message.contains("parse error") => {
                    unconverted(kind)
                }
                _ => shortened(message),
            },
            ExecutionError::DivisionByZero(_) => "division by zero".to_owned(),
            ExecutionError::RemainderByZero(_) => "modulus by zero".to_owned(),
            ExecutionError::Overflow(_, Value::UInt(_), _) => "unsigned integer overflow".to_owned(),
            ExecutionError::Overflow(_, Value::Int(_), _) => "integer overflow".to_owned(),
            ExecutionError::IndexOutOfBounds(Value::Int(at)) => format!("index out of bounds: {at}"),
            ExecutionError::UnsupportedBinaryOperator(..) | ExecutionError::ValuesNotComparable(..) => {
                "no such overload".to_owned()
            }
            other => shortened(&other.to_string()),
        }
    }
}

fn unconverted(kind: &str) -> String {
    format!("type conversion error from 'string' to '{kind}'")
}

fn shortened(text: &str) -> String {
    text.chars().take(ERROR).collect()
}

/// The parts of an expression, in the order in which they are evaluated; whether each is run again for each item.
fn parts<'a>(expression: &'a IdedExpr, each: &mut dyn FnMut(&'a IdedExpr, bool)) {
    match &expression.expr {
        Expr::Call(call) => {
            call.target.iter().for_each(|target| each(target, false));
            call.args.iter().for_each(|part| each(part, false));
        }
        Expr::Comprehension(it) => {
            let runs = it.iter_var != expand::UNUSED;
            each(&it.iter_range, false);
            each(&it.accu_init, false);
            each(&it.loop_cond, runs);
            each(&it.loop_step, runs);
            each(&it.result, false);
        }
        Expr::List(list) => list.elements.iter().for_each(|part| each(part, false)),
        Expr::Select(select) => each(&select.operand, false),
        Expr::Map(map) => map.entries.iter().for_each(|entry| entry_parts(&entry.expr, each)),
        Expr::Struct(fields) => fields.entries.iter().for_each(|entry| entry_parts(&entry.expr, each)),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
    }
}

fn entry_parts<'a>(entry: &'a EntryExpr, each: &mut dyn FnMut(&'a IdedExpr, bool)) {
    match entry {
        EntryExpr::StructField(field) => each(&field.value, false),
        EntryExpr::MapEntry(entry) => {
            each(&entry.key, false);
            each(&entry.value, false);
        }
    }
}

/// The first chain of names that begins at a variable: `status.phase`.
fn chain_from(expression: &IdedExpr, variable: &str) -> Option<String> {
    if let Some(chain) = chain(expression)
        && (chain == variable || chain.starts_with(&format!("{variable}.")))
    {
        return Some(chain);
    }
    let mut found = None;
    parts(expression, &mut |part, _| {
        if found.is_none() {
            found = chain_from(part, variable);
        }
    });
    found
}

fn chain(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", chain(&select.operand)?, select.field)),
        Expr::Call(call) if call.func_name == "_[_]" => match (&call.args[..], call.args.get(1)?) {
            ([map, _], IdedExpr { expr: Expr::Literal(LiteralValue::String(key)), .. }) => {
                Some(format!("{}.{}", chain(map)?, key.inner()))
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
