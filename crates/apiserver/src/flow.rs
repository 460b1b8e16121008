//! FlowSchemas say whether the priority level that they name is there. The server limits no flows by them.

use serde_json::{Value, json};

use crate::core::Core;
use crate::managed::{self, Write};

pub const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const MANAGER: &str = "api-priority-and-fairness-config-consumer-v1";
/// How often a status that others overtake is made anew.
const ATTEMPTS: usize = 8;

/// Levels that are there in every cluster.
const LEVELS: &[&str] = &["exempt", "catch-all"];

/// Tells all FlowSchemas whose level has come or gone.
pub fn tell(core: &Core) {
    let table = format!("{GROUP}/flowschemas");
    for stored in core.store.list(&table, None).objects {
        let mut current = Some(stored);
        for _attempt in 0..ATTEMPTS {
            let Some(stored) = current else { break };
            let live = stored.value();
            let Some(object) = told(core, &live) else { break };
            if core.store.write(&table, &stored.key, Some(stored.revision), object).is_ok() {
                break;
            }
            current = core.store.read(&table, &stored.key);
        }
    }
}

/// The object with the condition; `None` where it has it.
fn told(core: &Core, live: &Value) -> Option<Value> {
    let level = live["spec"]["priorityLevelConfiguration"]["name"].as_str().unwrap_or_default();
    let key = (String::new(), level.to_owned());
    let is_there = LEVELS.contains(&level)
        || core.store.read(&format!("{GROUP}/prioritylevelconfigurations"), &key).is_some();
    let (status, reason) = if is_there { ("False", "Found") } else { ("True", "NotFound") };
    let known = live["status"]["conditions"].as_array().into_iter().flatten();
    if known.clone().any(|one| one["type"] == "Dangling" && one["status"] == status) {
        return None;
    }
    let exists = if is_there { "and it exists" } else { "but there is no such object" };
    let message =
        format!("This FlowSchema references the PriorityLevelConfiguration object named {level:?} {exists}");
    let time = core.now();
    let config = json!({
        "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": { "name": live["metadata"]["name"] },
        "status": { "conditions": [{
            "type": "Dangling", "status": status, "lastTransitionTime": time, "reason": reason, "message": message,
        }] },
    });
    let registry = core.registry();
    let schemas = registry.resource(GROUP, "v1", "flowschemas")?;
    let by = Write {
        manager: MANAGER,
        version: "flowcontrol.apiserver.k8s.io/v1",
        subresource: "status",
        time: &time,
        schema: &schemas.schema,
        reset: &["spec"],
    };
    managed::apply(&by, Some(live), &config, true, |_, _| ()).ok()
}
