//! The parsed template: nodes with their places, and their text as error messages show it.

use std::sync::Arc;

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

pub(crate) struct Pipe {
    pub position: u32,
    pub is_assign: bool,
    pub declares: Vec<Variable>,
    pub commands: Vec<Command>,
}

pub(crate) struct Command {
    pub position: u32,
    pub arguments: Vec<Operand>,
}

#[derive(Clone, Copy)]
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
        text: Option<Text>,
    },
    Variable(Variable),
}

pub(crate) struct Branch {
    pub position: u32,
    pub pipe: Pipe,
    pub list: Vec<Node>,
    pub otherwise: Option<Vec<Node>>,
}

pub(crate) enum Node {
    Text { span: Span },
    Action { position: u32, pipe: Pipe },
    Break { position: u32 },
    Continue { position: u32 },
    If(Box<Branch>),
    Range(Box<Branch>),
    With(Box<Branch>),
    Template { position: u32, name: Arc<str>, pipe: Option<Box<Pipe>> },
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
            Self::Pipe(pipe) => pipe.position as usize,
            Self::Command(command) => command.position as usize,
            Self::Operand(operand) => operand.position(),
            Self::Variable(variable) => variable.position as usize,
        }
    }

    pub(crate) fn write(self, source: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Node(node) => node.write(source, out),
            Self::Pipe(pipe) => pipe.write(source, out),
            Self::Command(command) => command.write(source, out),
            Self::Operand(operand) => operand.write(source, out),
            Self::Variable(variable) => variable.write(source, out),
        }
    }
}

fn write_list(nodes: &[Node], source: &[u8], out: &mut Vec<u8>) {
    for node in nodes {
        node.write(source, out);
    }
}

impl Node {
    pub(crate) fn position(&self) -> usize {
        match self {
            Self::Text { span } => span.start as usize,
            Self::Action { position, .. }
            | Self::Break { position }
            | Self::Continue { position }
            | Self::Template { position, .. } => *position as usize,
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.position as usize,
        }
    }

    /// Whether the node prints nothing: white space.
    pub(crate) fn is_blank(&self, source: &[u8]) -> bool {
        match self {
            Self::Text { span } => crate::funcs::strings::trim_space(span.of(source)).is_empty(),
            _ => false,
        }
    }

    pub(crate) fn write(&self, source: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Text { span } => out.extend_from_slice(span.of(source)),
            Self::Action { pipe, .. } => {
                out.extend_from_slice(b"{{");
                pipe.write(source, out);
                out.extend_from_slice(b"}}");
            }
            Self::Break { .. } => out.extend_from_slice(b"{{break}}"),
            Self::Continue { .. } => out.extend_from_slice(b"{{continue}}"),
            Self::If(branch) => branch.write("if", source, out),
            Self::Range(branch) => branch.write("range", source, out),
            Self::With(branch) => branch.write("with", source, out),
            Self::Template { name, pipe, .. } => {
                out.extend_from_slice(b"{{template ");
                out.extend_from_slice(quote(name.as_bytes()).as_bytes());
                if let Some(pipe) = pipe {
                    out.push(b' ');
                    pipe.write(source, out);
                }
                out.extend_from_slice(b"}}");
            }
        }
    }
}

impl Branch {
    fn write(&self, name: &str, source: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
        self.pipe.write(source, out);
        out.extend_from_slice(b"}}");
        write_list(&self.list, source, out);
        if let Some(otherwise) = &self.otherwise {
            out.extend_from_slice(b"{{else}}");
            write_list(otherwise, source, out);
        }
        out.extend_from_slice(b"{{end}}");
    }
}

impl Pipe {
    pub(crate) fn write(&self, source: &[u8], out: &mut Vec<u8>) {
        for (index, variable) in self.declares.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            variable.write(source, out);
        }
        if !self.declares.is_empty() {
            out.extend_from_slice(if self.is_assign { b" = " } else { b" := " });
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b" | ");
            }
            command.write(source, out);
        }
    }
}

impl Command {
    pub(crate) fn write(&self, source: &[u8], out: &mut Vec<u8>) {
        for (index, argument) in self.arguments.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            argument.write_nested(source, out);
        }
    }
}

impl Variable {
    fn write(&self, source: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.name.of(source));
        out.extend_from_slice(self.fields.of(source));
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

    fn write_nested(&self, source: &[u8], out: &mut Vec<u8>) {
        if let Self::Pipe(pipe) = self {
            out.push(b'(');
            pipe.write(source, out);
            out.push(b')');
        } else {
            self.write(source, out);
        }
    }

    pub(crate) fn write(&self, source: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Bool { value, .. } => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Chain { node, fields, .. } => {
                node.write_nested(source, out);
                out.extend_from_slice(fields.of(source));
            }
            Self::Dot { .. } => out.push(b'.'),
            Self::Field { fields, .. } => out.extend_from_slice(fields.of(source)),
            Self::Identifier { function, .. } => out.extend_from_slice(function.name.as_bytes()),
            Self::Nil { .. } => out.extend_from_slice(b"nil"),
            Self::Number { number, .. } => out.extend_from_slice(number.text.as_bytes()),
            Self::Pipe(pipe) => pipe.write(source, out),
            Self::String { quoted, .. } => out.extend_from_slice(quoted.of(source)),
            Self::Variable(variable) => variable.write(source, out),
        }
    }

    pub(crate) fn to_text(&self, source: &[u8]) -> String {
        let mut out = Vec::new();
        self.write(source, &mut out);
        crate::text::to_lossy(&out).into_owned()
    }
}
