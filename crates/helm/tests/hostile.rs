//! Charts, values, indexes and releases made to hurt: each ends in bounded time and memory with an error or an answer.
//! Archives that lie about their content are beside `chart::archive`, templates beside `gotmpl`.
#![allow(clippy::unwrap_used)] // tests

use serde_json::{Map, Value, json};
use sluice_helm::build;
use sluice_helm::chart::{Chart, File, Limits};
use sluice_helm::command::Environment;
use sluice_helm::command::template::{TemplateArgs, template};
use sluice_helm::index::{self, Index};
use sluice_helm::release::{codec, storage};
use sluice_helm::values::{load, set};

/// Runs with the stack that engines have.
fn on_engine_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(build::STACK).spawn(test).unwrap().join().unwrap();
}

fn files(entries: &[(&str, &str)]) -> Vec<File> {
    let file = |(name, text): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: (*text).to_owned().into(),
        modified: None,
    };
    entries.iter().map(file).collect()
}

const CHARTFILE: &str = "apiVersion: v2\nname: app\nversion: 1.0.0\n";

fn render(entries: &[(&str, &str)], values: &Value) -> Result<String, String> {
    let mut all = files(&[("Chart.yaml", CHARTFILE)]);
    all.extend(files(entries));
    let chart = Chart::load(all, &Limits::default()).map_err(|error| error.to_string())?;
    let budget = build::budget();
    let environment = Environment {
        budget: &budget,
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
        random: &|bytes| bytes.fill(7),
        hooks: &sluice_gotmpl::NoHooks,
    };
    let args = TemplateArgs { name: "r".into(), namespace: "default".into(), ..TemplateArgs::default() };
    let values = values.as_object().cloned().unwrap_or_default();
    template(&chart, &values, &args, &environment, None)
        .map(|output| output.text.to_string())
        .map_err(|error| error.to_string())
}

fn refused(entries: &[(&str, &str)], values: &Value, wanted: &str) {
    let error = render(entries, values).unwrap_err();
    assert!(error.contains(wanted), "{wanted:?} is not in {:?}", &error[..error.len().min(400)]);
}

#[test]
fn templates_that_never_end_are_ended() {
    on_engine_stack(|| {
        let loops = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}";
        refused(&[("templates/a.yaml", loops)], &json!({}), "limit of");
        let itself = "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}";
        refused(&[("templates/a.yaml", itself)], &json!({}), "unable to execute template");
        let gigabyte = "{{ range until 100000 }}{{ repeat 20000 \"x\" }}{{ end }}";
        refused(&[("templates/a.yaml", gigabyte)], &json!({}), "limit of");
    });
}

#[test]
fn values_nest_only_so_deep() {
    on_engine_stack(|| {
        let deep = format!("{}1{}", "{a: ".repeat(10_000), "}".repeat(10_000));
        assert!(load(deep.as_bytes()).is_err());
        assert!(render(&[("values.yaml", &deep)], &json!({})).is_err());
        let table = sluice_helm::values::graph::new_table();
        let path = vec!["a"; 10_000].join(".");
        assert!(set::set(&table, &format!("{path}=1")).is_err());
        assert!(set::set(&table, "a[2000000000]=1").is_err());
    });
}

#[test]
fn patterns_that_explode_are_refused() {
    let pattern = "{{ mustRegexMatch \"((a{1,1000}){1,1000}){1,1000}\" \"a\" }}";
    refused(&[("templates/a.yaml", pattern)], &json!({}), "error parsing regexp");
}

