//! What `sluice helm explain` tells of lines and fields: the template's line, the includes, the keys of the values.
#![allow(clippy::unwrap_used)] // tests

use serde_json::{Map, Value, json};
use sluice_gotmpl::NoHooks;
use sluice_helm::build;
use sluice_helm::chart::{Chart, File, Limits};
use sluice_helm::command::Environment;
use sluice_helm::command::explain::{ExplainError, explain};
use sluice_helm::command::template::TemplateArgs;

const CHART: &[(&str, &str)] = &[
    ("Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n"),
    ("values.yaml", "image:\n  name: web\n  tag: \"1\"\nreplicas: 2\nlabels:\n  team: blue\nextra: true\n"),
    (
        "templates/_parts.tpl",
        "{{- define \"app.image\" -}}\n{{ .Values.image.name }}:{{ .Values.image.tag }}\n{{- end }}\n\
         {{- define \"app.labels\" -}}\nname: app\nteam: {{ .Values.labels.team }}\n{{- end }}\n\
         {{- define \"app.meta\" -}}\nlabels:\n  {{- include \"app.labels\" . | nindent 2 }}\n{{- end }}\n",
    ),
    (
        "templates/app.yaml",
        "kind: Deployment\nmetadata:\n  name: web\n  {{- include \"app.meta\" . | nindent 2 }}\nspec:\n  replicas: {{ .Values.replicas }}\n  \
         image: {{ include \"app.image\" . }}\n  fixed: yes\n{{- if .Values.extra }}\n  more: {{ tpl \"{{ .Values.image.tag }}\" . }}\n{{- end }}\n",
    ),
    ("templates/other.yaml", "kind: ConfigMap\nmetadata:\n  name: web\n"),
];

fn told(values: &Value, path: &str) -> Result<String, ExplainError> {
    let file = |(name, text): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: text.as_bytes().to_vec().into(),
        modified: None,
    };
    let chart = Chart::load(CHART.iter().map(file).collect(), &Limits::default()).unwrap();
    let budget = build::budget();
    let environment = Environment {
        budget: &budget,
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
        random: &|bytes| bytes.fill(7),
        hooks: &NoHooks,
    };
    let args =
        TemplateArgs { name: "r".to_owned(), namespace: "default".to_owned(), ..TemplateArgs::default() };
    let values: &Map<String, Value> = values.as_object().unwrap();
    explain(&chart, values, &args, &environment, path).map(|origin| origin.to_string())
}

#[test]
fn fields_are_followed_to_their_template_and_values() {
    for (path, want) in [
        ("spec.replicas", "line 16: replicas: 2\nprinted by app/templates/app.yaml:6\nvalues: replicas\n"),
        ("spec.fixed", "line 18: fixed: yes\nprinted by app/templates/app.yaml:8\n"),
        (
            "spec.image",
            "line 17: image: web:1\nprinted by app/templates/app.yaml:7\nvalues: image.name, image.tag\n",
        ),
        (
            "metadata.labels.team",
            "line 14: team: blue\nprinted by app/templates/app.yaml:4\nthrough app/templates/_parts.tpl:10 (app.meta)\nthrough app/templates/_parts.tpl:6 (app.labels)\nvalues: labels.team\n",
        ),
        ("Deployment/web:kind", "line 9: kind: Deployment\nprinted by app/templates/app.yaml:1\n"),
    ] {
        assert_eq!(told(&json!({}), path).unwrap(), want, "{path}");
    }
}

#[test]
fn what_a_line_depends_on_is_told() {
    let got = told(&json!({}), "spec.more").unwrap();
    assert!(got.starts_with("line 19: more: 1\nprinted by app/templates/app.yaml:10\n"), "{got}");
    assert!(got.contains("\nvalues: image.tag"), "{got}");
    assert!(got.ends_with("depends on extra at app/templates/app.yaml:9\n"), "{got}");
}

#[test]
fn what_cannot_be_explained_is_told() {
    for (path, want) in [
        ("99", "the output has 19 lines"),
        ("0", "the output has 19 lines"),
        ("1", "line 1 is no template's: it separates documents or names their file"),
        ("spec.nope", "no object of the output has spec.nope"),
        ("metadata.name", "metadata.name is in 2 objects; say which: ConfigMap/web:metadata.name"),
    ] {
        assert_eq!(told(&json!({}), path).unwrap_err().to_string(), want, "{path}");
    }
}
