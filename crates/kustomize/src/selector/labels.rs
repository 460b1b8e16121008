//! Label selectors as Kubernetes reads them, with its words for what is wrong in one.

use crate::error::{Error, Result, fail};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    Greater(String, i64),
    Less(String, i64),
}

/// A Kubernetes label selector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

impl LabelSelector {
    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut words = Words { tokens: tokens(text), at: 0 };
        let mut requirements = Vec::new();
        loop {
            match words.peek() {
                Token::End => return Ok(Self { requirements }),
                Token::Word(_) | Token::Sign("!") => {}
                other => fail!("found '{}', expected: !, identifier, or 'end of string'", other.shown()),
            }
            requirements.push(
                words
                    .requirement()
                    .map_err(|error| error.told(|text| format!("unable to parse requirement: {text}")))?,
            );
            match words.take() {
                Token::End => return Ok(Self { requirements }),
                Token::Sign(",") => match words.peek() {
                    Token::Word(_) | Token::Sign("!") => {}
                    other => fail!("found '{}', expected: identifier after ','", other.shown()),
                },
                other => fail!("found '{}', expected: ',' or 'end of string'", other.shown()),
            }
        }
    }

    /// Whether labels, asked for by key, are as wanted.
    pub(crate) fn fits<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> bool {
        let number = |key: &str| value(key).and_then(|value| value.parse::<i64>().ok());
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                value(key).is_some_and(|value| values.iter().any(|wanted| wanted == value))
            }
            Requirement::NotIn(key, values) => {
                value(key).is_none_or(|value| !values.iter().any(|wanted| wanted == value))
            }
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Missing(key) => value(key).is_none(),
            Requirement::Greater(key, than) => number(key).is_some_and(|value| value > *than),
            Requirement::Less(key, than) => number(key).is_some_and(|value| value < *than),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Keys and values; `in` and `notin` are words that only mean something behind a key.
    Word(String),
    Sign(&'static str),
    /// Signs that make no operator.
    Unknown(String),
    End,
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Token::Word(text) => text.clone(),
            Token::Sign(text) => (*text).to_owned(),
            Token::Unknown(text) => format!("error expected: keyword found '{text}'"),
            Token::End => String::new(),
        }
    }
}

const SIGNS: [&str; 9] = [")", ",", "!", "==", "=", ">", "<", "!=", "("];

fn is_sign(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if rest.starts_with(is_sign) {
            // The longest operator; two signs that make none are taken one by one.
            let two = rest.get(..2).and_then(|two| SIGNS.iter().find(|sign| **sign == two));
            let one = SIGNS.iter().find(|sign| **sign == &rest[..1]);
            match two.or(one) {
                Some(sign) => {
                    found.push(Token::Sign(sign));
                    rest = &rest[sign.len()..];
                }
                None => {
                    found.push(Token::Unknown(rest.to_owned()));
                    rest = "";
                }
            }
        } else {
            let end = rest.find(|c: char| is_sign(c) || is_space(c)).unwrap_or(rest.len());
            found.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start_matches(is_space);
    }
    found.push(Token::End);
    found
}

struct Words {
    tokens: Vec<Token>,
    at: usize,
}

