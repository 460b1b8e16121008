//! Pipelines: declarations, commands and the operands that they are made of.

use std::borrow::Cow;

use super::number::new_number;
use super::{Outcome, Parser};
use crate::arena::Part;
use crate::lex::{Kind, Token};
use crate::node::{Command, Operand, Pipe, Span, Variable};
use crate::quote::{quote, unquote};
use crate::text::{Text, to_lossy};

/// Whether a function draws random numbers or asks the caller.
fn is_unsteady(name: &str) -> bool {
    name.starts_with("gen")
        || name.starts_with("rand")
        || matches!(
            name,
            "bcrypt" | "encryptAES" | "getHostByName" | "htpasswd" | "lookup" | "shuffle" | "uuidv4"
        )
}

impl Parser<'_> {
    fn new_variable(token: &Token) -> Variable {
        Variable {
            position: token.start(),
            name: Span::new(token.start(), token.end()),
            fields: Span::default(),
        }
    }

    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Outcome<Pipe> {
        let token = self.peek_non_space();
        let (is_assign, declares) = self.declarations(context)?;
        let mut pipe = Pipe { position: token.start(), is_assign, declares, commands: Part::default() };
        let begun = self.growing.open_commands.len();
        loop {
            let token = self.next_non_space();
            if token.kind == end {
                let growing = &mut *self.growing;
                pipe.commands = Part::moved(growing.open_commands.drain(begun..), &mut growing.commands);
                self.check_pipeline(&pipe, context)?;
                return Ok(pipe);
            }
            match token.kind {
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    self.command()?;
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, context: &str) -> Outcome<(bool, Part<Variable>)> {
        let mut declared = [Variable::default(); 2];
        let mut count = 0;
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                break;
            }
            self.next();
            // Three tokens of look-ahead: in `$x foo` the space has to come back too.
            let after = self.peek();
            let next = self.peek_non_space();
            let name = self.value(&variable);
            if matches!(next.kind, Kind::Assign | Kind::Declare) {
                self.next_non_space();
                declared[count] = Self::new_variable(&variable);
                self.frame.variables.push(name);
                let declared = declared.into_iter().take(count + 1);
                let declares = Part::moved(declared, &mut self.growing.variables);
                return Ok((next.kind == Kind::Assign, declares));
            }
            if next.kind == Kind::Char && self.value(&next) == b"," {
                self.next_non_space();
                declared[count] = Self::new_variable(&variable);
                self.frame.variables.push(name);
                count += 1;
                if context == "range" && count < 2 {
                    match self.peek_non_space().kind {
                        Kind::Variable | Kind::RightDelim | Kind::RightParen => continue,
                        _ => return self.fail("range can only initialize variables"),
                    }
                }
                return self.fail(format!("too many declarations in {context}"));
            }
            if after.kind == Kind::Space {
                self.frame.tokens[1] = after;
                self.frame.tokens[2] = variable;
                self.frame.peeked = 3;
            } else {
                self.backup2(variable);
            }
            break;
        }
        let declares = Part::moved(declared.into_iter().take(count), &mut self.growing.variables);
        Ok((false, declares))
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Outcome<()> {
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        let view = self.growing.view(self.text);
        for (index, command) in view.commands(pipe).iter().enumerate().skip(1) {
            if matches!(
                view.arguments(command).first(),
                Some(
                    Operand::Bool { .. }
                        | Operand::Dot { .. }
                        | Operand::Nil { .. }
                        | Operand::Number { .. }
                        | Operand::String { .. }
                )
            ) {
                return self.fail(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    /// A command, among those that are open; what is made is not handed on by value, which costs more than to make it.
    fn command(&mut self) -> Outcome<()> {
        let position = self.peek_non_space().start();
        let begun = self.growing.open_operands.len();
        loop {
            self.peek_non_space();
            self.operand()?;
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        let growing = &mut *self.growing;
        if growing.open_operands.len() == begun {
            return self.fail("empty command");
        }
        let arguments = Part::moved(growing.open_operands.drain(begun..), &mut growing.operands);
        growing.open_commands.push(Command { position, arguments });
        Ok(())
    }

    /// The next operand, if there is one, among those that are open.
    fn operand(&mut self) -> Outcome<()> {
        if !self.term()? || self.peek().kind != Kind::Field {
            return Ok(());
        }
        let first = self.peek();
        let mut last = first;
        while self.peek().kind == Kind::Field {
            last = self.next();
        }
        let position = first.start();
        // The tokens stand side by side, and so they are one place in the text.
        let fields = Span::new(first.start(), last.end());
        let operands = &mut self.growing.open_operands;
        match operands.last_mut() {
            Some(Operand::Field { position: own, fields: before }) => {
                (*own, *before) = (position, before.to(fields));
            }
            Some(Operand::Variable(variable)) => (variable.position, variable.fields) = (position, fields),
            Some(
                term @ (Operand::Bool { .. }
                | Operand::String { .. }
                | Operand::Number { .. }
                | Operand::Nil { .. }
                | Operand::Dot { .. }),
            ) => {
                let term = std::mem::replace(term, Operand::Dot { position });
                let mut text = Vec::new();
                term.write(self.growing.view(self.text), &mut text);
                return self.fail(format!("unexpected . after term {}", quote(&text)));
            }
            Some(term) => {
                let node = Box::new(std::mem::replace(term, Operand::Dot { position }));
                *term = Operand::Chain { position, node, fields };
            }
            None => {}
        }
        Ok(())
    }

    /// Whether a term stands here; it is then the last of the open operands.
    fn term(&mut self) -> Outcome<bool> {
        let token = self.next_non_space();
        let position = token.start();
        match token.kind {
            Kind::Identifier => {
                let name = to_lossy(self.value(&token));
                match (self.find)(&name) {
                    Some(function) => {
                        self.is_unsteady |= is_unsteady(function.name);
                        self.push(Operand::Identifier { position, function });
                    }
                    None => return self.fail(format!("function {} not defined", quote(name.as_bytes()))),
                }
            }
            Kind::Dot => self.push(Operand::Dot { position }),
            Kind::Nil => self.push(Operand::Nil { position }),
            Kind::Variable => {
                let variable = Self::new_variable(&token);
                let name = self.value(&token);
                if !self.frame.variables.contains(&name) {
                    let name = quote(name);
                    return self.fail(format!("undefined variable {name}"));
                }
                self.push(Operand::Variable(variable));
            }
            Kind::Field => {
                self.push(Operand::Field { position, fields: Span::new(token.start(), token.end()) });
            }
            Kind::Bool => self.push(Operand::Bool { position, value: self.value(&token) == b"true" }),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match new_number(self.value(&token), token.kind) {
                    Ok(number) => self.push(Operand::Number { position, number: Box::new(number) }),
                    Err(message) => return self.fail(message),
                }
            }
            Kind::LeftParen => {
                self.deeper()?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.nesting -= 1;
                self.push(Operand::Pipe(Box::new(pipe)));
            }
            Kind::String | Kind::RawString => {
                let text = match unquote(self.value(&token)) {
                    // It stands in the template as it means.
                    Some(Cow::Borrowed(_)) => None,
                    Some(Cow::Owned(text)) => Some(Box::new(Text::from(text))),
                    None => return self.fail("invalid syntax"),
                };
                self.push(Operand::String { position, quoted: Span::new(token.start(), token.end()), text });
            }
            _ => {
                self.backup();
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn push(&mut self, operand: Operand) {
        self.growing.open_operands.push(operand);
    }
}
