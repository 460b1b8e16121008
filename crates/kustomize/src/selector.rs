//! Choosing objects: regular expressions on ids, and label selectors.

mod labels;

use std::collections::BTreeMap;

use regex::Regex;
use smol_str::SmolStr;

use crate::error::{Error, Result};
use crate::file::Selector;
use crate::ids::Gvk;
use crate::resmap::ResMap;
use crate::schema::Schemas;
use labels::LabelSelector;

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

/// What a selector looks at in an object that is no part of a build.
#[derive(Debug, Clone, Default)]
pub struct Traits<'a> {
    pub group: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub labels: BTreeMap<&'a str, &'a str>,
    pub annotations: BTreeMap<&'a str, &'a str>,
}

/// A selector ready for use.
#[derive(Debug, Clone)]
pub struct Matcher {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: LabelSelector,
    annotations: LabelSelector,
}

impl Matcher {
    /// Reads a selector; an error says what in it cannot be used, in the words of Go or Kubernetes.
    pub fn new(selector: &Selector) -> Result<Self> {
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
        let fits = |selector: &LabelSelector, map: &BTreeMap<SmolStr, SmolStr>| {
            selector.fits(|key| map.get(key).map(SmolStr::as_str))
        };
        (self.labels.is_empty() || fits(&self.labels, &resource.labels()))
            && (self.annotations.is_empty() || fits(&self.annotations, &resource.annotations()))
    }

    /// Whether an object with these traits is chosen.
    pub fn fits(&self, of: &Traits<'_>) -> bool {
        self.group.fits(of.group)
            && self.version.fits(of.version)
            && self.kind.fits(of.kind)
            && self.namespace.fits(of.namespace)
            && self.name.fits(of.name)
            && self.labels.fits(|key| of.labels.get(key).copied())
            && self.annotations.fits(|key| of.annotations.get(key).copied())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        assert!(Pattern::new("app-.*").unwrap().fits("app-1"));
        assert!(!Pattern::new("app").unwrap().fits("app-1"));
        assert!(Pattern::new("a|b").unwrap().fits("b"));
        assert!(Pattern::new("(").is_err());
    }
}
