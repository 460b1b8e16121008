//! `bench apiserver [--program FILE] [--alone] [--runs N]`: the embedded server beside etcd and kube-apiserver, asked the
//! same things in turn. `--program` measures another build than the release one, `--alone` leaves the pair out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::{Value, json};

use super::measure::Figure;
use super::served::{Client, Lines, Served};

/// Objects in memory, as many as the figures are about.
const MANY: usize = 10_000;
const WATCHERS: usize = 10;
/// Applies of each kind; the pair, which is slower, gets fewer.
const APPLIES: usize = 10_000;
const APPLIES_OF_PAIR: usize = 1_500;
/// So many objects are applied in turn.
const TARGETS: usize = 100;
const AT_A_TIME: usize = 4;
const FAN: usize = 100;
const CHANGES: usize = 200;
const LISTS: usize = 5;
const STARTS: usize = 5;
const NS: &str = "bench";
const MAPS: &str = "/api/v1/namespaces/bench/configmaps";
/// A watcher that has not seen all after so long never will.
const PATIENCE: Duration = Duration::from_mins(2);

pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (mut program, mut is_alone, mut runs) = (None, false, 1_usize);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--program" => program = Some(PathBuf::from(value()?)),
            "--runs" => runs = value()?.parse().map_err(|_| "--runs needs a number")?,
            "--alone" => is_alone = true,
            other => return Err(format!("{other} is not known")),
        }
    }
    let program = match program {
        Some(program) => program,
        None => super::release_program()?,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut are_met = true;
    for run in 1..=runs {
        let ours = runtime.block_on(async {
            let first = ready(&program).await?;
            Costs::of(Served::sluice(&program).await?, first, APPLIES).await
        })?;
        let pair = if is_alone {
            None
        } else {
            let pair = Served::pair()?;
            let ready_after = pair.ready_after;
            Some(runtime.block_on(Costs::of(pair, ready_after, APPLIES_OF_PAIR))?)
        };
        println!("run {run}");
        for figure in figures(&ours, pair.as_ref()) {
            println!("{figure}");
            are_met &= figure.is_met();
        }
    }
    Ok(if are_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The middle one of several starts.
async fn ready(program: &std::path::Path) -> Result<Duration, String> {
    let mut took = Vec::new();
    for _ in 0..STARTS {
        took.push(Served::sluice(program).await?.ready_after);
    }
    took.sort();
    Ok(took[STARTS / 2])
}

/// What one server took.
struct Costs {
    ready: f64,
    empty_mib: f64,
    full_mib: f64,
    list: Cost,
    packed_list: Cost,
    fan: Cost,
    applies: Vec<(&'static str, f64, f64)>,
}

#[derive(Debug, Clone, Copy)]
struct Cost {
    seconds: f64,
    processor_seconds: f64,
}

impl Costs {
    async fn of(served: Served, ready: Duration, applies: usize) -> Result<Self, String> {
        let client = &served.client;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}});
        client.send("POST", "/api/v1/namespaces", Some((JSON, namespace.to_string()))).await?;
        let empty_mib = served.usage().resident_mib;

        let watchers = Watchers::open(client, WATCHERS, MANY).await?;
        let objects = (0..MANY).map(|at| (MAPS.to_owned(), JSON, map(at, 0)));
        send_all(client, "POST", objects).await?;
        let watchers = watchers.wait().await?;
        let full_mib = served.usage().resident_mib;
        drop(watchers);

        let list = timed(&served, lists(client, false)).await?.each(LISTS);
        let packed_list = timed(&served, lists(client, true)).await?.each(LISTS);

        let watchers = Watchers::open(client, FAN, CHANGES).await?;
        let fan = timed(&served, async {
            let patch = |at: usize| json!({"data": {"changed": format!("by {at}")}});
            let changes = (0..CHANGES).map(|at| (format!("{MAPS}/{}", name(at)), MERGE, patch(at)));
            send_all(client, "PATCH", changes).await?;
            watchers.wait().await
        });
        let fan = fan.await?.each(FAN * CHANGES);

        let mut costs = Vec::new();
        for (what, bar, kind, varies) in KINDS {
            let apply = |at: usize, change: usize| {
                let object = kind(at % TARGETS, change);
                (path(&object), APPLY, object)
            };
            send_all(client, "PATCH", (0..TARGETS).map(|at| apply(at, 0))).await?;
            let requests = (0..applies).map(|at| apply(at, if *varies { at + 1 } else { 0 }));
            let cost = timed(&served, send_all(client, "PATCH", requests)).await?.each(applies);
            costs.push((*what, cost.processor_seconds * 1e6, *bar));
        }
        let ready = ready.as_secs_f64() * 1000.0;
        Ok(Self { ready, empty_mib, full_mib, list, packed_list, fan, applies: costs })
    }
}

impl Cost {
    fn each(self, times: usize) -> Self {
        let times = times as f64;
        Self { seconds: self.seconds / times, processor_seconds: self.processor_seconds / times }
    }
}

type Kind = fn(usize, usize) -> Value;

/// What is applied, its bar, how it is made, and whether each is another than the one before.
const KINDS: &[(&str, f64, Kind, bool)] = &[
    ("apply of a ConfigMap that changes", 75.0, map, true),
    ("apply of a ConfigMap that changes nothing", 60.0, map, false),
    ("apply of a Deployment that changes", 120.0, deployment, true),
    ("apply of a Deployment that changes nothing", 60.0, deployment, false),
];

/// One of the costs.
type Number = fn(&Costs) -> f64;

