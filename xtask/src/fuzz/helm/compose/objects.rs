//! A file of objects as a release holds them: kinds, hooks, and what divides them.

use super::Composer;

/// What the paths of such files have in common.
pub const PATH: &str = "/objects";

const KINDS: &[&str] = &[
    "ConfigMap",
    "Secret",
    "Service",
    "Deployment",
    "Namespace",
    "Job",
    "CronJob",
    "ClusterRole",
    "RoleBinding",
    "ServiceAccount",
    "CustomResourceDefinition",
    "Ingress",
    "PriorityClass",
    "StatefulSet",
    "Pod",
    "APIService",
    "Zebra",
    "Apple",
];

impl Composer {
    pub(super) fn objects(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.chance.below(5) {
            self.count("object", "document");
            text +=
                self.chance.pick(&["---\n", "---\n", "---\n", "--- # next\n", "---\n---\n", "\n---   \n"]);
            let (kind, name) = (self.chance.pick(KINDS).to_owned(), self.chance.below(4));
            text += &format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: o{name}\n");
            if self.chance.one_in(2) {
                text += &self.annotations();
            }
            for key in 0..self.chance.below(3) {
                let value = self.content();
                text += &format!("d{key}: {value}\n");
            }
        }
        text
    }

    fn annotations(&mut self) -> String {
        let mut text = "  annotations:\n    note: \"1\"\n".to_owned();
        let mut put = |name: &str, value: &str| text += &format!("    helm.sh/hook{name}: {value}\n");
        if self.chance.one_in(4) {
            return text;
        }
        self.count("object", "hook");
        let events = [
            "pre-install",
            "post-install,post-upgrade",
            "test",
            "test-success",
            "Pre-Delete, post-delete",
            "pre-rollback",
            "pre-party",
            "\"\"",
            "crd-install",
        ];
        put("", events[self.chance.below(events.len())]);
        if self.chance.one_in(2) {
            self.count("object", "hook weight");
            put(
                "-weight",
                self.chance.pick(&["\"5\"", "\"-5\"", "\"0\"", "\"x\"", "\"1.5\"", "\" 1\"", "\"+3\"", "7"]),
            );
        }
        if self.chance.one_in(3) {
            self.count("object", "hook delete policy");
            put(
                "-delete-policy",
                self.chance.pick(&["hook-succeeded", "before-hook-creation, Hook-Failed", "nope", "\"\""]),
            );
        }
        if self.chance.one_in(3) {
            self.count("object", "hook output policy");
            put(
                "-output-log-policy",
                self.chance.pick(&["hook-succeeded", "hook-failed,hook-succeeded", "never"]),
            );
        }
        text
    }

    /// A value, mostly as good YAML.
    fn content(&mut self) -> String {
        let kind = b"ssimlx"[self.chance.below(6)];
        let value = self.expression(kind, 2);
        match self.chance.below(6) {
            0 => {
                self.count("function", "quote");
                format!("{{{{ quote ({value}) }}}}")
            }
            1 | 2 => {
                self.count("function", "toYaml");
                self.count("function", "nindent");
                format!("{{{{- toYaml ({value}) | nindent 2 }}}}")
            }
            3 => {
                self.count("function", "squote");
                format!("{{{{ {value} | squote }}}}")
            }
            4 => format!("{{{{ {value} }}}}"),
            _ => {
                self.count("function", "toJson");
                format!("{{{{ toJson ({value}) }}}}")
            }
        }
    }
}
