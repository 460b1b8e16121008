//! The text of a label selector, with the real server's words for what is wrong in it.

use super::Want;
use crate::validate::{label_value_faults, qualified_faults};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Fault,
    End,
    Close,
    Comma,
    Not,
    Equal,
    Greater,
    In,
    Less,
    NotEqual,
    NotIn,
    Open,
    Word,
}

fn word(text: &str) -> Option<Token> {
    Some(match text {
        ")" => Token::Close,
        "," => Token::Comma,
        "!" => Token::Not,
        "==" | "=" => Token::Equal,
        ">" => Token::Greater,
        "in" => Token::In,
        "<" => Token::Less,
        "!=" => Token::NotEqual,
        "notin" => Token::NotIn,
        "(" => Token::Open,
        _ => return None,
    })
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

fn is_sign(letter: char) -> bool {
    matches!(letter, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

/// Words and signs; a sign is as long as it can be.
fn tokens(text: &str) -> Vec<(Token, String)> {
    let mut out = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let (token, length) = if is_sign(first) {
            match rest.get(..2).and_then(|two| Some((word(two)?, 2))) {
                Some(found) => found,
                None => (word(&rest[..1]).unwrap_or(Token::Fault), 1),
            }
        } else {
            let length = rest.find(|letter| is_space(letter) || is_sign(letter)).unwrap_or(rest.len());
            (word(&rest[..length]).unwrap_or(Token::Word), length)
        };
        out.push((token, rest[..length].to_owned()));
        rest = rest[length..].trim_start_matches(is_space);
    }
    out.push((Token::End, String::new()));
    out
}

struct Reader {
    tokens: Vec<(Token, String)>,
    at: usize,
}

impl Reader {
    /// The next token; `in` and `notin` are words where no operator may stand.
    fn peek(&self, wants_operator: bool) -> (Token, &str) {
        let Some((token, text)) = self.tokens.get(self.at) else { return (Token::End, "") };
        let token = match token {
            Token::In | Token::NotIn if !wants_operator => Token::Word,
            other => *other,
        };
        (token, text)
    }

    fn next(&mut self, wants_operator: bool) -> (Token, String) {
        let (token, text) = self.peek(wants_operator);
        let text = text.to_owned();
        self.at += 1;
        (token, text)
    }

    fn requirement(&mut self) -> Result<(String, Want), String> {
        let (mut token, mut key) = self.next(false);
        let is_absent = token == Token::Not;
        if is_absent {
            (token, key) = self.next(false);
        }
        if token != Token::Word {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let faults = qualified_faults(&key);
        if !faults.is_empty() {
            return Err(format!("<nil>: Invalid value: {key:?}: {}", faults.join("; ")));
        }
        if is_absent {
            return Ok((key, Want::Absent));
        }
        if matches!(self.peek(false).0, Token::End | Token::Comma) {
            return Ok((key, Want::Present));
        }
        let (operator, text) = self.next(true);
        let values = match operator {
            Token::In | Token::NotIn => self.values()?,
            Token::Equal | Token::NotEqual | Token::Greater | Token::Less => vec![self.value()?],
            _ => {
                let known = "in, notin, =, ==, !=, gt, lt";
                return Err(format!("found '{text}', expected: {known}"));
            }
        };
        let want = wanted(operator, &values)?;
        for (index, value) in values.iter().enumerate() {
            let faults = label_value_faults(value);
            if !faults.is_empty() {
                return Err(format!(
                    "values[{index}][{key}]: Invalid value: {value:?}: {}",
                    faults.join("; ")
                ));
            }
        }
        Ok((key, want))
    }

    /// The value after a sign, which may be nothing.
    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek(false).0, Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.next(false) {
            (Token::Word, text) => Ok(text),
            (_, text) => Err(format!("found '{text}', expected: identifier")),
        }
    }

    /// `(a,b)`, in order and each once.
    fn values(&mut self) -> Result<Vec<String>, String> {
        let (token, text) = self.next(false);
        if token != Token::Open {
            return Err(format!("found '{text}' expected: '('"));
        }
        let (token, text) = self.peek(false);
        match token {
            Token::Word | Token::Comma => {}
            Token::Close => {
                self.at += 1;
                return Ok(vec![String::new()]);
            }
            _ => return Err(format!("found '{text}', expected: ',', ')' or identifier")),
        }
        let first = text.to_owned();
        let mut values = self.list()?;
        if self.next(false).0 != Token::Close {
            return Err(format!("found '{first}', expected: ')'"));
        }
        values.sort();
        values.dedup();
        Ok(values)
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            match self.next(false) {
                (Token::Word, text) => {
                    values.push(text);
                    match self.peek(false) {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, text) => return Err(format!("found '{text}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.peek(false).0 {
                        Token::Close => {
                            values.push(String::new());
                            return Ok(values);
                        }
                        Token::Comma => {
                            self.at += 1;
                            values.push(String::new());
                        }
                        _ => {}
                    }
                }
                (_, text) => return Err(format!("found '{text}', expected: ',', or identifier")),
            }
        }
    }
}

fn wanted(operator: Token, values: &[String]) -> Result<Want, String> {
    let number = || {
        values.first().and_then(|value| value.parse().ok()).ok_or_else(|| {
            let shown = values.first().map(String::as_str).unwrap_or_default();
            format!(
                "values[0]: Invalid value: {shown:?}: for 'Gt', 'Lt' operators, the value must be an integer"
            )
        })
    };
    Ok(match operator {
        Token::In | Token::NotIn if values.is_empty() => {
            return Err("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
                .to_owned());
        }
        Token::NotIn | Token::NotEqual => Want::NotIn(values.to_vec()),
        Token::Greater => Want::Greater(number()?),
        Token::Less => Want::Less(number()?),
        _ => Want::In(values.to_vec()),
    })
}

/// All requirements of a selector.
pub fn all(text: &str) -> Result<Vec<(String, Want)>, String> {
    let mut reader = Reader { tokens: tokens(text), at: 0 };
    let mut out = Vec::new();
    loop {
        match reader.peek(false) {
            (Token::Word | Token::Not, _) => {
                out.push(reader.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?);
                match reader.next(false) {
                    (Token::End, _) => return Ok(out),
                    (Token::Comma, _) => {
                        let (token, text) = reader.peek(false);
                        if !matches!(token, Token::Word | Token::Not) {
                            return Err(format!("found '{text}', expected: identifier after ','"));
                        }
                    }
                    (_, text) => return Err(format!("found '{text}', expected: ',' or 'end of string'")),
                }
            }
            (Token::End, _) => return Ok(out),
            (_, text) => return Err(format!("found '{text}', expected: !, identifier, or 'end of string'")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_and_refused_in_the_real_servers_words() {
        let words = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            all("a=b, c!=d,e in (f,,g),h notin(i),j,!k,l>1,m="),
            Ok(vec![
                ("a".into(), Want::In(words(&["b"]))),
                ("c".into(), Want::NotIn(words(&["d"]))),
                ("e".into(), Want::In(words(&["", "f", "g"]))),
                ("h".into(), Want::NotIn(words(&["i"]))),
                ("j".into(), Want::Present),
                ("k".into(), Want::Absent),
                ("l".into(), Want::Greater(1)),
                ("m".into(), Want::In(words(&[""]))),
            ])
        );
        for (text, want) in [
            ("app in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
            ("app=x=y", "found '=', expected: ',' or 'end of string'"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("app,", "found '', expected: identifier after ','"),
            ("!", "unable to parse requirement: found '', expected: identifier"),
            ("app notin", "unable to parse requirement: found '' expected: '('"),
        ] {
            assert_eq!(all(text).unwrap_err(), want, "{text}");
        }
    }
}
