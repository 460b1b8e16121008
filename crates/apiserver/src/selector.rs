//! Label and field selectors.

mod requirement;

use serde_json::Value;

/// How long a selector may be.
const LENGTH_LIMIT: usize = 16 << 10;

/// What one part of a label selector wants.
#[derive(Debug, Clone, PartialEq)]
enum Want {
    In(Vec<String>),
    NotIn(Vec<String>),
    Present,
    Absent,
    Greater(i64),
    Less(i64),
}

/// All parts must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelSelector(Vec<(String, Want)>);

impl LabelSelector {
    /// `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH_LIMIT {
            return Err(format!("a selector is longer than {LENGTH_LIMIT} bytes"));
        }
        requirement::all(text).map(LabelSelector)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `labels` are in order.
    pub fn matches(&self, labels: &[(String, String)]) -> bool {
        self.0.iter().all(|(key, want)| {
            let found = labels.binary_search_by(|(name, _)| name.cmp(key));
            let value = found.ok().map(|at| &labels[at].1);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match want {
                Want::In(values) => value.is_some_and(|value| values.contains(value)),
                Want::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Want::Present => value.is_some(),
                Want::Absent => value.is_none(),
                Want::Greater(than) => number().is_some_and(|number| number > *than),
                Want::Less(than) => number().is_some_and(|number| number < *than),
            }
        })
    }
}

/// At commas that have no backslash before them.
fn terms(text: &str) -> Vec<&str> {
    let (mut from, mut parts, mut is_escaped) = (0, Vec::new(), false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ',' => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(next @ ('\\' | ',' | '=')) => out.push(next),
                next => {
                    let shown: String = next.into_iter().collect();
                    return Err(format!("invalid field selector: invalid escape sequence: \\{shown}"));
                }
            },
            ',' | '=' => {
                return Err(format!("invalid field selector: unescaped character in value: {letter}"));
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Fields compared as texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    /// `metadata.name=a,spec.nodeName!=b`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH_LIMIT {
            return Err(format!("a selector is longer than {LENGTH_LIMIT} bytes"));
        }
        let mut parts = Vec::new();
        for part in terms(text).into_iter().filter(|part| !part.is_empty()) {
            let split = part.char_indices().find_map(|(at, _)| {
                let signs = ["!=", "==", "="].into_iter();
                signs.filter(|sign| part[at..].starts_with(sign)).map(|sign| (at, sign)).next()
            });
            let (at, sign) =
                split.ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{part}'"))?;
            let value = unescaped(&part[at + sign.len()..])?;
            parts.push((part[..at].to_owned(), sign != "!=", value));
        }
        Ok(FieldSelector(parts))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields it names.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(field, _, _)| field.as_str())
    }

    /// The name that an object must have to match, if it is the only one that can.
    pub fn only_name(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, is_equal, _)| field == "metadata.name" && *is_equal)
            .map(|part| part.2.as_str())
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, is_equal, value)| {
            let found = field.split('.').fold(object, |at, key| &at[key]);
            let found = match found {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            (found == *value) == *is_equal
        })
    }
}
