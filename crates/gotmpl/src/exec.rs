//! Walks a tree: evaluates pipelines, calls functions, prints. Go's order of evaluation and Go's messages.

use crate::arena::View;
use crate::call::{Run, Slot};
use crate::error::Error;
use crate::node::{Branch, Command, Node, NodeRef, Number, Operand, Pipe, Span, Variable};
use crate::print;
use crate::quote::quote;
use crate::set::Tree;
use crate::text::{Text, to_lossy};
use crate::trace::Place;
use crate::value::{Elements, MapType, UintKind, Value};

mod calls;
mod fields;

/// What a list of nodes ended with.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Outcome<T> = Result<T, Error>;

/// Levels that must be left for a template to be entered, so that a recursion ends where templates call each other
/// and is told in the reference's words.
pub(crate) const HEADROOM: u32 = 16;

struct State<'a, 'r> {
    run: &'r Run<'r>,
    tree: &'a Tree,
    view: View<'a>,
    node: NodeRef<'a>,
    variables: Vec<(&'a [u8], Slot)>,
    out: &'r mut Vec<u8>,
    /// Nesting of templates and of what stands in them.
    depth: u32,
}

/// Executes one template; its output is appended to `out`.
pub(crate) fn execute(run: &Run<'_>, tree: &Tree, data: Value, out: &mut Vec<u8>) -> Outcome<()> {
    run.cx.budget.check_depth(run.depth)?;
    let dot = Slot::plain(data);
    let view = tree.view();
    let root = view.nodes(tree.root);
    let Some(first) = root.first() else { return Ok(()) };
    let mut state = State {
        run,
        tree,
        view,
        node: NodeRef::Node(first),
        variables: vec![(b"$", dot.clone())],
        out,
        depth: run.depth,
    };
    state.walk_list(&dot, root)?;
    Ok(())
}

impl<'a> State<'a, '_> {
    fn place(&self, node: NodeRef<'_>) -> Place {
        let before = &self.tree.text[..node.position().min(self.tree.text.len())];
        Place {
            file: (&*self.tree.parse_name).into(),
            template: (&*self.tree.name).into(),
            line: 1 + memchr::memchr_iter(b'\n', before).count(),
        }
    }

    fn fail<T>(&self, message: impl AsRef<str>) -> Outcome<T> {
        Err(Error::new(self.locate() + message.as_ref()))
    }

    fn fail_with<T>(&self, message: &str, inner: Error) -> Outcome<T> {
        if inner.is_limit() && inner.inner().is_none() {
            return Err(Error::wrap(self.locate(), inner));
        }
        Err(Error::wrap(self.locate() + message, inner))
    }

    fn locate(&self) -> String {
        let position = self.node.position().min(self.tree.text.len());
        let before = &self.tree.text[..position];
        let line = before.split(|&b| b == b'\n').count();
        let column = before.iter().rposition(|&b| b == b'\n').map_or(position, |at| position - at - 1);
        let mut context = Vec::new();
        self.node.write(self.view, &mut context);
        format!(
            "template: {}:{line}:{column}: executing {} at <{}>: ",
            self.tree.parse_name,
            quote(self.tree.name.as_bytes()),
            to_lossy(&context)
        )
    }

    fn walk_list(&mut self, dot: &Slot, list: &'a [Node]) -> Outcome<Flow> {
        self.deeper()?;
        let mut flow = Flow::On;
        for node in list {
            flow = self.walk(dot, node)?;
            if flow != Flow::On {
                break;
            }
        }
        self.depth -= 1;
        Ok(flow)
    }

    /// One more level on the stack. An error ends the run, so levels are only taken back where there is none.
    fn deeper(&mut self) -> Outcome<()> {
        self.depth += 1;
        match self.run.cx.budget.check_depth(self.depth) {
            Ok(()) => Ok(()),
            Err(exceeded) => self.fail_with("", exceeded.into()),
        }
    }

    fn nested_pipeline(&mut self, dot: &Slot, pipe: &'a Pipe) -> Outcome<Slot> {
        self.deeper()?;
        let slot = self.pipeline(dot, pipe)?;
        self.depth -= 1;
        Ok(slot)
    }

