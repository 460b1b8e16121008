//! Fields that others may change: `spec.ignore` of a Kustomization, rules of JSON pointers for the objects that they choose.

use serde_json::{Map, Value};
use sluice_kustomize::file::Selector;
use sluice_kustomize::selector::{Matcher, Traits};

/// The keys on the way to a field; a place in a list is its number.
pub type Pointer = Vec<String>;

/// The rules of one Kustomization, ready for use.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    /// None chooses every object.
    target: Option<Matcher>,
    pointers: Vec<Pointer>,
}

impl Rules {
    /// Reads the rules of a Kustomization's spec; an error names the rule and what is wrong in it.
    pub fn of_spec(spec: &Value) -> Result<Self, String> {
        let rules = spec["ignore"].as_array().into_iter().flatten().enumerate();
        rules.map(|(at, rule)| Rule::read(at, rule)).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields of an object that others may change.
    pub fn fields_of(&self, object: &Map<String, Value>) -> Vec<Pointer> {
        let traits = traits_of(object);
        let fits = |rule: &&Rule| rule.target.as_ref().is_none_or(|matcher| matcher.fits(&traits));
        let chosen = self.0.iter().filter(fits);
        chosen.flat_map(|rule| rule.pointers.iter().cloned()).collect()
    }
}

impl Rule {
    fn read(at: usize, rule: &Value) -> Result<Self, String> {
        let target = &rule["target"];
        let field = |name: &str| target[name].as_str().unwrap_or_default().to_owned();
        let selector = Selector {
            group: field("group"),
            version: field("version"),
            kind: field("kind"),
            name: field("name"),
            namespace: field("namespace"),
            annotation_selector: field("annotationSelector"),
            label_selector: field("labelSelector"),
        };
        let matcher = (!target.is_null()).then(|| Matcher::new(&selector)).transpose();
        let target = matcher.map_err(|error| {
            format!("failed to create ignore rule selector: spec.ignore[{at}].target: {error}")
        })?;
        let paths = rule["paths"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let pointers = paths.map(|path| {
            pointer(path).ok_or_else(|| {
                format!("spec.ignore[{at}].paths: {path:?} is no JSON pointer, which begins with '/'")
            })
        });
        Ok(Self { target, pointers: pointers.collect::<Result<_, _>>()? })
    }
}

/// `/metadata/annotations/example.com~1a` as its keys.
fn pointer(text: &str) -> Option<Pointer> {
    let keys = text.strip_prefix('/')?.split('/');
    Some(keys.map(|key| key.replace("~1", "/").replace("~0", "~")).collect())
}

fn traits_of(object: &Map<String, Value>) -> Traits<'_> {
    let metadata = object.get("metadata").and_then(Value::as_object);
    let texts = |key: &str| {
        let entries = metadata.and_then(|metadata| metadata.get(key)).and_then(Value::as_object);
        let entries = entries.into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    };
    let api_version = text(object, "apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    Traits {
        group,
        version,
        kind: text(object, "kind"),
        namespace: metadata.map_or("", |metadata| text(metadata, "namespace")),
        name: metadata.map_or("", |metadata| text(metadata, "name")),
        labels: texts("labels"),
        annotations: texts("annotations"),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(rules: Value, object: &Value) -> Vec<Pointer> {
        Rules::of_spec(&json!({"ignore": rules})).unwrap().fields_of(object.as_object().unwrap())
    }

    #[test]
    fn a_rule_is_for_the_objects_that_it_chooses() {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "a", "labels": {"tier": "front"}},
        });
        let replicas = vec![vec!["spec".to_owned(), "replicas".to_owned()]];
        for (target, fits) in [
            (json!({"kind": "Deployment"}), true),
            (json!({"kind": "Deploy"}), false),
            (json!({"group": "apps", "version": "v.", "name": "w.*", "namespace": "a|b"}), true),
            (json!({"labelSelector": "tier in (front)"}), true),
            (json!({"labelSelector": "tier=back"}), false),
            (json!({"annotationSelector": "tier"}), false),
            (json!({}), true),
            (Value::Null, true),
        ] {
            let got = fields(json!([{"paths": ["/spec/replicas"], "target": target}]), &deployment);
            assert_eq!(got, if fits { replicas.clone() } else { Vec::new() }, "{target}");
        }
        let escaped = fields(json!([{"paths": ["/metadata/annotations/example.com~1a~0"]}]), &deployment);
        assert_eq!(escaped, [["metadata", "annotations", "example.com/a~"]]);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refused = |rule: Value| Rules::of_spec(&json!({"ignore": [rule]})).unwrap_err();
        let told = refused(json!({"paths": ["/a"], "target": {"name": "("}}));
        assert!(told.starts_with("failed to create ignore rule selector: spec.ignore[0].target: "), "{told}");
        assert_eq!(
            refused(json!({"paths": ["spec/replicas"]})),
            "spec.ignore[0].paths: \"spec/replicas\" is no JSON pointer, which begins with '/'"
        );
    }
}
