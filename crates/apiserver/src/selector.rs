//! Label and field selectors.

use std::collections::BTreeMap;

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
        let mut parts = Vec::new();
        for part in split(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            parts.push(parse_part(part).ok_or_else(|| {
                format!("unable to parse requirement: found '{part}', expected: identifier and operator")
            })?);
        }
        Ok(LabelSelector(parts))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(key, want)| {
            let value = labels.get(key);
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

/// At commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_usize, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn parse_part(part: &str) -> Option<(String, Want)> {
    let is_key = |key: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        !key.is_empty() && key.len() <= 317 && key.chars().all(allowed)
    };
    let key = |text: &str| Some(text.trim().to_owned()).filter(|key| is_key(key));
    if let Some((left, right)) = part.split_once("!=") {
        return Some((key(left)?, Want::NotIn(vec![right.trim().to_owned()])));
    }
    if let Some((left, right)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some((key(left)?, Want::In(vec![right.trim().to_owned()])));
    }
    if let Some((left, list)) = part.split_once('(') {
        let list = list.trim().strip_suffix(')')?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        let (left, word) = left.trim().rsplit_once(char::is_whitespace)?;
        return match word {
            "in" => Some((key(left)?, Want::In(values))),
            "notin" => Some((key(left)?, Want::NotIn(values))),
            _ => None,
        };
    }
    if let Some((left, right)) = part.split_once('>') {
        return Some((key(left)?, Want::Greater(right.trim().parse().ok()?)));
    }
    if let Some((left, right)) = part.split_once('<') {
        return Some((key(left)?, Want::Less(right.trim().parse().ok()?)));
    }
    if let Some(rest) = part.strip_prefix('!') {
        return Some((key(rest)?, Want::Absent));
    }
    Some((key(part)?, Want::Present))
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
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (is_equal, halves) = match part.split_once("!=") {
                Some(halves) => (false, Some(halves)),
                None => (true, part.split_once("==").or_else(|| part.split_once('='))),
            };
            let (field, value) =
                halves.ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{part}'"))?;
            parts.push((field.to_owned(), is_equal, value.to_owned()));
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
