//! Calls: how many arguments, of which types, in which order they are evaluated, and what comes back.

use super::{Outcome, State};
use crate::call::{Arguments, Function, Run, Signature, Slot, Type};
use crate::node::{NodeRef, Operand};
use crate::value::{IntKind, UintKind, Value};

impl<'a> State<'a, '_> {
    /// Calls a function; `arguments` begin with its name, as in a command, or are empty.
    pub(super) fn function(
        &mut self,
        dot: &Slot,
        function: &'static Function,
        node: NodeRef<'a>,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        if function.name == "and" || function.name == "or" {
            return self.and_or(dot, function, arguments, last);
        }
        let mut values = self.arguments(dot, function.signature, function.name, arguments, last)?;
        if function.name == "call" {
            let callee = match arguments.get(1) {
                Some(operand) => operand.to_text(self.view),
                None => match &values[0].value {
                    Value::Str(text) => text.to_lossy().into_owned(),
                    Value::Nil => "<invalid Value>".to_owned(),
                    other => format!("<{} Value>", other.type_name()),
                },
            };
            values.insert(0, Slot::plain(Value::text(callee)));
        }
        let mut values = Arguments(values);
        let run = Run { depth: self.depth, ..*self.run };
        let result = (function.run)(&run, &mut values);
        self.result(result, node, function.name)
    }

    pub(super) fn result(&mut self, result: Outcome<Value>, node: NodeRef<'a>, name: &str) -> Outcome<Slot> {
        match result {
            Ok(value) => {
                if let Value::Str(text) = &value {
                    self.run.charge_bytes(text.len())?;
                }
                Ok(Slot::plain(value))
            }
            Err(error) => {
                self.node = node;
                self.fail_with(&format!("error calling {name}: "), error)
            }
        }
    }

    /// The first argument that decides, or the last; later ones are not evaluated.
    pub(super) fn and_or(
        &mut self,
        dot: &Slot,
        function: &'static Function,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Outcome<Slot> {
        let given = arguments.get(1..).unwrap_or_default();
        self.count(function.signature, function.name, given.len(), last.is_some())?;
        let mut slot = Slot::invalid();
        for operand in given {
            slot = self.argument(dot, Type::Reflect, operand)?;
            if slot.value.truth() == (function.name == "or") {
                return Ok(slot);
            }
        }
        match last {
            Some(last) => self.validate(last, Some(Type::Reflect)),
            None => Ok(slot),
        }
    }

    pub(super) fn count(&self, signature: Signature, name: &str, given: usize, piped: bool) -> Outcome<()> {
        let total = given + usize::from(piped);
        let wanted = signature.parameters.len();
        if signature.variadic {
            if total < wanted - 1 {
                return self.fail(format!(
                    "wrong number of args for {name}: want at least {} got {given}",
                    wanted - 1
                ));
            }
        } else if total != wanted {
            return self.fail(format!("wrong number of args for {name}: want {wanted} got {total}"));
        }
        Ok(())
    }

    pub(super) fn arguments(
        &mut self,
        dot: &Slot,
        signature: Signature,
        name: &str,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Outcome<Vec<Slot>> {
        let given = arguments.get(1..).unwrap_or_default();
        self.run.cx.budget.charge(1)?;
        self.count(signature, name, given.len(), last.is_some())?;
        let parameters = signature.parameters;
        let wanted = |index: usize| parameters[index.min(parameters.len() - 1)];
        let mut values = Vec::with_capacity(given.len() + usize::from(last.is_some()));
        for (index, operand) in given.iter().enumerate() {
            values.push(self.argument(dot, wanted(index), operand)?);
        }
        if let Some(last) = last {
            let index = values.len();
            values.push(self.validate(last, Some(wanted(index)))?);
        }
        Ok(values)
    }

    pub(super) fn argument(&mut self, dot: &Slot, wanted: Type, operand: &'a Operand) -> Outcome<Slot> {
        self.node = NodeRef::Operand(operand);
        let slot = match operand {
            Operand::Dot { .. } => dot.clone(),
            Operand::Nil { .. } => {
                if wanted.can_be_nil() {
                    return Ok(zero(wanted));
                }
                return self.fail(format!("cannot assign nil to {wanted}"));
            }
            Operand::Field { fields, .. } => {
                self.field_chain(dot, dot.clone(), NodeRef::Operand(operand), *fields, &[], None)?
            }
            Operand::Variable(variable) => self.variable(dot, variable, &[], None)?,
            Operand::Pipe(pipe) => self.nested_pipeline(dot, pipe)?,
            Operand::Identifier { function, .. } => {
                self.function(dot, function, NodeRef::Operand(operand), &[], None)?
            }
            Operand::Chain { node, fields, .. } => self.chain(dot, operand, node, *fields, &[], None)?,
            Operand::Bool { .. } | Operand::Number { .. } | Operand::String { .. } => {
                return self.literal(wanted, operand);
            }
        };
        self.validate(slot, Some(wanted))
    }

    pub(super) fn literal(&mut self, wanted: Type, operand: &'a Operand) -> Outcome<Slot> {
        let value = match (wanted, operand) {
            (Type::Any | Type::Reflect, Operand::Bool { value, .. })
            | (Type::Bool, Operand::Bool { value, .. }) => Value::Bool(*value),
            (Type::Any | Type::Reflect, Operand::Number { number, .. }) => {
                return self.constant(operand, number);
            }
            (Type::Any | Type::Reflect, Operand::String { quoted, text, .. })
            | (Type::String, Operand::String { quoted, text, .. }) => self.string(*quoted, text.as_deref()),
            (Type::Int, Operand::Number { number, .. }) if number.int.is_some() => {
                Value::int(number.int.unwrap_or_default())
            }
            (Type::Int64, Operand::Number { number, .. }) if number.int.is_some() => {
                Value::Int(IntKind::Int64, number.int.unwrap_or_default())
            }
            (Type::Uint32, Operand::Number { number, .. }) if number.uint.is_some() => {
                Value::Uint(UintKind::Uint32, number.uint.unwrap_or_default() & 0xffff_ffff)
            }
            (Type::Float, Operand::Number { number, .. }) if number.float.is_some() => {
                Value::Float(number.float.unwrap_or_default())
            }
            _ => {
                let found = operand.to_text(self.view);
                return match wanted {
                    Type::Bool => self.fail(format!("expected bool; found {found}")),
                    Type::String => self.fail(format!("expected string; found {found}")),
                    Type::Int | Type::Int64 => self.fail(format!("expected integer; found {found}")),
                    Type::Uint32 => self.fail(format!("expected unsigned integer; found {found}")),
                    Type::Float => self.fail(format!("expected float; found {found}")),
                    _ => self.fail(format!("can't handle {found} for arg of type {wanted}")),
                };
            }
        };
        Ok(Slot::plain(value))
    }

    /// Makes sure that a value can be given for a parameter.
    pub(super) fn validate(&self, slot: Slot, wanted: Option<Type>) -> Outcome<Slot> {
        let Some(wanted) = wanted else { return Ok(slot) };
        if !slot.is_valid() {
            if wanted.can_be_nil() {
                return Ok(zero(wanted));
            }
            return self.fail(format!("invalid value; expected {wanted}"));
        }
        if wanted == Type::Reflect || wanted == Type::Any {
            return Ok(slot);
        }
        if slot.value.is_nil() {
            return self.fail(format!("wrong type for value; expected {wanted}; got interface {{}}"));
        }
        if !wanted.takes(&slot.value) {
            return self
                .fail(format!("wrong type for value; expected {wanted}; got {}", slot.value.type_name()));
        }
        Ok(slot)
    }
}

/// The zero of a type that can be nil.
fn zero(wanted: Type) -> Slot {
    match wanted {
        Type::Any => Slot::boxed(Value::Nil),
        _ => Slot::invalid(),
    }
}
