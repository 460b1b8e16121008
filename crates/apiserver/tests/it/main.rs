//! The same requests to this server and to the real one give the same answers.
//!
//! `tests/corpus/*/script.json` are the requests, `want.json.z` beside them what the real server answered, written with
//! `SLUICE_RECORD=1 cargo test -p sluice-apiserver` where the control plane is built (`SLUICE_RECORD=lists,rules` for
//! some). A step with `state` is sent for what it leaves behind; its answer is not compared. `differs.toml` names the
//! answers that differ, by script and number, and why; one that agrees must leave the list.
#![allow(clippy::disallowed_methods, reason = "tests read their environment")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod bounds;
mod certificates;
mod clients;
mod connections;
mod kubectl;
mod laws;
mod mask;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_testkit::plane::{Options, Plane, Sort};

/// Scripts about what controllers do: the collector, the end of namespaces.
const WITH_CONTROLLERS: &[&str] = &["collected"];

struct Target {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Target {
    fn new(url: &str, authority: &str, token: &str) -> Self {
        let certificate = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([certificate]).no_proxy().build().unwrap();
        Target { client, url: url.to_owned(), token: token.to_owned() }
    }

    async fn answers(&self, script: &[Value]) -> Vec<Value> {
        let mut seen = mask::Seen::default();
        let mut out = Vec::new();
        for step in script {
            let mut answer = self.answer(step, &seen).await;
            // What the real server does a moment later, ours has done.
            if let Some(wanted) = step["until"].as_str() {
                for _attempt in 0..500 {
                    let has_come = match wanted.parse::<u16>() {
                        Ok(status) => answer["status"] == status,
                        Err(_) => answer["body"].to_string().contains(wanted),
                    };
                    if has_come {
                        break;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    answer = self.answer(step, &seen).await;
                }
            }
            seen.note(&answer["body"]);
            answer["body"] = mask::masked(answer["body"].take());
            out.push(answer);
        }
        out
    }

    async fn answer(&self, step: &Value, seen: &mask::Seen) -> Value {
        let text = |key: &str| seen.filled(step[key].as_str().unwrap_or_default());
        let method = reqwest::Method::from_bytes(text("method").as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{}", self.url, text("path")));
        request = request.bearer_auth(&self.token).header("user-agent", "script/1");
        for (name, value) in step["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap());
        }
        let body = match &step["body"] {
            Value::Null => None,
            Value::String(text) => Some(seen.filled(text)),
            body => Some(seen.filled(&body.to_string())),
        };
        if let Some(body) = body {
            let kind = step["type"].as_str().unwrap_or("application/json");
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let header =
            |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (kind, warning) = (header("content-type"), header("warning"));
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        json!({ "status": status, "type": kind, "warning": warning, "body": body })
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn packed(value: &Value) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(value.to_string().as_bytes()).unwrap();
    writer.finish().unwrap()
}

fn unpacked(path: &Path) -> Value {
    serde_json::from_reader(flate2::read::ZlibDecoder::new(std::fs::File::open(path).unwrap())).unwrap()
}

/// Whether what the real server says is to be written anew.
fn records(name: &str) -> bool {
    let Ok(asked) = std::env::var("SLUICE_RECORD") else { return false };
    asked == "1" || asked.split(',').any(|one| one == name)
}

/// `script/number = "reason"`, one a line.
fn differences() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("differs.toml")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    rows.map(|(case, why)| (case.trim_matches('"').to_owned(), why.to_owned())).collect()
}

fn scripts() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("script.json").is_file())
        .collect();
    folders.sort();
    folders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_the_real_server() {
    let mut differs = differences();
    differs.retain(|case, _| !case.starts_with("kubectl/"));
    let (mut same, mut problems) = (0, Vec::new());
    for folder in scripts() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let script = read(&folder.join("script.json"));
        let script = script.as_array().unwrap();
        if records(&name) {
            // A plane of its own: no script sees what another left.
            let plane = Plane::start(&Options {
                sort: Some(Sort::Real),
                without_controllers: !WITH_CONTROLLERS.contains(&name.as_str()),
                ..Options::default()
            })
            .expect("recording needs the control plane (cargo xtask peers etcd kubernetes)");
            let real = Target::new(plane.url(), plane.authority(), plane.token());
            let answers = Value::from(real.answers(script).await);
            std::fs::write(folder.join("want.json.z"), packed(&answers)).unwrap();
        }
        // Writes of one second are ordered by their manager: the clock stands, so that no second ends in between.
        let now = jiff::Timestamp::now();
        let clock = Arc::new(move || now);
        let server = sluice_apiserver::Server::bind(0, clock).await.unwrap();
        let ours = Target::new(&server.url(), server.authority(), server.token());
        let running = tokio::spawn(server.run());
        let got = ours.answers(script).await;
        running.abort();
        // What is masked may have grown since it was recorded.
        let want = mask::masked(unpacked(&folder.join("want.json.z")));
        let want = want.as_array().unwrap();
        assert_eq!(got.len(), want.len(), "{name} was not recorded since it changed");
        for (at, (got, want)) in got.iter().zip(want).enumerate() {
            // Sent for what it leaves behind, not for its answer.
            if script[at]["state"] == true {
                continue;
            }
            let case = format!("{name}/{at}");
            let is_listed = differs.remove(&case).is_some();
            match (got == want, is_listed) {
                (true, false) => same += 1,
                (false, true) => {}
                (true, true) => problems.push(format!("{case} agrees now: take it out of differs.toml")),
                (false, false) => {
                    let step = &script[at];
                    problems.push(format!(
                        "{case} {} {}\n  got  {got}\n  want {want}",
                        step["method"], step["path"]
                    ));
                }
            }
        }
    }
    problems.extend(differs.keys().map(|case| format!("{case} is in differs.toml and nowhere else")));
    assert!(problems.is_empty(), "{same} agree, {} do not:\n{}", problems.len(), problems.join("\n"));
    assert!(same > 0, "no script was found");
}
