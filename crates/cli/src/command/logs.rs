//! `sluice logs`: the controllers' logs, made readable.

use futures::future::try_join_all;
use futures::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use jiff::Timestamp;
use serde_json::Value;
use sluice_api::meta::Duration;

use super::version::PART_OF;
use crate::cluster::{Resource, Selection};
use crate::connect::DEFAULT_NAMESPACE;
use crate::cx::Cx;
use crate::error::{CliError, CliResult, ErrorKind};
use crate::object::{is_true, list, name, text};

/// The container of a controller, where its Pod has others beside it.
const CONTAINER: &str = "manager";
/// A longer line is no log entry.
const MAX_LINE: u64 = 1 << 20;

/// Display formatted logs for Flux components
///
/// The logs command displays formatted logs from various Flux components.
#[derive(Debug, clap::Args)]
pub struct LogsArgs {
    /// Log level, available options are: (debug, info, error)
    #[arg(long, value_parser = ["debug", "info", "error"], hide_possible_values = true)]
    level: Option<String>,
    /// Displays errors of a particular toolkit kind e.g GitRepository
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
    /// Specifies the name of the object logs to be displayed
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// Specifies if the logs should be streamed
    #[arg(long, short)]
    follow: bool,
    /// Lines of recent log file to display
    #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
    tail: i64,
    /// The namespace where the Flux components are running
    #[arg(long, default_value = DEFAULT_NAMESPACE)]
    flux_namespace: String,
    /// Displays logs for objects across all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Only return logs newer than a relative duration like 5s, 2m, or 3h. Defaults to all logs. Only one of
    /// since-time / since may be used.
    #[arg(long)]
    since: Option<Duration>,
    /// Only return logs after a specific date (RFC3339). Defaults to all logs. Only one of since-time / since may be
    /// used.
    #[arg(long)]
    since_time: Option<String>,
}

pub async fn run(cx: &Cx, args: LogsArgs) -> CliResult {
    let query = query(&args)?;
    let pods = pods(cx, &args.flux_namespace).await?;
    let show = Filter { namespace: &cx.namespace, args: &args };
    if args.follow && pods.len() > 1 {
        let all = try_join_all(pods.iter().map(|pod| print(cx, pod, &query, &show)));
        return cx.until_deadline(async { all.await.map(|_| ()) }).await;
    }
    let mut has_failed = false;
    for pod in &pods {
        match print(cx, pod, &query, &show).await {
            Err(error) if error.kind == ErrorKind::BrokenPipe => return Err(error),
            Err(error) => {
                cx.ui.note(&format!("failed getting logs: {}", error.error));
                has_failed = true;
            }
            Ok(()) => {}
        }
    }
    if has_failed { Err(CliError::new("failed to collect logs from all Flux pods")) } else { Ok(()) }
}

fn query(args: &LogsArgs) -> CliResult<Vec<(&'static str, String)>> {
    let mut query = Vec::new();
    query.extend(args.follow.then(|| ("follow", "true".to_owned())));
    query.extend((args.tail > -1).then(|| ("tailLines", args.tail.to_string())));
    if args.since_time.is_some() && args.since.is_some_and(|since| !since.is_zero()) {
        return Err(CliError::new("at most one of `sinceTime` or `sinceDuration` may be specified"));
    }
    if let Some(time) = &args.since_time {
        time.parse::<Timestamp>()
            .map_err(|_| CliError::new(format!("{time} is not a valid (RFC3339) time")))?;
        query.push(("sinceTime", time.clone()));
    }
    if let Some(since) = args.since.filter(|since| !since.is_zero()) {
        query.push(("sinceSeconds", (since.as_secs_f64().round() as i64).to_string()));
    }
    Ok(query)
}