    fn walk(&mut self, dot: &Slot, node: &'a Node) -> Outcome<Flow> {
        self.run.cx.budget.charge(1)?;
        self.node = NodeRef::Node(node);
        match node {
            Node::Text { span } => {
                let text = self.source(*span);
                self.run.charge_bytes(text.len())?;
                self.out.extend_from_slice(text);
                if let Some(tracer) = &self.run.shared.tracer {
                    tracer.text(self.place(NodeRef::Node(node)), self.out.len());
                }
            }
            Node::Action { pipe } => {
                if let Some(text) = self.constant_text(pipe) {
                    self.run.charge_bytes(text.len())?;
                    self.out.extend_from_slice(text);
                    return Ok(Flow::On);
                }
                let slot = self.pipeline(dot, pipe)?;
                if pipe.declares.is_empty() {
                    self.node = NodeRef::Node(node);
                    self.print(&slot.value)?;
                    if let Some(tracer) = &self.run.shared.tracer {
                        tracer.action(self.place(NodeRef::Node(node)), self.out.len());
                    }
                }
            }
            Node::Break { .. } => return Ok(Flow::Break),
            Node::Continue { .. } => return Ok(Flow::Continue),
            Node::If(branch) => return self.if_or_with(dot, node, branch, false),
            Node::With(branch) => return self.if_or_with(dot, node, branch, true),
            Node::Range(branch) => return self.range(dot, node, branch),
            Node::Template(called) => self.template(dot, &called.name, called.pipe.as_ref())?,
        }
        Ok(Flow::On)
    }

