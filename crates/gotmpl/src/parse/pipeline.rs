//! Pipelines: declarations, commands and the operands that they are made of.

use super::number::new_number;
use super::{Outcome, Parser};
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

/// Whether a raw string is so long that it is not worth to be kept beside the text that it stands in, where it is as it
/// means.
fn is_copied_late(quoted: &[u8]) -> bool {
    quoted.len() > 1024 && memchr::memchr(b'\r', quoted).is_none()
}

impl Parser<'_> {
    fn new_variable(token: &Token) -> Variable {
        Variable { position: token.start, name: Span::new(token.start, token.end), fields: Span::default() }
    }

    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Outcome<Pipe> {
        let token = self.peek_non_space();
        let mut pipe =
            Pipe { position: token.start, is_assign: false, declares: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        let begun = self.commands.len();
        loop {
            let token = self.next_non_space();
            if token.kind == end {
                pipe.commands = self.commands.split_off(begun);
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
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Outcome<()> {
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next();
            // Three tokens of look-ahead: in `$x foo` the space has to come back too.
            let after = self.peek();
            let next = self.peek_non_space();
            let name = self.value(&variable);
            if matches!(next.kind, Kind::Assign | Kind::Declare) {
                pipe.is_assign = next.kind == Kind::Assign;
                self.next_non_space();
                pipe.declares.push(Self::new_variable(&variable));
                self.frame.variables.push(name);
                return Ok(());
            }
            if next.kind == Kind::Char && self.value(&next) == b"," {
                self.next_non_space();
                pipe.declares.push(Self::new_variable(&variable));
                self.frame.variables.push(name);
                if context == "range" && pipe.declares.len() < 2 {
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
            return Ok(());
        }
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Outcome<()> {
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command.arguments.first(),
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

    fn command(&mut self) -> Outcome<Command> {
        let position = self.peek_non_space().start;
        let begun = self.operands.len();
        loop {
            self.peek_non_space();
            let operand = self.operand()?;
            self.operands.extend(operand);
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if self.operands.len() == begun {
            return self.fail("empty command");
        }
        Ok(Command { position, arguments: self.operands.split_off(begun) })
    }

    fn operand(&mut self) -> Outcome<Option<Operand>> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let first = self.peek();
        let mut last = first;
        while self.peek().kind == Kind::Field {
            last = self.next();
        }
        let position = first.start;
        // The tokens stand side by side, and so they are one place in the text.
        let fields = Span::new(first.start, last.end);
        Ok(Some(match term {
            Operand::Field { fields: before, .. } => Operand::Field { position, fields: before.to(fields) },
            Operand::Variable(variable) => Operand::Variable(Variable { position, fields, ..variable }),
            Operand::Bool { .. }
            | Operand::String { .. }
            | Operand::Number { .. }
            | Operand::Nil { .. }
            | Operand::Dot { .. } => {
                let mut text = Vec::new();
                term.write(self.text, &mut text);
                return self.fail(format!("unexpected . after term {}", quote(&text)));
            }
            _ => Operand::Chain { position, node: Box::new(term), fields },
        }))
    }

    fn term(&mut self) -> Outcome<Option<Operand>> {
        let token = self.next_non_space();
        let position = token.start;
        Ok(Some(match token.kind {
            Kind::Identifier => {
                let name = to_lossy(self.value(&token));
                match (self.find)(&name) {
                    Some(function) => {
                        self.parsed.is_unsteady |= is_unsteady(function.name);
                        Operand::Identifier { position, function }
                    }
                    None => return self.fail(format!("function {} not defined", quote(name.as_bytes()))),
                }
            }
            Kind::Dot => Operand::Dot { position },
            Kind::Nil => Operand::Nil { position },
            Kind::Variable => {
                let variable = Self::new_variable(&token);
                let name = self.value(&token);
                if !self.frame.variables.contains(&name) {
                    let name = quote(name);
                    return self.fail(format!("undefined variable {name}"));
                }
                Operand::Variable(variable)
            }
            Kind::Field => Operand::Field { position, fields: Span::new(token.start, token.end) },
            Kind::Bool => Operand::Bool { position, value: self.value(&token) == b"true" },
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match new_number(self.value(&token), token.kind) {
                    Ok(number) => Operand::Number { position, number: Box::new(number) },
                    Err(message) => return self.fail(message),
                }
            }
            Kind::LeftParen => {
                self.deeper()?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.nesting -= 1;
                Operand::Pipe(Box::new(pipe))
            }
            Kind::RawString if is_copied_late(self.value(&token)) => {
                Operand::String { position, quoted: Span::new(token.start, token.end), text: None }
            }
            Kind::String | Kind::RawString => match unquote(self.value(&token)) {
                Some(text) => Operand::String {
                    position,
                    quoted: Span::new(token.start, token.end),
                    text: Some(Text::from(&*text)),
                },
                None => return self.fail("invalid syntax"),
            },
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }
}
