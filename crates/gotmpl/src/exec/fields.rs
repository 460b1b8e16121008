//! Fields, methods and keys along a chain of names.

use super::{Outcome, State};
use crate::call::{Arguments, Run, Slot};
use crate::node::{NodeRef, Operand, Span, Variable, names};
use crate::octets::Octets;
use crate::quote::quote;
use crate::set::MissingKey;
use crate::text::to_lossy;
use crate::value::{MapType, Value};

impl<'a> State<'a, '_> {
    pub(super) fn chain(
        &mut self,
        dot: &Slot,
        operand: &'a Operand,
        node: &'a Operand,
        fields: Span,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        self.node = NodeRef::Operand(operand);
        let receiver = match node {
            Operand::Pipe(pipe) => {
                self.node = NodeRef::Operand(node);
                self.nested_pipeline(dot, pipe)?
            }
            Operand::Identifier { function, .. } => {
                self.node = NodeRef::Operand(node);
                self.function(dot, function, NodeRef::Operand(node), &[], None)?
            }
            _ => {
                return self
                    .fail(format!("indirection through explicit nil in {}", operand.to_text(self.view)));
            }
        };
        self.field_chain(dot, receiver, NodeRef::Operand(operand), fields, arguments, last)
    }

    pub(super) fn variable(
        &mut self,
        dot: &Slot,
        variable: &'a Variable,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        self.node = NodeRef::Variable(variable);
        let name = self.source(variable.name);
        let Some(value) =
            self.variables.iter().rev().find(|(known, _)| *known == name).map(|(_, slot)| slot.clone())
        else {
            return self.fail(format!("undefined variable: {}", to_lossy(name)));
        };
        if variable.fields.is_empty() {
            self.not_a_function(arguments, last.as_ref())?;
            return Ok(value);
        }
        self.field_chain(dot, value, NodeRef::Variable(variable), variable.fields, arguments, last)
    }

    pub(super) fn field_chain(
        &mut self,
        dot: &Slot,
        mut receiver: Slot,
        node: NodeRef<'a>,
        fields: Span,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        let mut names = names(self.source(fields));
        let Some(mut name) = names.next() else { return Ok(receiver) };
        for next in names {
            receiver = self.field(dot, name, node, &[], None, receiver)?;
            name = next;
        }
        self.field(dot, name, node, arguments, last, receiver)
    }

    pub(super) fn source(&self, span: Span) -> &'a [u8] {
        span.of(self.view.text)
    }

    fn field(
        &mut self,
        dot: &Slot,
        name: &[u8],
        node: NodeRef<'a>,
        arguments: &'a [Operand],
        last: Option<Slot>,
        receiver: Slot,
    ) -> Outcome<Slot> {
        let missing_key = self.run.scope.missing_key;
        if !receiver.is_valid() {
            if missing_key == MissingKey::Error {
                return self.fail(format!("nil data; no entry for key {}", quote(name)));
            }
            return Ok(Slot::invalid());
        }
        let has_arguments = arguments.len() > 1 || last.is_some();
        let type_name = || if receiver.boxed { "interface {}".into() } else { receiver.value.type_name() };
        let base = match &receiver.value {
            Value::Nil => {
                return self.fail(format!("nil pointer evaluating interface {{}}.{}", to_lossy(name)));
            }
            Value::Object(object) => {
                let name = &*to_lossy(name);
                if let Some(signature) = object.method(name) {
                    let object = std::rc::Rc::clone(object);
                    let values = self.arguments(dot, signature, name, arguments, last)?;
                    let mut values = Arguments(values);
                    let run = Run { depth: self.depth, ..*self.run };
                    let result = object.call(&run, name, &mut values);
                    return self.result(result, node, name);
                }
                if let Some(value) = object.field(name) {
                    if has_arguments {
                        return self.fail(format!("{name} has arguments but cannot be invoked as function"));
                    }
                    return Ok(Slot::plain(value));
                }
                object.underlying()
            }
            Value::Map(_) => None,
            _ => {
                return self.fail(format!("can't evaluate field {} in type {}", to_lossy(name), type_name()));
            }
        };
        let in_object = base.is_some();
        let Value::Map(map) = base.as_ref().unwrap_or(&receiver.value) else {
            return self.fail(format!("can't evaluate field {} in type {}", to_lossy(name), type_name()));
        };
        if has_arguments {
            return self.fail(format!("{} is not a method but has arguments", to_lossy(name)));
        }
        if let Some(tracer) = &self.run.shared.tracer {
            tracer.read(map, name);
        }
        let boxed = map.map_type() != MapType::Strings && !in_object;
        match map.get(name) {
            Some(value) => Ok(Slot { value, boxed }),
            None => match missing_key {
                MissingKey::Invalid => Ok(Slot::invalid()),
                MissingKey::Zero if boxed => Ok(Slot::boxed(Value::Nil)),
                MissingKey::Zero if in_object => Ok(Slot::plain(Value::Bytes(Octets::default()))),
                MissingKey::Zero => Ok(Slot::plain(Value::text(""))),
                MissingKey::Error => self.fail(format!("map has no entry for key {}", quote(name))),
            },
        }
    }
}
