//! Masks what cannot repeat: times, ids, digests of a compressor, addresses, names made up on the way.
//!
//! Two passes, as the recorder had them: `normalise` on what was seen, `mask` on the rows made of it.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::Family;

/// What is particular to one run.
#[derive(Debug, Clone)]
pub struct Masks {
    pub ns: String,
    pub git_host: String,
    pub storage_host: String,
    /// The subject's TMPDIR.
    pub temporary: String,
    pub family: Family,
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant")
}

static TIME: LazyLock<Regex> = LazyLock::new(|| regex(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"));
static TIME_INSIDE: LazyLock<Regex> = LazyLock::new(|| regex(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"));
static UID: LazyLock<Regex> =
    LazyLock::new(|| regex(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static DURATION: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(\d+m)?\d+(\.\d+)?(ms|µs|s)\b"));
static WHOLE_DURATION: LazyLock<Regex> = LazyLock::new(|| regex(r"^(\d+m0s|\d+s)$"));
static FAILED_AFTER: LazyLock<Regex> = LazyLock::new(|| regex(r"(failed after )(\d+m)?\d+(\.\d+)?(ms|µs|s)"));
static FOLDER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"<tmp>/(kustomization|helmchart)((?:-\$NS)*)((?:-app)?)-\d+"));
static POD: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"\b([a-z]+)-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b")
});
static HASH: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b(web|app)-([bcdfghjklmnpqrstvwxz2456789]{8,10})\b"));
static SHA256: LazyLock<Regex> = LazyLock::new(|| regex(r"sha256:[0-9a-f]{64}"));
static INDEX: LazyLock<Regex> = LazyLock::new(|| regex(r"index-[0-9a-f]{64}"));

/// Dates that the traces themselves set.
const OWN_DATE: &str = "2026-01-01";

impl Masks {
    /// The first pass, over whole values as they were seen.
    pub fn normalise(&self, value: &Value, key: &str) -> Value {
        match value {
            Value::Object(map) => {
                let kept = map.iter().filter(|(key, _)| *key != "resourceVersion");
                Value::Object(kept.map(|(key, value)| (key.clone(), self.normalise(value, key))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.normalise(item, "")).collect()),
            Value::String(text) => Value::String(self.normalise_text(text, key)),
            other => other.clone(),
        }
    }

    fn normalise_text(&self, text: &str, key: &str) -> String {
        if TIME.is_match(text) && !text.starts_with(OWN_DATE) {
            return "<time>".to_owned();
        }
        let text = text
            .replace(&self.storage_host, "source-controller.flux-system.svc.cluster.local.")
            .replace(&self.git_host, "git.example.com")
            .replace(&self.ns, "$NS");
        let text = UID.replace_all(&text, "<uid>").into_owned();
        match key {
            "message" => mask_durations(&text),
            "lastReconciledDuration" => "<duration>".to_owned(),
            _ => text,
        }
    }

    /// The second pass, over a row. `path` is the keys from the row on, `[]` for an item of a list.
    pub fn mask(&self, value: &Value, path: &mut Vec<String>) -> Value {
        let key = path.last().map(String::as_str).unwrap_or_default();
        let before = path.len().checked_sub(2).map(|at| path[at].as_str()).unwrap_or_default();
        match value {
            Value::Object(map) => {
                let is_artifact = matches!(key, "status.artifact" | "artifact")
                    || matches!(before, "status.includedArtifacts" | "includedArtifacts");
                let mut masked = Map::new();
                for (key, value) in map {
                    let value = match key.as_str() {
                        "digest" if is_artifact => "<digest>".into(),
                        "size" if is_artifact => "<size>".into(),
                        _ => {
                            path.push(key.clone());
                            let value = self.mask(value, path);
                            path.pop();
                            value
                        }
                    };
                    masked.insert(key.clone(), value);
                }
                Value::Object(masked)
            }
            Value::Array(items) => {
                let is_history =
                    self.family == Family::HelmRelease && matches!(key, "status.history" | "history");
                path.push("[]".to_owned());
                let mut masked: Vec<Value> = items.iter().map(|item| self.mask(item, path)).collect();
                path.pop();
                if is_history {
                    for item in &mut masked {
                        if let Some(digest) = item.get_mut("digest") {
                            *digest = "<digest>".into();
                        }
                    }
                }
                Value::Array(masked)
            }
            Value::String(text) if key == "release" && text.chars().count() > 60 => "<release>".into(),
            _ if matches!(key, "createdAt" | "modifiedAt") => "<time>".into(),
            _ if key.ends_with("ActionDuration") => "<duration>".into(),
            _ if key == "source.toolkit.fluxcd.io/digest" => "<digest>".into(),
            Value::String(text) => Value::String(self.mask_text(text)),
            other => other.clone(),
        }
    }

    fn mask_text(&self, text: &str) -> String {
        let text = text.replace(self.temporary.trim_end_matches('/'), "<tmp>");
        let text = FOLDER.replace_all(&text, "<tmp>/$1$2$3");
        let text = text
            .replace("http://127.0.0.1:1/", "http://unreachable.example.com/")
            .replace("127.0.0.1:1:", "unreachable.example.com:");
        let text = FAILED_AFTER.replace_all(&text, "${1}<duration>");
        let text = POD.replace_all(&text, "$1-<pod>");
        let text = HASH.replace_all(&text, |found: &Captures<'_>| {
            if found[2].contains(|c: char| c.is_ascii_digit()) {
                format!("{}-<hash>", &found[1])
            } else {
                found[0].to_owned()
            }
        });
        let text = TIME_INSIDE.replace_all(&text, |found: &Captures<'_>| {
            if found[0].starts_with(OWN_DATE) { found[0].to_owned() } else { "<time>".to_owned() }
        });
        if self.family != Family::Source {
            return text.into_owned();
        }
        let text = SHA256.replace_all(&text, "<digest>");
        INDEX.replace_all(&text, "index-<digest>").into_owned()
    }
}