fn figures(ours: &Costs, pair: Option<&Costs>) -> Vec<Figure> {
    let beside =
        |what: &str, of: Number, unit, bar| Figure::new(what, of(ours), unit, bar).beside(pair.map(of));
    // Without the pair there is nothing to be five times better than.
    let fifth = |of: Number| pair.map_or(f64::INFINITY, |pair| of(pair) / 5.0);
    let rows: [(&str, Number, &'static str); 6] = [
        ("list of 10,000", |costs| costs.list.seconds * 1e3, "ms"),
        ("list of 10,000, processor time", |costs| costs.list.processor_seconds * 1e3, "ms"),
        ("list of 10,000, packed", |costs| costs.packed_list.seconds * 1e3, "ms"),
        ("list of 10,000, packed, processor time", |costs| costs.packed_list.processor_seconds * 1e3, "ms"),
        ("a change for one of 100 watchers", |costs| costs.fan.seconds * 1e6, "µs"),
        ("a change for one of 100 watchers, processor time", |costs| costs.fan.processor_seconds * 1e6, "µs"),
    ];
    let mut figures = vec![
        beside("ready from start", |costs| costs.ready, "ms", 50.0),
        beside("resident, empty", |costs| costs.empty_mib, "MiB", 20.0),
        beside("resident with 10,000 ConfigMaps and 10 watchers", |costs| costs.full_mib, "MiB", 60.0),
    ];
    figures.extend(rows.map(|(what, of, unit)| beside(what, of, unit, fifth(of))));
    for (at, (what, cost, bar)) in ours.applies.iter().enumerate() {
        let theirs = pair.map(|pair| pair.applies[at].1);
        figures.push(Figure::new(&format!("{what}, processor time"), *cost, "µs", *bar).beside(theirs));
    }
    figures
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// All requests, some at a time.
async fn send_all(
    client: &Client,
    method: &str,
    requests: impl Iterator<Item = (String, &'static str, Value)>,
) -> Result<(), String> {
    let sent = futures::stream::iter(requests).map(|(path, content_type, body)| async move {
        client.send(method, &path, Some((content_type, body.to_string()))).await.map(drop)
    });
    sent.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await.into_iter().collect()
}

async fn lists(client: &Client, is_packed: bool) -> Result<(), String> {
    for _ in 0..LISTS {
        let body = if is_packed { client.packed(MAPS).await } else { client.send("GET", MAPS, None).await };
        // Packed, the objects are still as many bytes as this.
        if body?.len() < MANY * 10 {
            return Err("the list is too short".to_owned());
        }
    }
    Ok(())
}

async fn timed<T>(served: &Served, work: impl Future<Output = Result<T, String>>) -> Result<Cost, String> {
    let (begun, before) = (Instant::now(), served.usage());
    work.await?;
    Ok(Cost {
        seconds: begun.elapsed().as_secs_f64(),
        processor_seconds: served.usage().processor_seconds - before.processor_seconds,
    })
}

/// Open watches of all ConfigMaps, each over when it has seen so many changes.
struct Watchers(tokio::task::JoinSet<Result<Lines, String>>);

impl Watchers {
    async fn open(client: &Client, count: usize, changes: usize) -> Result<Self, String> {
        let list = client.send("GET", &format!("{MAPS}?limit=1"), None).await?;
        let list: Value = serde_json::from_slice(&list).map_err(|error| error.to_string())?;
        let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let mut open = tokio::task::JoinSet::new();
        for _ in 0..count {
            let mut parts = client.watch(&format!("{MAPS}?watch=1&resourceVersion={version}")).await?;
            open.spawn(async move {
                let mut lines = 0;
                while lines < changes {
                    let part = parts.next().await.ok_or("a watch has ended")?;
                    lines += part.split(|byte| *byte == b'\n').count() - 1;
                }
                Ok(parts)
            });
        }
        Ok(Self(open))
    }

    /// Until each has seen all; they stay open as long as what this gives is kept.
    async fn wait(mut self) -> Result<Vec<Lines>, String> {
        let all = async {
            let mut open = Vec::new();
            while let Some(done) = self.0.join_next().await {
                open.push(done.map_err(|error| error.to_string())??);
            }
            Ok(open)
        };
        tokio::time::timeout(PATIENCE, all).await.map_err(|_| "a watcher has not seen all".to_owned())?
    }
}

fn name(at: usize) -> String {
    format!("map-{at:05}")
}

/// 1 KiB of settings.
fn map(at: usize, change: usize) -> Value {
    let line = "the quick brown fox jumps over the lazy dog, and so on until the line is full\n";
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name(at), "namespace": NS, "labels": {"app": "bench", "part": "settings"}},
        "data": {"changed": change.to_string(), "settings.conf": line.repeat(12)},
    })
}

fn deployment(at: usize, change: usize) -> Value {
    let labels = json!({"app": format!("app-{at}"), "tier": "web"});
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 5});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": format!("app-{at}"), "namespace": NS, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"prometheus.io/scrape": "true"}},
                "spec": {
                    "containers": [{
                        "name": "app", "image": format!("example.com/app:1.{change}"),
                        "args": ["--port=8080", "--level=info"],
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "env": [
                            {"name": "COLOUR", "value": "blue"},
                            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "app", "key": "secret"}}},
                        ],
                        "livenessProbe": probe("/healthz"),
                        "readinessProbe": probe("/readyz"),
                        "resources": {
                            "requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"},
                        },
                        "volumeMounts": [{"name": "settings", "mountPath": "/etc/app"}],
                    }],
                    "volumes": [{"name": "settings", "configMap": {"name": "app"}}],
                },
            },
        },
    })
}

/// Where it is applied.
fn path(object: &Value) -> String {
    let collection = match object["kind"].as_str() {
        Some("Deployment") => "/apis/apps/v1/namespaces/bench/deployments",
        _ => MAPS,
    };
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    format!("{collection}/{name}?fieldManager=bench&force=true")
}