#[test]
fn schemas_do_not_reach_out_or_turn_in_circles() {
    for (schema, wanted) in [
        (r#"{"$ref": "https://example.com/schema.json"}"#, "example.com"),
        (r#"{"$ref": "file:///etc/passwd"}"#, "file"),
        (r##"{"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/a"}}}"##, ""),
    ] {
        refused(&[("values.schema.json", schema)], &json!({}), wanted);
    }
}

#[test]
fn wrong_types_are_told() {
    for (name, text) in [
        ("Chart.yaml", "[]"),
        ("Chart.yaml", "apiVersion: v2\nname: {}\nversion: 1.0.0\n"),
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: {a: b}\n"),
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\nmaintainers: [1]\n"),
        ("Chart.lock", "dependencies: 1\n"),
        ("Chart.lock", ": ["),
        ("values.yaml", "- a\n"),
        ("values.yaml", "text"),
    ] {
        let mut all = files(&[("Chart.yaml", CHARTFILE)]);
        all.retain(|file| file.name != name);
        all.extend(files(&[(name, text)]));
        assert!(Chart::load(all, &Limits::default()).is_err(), "{name}: {text}");
    }
}

/// A generator that needs no seed from outside.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit.max(1)
    }

    /// Some bytes changed, taken out, doubled or made special.
    fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
        const SPECIAL: &[&[u8]] =
            &[b"{{", b"}}", b"\0", b"\xff", b": ", b"- ", b"[", b"{", b"&a ", b"*a", b"\t", b"~", b"\""];
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(4) {
                0 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                1 => bytes.truncate(at),
                2 => {
                    let special = SPECIAL[self.below(SPECIAL.len())];
                    bytes.splice(at..at, special.iter().copied());
                }
                _ => {
                    let end = at + self.below(bytes.len() + 1 - at);
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
        bytes
    }
}

const ROUNDS: usize = 3_000;

#[test]
fn no_chart_makes_the_loader_or_a_render_panic() {
    on_engine_stack(|| {
        let seeds: &[(&str, &str)] = &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- name: sub\n  version: ~1\n  alias: a\n  condition: sub.on\n  tags: [t]\n  import-values: [x, {child: a, parent: b}]\n",
            ),
            ("values.yaml", "a: {b: [1, 2.5, null, \"x\"]}\nsub: {on: true}\nglobal: {g: 1}\n"),
            (".helmignore", "*.bak\n!x\n/a/[a-z]?\n"),
            (
                "values.schema.json",
                r##"{"type": "object", "properties": {"a": {"$ref": "#/definitions/m"}}, "definitions": {"m": {"type": "object"}}}"##,
            ),
            (
                "templates/a.yaml",
                "{{- range $k, $v := .Values.a }}\n{{ $k }}: {{ toYaml $v | nindent 2 }}\n{{- end }}\nkind: A\nmetadata: {annotations: {helm.sh/hook: test}}\n---\n{{ include \"t\" . }}",
            ),
            ("templates/_t.tpl", "{{ define \"t\" }}{{ tpl \"{{ .Release.Name }}\" . | quote }}{{ end }}"),
            ("charts/sub/Chart.yaml", "apiVersion: v1\nname: sub\nversion: 1.2.3\n"),
            ("charts/sub/values.yaml", "exports: {x: {y: 1}}\na: 1\n"),
        ];
        let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
        for _ in 0..ROUNDS {
            let changed = numbers.below(seeds.len());
            let all = seeds.iter().enumerate().map(|(index, (name, text))| {
                let data =
                    if index == changed { numbers.mutate(text.as_bytes()) } else { text.as_bytes().to_vec() };
                File { name: (*name).to_owned(), data: data.into(), modified: None }
            });
            let all: Vec<File> = all.collect();
            let Ok(chart) = Chart::load(all, &Limits::default()) else { continue };
            let budget = sluice_budget::Budget::new(200_000, 4 << 20, 300);
            let environment = Environment {
                budget: &budget,
                now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
                random: &|bytes| bytes.fill(7),
                hooks: &sluice_gotmpl::NoHooks,
            };
            let args = TemplateArgs { name: "r".into(), namespace: "n".into(), ..TemplateArgs::default() };
            let _ = template(&chart, &Map::new(), &args, &environment, None);
        }
    });
}

#[test]
fn no_index_makes_it_panic() {
    let seed = b"apiVersion: v1\nentries:\n  app:\n  - name: app\n    version: 1.0.0\n    urls: [https://example.com/app.tgz]\n    digest: abc\n    created: \"2026-01-02T03:04:05Z\"\n  other:\n  - name: other\n    version: 2.0.0\ngenerated: \"2026-01-02T03:04:05Z\"\n";
    let as_json = br#"{"apiVersion":"v1","entries":{"app":[{"name":"app","version":"1.0.0","urls":["x"]}]}}"#;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..ROUNDS {
        let bytes = numbers.mutate(if round % 3 == 0 { as_json } else { seed });
        let _ = Index::load(&bytes);
        if let Ok(versions) = index::versions_in(&mut &bytes[..], "app") {
            let _ = index::choose(&versions, "app", "^1");
        }
    }
}

#[test]
fn no_release_makes_it_panic() {
    let json = r#"{"name":"a","info":{"first_deployed":"2026-01-02T03:04:05Z","status":"deployed","notes":"n"},"chart":{"metadata":{"name":"c","version":"1.0.0","apiVersion":"v2"},"templates":[{"name":"templates/a","data":"YQ=="}],"values":{"a":1}},"config":{"a":[1]},"manifest":"---\n","hooks":[{"name":"h","events":["test"],"weight":1}],"version":1,"namespace":"n"}"#;
    let packed = codec::encode(&codec::decode(&base64_of(json)).unwrap());
    let mut numbers = Numbers(0xd1b5_4a32_d192_ed03);
    for round in 0..ROUNDS {
        let bytes = if round % 2 == 0 {
            numbers.mutate(packed.as_bytes())
        } else {
            base64_of(&String::from_utf8_lossy(&numbers.mutate(json.as_bytes())))
        };
        if let Ok(release) = codec::decode(&bytes) {
            let _ = codec::encode(&release);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = storage::read(&json!({"kind": "ConfigMap", "data": {"release": text}}));
    }
}

/// As Helm 2 stored releases: not compressed.
fn base64_of(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text).into_bytes()
}
