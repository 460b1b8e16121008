//! Parsed templates that know each other by name. Parsed once, shared between threads, executed many times.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::arena::{Arena, Part, View};
use crate::call::{Context, Function, Run, Shared};
use crate::error::Error;
use crate::exec::execute;
use crate::funcs;
use crate::node::Node;
use crate::quote::quote;
use crate::value::Value;

/// One template's tree and the text it was parsed from.
pub(crate) struct Tree {
    pub name: Arc<str>,
    pub parse_name: Arc<str>,
    pub text: Bytes,
    pub arena: Arc<Arena>,
    pub root: Part<Node>,
    pub is_blank: bool,
}

impl Tree {
    pub(crate) fn view(&self) -> View<'_> {
        self.arena.view(&self.text)
    }
}

/// What a map without the key gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingKey {
    /// Nothing, printed `<no value>`.
    #[default]
    Invalid,
    /// The zero of the map's element type.
    Zero,
    Error,
}

/// Which functions templates may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Functions {
    /// Those of text/template.
    #[default]
    Text,
    /// And sprig's, without those that read the environment.
    Sprig,
    /// And Helm's.
    Helm,
}

/// A set of templates. A clone shares them.
#[derive(Clone, Default)]
pub struct Templates {
    trees: Arc<BTreeMap<String, Arc<Tree>>>,
    functions: Functions,
    missing_key: MissingKey,
}

/// The templates of one text, for a set: texts know nothing of each other while they are parsed.
pub struct ParsedText(Parsed);

/// What a text defines.
pub(crate) struct Parsed {
    pub trees: BTreeMap<String, Arc<Tree>>,
    /// Whether it calls a function whose answer is not its arguments' alone.
    pub is_unsteady: bool,
}

impl ParsedText {
    pub fn new(name: &str, text: Bytes, functions: Functions) -> Result<Self, Error> {
        parse_with(name, text, functions).map(Self)
    }

    /// Whether it calls functions that draw random numbers or ask the caller.
    pub fn is_unsteady(&self) -> bool {
        self.0.is_unsteady
    }
}

/// Templates as one execution sees them: `tpl` lays its own over those of the caller.
pub(crate) struct Scope<'a> {
    pub parent: Option<&'a Scope<'a>>,
    pub trees: &'a BTreeMap<String, Arc<Tree>>,
    pub functions: Functions,
    pub missing_key: MissingKey,
}

impl Scope<'_> {
    pub(crate) fn find(&self, name: &str) -> Option<&Tree> {
        let mut scope = self;
        loop {
            if let Some(tree) = scope.trees.get(name) {
                return Some(tree);
            }
            scope = scope.parent?;
        }
    }
}

impl Templates {
    pub fn new(functions: Functions, missing_key: MissingKey) -> Self {
        Self { trees: Arc::default(), functions, missing_key }
    }

    /// Parses `text` under `name`, with the templates it defines. A template that was there is replaced, unless the
    /// new one is blank.
    pub fn parse(&mut self, name: &str, text: &[u8]) -> Result<(), Error> {
        self.add(ParsedText::new(name, Bytes::copy_from_slice(text), self.functions)?);
        Ok(())
    }

    /// Adds what was parsed apart, by the same rules.
    pub fn add(&mut self, parsed: ParsedText) {
        let trees = Arc::make_mut(&mut self.trees);
        for (name, tree) in parsed.0.trees {
            if tree.is_blank && trees.contains_key(&name) {
                continue;
            }
            trees.insert(name, tree);
        }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.trees.contains_key(name)
    }

    /// The names of all templates, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// Executes the template `name` with `data` as its dot; what it prints is appended to `out`, also when it fails.
    pub fn execute(
        &self,
        name: &str,
        data: &Value,
        out: &mut Vec<u8>,
        cx: &Context<'_>,
    ) -> Result<(), Error> {
        self.execute_shared(name, data, out, cx, &Shared::default())
    }

    /// Like `execute`, with what several executions of one render share (Helm counts nested names over all of them).
    pub fn execute_shared(
        &self,
        name: &str,
        data: &Value,
        out: &mut Vec<u8>,
        cx: &Context<'_>,
        shared: &Shared,
    ) -> Result<(), Error> {
        let scope = Scope {
            parent: None,
            trees: &self.trees,
            functions: self.functions,
            missing_key: self.missing_key,
        };
        let run = Run { cx, scope: &scope, shared, depth: 0 };
        let tree = scope.find(name).ok_or_else(|| no_template(name))?;
        if let Some(tracer) = &shared.tracer {
            tracer.begin();
            let outcome = execute(&run, tree, data.clone(), out);
            tracer.end();
            return outcome;
        }
        execute(&run, tree, data.clone(), out)
    }
}

pub(crate) fn no_template(name: &str) -> Error {
    Error::new(format!("template: no template {} associated with template \"gotpl\"", quote(name.as_bytes())))
}

pub(crate) fn parse_with(name: &str, text: Bytes, functions: Functions) -> Result<Parsed, Error> {
    let find = |name: &str| -> Option<&'static Function> { funcs::find(name, functions) };
    crate::parse::parse(name, text, &find)
}
