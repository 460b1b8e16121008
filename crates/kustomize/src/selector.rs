//! Choosing objects: regular expressions on ids, and label selectors.

use std::collections::BTreeMap;

use regex::Regex;
use smol_str::SmolStr;

use crate::error::{Error, Result, fail};
use crate::file::Selector;
use crate::ids::Gvk;
use crate::resmap::ResMap;
use crate::schema::Schemas;

/// One field's pattern; nothing for an empty one, which everything fits.
#[derive(Debug, Clone)]
enum Pattern {
    Any,
    Text(String),
    Expression(Box<Regex>),
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self> {
        if pattern.is_empty() {
            return Ok(Pattern::Any);
        }
        if pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/')) {
            return Ok(Pattern::Text(pattern.to_owned()));
        }
        Ok(Pattern::Expression(Box::new(expression(&format!("^(?:{pattern})$"))?)))
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Text(pattern) => pattern == text,
            Pattern::Expression(expression) => expression.is_match(text),
        }
    }
}

/// A regular expression as Go's regexp reads it, with bounded size.
pub(crate) fn expression(pattern: &str) -> Result<Regex> {
    regex::RegexBuilder::new(pattern).size_limit(4 << 20).nest_limit(200).build().map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        // In Go's words where it has some.
        let reason = match reason.as_str() {
            "unclosed group" => "missing closing )",
            "unopened group" => "unexpected )",
            "unclosed character class" => "missing closing ]",
            other => other,
        };
        Error::new(format!("error parsing regexp: {reason}: `{pattern}`"))
    })
}

/// A selector ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: LabelSelector,
    annotations: LabelSelector,
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        Ok(Self {
            group: Pattern::new(&selector.group)?,
            version: Pattern::new(&selector.version)?,
            kind: Pattern::new(&selector.kind)?,
            name: Pattern::new(&selector.name)?,
            namespace: Pattern::new(&selector.namespace)?,
            labels: LabelSelector::parse(&selector.label_selector)?,
            annotations: LabelSelector::parse(&selector.annotation_selector)?,
        })
    }

    pub(crate) fn fits_gvk(&self, gvk: &Gvk) -> bool {
        self.group.fits(&gvk.group) && self.version.fits(&gvk.version) && self.kind.fits(&gvk.kind)
    }

    pub(crate) fn fits_name(&self, name: &str) -> bool {
        self.name.fits(name)
    }

    pub(crate) fn fits_namespace(&self, namespace: &str) -> bool {
        self.namespace.fits(namespace)
    }

    /// True when labels and annotations are as asked for.
    pub(crate) fn fits_metadata(&self, resource: &crate::resource::Resource) -> bool {
        (self.labels.is_empty() || self.labels.fits(&resource.labels()))
            && (self.annotations.is_empty() || self.annotations.fits(&resource.annotations()))
    }

    pub(crate) fn has_metadata(&self) -> bool {
        !self.labels.is_empty() || !self.annotations.is_empty()
    }
}

/// The places of the objects that a patch's target chooses.
pub(crate) fn select(map: &ResMap, selector: &Selector, schemas: &Schemas) -> Result<Vec<usize>> {
    let matcher = Matcher::new(selector)?;
    let mut chosen = Vec::new();
    for (at, resource) in map.list().iter().enumerate() {
        // The cheapest question first; the answer is the same in any order.
        if !matcher.fits_gvk(&resource.gvk()) {
            continue;
        }
        let (current, first) = (resource.id(schemas), resource.first_id(schemas));
        if !matcher.fits_namespace(first.effective_namespace())
            && !matcher.fits_namespace(current.effective_namespace())
        {
            continue;
        }
        if !matcher.fits_name(&first.name) && !matcher.fits_name(&current.name) {
            continue;
        }
        if matcher.fits_metadata(resource) {
            chosen.push(at);
        }
    }
    Ok(chosen)
}