impl Words {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).cloned().unwrap_or(Token::End)
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement> {
        let mut first = self.take();
        let is_negated = first == Token::Sign("!");
        if is_negated {
            first = self.take();
        }
        let Token::Word(key) = first else { fail!("found '{}', expected: identifier", first.shown()) };
        check_key(&key)?;
        if is_negated {
            return Ok(Requirement::Missing(key));
        }
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(Requirement::Exists(key));
        }
        let operator = self.take();
        let is_in = |word: &str| operator == Token::Word(word.to_owned());
        if is_in("in") || is_in("notin") {
            let values = self.values()?;
            for value in &values {
                check_value(&key, value)?;
            }
            return Ok(if is_in("in") {
                Requirement::In(key, values)
            } else {
                Requirement::NotIn(key, values)
            });
        }
        match operator {
            Token::Sign(sign @ ("=" | "==" | "!=" | ">" | "<")) => {
                let value = self.value()?;
                if matches!(sign, ">" | "<") {
                    let Ok(number) = value.parse::<i64>() else {
                        fail!("for 'Gt', 'Lt' operators, the value must be an integer")
                    };
                    return Ok(if sign == ">" {
                        Requirement::Greater(key, number)
                    } else {
                        Requirement::Less(key, number)
                    });
                }
                check_value(&key, &value)?;
                Ok(if sign == "!=" {
                    Requirement::NotIn(key, vec![value])
                } else {
                    Requirement::In(key, vec![value])
                })
            }
            other => fail!("found '{}', expected: '=', '!=', '==', 'in', notin'", other.shown()),
        }
    }

    /// One value; none is the empty one.
    fn value(&mut self) -> Result<String> {
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(String::new());
        }
        match self.take() {
            Token::Word(value) => Ok(value),
            other => fail!("found '{}', expected: identifier", other.shown()),
        }
    }

    /// `(a, b)`; places left empty are empty values.
    fn values(&mut self) -> Result<Vec<String>> {
        let open = self.take();
        if open != Token::Sign("(") {
            fail!("found '{}' expected: '('", open.shown());
        }
        match self.peek() {
            Token::Sign(")") => {
                self.take();
                return Ok(vec![String::new()]);
            }
            Token::Word(_) | Token::Sign(",") => {}
            other => fail!("found '{}', expected: ',', ')' or identifier", other.shown()),
        }
        let mut values = Vec::new();
        let mut has_value = false;
        loop {
            match self.take() {
                Token::Word(value) => {
                    values.push(value);
                    has_value = true;
                    match self.peek() {
                        Token::Sign(",") => {}
                        Token::Sign(")") => break,
                        other => fail!("found '{}', expected: ',' or ')'", other.shown()),
                    }
                }
                Token::Sign(",") => {
                    let next = self.peek();
                    if !has_value || matches!(next, Token::Sign("," | ")")) {
                        values.push(String::new());
                        has_value = true;
                    }
                    if next == Token::Sign(")") {
                        break;
                    }
                    if next == Token::Sign(",") {
                        self.take();
                    }
                }
                other => fail!("found '{}', expected: ',', or identifier", other.shown()),
            }
        }
        self.take();
        Ok(values)
    }
}

const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character";

fn is_name(text: &str) -> bool {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && is_end(text.chars().next())
        && is_end(text.chars().next_back())
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && is_end(label.chars().next())
                && is_end(label.chars().next_back())
        })
}

fn check_key(key: &str) -> Result<()> {
    let refused =
        |why: &str| Err(Error::new(format!("invalid label key {}: {why}", crate::text::quote(key))));
    let name = match key.split('/').collect::<Vec<_>>()[..] {
        [name] => name,
        ["", _] => return refused("prefix part must be non-empty"),
        [prefix, name] if is_subdomain(prefix) => name,
        [_, _] => {
            return refused(
                "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' \
                 or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for \
                 validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            );
        }
        _ => {
            return refused(&format!(
                "a qualified name {NAME_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation \
                 is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. \
                 'example.com/MyName')"
            ));
        }
    };
    if name.is_empty() {
        return refused("name part must be non-empty");
    }
    if name.len() > 63 {
        return refused("name part must be no more than 63 characters");
    }
    if !is_name(name) {
        return refused(&format!(
            "name part {NAME_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
             '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ));
    }
    Ok(())
}

fn check_value(key: &str, value: &str) -> Result<()> {
    let quote = crate::text::quote;
    let refused = |why: &str| {
        Err(Error::new(format!("invalid label value: {}: at key: {}: {why}", quote(value), quote(key))))
    };
    if value.len() > 63 {
        return refused("must be no more than 63 characters");
    }
    if !value.is_empty() && !is_name(value) {
        return refused(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
             validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors_choose_as_kubernetes_does() {
        let label = |key: &str| match key {
            "app" => Some("web"),
            "tier" => Some("3"),
            _ => None,
        };
        for (text, want) in [
            ("", true),
            ("app", true),
            ("!app", false),
            ("app=web,tier!=4", true),
            ("app == web", true),
            ("app in (web, db)", true),
            ("app in (,web)", true),
            ("app in ()", false),
            ("app notin (web)", false),
            ("other notin (x)", true),
            ("app=", false),
            ("tier>2", true),
            ("tier<2", false),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().fits(label), want, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_kubernetes() {
        for (text, want) in [
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("a==(", "unable to parse requirement: found '(', expected: identifier"),
            ("a,", "found '', expected: identifier after ','"),
            ("=a", "found '=', expected: !, identifier, or 'end of string'"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a b", "unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', notin'"),
            ("a>b", "unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer"),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap_err().to_string(), want, "{text}");
        }
    }
}
