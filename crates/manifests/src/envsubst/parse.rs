//! Text to substitutions, by the grammar of Flux's envsubst.

use super::Error;

/// Text, or a variable with what is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    Function { variable: String, name: String, arguments: Vec<Node> },
}

/// How deep substitutions may stand in each other.
const MAX_DEPTH: u32 = 200;

/// What a run of letters may hold, by the letter and the length of the run with it.
type Accept = fn(char, usize) -> bool;

pub(super) fn parse(text: &str) -> Result<Vec<Node>, Error> {
    let mut scanner = Scanner { rest: text, escape_backslash: false };
    let mut nodes = Vec::new();
    while !scanner.rest.is_empty() {
        scanner.escape_backslash = false;
        if scanner.take_opening() {
            nodes.push(scanner.function(0)?);
        } else {
            let text = scanner.run(|_, _| true, true, true).ok_or(Error::BadSubstitution)?;
            nodes.push(Node::Text(text));
        }
    }
    Ok(nodes)
}

struct Scanner<'a> {
    rest: &'a str,
    /// Inside of a substitution `\/` and `\\` are escapes as well.
    escape_backslash: bool,
}

fn is_identifier(letter: char, _: usize) -> bool {
    letter.is_alphabetic() || letter.is_numeric() || letter == '_'
}

fn is_not_closing(letter: char, _: usize) -> bool {
    letter != '}'
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn advance(&mut self, letter: char) {
        self.rest = &self.rest[letter.len_utf8()..];
    }

    fn take_opening(&mut self) -> bool {
        match self.rest.strip_prefix("${") {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The letter that an escape at this place stands for.
    fn escaped(&self) -> Option<char> {
        let mut letters = self.rest.chars();
        match (letters.next()?, letters.next()?) {
            ('$', '$') => Some('$'),
            ('\\', next @ ('/' | '\\')) if self.escape_backslash => Some(next),
            _ => None,
        }
    }

    /// A run of accepted letters, at least one.
    fn run(&mut self, accept: Accept, opening: bool, escapes: bool) -> Option<String> {
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            if opening && !text.is_empty() && self.rest.starts_with("${") {
                break;
            }
            if escapes && let Some(escaped) = self.escaped() {
                self.advance(letter);
                self.advance(escaped);
                text.push(escaped);
                continue;
            }
            if !accept(letter, text.len() + letter.len_utf8()) {
                break;
            }
            self.advance(letter);
            text.push(letter);
        }
        (!text.is_empty()).then_some(text)
    }

    fn closing(&mut self) -> bool {
        if self.peek() == Some('}') {
            self.advance('}');
            return true;
        }
        false
    }

    fn close(&mut self, node: Node) -> Result<Node, Error> {
        if self.closing() { Ok(node) } else { Err(Error::BadSubstitution) }
    }

    /// What follows `${`.
    fn function(&mut self, depth: u32) -> Result<Node, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        self.escape_backslash = true;
        if self.peek() == Some('#') {
            let name = self
                .run(|letter, at| letter == '#' && at == 1, false, false)
                .ok_or(Error::BadSubstitution)?;
            let variable = self.run(is_identifier, false, false).ok_or(Error::BadSubstitution)?;
            return self.close(Node::Function { variable, name, arguments: Vec::new() });
        }
        let variable = self.run(is_identifier, false, false).ok_or(Error::VariableName)?;
        match self.peek() {
            Some(':') => match self.rest[1..].chars().next() {
                Some('=' | '-' | '?' | '+') => self.default(variable, depth),
                _ => self.slice(variable, depth),
            },
            Some('=') => self.default(variable, depth),
            Some(',' | '^') => {
                let name = self
                    .run(|letter, at| matches!(letter, ',' | '^') && at < 3, false, false)
                    .ok_or(Error::BadSubstitution)?;
                self.close(Node::Function { variable, name, arguments: Vec::new() })
            }
            Some('/') => self.replacement(variable, depth),
            Some('#') => self.cut(variable, |letter, at| letter == '#' && at < 3, depth),
            Some('%') => self.cut(variable, |letter, at| letter == '%' && at < 3, depth),
            Some('}') => {
                self.closing();
                Ok(Node::Function { variable, name: String::new(), arguments: Vec::new() })
            }
            _ => Err(Error::MissingBrace),
        }
    }

    fn argument(&mut self, accept: Accept, escapes: bool, depth: u32) -> Result<Node, Error> {
        if self.take_opening() {
            return self.function(depth + 1);
        }
        self.run(accept, true, escapes).map(Node::Text).ok_or(Error::WithinFunction)
    }

    fn default(&mut self, variable: String, depth: u32) -> Result<Node, Error> {
        let accept: Accept = if self.peek() == Some('=') {
            |letter, at| at == 1 && letter == '='
        } else {
            |letter, at| match at {
                1 => letter == ':',
                2 => matches!(letter, '=' | '-' | '?' | '+'),
                _ => false,
            }
        };
        let name = self.run(accept, false, false).ok_or(Error::DefaultFunction)?;
        let mut arguments = Vec::new();
        loop {
            if self.closing() {
                return Ok(Node::Function { variable, name, arguments });
            }
            arguments.push(self.argument(is_not_closing, false, depth)?);
        }
    }

    fn slice(&mut self, variable: String, depth: u32) -> Result<Node, Error> {
        let name =
            self.run(|letter, at| at == 1 && letter == ':', false, false).ok_or(Error::BadSubstitution)?;
        let mut arguments = vec![self.argument(|letter, _| letter != ':' && letter != '}', false, depth)?];
        if self.closing() {
            return Ok(Node::Function { variable, name, arguments });
        }
        self.run(|letter, _| letter == ':', false, false).ok_or(Error::BadSubstitution)?;
        arguments.push(self.argument(is_not_closing, false, depth)?);
        self.close(Node::Function { variable, name, arguments })
    }

    fn cut(&mut self, variable: String, accept: Accept, depth: u32) -> Result<Node, Error> {
        let name = self.run(accept, false, false).ok_or(Error::BadSubstitution)?;
        let arguments = vec![self.argument(is_not_closing, false, depth)?];
        self.close(Node::Function { variable, name, arguments })
    }

    fn replacement(&mut self, variable: String, depth: u32) -> Result<Node, Error> {
        let accept: Accept = |letter, at| match at {
            1 => letter == '/',
            2 => matches!(letter, '/' | '#' | '%'),
            _ => false,
        };
        let name = self.run(accept, false, false).ok_or(Error::BadSubstitution)?;
        let mut arguments = vec![self.argument(|letter, _| letter != '/', true, depth)?];
        self.run(|letter, _| letter == '/', false, false).ok_or(Error::BadSubstitution)?;
        if self.peek() != Some('}') {
            arguments.push(self.argument(is_not_closing, true, depth)?);
        }
        self.close(Node::Function { variable, name, arguments })
    }
}