/// How kustomize prints a target.
pub(crate) fn show(selector: &Selector) -> String {
    let id = crate::ids::ResId {
        gvk: Gvk {
            group: selector.group.as_str().into(),
            version: selector.version.as_str().into(),
            kind: selector.kind.as_str().into(),
        },
        name: selector.name.as_str().into(),
        namespace: selector.namespace.as_str().into(),
        cluster: false,
    };
    format!("{id}:a={}:l={}", selector.annotation_selector, selector.label_selector)
}

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
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (requirement, after) = requirement(rest)
                .ok_or_else(|| Error::new(format!("unable to parse requirement: found '{rest}'")))?;
            requirements.push(requirement);
            rest = after.trim_start();
            if let Some(after) = rest.strip_prefix(',') {
                rest = after.trim_start();
                if rest.is_empty() {
                    fail!("found '', expected: identifier after ','");
                }
            } else if !rest.is_empty() {
                fail!("found '{rest}', expected: ',' or 'end of string'");
            }
        }
        Ok(Self { requirements })
    }

    pub(crate) fn fits(&self, labels: &BTreeMap<SmolStr, SmolStr>) -> bool {
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels
                .get(key.as_str())
                .is_some_and(|value| values.iter().any(|wanted| wanted == value.as_str())),
            Requirement::NotIn(key, values) => labels
                .get(key.as_str())
                .is_none_or(|value| !values.iter().any(|wanted| wanted == value.as_str())),
            Requirement::Exists(key) => labels.contains_key(key.as_str()),
            Requirement::Missing(key) => !labels.contains_key(key.as_str()),
            Requirement::Greater(key, than) => labels
                .get(key.as_str())
                .and_then(|value| value.parse::<i64>().ok())
                .is_some_and(|value| value > *than),
            Requirement::Less(key, than) => labels
                .get(key.as_str())
                .and_then(|value| value.parse::<i64>().ok())
                .is_some_and(|value| value < *than),
        })
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_whitespace() || "=!,()<>".contains(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn requirement(text: &str) -> Option<(Requirement, &str)> {
    if let Some(rest) = text.strip_prefix('!') {
        let (key, rest) = word(rest.trim_start());
        return (!key.is_empty()).then(|| (Requirement::Missing(key.to_owned()), rest));
    }
    let (key, rest) = word(text);
    if key.is_empty() {
        return None;
    }
    let key = key.to_owned();
    let rest = rest.trim_start();
    for (sign, negative) in [("==", false), ("!=", true), ("=", false)] {
        if let Some(rest) = rest.strip_prefix(sign) {
            let (value, rest) = word(rest.trim_start());
            let values = vec![value.to_owned()];
            return Some((
                if negative { Requirement::NotIn(key, values) } else { Requirement::In(key, values) },
                rest,
            ));
        }
    }
    for (sign, greater) in [(">", true), ("<", false)] {
        if let Some(rest) = rest.strip_prefix(sign) {
            let (value, rest) = word(rest.trim_start());
            let value = value.parse().ok()?;
            return Some((
                if greater { Requirement::Greater(key, value) } else { Requirement::Less(key, value) },
                rest,
            ));
        }
    }
    let (operator, after) = word(rest);
    if matches!(operator, "in" | "notin") {
        let inside = after.trim_start().strip_prefix('(')?;
        let (values, rest) = inside.split_once(')')?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let requirement =
            if operator == "in" { Requirement::In(key, values) } else { Requirement::NotIn(key, values) };
        return Some((requirement, rest));
    }
    Some((Requirement::Exists(key), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors_choose_as_kubernetes_does() {
        let labels: BTreeMap<SmolStr, SmolStr> = [("app", "web"), ("tier", "3")]
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect();
        for (text, want) in [
            ("", true),
            ("app", true),
            ("!app", false),
            ("app=web,tier!=4", true),
            ("app == web", true),
            ("app in (web, db)", true),
            ("app notin (web)", false),
            ("other notin (x)", true),
            ("tier>2", true),
            ("tier<2", false),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().fits(&labels), want, "{text}");
        }
        assert!(LabelSelector::parse("a=b c").is_err());
    }

    #[test]
    fn patterns_fit_whole_texts() {
        assert!(Pattern::new("app-.*").unwrap().fits("app-1"));
        assert!(!Pattern::new("app").unwrap().fits("app-1"));
        assert!(Pattern::new("a|b").unwrap().fits("b"));
        assert!(Pattern::new("(").is_err());
    }
}