    /// The text of an action that is nothing else, such as those that print braces.
    fn constant_text(&self, pipe: &Pipe) -> Option<&'a [u8]> {
        let [command] = self.view.commands(pipe) else { return None };
        if self.run.shared.tracer.is_some() {
            return None;
        }
        match self.view.arguments(command) {
            [Operand::String { quoted, text: None, .. }] if pipe.declares.is_empty() => {
                Some(self.source(quoted.within()))
            }
            _ => None,
        }
    }

    fn print(&mut self, value: &Value) -> Outcome<()> {
        let before = self.out.len();
        match value {
            Value::Nil => self.out.extend_from_slice(b"<no value>"),
            Value::Str(text) => self.out.extend_from_slice(text),
            _ => {
                if !print::print_value(self.out, value) {
                    return self.fail("value is nested too deep to print");
                }
            }
        }
        self.run.charge_bytes(self.out.len() - before)
    }

    fn if_or_with(&mut self, dot: &Slot, node: &'a Node, branch: &'a Branch, with: bool) -> Outcome<Flow> {
        let mark = self.variables.len();
        let slot = self.pipeline(dot, &branch.pipe)?;
        self.enter(node);
        let flow = if slot.value.truth() {
            self.walk_list(if with { &slot } else { dot }, self.view.nodes(branch.list))
        } else if let Some(otherwise) = branch.otherwise {
            self.walk_list(dot, self.view.nodes(otherwise))
        } else {
            Ok(Flow::On)
        };
        self.variables.truncate(mark);
        self.leave();
        flow
    }

    fn enter(&self, node: &Node) {
        if let Some(tracer) = &self.run.shared.tracer {
            tracer.enter(self.place(NodeRef::Node(node)));
        }
    }

    fn leave(&self) {
        if let Some(tracer) = &self.run.shared.tracer {
            tracer.leave();
        }
    }

    fn range(&mut self, dot: &Slot, node: &'a Node, branch: &'a Branch) -> Outcome<Flow> {
        self.node = NodeRef::Node(node);
        let start = self.variables.len();
        let slot = self.pipeline(dot, &branch.pipe)?;
        self.enter(node);
        let flow = self.ranged(dot, branch, &slot, start);
        self.leave();
        flow
    }

    fn ranged(&mut self, dot: &Slot, branch: &'a Branch, slot: &Slot, start: usize) -> Outcome<Flow> {
        let mark = self.variables.len();
        let mut ran = false;
        let base = slot.value.base();
        match &base {
            Value::Nil => {}
            Value::Int(kind, count) => {
                self.one_variable(branch, &slot.value)?;
                for index in 0..*count {
                    ran = true;
                    let item = Slot::plain(Value::Int(*kind, index));
                    if self.iteration(branch, mark, None, item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Uint(kind, count) => {
                self.one_variable(branch, &slot.value)?;
                for index in 0..*count {
                    ran = true;
                    let item = Slot::plain(Value::Uint(*kind, index));
                    if self.iteration(branch, mark, None, item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::List(list) => {
                let boxed = list.elements() == Elements::Any;
                for (index, item) in list.items().iter().enumerate() {
                    ran = true;
                    let index = Slot::plain(Value::int(index as i64));
                    let item = Slot { value: item.clone(), boxed };
                    if self.iteration(branch, mark, Some(index), item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    ran = true;
                    let index = Slot::plain(Value::int(index as i64));
                    let item = Slot::plain(Value::Uint(UintKind::Uint8, u64::from(*byte)));
                    if self.iteration(branch, mark, Some(index), item)? == Flow::Break {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                let boxed = map.map_type() != MapType::Strings && !matches!(slot.value, Value::Object(_));
                for (key, value) in map.entries() {
                    ran = true;
                    let item = Slot { value, boxed };
                    if self.iteration(branch, mark, Some(Slot::plain(Value::Str(key))), item)? == Flow::Break
                    {
                        break;
                    }
                }
            }
            other => {
                let text = print::display(other);
                return self.fail(format!("range can't iterate over {text}"));
            }
        }
        let flow = match branch.otherwise {
            // Its variables are there, each with what would have been gone through.
            Some(otherwise) if !ran => self.walk_list(dot, self.view.nodes(otherwise))?,
            _ => Flow::On,
        };
        self.variables.truncate(start);
        // Where nothing was gone through, `break` ends this range too, and `continue` goes on with the one around it.
        Ok(if flow == Flow::Break { Flow::On } else { flow })
    }

    fn one_variable(&self, branch: &Branch, value: &Value) -> Outcome<()> {
        if self.view.declares(&branch.pipe).len() > 1 {
            let text = print::display(value);
            return self.fail(format!("can't use {text} to iterate over more than one variable"));
        }
        Ok(())
    }

    fn iteration(
        &mut self,
        branch: &'a Branch,
        mark: usize,
        index: Option<Slot>,
        item: Slot,
    ) -> Outcome<Flow> {
        self.run.cx.budget.charge(1)?;
        let pipe = &branch.pipe;
        match self.view.declares(pipe) {
            [] => {}
            [one] => {
                if pipe.is_assign {
                    self.set(one, item.clone())?;
                } else if let Some(top) = self.variables.last_mut() {
                    top.1 = item.clone();
                }
            }
            [first, second, ..] => {
                let index = index.unwrap_or_default();
                if pipe.is_assign {
                    self.set(first, index)?;
                    self.set(second, item.clone())?;
                } else {
                    let length = self.variables.len();
                    self.variables[length - 1].1 = item.clone();
                    self.variables[length - 2].1 = index;
                }
            }
        }
        let flow = self.walk_list(&item, self.view.nodes(branch.list));
        self.variables.truncate(mark);
        flow
    }

    fn template(&mut self, dot: &Slot, name: &str, pipe: Option<&'a Pipe>) -> Outcome<()> {
        let run = self.run;
        let Some(tree) = run.scope.find(name) else {
            return self.fail(format!("template {} not defined", quote(name.as_bytes())));
        };
        if run.cx.budget.check_depth(self.depth + HEADROOM).is_err() {
            // The reference's figure; ours is lower.
            return self.fail("exceeded maximum template depth (100000)");
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Slot::invalid(),
        };
        let view = tree.view();
        let root = view.nodes(tree.root);
        let Some(first) = root.first() else { return Ok(()) };
        if let Some(tracer) = &run.shared.tracer {
            tracer.enter_template(self.place(self.node));
        }
        let mut state = State {
            run,
            tree,
            view,
            node: NodeRef::Node(first),
            variables: vec![(b"$", dot.clone())],
            out: self.out,
            depth: self.depth + 1,
        };
        state.walk_list(&dot, root)?;
        if let Some(tracer) = &run.shared.tracer {
            tracer.leave_template();
        }
        Ok(())
    }

    fn pipeline(&mut self, dot: &Slot, pipe: &'a Pipe) -> Outcome<Slot> {
        self.node = NodeRef::Pipe(pipe);
        let mut last: Option<Slot> = None;
        for command in self.view.commands(pipe) {
            let slot = self.command(dot, command, last)?;
            last = Some(Slot::plain(slot.value));
        }
        let slot = last.unwrap_or_default();
        for variable in self.view.declares(pipe) {
            if pipe.is_assign {
                self.set(variable, slot.clone())?;
            } else {
                self.variables.push((self.source(variable.name), slot.clone()));
            }
        }
        Ok(slot)
    }

    fn set(&mut self, variable: &Variable, slot: Slot) -> Outcome<()> {
        let name = self.source(variable.name);
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some(known) => {
                known.1 = slot;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {}", to_lossy(name))),
        }
    }

    fn not_a_function(&self, arguments: &[Operand], last: Option<&Slot>) -> Outcome<()> {
        if arguments.len() > 1 || last.is_some() {
            let what = arguments.first().map(|first| first.to_text(self.view)).unwrap_or_default();
            return self.fail(format!("can't give argument to non-function {what}"));
        }
        Ok(())
    }

    fn command(&mut self, dot: &Slot, command: &'a Command, last: Option<Slot>) -> Outcome<Slot> {
        let arguments = self.view.arguments(command);
        let first = &arguments[0];
        match first {
            Operand::Field { fields, .. } => {
                self.node = NodeRef::Operand(first);
                return self.field_chain(dot, dot.clone(), NodeRef::Operand(first), *fields, arguments, last);
            }
            Operand::Chain { node, fields, .. } => {
                return self.chain(dot, first, node, *fields, arguments, last);
            }
            Operand::Identifier { function, .. } => {
                self.node = NodeRef::Operand(first);
                return self.function(dot, function, NodeRef::Command(command), arguments, last);
            }
            Operand::Pipe(pipe) => {
                self.not_a_function(arguments, last.as_ref())?;
                return self.nested_pipeline(dot, pipe);
            }
            Operand::Variable(variable) => return self.variable(dot, variable, arguments, last),
            _ => {}
        }
        self.node = NodeRef::Operand(first);
        self.not_a_function(arguments, last.as_ref())?;
        match first {
            Operand::Bool { value, .. } => Ok(Slot::plain(Value::Bool(*value))),
            Operand::Dot { .. } => Ok(dot.clone()),
            Operand::Number { number, .. } => self.constant(first, number),
            Operand::String { quoted, text, .. } => Ok(Slot::plain(self.string(*quoted, text.as_deref()))),
            _ => self.fail("nil is not a command"),
        }
    }

    fn string(&self, quoted: Span, text: Option<&Text>) -> Value {
        let text = text.cloned();
        Value::Str(text.unwrap_or_else(|| Text::from(quoted.within().of(self.view.text))))
    }

    fn constant(&mut self, operand: &'a Operand, number: &Number) -> Outcome<Slot> {
        self.node = NodeRef::Operand(operand);
        if let Some(complex) = number.complex {
            return Ok(Slot::plain(Value::Complex(Box::new(complex))));
        }
        let text = &number.text;
        let hexadecimal = text.len() > 2
            && (text.starts_with("0x") || text.starts_with("0X"))
            && !text.contains(['p', 'P']);
        if let Some(float) = number.float
            && !hexadecimal
            && !text.starts_with('\'')
            && text.contains(['.', 'e', 'E', 'p', 'P'])
        {
            return Ok(Slot::plain(Value::Float(float)));
        }
        match number.int {
            Some(int) => Ok(Slot::plain(Value::int(int))),
            None => self.fail(format!("{text} overflows int")),
        }
    }
}
