//! The charts and the index that the bench makes: written as people write charts, with the helpers they all have.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

/// How many charts the umbrellas hold.
pub const UMBRELLAS: [usize; 3] = [50, 100, 200];
/// The chart that is looked for in the index.
pub const WANTED: &str = "chart-0500";

fn write(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = folder.join(name);
    let parent = path.parent().ok_or("a path has a parent")?;
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn chartfile(name: &str, dependencies: &str) -> String {
    format!(
        "apiVersion: v2\nname: {name}\nversion: 1.0.0\nappVersion: \"1.16.0\"\ntype: application\n{dependencies}"
    )
}

const HELPERS: &str = r#"{{- define "NAME.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "NAME.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "NAME.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "NAME.selectorLabels" . }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "NAME.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "NAME.selectorLabels" -}}
app.kubernetes.io/name: {{ include "NAME.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
"#;

const WORKLOAD: &str = r#"{{- range $index, $component := .Values.components }}
{{- if $component.enabled }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "NAME.fullname" $ }}-{{ $component.name }}
  labels:
    {{- include "NAME.labels" $ | nindent 4 }}
    app.kubernetes.io/component: {{ $component.name }}
spec:
  replicas: {{ $component.replicas | default 1 }}
  selector:
    matchLabels:
      {{- include "NAME.selectorLabels" $ | nindent 6 }}
      app.kubernetes.io/component: {{ $component.name }}
  template:
    metadata:
      annotations:
        checksum/config: {{ toYaml $component | sha256sum }}
      labels:
        {{- include "NAME.labels" $ | nindent 8 }}
        app.kubernetes.io/component: {{ $component.name }}
    spec:
      serviceAccountName: {{ include "NAME.fullname" $ }}
      securityContext:
        {{- toYaml $.Values.podSecurityContext | nindent 8 }}
      containers:
        - name: {{ $component.name }}
          image: "{{ $.Values.image.repository }}/{{ $component.name }}:{{ $.Values.image.tag | default $.Chart.AppVersion }}"
          imagePullPolicy: {{ $.Values.image.pullPolicy }}
          ports:
            - name: http
              containerPort: {{ add 8000 $index }}
              protocol: TCP
          {{- with $component.env }}
          env:
            {{- range $name, $value := . }}
            - name: {{ $name | upper }}
              value: {{ tpl (toString $value) $ | quote }}
            {{- end }}
          {{- end }}
          livenessProbe:
            {{- toYaml $.Values.livenessProbe | nindent 12 }}
          readinessProbe:
            {{- toYaml $.Values.readinessProbe | nindent 12 }}
          resources:
            {{- toYaml $component.resources | nindent 12 }}
      {{- with $.Values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "NAME.fullname" $ }}-{{ $component.name }}
  labels:
    {{- include "NAME.labels" $ | nindent 4 }}
spec:
  type: {{ $.Values.service.type }}
  ports:
    - port: {{ $.Values.service.port }}
      targetPort: http
      protocol: TCP
      name: http
  selector:
    {{- include "NAME.selectorLabels" $ | nindent 4 }}
    app.kubernetes.io/component: {{ $component.name }}
{{- end }}
{{- end }}
"#;

const ACCOUNT: &str = r#"apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "NAME.fullname" . }}
  labels:
    {{- include "NAME.labels" . | nindent 4 }}
automountServiceAccountToken: {{ .Values.automount }}
"#;

/// Alerting rules, most of them text with templates of another language in it.
const RULES: &str = r#"{{- if and .Values.rules.create (not (.Values.rules.disabled | default dict).GROUP) }}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ printf "%s-%s" (include "NAME.fullname" .) "GROUP" | trunc 63 | trimSuffix "-" }}
  namespace: {{ .Release.Namespace }}
  labels:
    app: {{ template "NAME.name" . }}
    {{- include "NAME.labels" . | nindent 4 }}
spec:
  groups:
  - name: GROUP
    rules:
ALERTS
{{- end }}
"#;

/// A dashboard, as long a text as such things are, which no template is to touch.
const BOARD: &str = r#"{{- if and .Values.dashboards.create (not (.Values.dashboards.disabled | default dict).BOARD) }}
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: {{ template "NAME.namespace" . }}
  name: {{ printf "%s-%s" (include "NAME.fullname" $) "BOARD" | trunc 63 | trimSuffix "-" }}
  labels:
    {{- if $.Values.dashboards.label }}
    {{ $.Values.dashboards.label }}: {{ ternary $.Values.dashboards.labelValue "1" (not (empty $.Values.dashboards.labelValue)) | quote }}
    {{- end }}
    {{- include "NAME.labels" $ | nindent 4 }}
data:
  BOARD.json: |-
    {{`{"annotations":{"list":[]},"editable":EDITABLE,"panels":[PANELS],"title":"BOARD"}`| replace "EDITABLE" (toString .Values.dashboards.editable) }}
{{- end }}
"#;

const PANEL: &str = r#"{"datasource":{"type":"prometheus","uid":"${datasource}"},"fieldConfig":{"defaults":{"custom":{"lineWidth":1,"fillOpacity":10,"showPoints":"never"},"unit":"short"}},"gridPos":{"h":7,"w":12,"x":0,"y":0},"id":NUMBER,"interval":"1m","targets":[{"expr":"sum(rate(container_cpu_usage_seconds_total{job=\"kubelet\", cluster=\"$cluster\", namespace=~\"$namespace\"}[$__rate_interval])) by (pod)","legendFormat":"{{pod}}"}],"title":"Usage","type":"timeseries"}"#;

const ALERT: &str = r#"{{- if not (.Values.rules.disabled.ALERT | default false) }}
    - alert: ALERT
      annotations:
{{- if .Values.rules.annotations }}
{{ toYaml .Values.rules.annotations | indent 8 }}
{{- end }}
        description: Pod {{`{{ $labels.namespace }}`}}/{{`{{ $labels.pod }}`}} has been in a state that nobody wants for {{`{{ $value }}`}} minutes.
        runbook_url: {{ .Values.rules.runbookUrl }}/ALERT
        summary: Something is not as it should be.
      expr: |-
        sum by (namespace, pod, cluster) (
          max by (namespace, pod, cluster) (
            kube_pod_status_phase{job="kube-state-metrics", namespace=~"{{ .Values.rules.namespaces }}", phase=~"Pending|Unknown"}
          ) * on (namespace, pod, cluster) group_left (owner_kind) topk by (namespace, pod, cluster) (
            1, max by (namespace, pod, owner_kind, cluster) (kube_pod_owner{owner_kind!="Job"})
          )
        ) > 0
      for: {{ dig "ALERT" "for" "15m" .Values.rules.custom }}
      labels:
        severity: {{ dig "ALERT" "severity" "warning" .Values.rules.custom }}
{{- end }}
"#;

fn component(out: &mut String, name: &str) {
    let _ = write!(
        out,
        "  - name: {name}\n    enabled: true\n    replicas: 2\n    env:\n      log_level: info\n      release: '{{{{ .Release.Name }}}}'\n    resources:\n      limits:\n        cpu: 100m\n        memory: 128Mi\n      requests:\n        cpu: 50m\n        memory: 64Mi\n"
    );
}

fn values(components: usize) -> String {
    let mut text = "# The usual values.\nnameOverride: \"\"\nfullnameOverride: \"\"\ncommonLabels: {}\nautomount: true\nimage:\n  repository: registry.example.com/team\n  pullPolicy: IfNotPresent\n  # The chart's own version is the default.\n  tag: \"\"\nservice:\n  type: ClusterIP\n  port: 80\npodSecurityContext:\n  runAsNonRoot: true\n  runAsUser: 65534\n  fsGroup: 65534\nlivenessProbe:\n  httpGet:\n    path: /healthz\n    port: http\nreadinessProbe:\n  httpGet:\n    path: /ready\n    port: http\naffinity: {}\ndashboards:\n  create: true\n  editable: true\n  label: dashboard\n  labelValue: \"1\"\n  disabled: {}\nrules:\n  create: true\n  disabled: {}\n  custom: {}\n  annotations: {}\n  namespaces: .*\n  runbookUrl: https://runbooks.example.com\ncomponents:\n".to_owned();
    for number in 0..components {
        component(&mut text, &format!("part-{number}"));
    }
    text
}

fn chart(folder: &Path, name: &str, dependencies: &str, components: usize) -> Result<(), String> {
    let named = |text: &str| text.replace("NAME", name);
    write(folder, "Chart.yaml", &chartfile(name, dependencies))?;
    write(folder, "values.yaml", &values(components))?;
    write(folder, "templates/_helpers.tpl", &named(HELPERS))?;
    write(folder, "templates/account.yaml", &named(ACCOUNT))?;
    write(folder, "templates/workload.yaml", &named(WORKLOAD))?;
    write(folder, "templates/NOTES.txt", "{{ .Release.Name }} is there.\n")
}

/// About 200 lines of output.
pub fn small(folder: &Path) -> Result<(), String> {
    chart(folder, "small", "", 2)
}

/// A monitoring stack: about 6,800 lines of output, most of them rules, and charts within.
pub fn large(folder: &Path) -> Result<(), String> {
    let mut dependencies = "dependencies:\n".to_owned();
    for number in 0..4 {
        let name = format!("exporter-{number}");
        let _ = write!(dependencies, "  - name: {name}\n    version: 1.0.0\n    condition: {name}.enabled\n");
        chart(&folder.join("charts").join(&name), &name, "", 2)?;
    }
    chart(folder, "monitoring", &dependencies, 6)?;
    for board in 0..25 {
        let panels: Vec<String> =
            (0..28).map(|number| PANEL.replace("NUMBER", &number.to_string())).collect();
        let text = BOARD.replace("NAME", "monitoring").replace("BOARD", &format!("board{board}"));
        let text = text.replace("PANELS", &panels.join(","));
        write(folder, &format!("templates/dashboards/board{board}.yaml"), &text)?;
    }
    for group in 0..34 {
        let mut alerts = String::new();
        for number in 0..8 {
            alerts.push_str(&ALERT.replace("ALERT", &format!("Group{group}Alert{number}")));
        }
        let text = RULES.replace("NAME", "monitoring").replace("GROUP", &format!("group{group}"));
        write(folder, &format!("templates/rules/group{group}.yaml"), &text.replace("ALERTS\n", &alerts))?;
    }
    Ok(())
}

/// Many charts within one.
pub fn umbrella(folder: &Path, count: usize) -> Result<(), String> {
    let mut dependencies = "dependencies:\n".to_owned();
    for number in 0..count {
        let name = format!("sub-{number}");
        let _ =
            write!(dependencies, "  - name: {name}\n    version: ^1.0.0\n    condition: {name}.enabled\n");
        chart(&folder.join("charts").join(&name), &name, "", 1)?;
    }
    write(folder, "Chart.yaml", &chartfile("umbrella", &dependencies))?;
    write(folder, "values.yaml", "global:\n  region: here\n")
}

/// A repository's index of a little more than 100 MB: 1,000 charts with 190 versions each.
pub fn index(path: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    let mut bytes = 0;
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    for chart in 0..1000 {
        let _ = writeln!(text, "  chart-{chart:04}:");
        for version in (0..190).rev() {
            let digest = format!("{:064x}", chart * 1000 + version);
            let _ = write!(
                text,
                "  - apiVersion: v2\n    appVersion: 1.{version}.0\n    created: \"2026-01-02T03:04:05.678901234Z\"\n    dependencies:\n    - name: common\n      repository: https://charts.example.com/common\n      version: 2.x.x\n    description: One of many charts that somebody needs, in one of its many versions.\n    digest: {digest}\n    home: https://example.com/chart-{chart:04}\n    keywords:\n    - one\n    - other\n    maintainers:\n    - email: team@example.com\n      name: team\n    name: chart-{chart:04}\n    urls:\n    - https://charts.example.com/chart-{chart:04}-1.{version}.0.tgz\n    version: 1.{version}.0\n"
            );
        }
        bytes += text.len();
        out.write_all(text.as_bytes()).map_err(failed)?;
        text.clear();
    }
    out.write_all(b"generated: \"2026-01-02T03:04:05.678901234Z\"\n").map_err(failed)?;
    out.flush().map_err(failed)?;
    if bytes < 100_000_000 { Err(format!("the index has only {bytes} bytes")) } else { Ok(()) }
}
