//! The parsed template: nodes with their places, and their text as error messages show it.

use std::sync::Arc;

use crate::arena::{Part, View};
use crate::call::Function;
use crate::quote::quote;
use crate::text::Text;

/// A place in the text of a template.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// From the beginning of this to the end of the other.
    pub(crate) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Without the first byte and the last.
    pub(crate) fn within(self) -> Self {
        Self { start: self.start + 1, end: self.end - 1 }
    }
}

/// The names in `.a.b`.
pub(crate) fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_empty = path.is_empty();
    path.get(1..).unwrap_or_default().split(|byte| *byte == b'.').filter(move |_| !is_empty)
}

#[derive(Clone, Copy)]
pub(crate) struct Pipe {
    pub position: u32,
    pub is_assign: bool,
    pub declares: Part<Variable>,
    pub commands: Part<Command>,
}

pub(crate) struct Command {
    pub position: u32,
    pub arguments: Part<Operand>,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Variable {
    pub position: u32,
    /// The name with its `$`.
    pub name: Span,
    /// `.a.b`, or empty.
    pub fields: Span,
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
    Bool {
        position: u32,
        value: bool,
    },
    Chain {
        position: u32,
        node: Box<Operand>,
        fields: Span,
    },
    Dot {
        position: u32,
    },
    Field {
        position: u32,
        fields: Span,
    },
    Identifier {
        position: u32,
        function: &'static Function,
    },
    Nil {
        position: u32,
    },
    Number {
        position: u32,
        number: Box<Number>,
    },
    Pipe(Box<Pipe>),
    /// Without its text, that is what stands between the quotes.
    String {
        position: u32,
        quoted: Span,
        text: Option<Box<Text>>,
    },
    Variable(Variable),
}

pub(crate) struct Branch {
    pub pipe: Pipe,
    pub list: Part<Node>,
    pub otherwise: Option<Part<Node>>,
}

/// A template that another calls.
pub(crate) struct Called {
    pub position: u32,
    pub name: Arc<str>,
    pub pipe: Option<Pipe>,
}

pub(crate) enum Node {
    Text { span: Span },
    Action { pipe: Pipe },
    Break { position: u32 },
    Continue { position: u32 },
    If(Box<Branch>),
    Range(Box<Branch>),
    With(Box<Branch>),
    Template(Box<Called>),
}

// A large chart has tens of thousands of them.
const _: () = assert!(size_of::<Node>() == 24 && size_of::<Operand>() == 24 && size_of::<Command>() == 12);

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
            Self::Pipe(pipe) => pipe.position as usize,
            Self::Command(command) => command.position as usize,
            Self::Operand(operand) => operand.position(),
            Self::Variable(variable) => variable.position as usize,
        }
    }

    pub(crate) fn write(self, view: View<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Node(node) => node.write(view, out),
            Self::Pipe(pipe) => pipe.write(view, out),
            Self::Command(command) => command.write(view, out),
            Self::Operand(operand) => operand.write(view, out),
            Self::Variable(variable) => variable.write(view, out),
        }
    }
}

fn write_list(nodes: &[Node], view: View<'_>, out: &mut Vec<u8>) {
    for node in nodes {
        node.write(view, out);
    }
}

impl Node {
    pub(crate) fn position(&self) -> usize {
        match self {
            Self::Text { span } => span.start as usize,
            Self::Break { position } | Self::Continue { position } => *position as usize,
            Self::Action { pipe } => pipe.position as usize,
            Self::Template(called) => called.position as usize,
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.pipe.position as usize,
        }
    }

    /// Whether the node prints nothing: white space.
    pub(crate) fn is_blank(&self, text: &[u8]) -> bool {
        match self {
            Self::Text { span } => crate::funcs::strings::trim_space(span.of(text)).is_empty(),
            _ => false,
        }
    }

    pub(crate) fn write(&self, view: View<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Text { span } => out.extend_from_slice(span.of(view.text)),
            Self::Action { pipe } => {
                out.extend_from_slice(b"{{");
                pipe.write(view, out);
                out.extend_from_slice(b"}}");
            }
            Self::Break { .. } => out.extend_from_slice(b"{{break}}"),
            Self::Continue { .. } => out.extend_from_slice(b"{{continue}}"),
            Self::If(branch) => branch.write("if", view, out),
            Self::Range(branch) => branch.write("range", view, out),
            Self::With(branch) => branch.write("with", view, out),
            Self::Template(called) => {
                out.extend_from_slice(b"{{template ");
                out.extend_from_slice(quote(called.name.as_bytes()).as_bytes());
                if let Some(pipe) = called.pipe {
                    out.push(b' ');
                    pipe.write(view, out);
                }
                out.extend_from_slice(b"}}");
            }
        }
    }
}

impl Branch {
    fn write(&self, name: &str, view: View<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        self.pipe.write(view, out);
        out.extend_from_slice(b"}}");
        write_list(view.nodes(self.list), view, out);
        if let Some(otherwise) = self.otherwise {
            out.extend_from_slice(b"{{else}}");
            write_list(view.nodes(otherwise), view, out);
        }
        out.extend_from_slice(b"{{end}}");
    }
}

impl Pipe {
    pub(crate) fn write(&self, view: View<'_>, out: &mut Vec<u8>) {
        for (index, variable) in view.declares(self).iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            variable.write(view, out);
        }
        if !self.declares.is_empty() {
            out.extend_from_slice(if self.is_assign { b" = " } else { b" := " });
        }
        for (index, command) in view.commands(self).iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b" | ");
            }
            command.write(view, out);
        }
    }
}

impl Command {
    pub(crate) fn write(&self, view: View<'_>, out: &mut Vec<u8>) {
        for (index, argument) in view.arguments(self).iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            argument.write_nested(view, out);
        }
    }
}

impl Variable {
    fn write(&self, view: View<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name.of(view.text));
        out.extend_from_slice(self.fields.of(view.text));
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
            | Self::String { position, .. } => *position as usize,
            Self::Pipe(pipe) => pipe.position as usize,
            Self::Variable(variable) => variable.position as usize,
        }
    }

    fn write_nested(&self, view: View<'_>, out: &mut Vec<u8>) {
        if let Self::Pipe(pipe) = self {
            out.push(b'(');
            pipe.write(view, out);
            out.push(b')');
        } else {
            self.write(view, out);
        }
    }

    pub(crate) fn write(&self, view: View<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Bool { value, .. } => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Chain { node, fields, .. } => {
                node.write_nested(view, out);
                out.extend_from_slice(fields.of(view.text));
            }
            Self::Dot { .. } => out.push(b'.'),
            Self::Field { fields, .. } => out.extend_from_slice(fields.of(view.text)),
            Self::Identifier { function, .. } => out.extend_from_slice(function.name.as_bytes()),
            Self::Nil { .. } => out.extend_from_slice(b"nil"),
            Self::Number { number, .. } => out.extend_from_slice(number.text.as_bytes()),
            Self::Pipe(pipe) => pipe.write(view, out),
            Self::String { quoted, .. } => out.extend_from_slice(quoted.of(view.text)),
            Self::Variable(variable) => variable.write(view, out),
        }
    }

    pub(crate) fn to_text(&self, view: View<'_>) -> String {
        let mut out = Vec::new();
        self.write(view, &mut out);
        crate::text::to_lossy(&out).into_owned()
    }
}
