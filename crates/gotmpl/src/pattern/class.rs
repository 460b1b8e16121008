//! Classes of characters.

use super::{Outcome, Parser, fail, push_literal};

const POSIX: [(&str, &str); 14] = [
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", "\\x00-\\x7F"),
    ("blank", "\\t\\x20"),
    ("cntrl", "\\x00-\\x1F\\x7F"),
    ("digit", "0-9"),
    ("graph", "\\x21-\\x7E"),
    ("lower", "a-z"),
    ("print", "\\x20-\\x7E"),
    ("punct", "\\x21-\\x2F\\x3A-\\x40\\x5B-\\x60\\x7B-\\x7E"),
    ("space", "\\t\\n\\x0B\\x0C\\r\\x20"),
    ("upper", "A-Z"),
    ("word", "0-9A-Za-z_"),
    ("xdigit", "0-9A-Fa-f"),
];

pub(super) fn perl_class(letter: char) -> Option<(&'static str, bool)> {
    Some(match letter {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        's' => ("\\t\\n\\x0C\\r\\x20", false),
        'S' => ("\\t\\n\\x0C\\r\\x20", true),
        'w' => ("0-9A-Za-z_", false),
        'W' => ("0-9A-Za-z_", true),
        _ => return None,
    })
}

impl Parser<'_> {
    /// `\pL`, `\p{Greek}`, `\P{^Lu}`.
    pub(super) fn unicode_class(&mut self) -> Outcome<String> {
        let start = self.rest;
        let mut negated = start.starts_with("\\P");
        self.rest = &start[2..];
        let name = if let Some(inside) = self.rest.strip_prefix('{') {
            let Some((name, after)) = inside.split_once('}') else {
                return fail("invalid character class range", start);
            };
            self.rest = after;
            name
        } else {
            let before = self.rest;
            if self.next().is_none() {
                return fail("invalid character class range", start);
            }
            self.since(before)
        };
        let part = self.since(start);
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negated = !negated;
                name
            }
            None => name,
        };
        let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let class = format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' });
        if !good || regex::Regex::new(&class).is_err() {
            return fail("invalid character class range", part);
        }
        Ok(class)
    }

    pub(super) fn class(&mut self) -> Outcome<()> {
        let start = self.rest;
        self.next();
        let mut class = String::from("[");
        if let Some(after) = self.rest.strip_prefix('^') {
            self.rest = after;
            class.push('^');
        }
        let mut first = true;
        while self.rest.is_empty() || !self.rest.starts_with(']') || first {
            if self.rest.is_empty() {
                return fail("missing closing ]", start);
            }
            first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest[2..].find(":]")
            {
                let part = &self.rest[..end + 4];
                let name = &self.rest[2..end + 2];
                let (negated, name) = match name.strip_prefix('^') {
                    Some(name) => (true, name),
                    None => (false, name),
                };
                let Some((_, members)) = POSIX.iter().find(|(known, _)| *known == name) else {
                    return fail("invalid character class range", part);
                };
                class.push_str(&format!("[{}{members}]", if negated { "^" } else { "" }));
                self.rest = &self.rest[end + 4..];
                continue;
            }
            if self.rest.starts_with("\\p") || self.rest.starts_with("\\P") {
                let inner = self.unicode_class()?;
                class.push_str(&inner);
                continue;
            }
            if let Some(letter) = self.rest.strip_prefix('\\').and_then(|rest| rest.chars().next())
                && let Some((members, negated)) = perl_class(letter)
            {
                class.push_str(&format!("[{}{members}]", if negated { "^" } else { "" }));
                self.rest = &self.rest[2..];
                continue;
            }
            let range = self.rest;
            let low = self.class_character(start)?;
            let mut high = low;
            if self.rest.starts_with('-') && self.rest.len() >= 2 && !self.rest.starts_with("-]") {
                self.next();
                high = self.class_character(start)?;
                if high < low {
                    return fail("invalid character class range", self.since(range));
                }
            }
            push_literal(&mut class, low);
            if high != low {
                class.push('-');
                push_literal(&mut class, high);
            }
        }
        self.next();
        class.push(']');
        self.out.push_str(&class);
        Ok(())
    }

    fn class_character(&mut self, class: &str) -> Outcome<char> {
        if self.rest.is_empty() {
            return fail("missing closing ]", class);
        }
        if self.rest.starts_with('\\') {
            return self.escaped_character();
        }
        match self.next() {
            Some(character) => Ok(character),
            None => fail("missing closing ]", class),
        }
    }
}