/// One Pod of each controller: a running one where there is one.
async fn pods(cx: &Cx, namespace: &str) -> CliResult<Vec<Value>> {
    let cluster = cx.cluster().await?;
    let place = Selection::in_namespace(namespace);
    let deployments = Resource::of("apps", "v1", "Deployment", "deployments");
    let mut chosen = Vec::new();
    for deployment in cluster.list(&deployments, &place.clone().labelled(PART_OF)).await? {
        let labels = deployment.pointer("/spec/template/metadata/labels").and_then(Value::as_object);
        let labels = labels.into_iter().flatten();
        let labels: Vec<String> =
            labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
        let selection = place.clone().labelled(labels.join(","));
        let found = cluster.list(&Resource::core("Pod", "pods"), &selection).await?;
        chosen.extend(found.into_iter().min_by_key(rank));
    }
    if chosen.is_empty() {
        return Err(CliError::new(format!("no Flux pods found in namespace {namespace:?}")));
    }
    Ok(chosen)
}

/// Scheduled before not, running before pending before unknown, ready before not.
fn rank(pod: &Value) -> (bool, u8, bool) {
    let phase = match text(pod, "/status/phase") {
        "Running" => 0,
        "Pending" => 1,
        _ => 2,
    };
    let is_ready = is_true(pod, "Ready");
    (text(pod, "/spec/nodeName").is_empty(), phase, !is_ready)
}

async fn print(cx: &Cx, pod: &Value, query: &[(&'static str, String)], show: &Filter<'_>) -> CliResult {
    let mut query = query.to_vec();
    if list(pod, "/spec/containers").count() > 1 {
        query.push(("container", CONTAINER.to_owned()));
    }
    let log = cx.cluster().await?.logs(&show.args.flux_namespace, name(pod), &query).await?;
    let mut log = std::pin::pin!(log);
    while let Some(line) = next_line(&mut log).await? {
        if !line.starts_with('{') {
            continue;
        }
        match serde_json::from_str::<Value>(&line) {
            Ok(entry) if show.shows(&entry) => cx.ui.println(&readable(&entry))?,
            Ok(_) => {}
            Err(error) => {
                cx.ui.failure(&format!("parse error: {error}"));
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn next_line(log: &mut (impl AsyncBufRead + Unpin)) -> CliResult<Option<String>> {
    let mut line = Vec::new();
    let read = log.take(MAX_LINE).read_until(b'\n', &mut line).await?;
    Ok((read > 0).then(|| String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned()))
}

struct Filter<'a> {
    namespace: &'a str,
    args: &'a LogsArgs,
}

impl Filter<'_> {
    fn shows(&self, entry: &Value) -> bool {
        let is = |wanted: &str, key| wanted.is_empty() || text(entry, key).eq_ignore_ascii_case(wanted);
        let args = self.args;
        args.level.as_deref().is_none_or(|level| level == text(entry, "/level"))
            && (is(&args.kind, "/reconciler kind") || is(&args.kind, "/controllerKind"))
            && is(&args.name, "/name")
            && (args.all_namespaces || text(entry, "/namespace").eq_ignore_ascii_case(self.namespace))
    }
}

/// `<time> <level> Kind/name.namespace - message error`.
fn readable(entry: &Value) -> String {
    let kind = match text(entry, "/reconciler kind") {
        "" => text(entry, "/controllerKind"),
        kind => kind,
    };
    let object = match text(entry, "/name") {
        "" => kind.to_owned(),
        name => format!("{kind}/{name}.{}", text(entry, "/namespace")),
    };
    let (time, level) = (text(entry, "/ts"), text(entry, "/level"));
    format!("{time} {level} {object} - {} {}", text(entry, "/msg"), text(entry, "/error"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_told_on_one_line() {
        let entry = json!({
            "ts": "2026-01-01T00:00:00Z", "level": "error", "msg": "failed", "error": "no route",
            "controllerKind": "GitRepository", "name": "app", "namespace": "flux-system",
        });
        assert_eq!(
            readable(&entry),
            "2026-01-01T00:00:00Z error GitRepository/app.flux-system - failed no route"
        );
        assert_eq!(readable(&json!({"msg": "started"})), "   - started ");
    }
}