/// Measured durations are masked, those that somebody set (whole seconds) are kept.
fn mask_durations(text: &str) -> String {
    let mut masked = String::new();
    let mut done = 0;
    for found in DURATION.find_iter(text) {
        let rest = &text[found.end()..];
        let is_word_end = rest.is_empty() || rest == "\n" || rest.starts_with([' ', ',', '.', ')']);
        let is_set = WHOLE_DURATION.is_match(found.as_str())
            && !text.contains(&format!("finished in {}", found.as_str()));
        masked.push_str(&text[done..found.start()]);
        masked.push_str(if is_word_end && !is_set { "<duration>" } else { found.as_str() });
        done = found.end();
    }
    masked.push_str(&text[done..]);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn masks() -> Masks {
        Masks {
            ns: "t-ks-a".to_owned(),
            git_host: "127.0.0.1:4000".to_owned(),
            storage_host: "127.0.0.1:5000".to_owned(),
            temporary: "/x/tmp".to_owned(),
            family: Family::Kustomization,
        }
    }

    #[test]
    fn measured_durations_are_masked_and_set_ones_kept() {
        let text = "Reconciliation finished in 1s, next run in 10m0s";
        assert_eq!(mask_durations(text), "Reconciliation finished in <duration>, next run in 10m0s");
        assert_eq!(mask_durations("failed after 10.01s: x"), "failed after 10.01s: x");
        assert_eq!(mask_durations("passed in 31.5ms"), "passed in <duration>");
        assert_eq!(mask_durations("with a timeout of 30s"), "with a timeout of 30s");
    }

    #[test]
    fn addresses_namespaces_and_temporary_folders_are_masked() {
        let masks = masks();
        let seen = json!({"message": "open /x/tmp/kustomization-123/app/a.yaml in t-ks-a at http://127.0.0.1:4000/a", "resourceVersion": "1"});
        let row = masks.mask(&masks.normalise(&seen, ""), &mut Vec::new());
        assert_eq!(
            row,
            json!({"message": "open <tmp>/kustomization/app/a.yaml in $NS at http://git.example.com/a"})
        );
        assert_eq!(
            masks.mask_text("pod web-7d9c5b6c8-x2x4z of web-7d9c5b6c8"),
            "pod web-<pod> of web-<hash>"
        );
    }

    #[test]
    fn artifacts_lose_digest_and_size() {
        let row = json!({"status.artifact": {"digest": "sha256:1", "size": 3, "path": "p"}});
        assert_eq!(
            masks().mask(&row, &mut Vec::new()),
            json!({"status.artifact": {"digest": "<digest>", "size": "<size>", "path": "p"}})
        );
    }
}
