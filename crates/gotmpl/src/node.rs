//! The parsed template: nodes with their places, and their text as error messages show it.

use std::sync::Arc;

use crate::call::Function;
use crate::quote::quote;
use crate::text::Text;

pub(crate) struct Pipe {
    pub position: usize,
    pub is_assign: bool,
    pub declares: Vec<Variable>,
    pub commands: Vec<Command>,
}

pub(crate) struct Command {
    pub position: usize,
    pub arguments: Vec<Operand>,
}

pub(crate) struct Variable {
    pub position: usize,
    /// The name with its `$`, then fields.
    pub identifiers: Vec<Box<str>>,
}

pub(crate) struct Number {
    pub text: Box<str>,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    pub complex: Option<(f64, f64)>,
}

/// What a command is made of.
pub(crate) enum Operand {
    Bool { position: usize, value: bool },
    Chain { position: usize, node: Box<Operand>, fields: Vec<Box<str>> },
    Dot { position: usize },
    Field { position: usize, identifiers: Vec<Box<str>> },
    Identifier { position: usize, function: &'static Function },
    Nil { position: usize },
    Number { position: usize, number: Box<Number> },
    Pipe(Box<Pipe>),
    String { position: usize, quoted: Box<[u8]>, text: Text },
    Variable(Variable),
}

pub(crate) struct Branch {
    pub position: usize,
    pub pipe: Pipe,
    pub list: Vec<Node>,
    pub otherwise: Option<Vec<Node>>,
}

pub(crate) enum Node {
    Text { position: usize, text: Box<[u8]> },
    Action { position: usize, pipe: Pipe },
    Break { position: usize },
    Continue { position: usize },
    If(Branch),
    Range(Branch),
    With(Branch),
    Template { position: usize, name: Arc<str>, pipe: Option<Pipe> },
}

/// The node that an error is about.
#[derive(Clone, Copy)]
pub(crate) enum NodeRef<'a> {
    Node(&'a Node),
    Pipe(&'a Pipe),
    Command(&'a Command),
    Operand(&'a Operand),
    Variable(&'a Variable),
}

impl NodeRef<'_> {
    pub(crate) fn position(self) -> usize {
        match self {
            Self::Node(node) => node.position(),
            Self::Pipe(pipe) => pipe.position,
            Self::Command(command) => command.position,
            Self::Operand(operand) => operand.position(),
            Self::Variable(variable) => variable.position,
        }
    }

    pub(crate) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Node(node) => node.write(out),
            Self::Pipe(pipe) => pipe.write(out),
            Self::Command(command) => command.write(out),
            Self::Operand(operand) => operand.write(out),
            Self::Variable(variable) => variable.write(out),
        }
    }
}

fn write_list(nodes: &[Node], out: &mut Vec<u8>) {
    for node in nodes {
        node.write(out);
    }
}

impl Node {
    pub(crate) fn position(&self) -> usize {
        match self {
            Self::Text { position, .. }
            | Self::Action { position, .. }
            | Self::Break { position }
            | Self::Continue { position }
            | Self::Template { position, .. } => *position,
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.position,
        }
    }

    /// Whether the node prints nothing: white space.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Text { text, .. } => crate::funcs::strings::trim_space(text).is_empty(),
            _ => false,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text { text, .. } => out.extend_from_slice(text),
            Self::Action { pipe, .. } => {
                out.extend_from_slice(b"{{");
                pipe.write(out);
                out.extend_from_slice(b"}}");
            }
            Self::Break { .. } => out.extend_from_slice(b"{{break}}"),
            Self::Continue { .. } => out.extend_from_slice(b"{{continue}}"),
            Self::If(branch) => branch.write("if", out),
            Self::Range(branch) => branch.write("range", out),
            Self::With(branch) => branch.write("with", out),
            Self::Template { name, pipe, .. } => {
                out.extend_from_slice(b"{{template ");
                out.extend_from_slice(quote(name.as_bytes()).as_bytes());
                if let Some(pipe) = pipe {
                    out.push(b' ');
                    pipe.write(out);
                }
                out.extend_from_slice(b"}}");
            }
        }
    }
}

impl Branch {
    fn write(&self, name: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        self.pipe.write(out);
        out.extend_from_slice(b"}}");
        write_list(&self.list, out);
        if let Some(otherwise) = &self.otherwise {
            out.extend_from_slice(b"{{else}}");
            write_list(otherwise, out);
        }
        out.extend_from_slice(b"{{end}}");
    }
}

impl Pipe {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (index, variable) in self.declares.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            variable.write(out);
        }
        if !self.declares.is_empty() {
            out.extend_from_slice(if self.is_assign { b" = " } else { b" := " });
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b" | ");
            }
            command.write(out);
        }
    }
}

impl Command {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (index, argument) in self.arguments.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            argument.write_nested(out);
        }
    }
}

impl Variable {
    fn write(&self, out: &mut Vec<u8>) {
        for (index, identifier) in self.identifiers.iter().enumerate() {
            if index > 0 {
                out.push(b'.');
            }
            out.extend_from_slice(identifier.as_bytes());
        }
    }
}

impl Operand {
    pub(crate) fn position(&self) -> usize {
        match self {
            Self::Bool { position, .. }
            | Self::Chain { position, .. }
            | Self::Dot { position }
            | Self::Field { position, .. }
            | Self::Identifier { position, .. }
            | Self::Nil { position }
            | Self::Number { position, .. }
            | Self::String { position, .. } => *position,
            Self::Pipe(pipe) => pipe.position,
            Self::Variable(variable) => variable.position,
        }
    }

    fn write_nested(&self, out: &mut Vec<u8>) {
        if let Self::Pipe(pipe) = self {
            out.push(b'(');
            pipe.write(out);
            out.push(b')');
        } else {
            self.write(out);
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool { value, .. } => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Chain { node, fields, .. } => {
                node.write_nested(out);
                for field in fields {
                    out.push(b'.');
                    out.extend_from_slice(field.as_bytes());
                }
            }
            Self::Dot { .. } => out.push(b'.'),
            Self::Field { identifiers, .. } => {
                for identifier in identifiers {
                    out.push(b'.');
                    out.extend_from_slice(identifier.as_bytes());
                }
            }
            Self::Identifier { function, .. } => out.extend_from_slice(function.name.as_bytes()),
            Self::Nil { .. } => out.extend_from_slice(b"nil"),
            Self::Number { number, .. } => out.extend_from_slice(number.text.as_bytes()),
            Self::Pipe(pipe) => pipe.write(out),
            Self::String { quoted, .. } => out.extend_from_slice(quoted),
            Self::Variable(variable) => variable.write(out),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        crate::text::to_lossy(&out).into_owned()
    }
}
