//! Calls of functions, and what they are given.

use super::{Composer, kind_name};
use crate::fuzz::helm::functions::{Call, Form, constants, fields, text};

impl Composer {
    /// Of some forms that give this kind, one of the function least used.
    pub(super) fn rarest(&mut self, kind: Option<u8>) -> usize {
        let fits = |form: &Form| match kind {
            None | Some(b'x') => true,
            Some(b'n') => matches!(form.result, b'i' | b'I' | b'f'),
            Some(wanted) => form.result == wanted,
        };
        let all: Vec<usize> = (0..self.forms.len())
            .filter(|at| fits(&self.forms[*at]) && (self.repeated == 0 || self.forms[*at].weight == 1))
            .collect();
        (0..12)
            .map(|_| all[self.chance.below(all.len())])
            .min_by_key(|at| {
                let dear = if self.forms[*at].weight > 1 { self.used[*at] } else { 0 };
                dear.max(self.named_uses[self.first[*at]])
            })
            .expect("twelve are looked at")
    }

    pub(super) fn call(&mut self, at: usize, depth: usize) -> String {
        self.used[at] += self.forms[at].weight;
        self.named_uses[self.first[at]] += 1;
        let form = &self.forms[at];
        let name = form.name;
        match form.call {
            Call::Plain(kinds) => {
                self.count("function", name);
                let mut arguments: Vec<String> =
                    kinds.bytes().map(|kind| self.expression(kind, depth + 1)).collect();
                if self.wrong > 0 && self.chance.one_in(4 * self.wrong) {
                    arguments.pop();
                }
                let piped =
                    if !arguments.is_empty() && self.chance.one_in(3) { arguments.pop() } else { None };
                let call = std::iter::once(name.to_owned()).chain(arguments).collect::<Vec<_>>().join(" ");
                match piped {
                    Some(first) => {
                        self.count("action", "pipe");
                        format!("{first} | {call}")
                    }
                    None => call,
                }
            }
            Call::Whole(text) => {
                let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let known: Vec<&str> =
                    words.filter(|word| self.forms.iter().any(|form| form.name == *word)).collect();
                for word in known {
                    self.count("function", word);
                }
                let mut out = String::new();
                let mut rest = text;
                while let Some(open) = rest.find('{') {
                    // A single letter in braces; the braces of patterns and of inner templates stay.
                    let bytes = rest.as_bytes();
                    if bytes.get(open + 2) == Some(&b'}') && bytes[open + 1].is_ascii_alphabetic() {
                        out += &rest[..open];
                        let kind = bytes[open + 1];
                        let argument = self.expression(kind, depth + 1);
                        // Within a text, quotes would end it.
                        out += &argument;
                        rest = &rest[open + 3..];
                    } else {
                        out += &rest[..=open];
                        rest = &rest[open + 1..];
                    }
                }
                out + rest
            }
        }
    }

    /// An operand: a constant, a field, a variable, or a call in parentheses.
    pub(super) fn expression(&mut self, kind: u8, depth: usize) -> String {
        let kind = if self.wrong > 0 && self.chance.one_in(self.wrong) { b'x' } else { kind };
        self.count("kind", kind_name(kind));
        let choice = self.chance.below(10);
        if choice < 2 {
            let fitting: Vec<String> = self
                .variables
                .iter()
                .filter(|(name, known)| {
                    // The innermost of a name decides its kind.
                    let last = self.variables.iter().rev().find(|(other, _)| other == name);
                    (*known == kind || kind == b'x') && last.is_some_and(|last| last.1 == *known)
                })
                .map(|(name, _)| name.clone())
                .collect();
            if !fitting.is_empty() {
                self.count("kind", "variable");
                return fitting[self.chance.below(fitting.len())].clone();
            }
        }
        if choice < 5 && matches!(kind, b'i' | b'n' | b'f' | b's' | b'k' | b'b' | b'l' | b'm' | b'x' | b'y') {
            self.count("kind", "field");
            return self.chance.pick(fields(kind)).to_owned();
        }
        let has_forms = self.forms.iter().any(|form| form.result == kind) || matches!(kind, b'n' | b'x');
        // Sizes come from constants alone, so that nothing grows without end.
        if choice >= 7 && depth < 4 && has_forms && kind != b'i' {
            self.count("action", "parentheses");
            let form = self.rarest(Some(kind));
            return format!("({})", self.call(form, depth));
        }
        if kind == b's' && self.chance.one_in(3) {
            return text(&mut self.chance);
        }
        self.chance.pick(constants(kind)).to_owned()
    }
}
