//! The row of a Pod, whose status is told by its containers.

use serde_json::{Value, json};

use super::row::{Row, instant, since};

pub fn cells(row: &Row) -> Vec<Value> {
    let seen = Seen::of(row);
    let mut restarts = seen.restarts.to_string();
    if seen.restarts != 0 && !seen.last_restart.is_null() {
        restarts = format!("{} ({} ago)", seen.restarts, since(&seen.last_restart, row.now));
    }
    let gates = row.items("/spec/readinessGates");
    let conditions = row.items("/status/conditions");
    let holds = |gate: &&Value| {
        conditions.iter().any(|one| one["type"] == gate["conditionType"] && one["status"] == "True")
    };
    let gates = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        format!("{}/{}", gates.iter().filter(holds).count(), gates.len())
    };
    vec![
        row.name(),
        format!("{}/{}", seen.ready, seen.containers).into(),
        seen.reason.into(),
        restarts.into(),
        row.age(),
        row.text_or("/status/podIPs/0/ip", "<none>"),
        row.text_or("/spec/nodeName", "<none>"),
        row.text_or("/status/nominatedNodeName", "<none>"),
        gates.into(),
    ]
}

struct Seen {
    containers: usize,
    ready: usize,
    restarts: i64,
    last_restart: Value,
    reason: String,
}

/// Why a container has ended.
fn ending(terminated: &Value) -> String {
    match (terminated["reason"].as_str(), terminated["signal"].as_i64()) {
        (Some(reason), _) if !reason.is_empty() => reason.to_owned(),
        (_, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or(0)),
    }
}

impl Seen {
    fn of(row: &Row) -> Self {
        let phase = row.text("/status/phase");
        let mut reason = row.text_or("/status/reason", phase).as_str().unwrap_or_default().to_owned();
        let conditions = row.items("/status/conditions");
        if conditions.iter().any(|one| one["type"] == "PodScheduled" && one["reason"] == "SchedulingGated") {
            "SchedulingGated".clone_into(&mut reason);
        }
        let init = row.items("/spec/initContainers");
        let restartable =
            |name: &Value| init.iter().any(|one| one["name"] == *name && one["restartPolicy"] == "Always");
        let sidecars = init.iter().filter(|one| one["restartPolicy"] == "Always").count();
        let mut seen = Seen {
            containers: row.items("/spec/containers").len() + sidecars,
            ready: 0,
            restarts: 0,
            last_restart: Value::Null,
            reason,
        };
        let is_initializing = seen.init(row.items("/status/initContainerStatuses"), init.len(), &restartable);
        let is_true =
            |kind: &str| conditions.iter().any(|one| one["type"] == kind && one["status"] == "True");
        if !is_initializing || is_true("Initialized") {
            (seen.restarts, seen.last_restart) = (0, Value::Null);
            for one in
                row.items("/status/initContainerStatuses").iter().filter(|one| restartable(&one["name"]))
            {
                seen.note_restarts(one);
            }
            seen.main(row.items("/status/containerStatuses"), is_true("Ready"));
        }
        if row.at("/metadata/deletionTimestamp").is_string() {
            if row.text("/status/reason") == "NodeLost" {
                "Unknown".clone_into(&mut seen.reason);
            } else if phase != "Succeeded" && phase != "Failed" {
                "Terminating".clone_into(&mut seen.reason);
            }
        }
        seen
    }

    fn note_restarts(&mut self, status: &Value) {
        self.restarts += status["restartCount"].as_i64().unwrap_or(0);
        let ended = &status["lastState"]["terminated"]["finishedAt"];
        if instant(ended) > instant(&self.last_restart) {
            self.last_restart = ended.clone();
        }
    }

    /// Whether the Pod is still at its init containers.
    fn init(&mut self, statuses: &[Value], count: usize, restartable: &impl Fn(&Value) -> bool) -> bool {
        for (at, status) in statuses.iter().enumerate() {
            self.note_restarts(status);
            let (terminated, waiting) = (&status["state"]["terminated"], &status["state"]["waiting"]);
            let waits_for = waiting["reason"].as_str().unwrap_or_default();
            if terminated.is_object() && terminated["exitCode"].as_i64().unwrap_or(0) == 0 {
                continue;
            }
            if restartable(&status["name"]) && status["started"] == true {
                self.ready += usize::from(status["ready"] == true);
                continue;
            }
            self.reason = if terminated.is_object() {
                format!("Init:{}", ending(terminated))
            } else if !waits_for.is_empty() && waits_for != "PodInitializing" {
                format!("Init:{waits_for}")
            } else {
                format!("Init:{at}/{count}")
            };
            return true;
        }
        false
    }

    fn main(&mut self, statuses: &[Value], is_ready: bool) {
        let (mut runs, mut failed) = (false, None);
        for status in statuses.iter().rev() {
            self.note_restarts(status);
            let state = &status["state"];
            match state["waiting"]["reason"].as_str() {
                Some(reason) if !reason.is_empty() => reason.clone_into(&mut self.reason),
                _ if state["terminated"].is_object() => {
                    self.reason = ending(&state["terminated"]);
                    if state["terminated"]["exitCode"] != json!(0) {
                        failed = Some(self.reason.clone());
                    }
                }
                _ if status["ready"] == true && state["running"].is_object() => {
                    runs = true;
                    self.ready += 1;
                }
                _ => {}
            }
        }
        // One container at least may still run.
        if self.reason == "Completed" {
            if runs && is_ready {
                "Running".clone_into(&mut self.reason);
            } else if let Some(failed) = failed {
                self.reason = failed;
            } else if runs {
                "NotReady".clone_into(&mut self.reason);
            }
        }
    }
}
