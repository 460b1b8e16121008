//! Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs.

use serde_json::{Value, json};

use super::faults::{Faults, Path, items, text};
use super::pod;
use crate::registry::Resource;

/// The label by which a Job knows its Pods.
const CONTROLLER: &str = "batch.kubernetes.io/controller-uid";
const SPEC: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

pub fn check(resource: &Resource, live: Option<&Value>, faults: &mut Faults) {
    let spec = &faults.object["spec"];
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets") => {
            apps(&resource.plural, spec, live, faults);
        }
        ("batch", "jobs") => job(spec, live, faults),
        ("batch", "cronjobs") => cron_job(spec, faults),
        ("", "replicationcontrollers") => faults.not_negative("spec.replicas", &spec["replicas"]),
        _ => {}
    }
}

fn apps(plural: &str, spec: &Value, live: Option<&Value>, faults: &mut Faults) {
    let fixed = live.filter(|live| live["spec"]["selector"] != spec["selector"]);
    let immutable = |faults: &mut Faults| {
        if fixed.is_some() && plural != "statefulsets" {
            faults.invalid("spec.selector", &spec["selector"], "field is immutable");
        }
    };
    if plural == "daemonsets" {
        immutable(faults);
    }
    if plural != "daemonsets" {
        faults.not_negative("spec.replicas", &spec["replicas"]);
    }
    if plural == "statefulsets" {
        stateful(spec, faults);
    }
    if plural == "daemonsets" {
        daemon(spec, faults);
    }
    faults.not_negative("spec.minReadySeconds", &spec["minReadySeconds"]);
    selector(plural, spec, faults);
    template(format_args!("spec.template"), &spec["template"], faults);
    if plural == "deployments" {
        faults.not_negative("spec.revisionHistoryLimit", &spec["revisionHistoryLimit"]);
        deployment(spec, faults);
    } else if plural == "daemonsets" {
        faults.not_negative("spec.revisionHistoryLimit", &spec["revisionHistoryLimit"]);
    }
    if plural != "daemonsets" {
        immutable(faults);
    }
    if let (Some(live), "statefulsets") = (live, plural) {
        let fixed = |spec: &Value| {
            let mut spec = spec.clone();
            for key in [
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ] {
                spec.as_object_mut().into_iter().for_each(|spec| drop(spec.remove(key)));
            }
            spec
        };
        if fixed(&live["spec"]) != fixed(spec) {
            faults.forbidden("spec", SPEC);
        }
    }
}

fn selector(plural: &str, spec: &Value, faults: &mut Faults) {
    let selector = &spec["selector"];
    // The real server checks ReplicaSets as Deployments.
    let kind = if plural == "replicasets" { "deployment" } else { plural.trim_end_matches('s') };
    let before = faults.causes.len();
    if selector.is_null() {
        // A DaemonSet says nothing of it.
        if plural != "daemonsets" {
            faults.required("spec.selector", "");
        }
    } else {
        faults.selector("spec.selector", selector);
        let is_empty = selector["matchLabels"].as_object().is_none_or(serde_json::Map::is_empty)
            && items(selector, "matchExpressions").is_empty();
        if is_empty {
            faults.invalid("spec.selector", &json!({}), &format!("empty selector is invalid for {kind}"));
        }
    }
    let is_wrong = faults.causes.len() > before && !selector.is_null();
    if is_wrong && !items(selector, "matchExpressions").is_empty() && plural != "daemonsets" {
        // The real server says of these kinds that the whole cannot be read.
        let mut shown = selector.clone();
        for one in
            shown["matchExpressions"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut)
        {
            one.retain(|_, value| value.as_array().is_none_or(|values| !values.is_empty()));
        }
        let why = if plural == "statefulsets" { "" } else { ": invalid label selector" };
        let message = format!("Invalid value: {shown}{why}");
        faults.causes.push(crate::status::Cause::new("FieldValueInvalid", "spec.selector", message));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    let wanted = selector["matchLabels"].as_object().into_iter().flatten();
    let differs = selector.is_null() || wanted.into_iter().any(|(key, value)| labels[key] != *value);
    if differs && !is_wrong {
        let why = "`selector` does not match template `labels`";
        faults.invalid("spec.template.metadata.labels", labels, why);
    }
}

fn template(path: Path, template: &Value, faults: &mut Faults) {
    faults.labels(format_args!("{path}.labels"), &template["metadata"]["labels"]);
    let spec = format_args!("{path}.spec");
    pod::spec(spec, &template["spec"], faults);
    let policy = &template["spec"]["restartPolicy"];
    let is_known = ["Always", "OnFailure", "Never"].iter().any(|known| policy == known);
    if is_known {
        faults.one_of(format_args!("{spec}.restartPolicy"), policy, &["Always"]);
    }
}

fn deployment(spec: &Value, faults: &mut Faults) {
    let strategy = &spec["strategy"];
    let rolling = &strategy["rollingUpdate"];
    match text(strategy, "type") {
        "Recreate" if !rolling.is_null() => {
            faults.forbidden(
                "spec.strategy.rollingUpdate",
                "may not be specified when strategy `type` is 'Recreate'",
            );
        }
        "Recreate" | "RollingUpdate" => {}
        other => {
            let shown = json!({ "Type": other, "RollingUpdate": rolling });
            let shown =
                format!("{{\"Type\":{},\"RollingUpdate\":{}}}", shown["Type"], shown["RollingUpdate"]);
            let message =
                format!("Unsupported value: {shown}: supported values: \"Recreate\", \"RollingUpdate\"");
            faults.causes.push(crate::status::Cause::new("FieldValueNotSupported", "spec.strategy", message));
        }
    }
    if rolling.is_object() && strategy["type"] == "RollingUpdate" {
        let (least, most) =
            ("spec.strategy.rollingUpdate.maxUnavailable", "spec.strategy.rollingUpdate.maxSurge");
        let (before, unavailable, surge) =
            (faults.causes.len(), &rolling["maxUnavailable"], &rolling["maxSurge"]);
        faults.share(least, unavailable);
        faults.share(most, surge);
        let is_none = |value: &Value| *value == 0 || value == "0%";
        if faults.causes.len() == before && is_none(unavailable) && is_none(surge) {
            faults.invalid(least, unavailable, "may not be 0 when `maxSurge` is 0");
        }
    }
    let (deadline, ready) = (&spec["progressDeadlineSeconds"], spec["minReadySeconds"].as_i64().unwrap_or(0));
    faults.not_negative("spec.progressDeadlineSeconds", deadline);
    if deadline.as_i64().is_some_and(|deadline| deadline <= ready) {
        faults.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
    }
}

fn stateful(spec: &Value, faults: &mut Faults) {
    let policy = &spec["podManagementPolicy"];
    if !["OrderedReady", "Parallel"].iter().any(|known| policy == known) {
        faults.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
    }
    let strategy = &spec["updateStrategy"];
    if !["RollingUpdate", "OnDelete"].iter().any(|known| strategy["type"] == *known) {
        let shown =
            format!("{{\"Type\":{},\"RollingUpdate\":{}}}", strategy["type"], strategy["rollingUpdate"]);
        let message = format!("Invalid value: {shown}: must be 'RollingUpdate' or 'OnDelete'");
        faults.causes.push(crate::status::Cause::new("FieldValueInvalid", "spec.updateStrategy", message));
    }
    let kept = &spec["persistentVolumeClaimRetentionPolicy"];
    for key in ["whenDeleted", "whenScaled"] {
        faults.one_of(
            format_args!("spec.persistentVolumeClaimRetentionPolicy.{key}"),
            &kept[key],
            &["Retain", "Delete"],
        );
    }
}

fn daemon(spec: &Value, faults: &mut Faults) {
    let strategy = &spec["updateStrategy"];
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let rolling = &strategy["rollingUpdate"];
            let is_none = |key: &str| rolling[key] == 0 || rolling[key] == "0%";
            if is_none("maxUnavailable") && is_none("maxSurge") {
                let path = "spec.updateStrategy.rollingUpdate.maxUnavailable";
                faults.required(path, "cannot be 0 when maxSurge is 0");
            }
        }
        other => {
            let shown = format!("{{\"Type\":{other:?},\"RollingUpdate\":{}}}", strategy["rollingUpdate"]);
            let message =
                format!("Unsupported value: {shown}: supported values: \"RollingUpdate\", \"OnDelete\"");
            faults.causes.push(crate::status::Cause::new(
                "FieldValueNotSupported",
                "spec.updateStrategy",
                message,
            ));
        }
    }
}

fn job(spec: &Value, live: Option<&Value>, faults: &mut Faults) {
    job_spec(format_args!("spec"), spec, faults);
    {
        let labels = &spec["template"]["metadata"]["labels"];
        let wanted = spec["selector"]["matchLabels"].as_object().into_iter().flatten();
        if spec["selector"].is_null() {
            faults.required("spec.selector", "");
        }
        let own = json!({ "matchLabels": { CONTROLLER: faults.object["metadata"]["uid"] } });
        if spec["manualSelector"] != true && !spec["selector"].is_null() && spec["selector"] != own {
            faults.invalid("spec.selector", &spec["selector"], "`selector` not auto-generated");
        }
        if spec["selector"].is_null() || wanted.into_iter().any(|(key, value)| labels[key] != *value) {
            let why = "`selector` does not match template `labels`";
            faults.invalid("spec.template.metadata.labels", labels, why);
            if live.is_some() {
                faults.invalid("spec.template.metadata.labels", labels, why);
            }
        }
    }
    if let Some(live) = live {
        let is_indexed = spec["completionMode"] == "Indexed";
        for key in ["completions", "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"] {
            if live["spec"][key] != spec[key] && !(key == "completions" && is_indexed) {
                faults.invalid(format_args!("spec.{key}"), &spec[key], "field is immutable");
            }
        }
        if live["spec"]["template"] != spec["template"] && live["spec"]["suspend"] != true {
            faults.invalid("spec.template", &spec["template"], "field is immutable");
        }
    }
}

fn job_spec(path: Path, spec: &Value, faults: &mut Faults) {
    for key in
        ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"]
    {
        faults.not_negative(format_args!("{path}.{key}"), &spec[key]);
    }
    faults.one_of(format_args!("{path}.completionMode"), &spec["completionMode"], &["NonIndexed", "Indexed"]);
    for (index, rule) in items(&spec["podFailurePolicy"], "rules").iter().enumerate() {
        let path = format_args!("{path}.podFailurePolicy.rules[{index}]");
        let known = ["Count", "FailIndex", "FailJob", "Ignore"];
        faults.one_of(format_args!("{path}.action"), &rule["action"], &known);
        if rule["onExitCodes"].is_null() && items(rule, "onPodConditions").is_empty() {
            let message = "Invalid value: specifying one of OnExitCodes and OnPodConditions is required";
            faults.causes.push(crate::status::Cause::new(
                "FieldValueInvalid",
                &path.to_string(),
                message.to_owned(),
            ));
        }
    }
    let inner = format_args!("{path}.template.spec");
    pod::spec(inner, &spec["template"]["spec"], faults);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if *policy == "Always" || policy.is_null() {
        faults.required(format_args!("{inner}.restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
    }
}

fn cron_job(spec: &Value, faults: &mut Faults) {
    let schedule = &spec["schedule"];
    match schedule.as_str().unwrap_or_default() {
        "" => faults.required("spec.schedule", ""),
        text if text.contains("TZ") => {
            let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            faults.invalid("spec.schedule", schedule, why);
        }
        text => {
            if let Some(why) = schedule_fault(text) {
                faults.invalid("spec.schedule", schedule, &why);
            }
        }
    }
    faults.not_negative("spec.startingDeadlineSeconds", &spec["startingDeadlineSeconds"]);
    if let Some(zone) = spec["timeZone"].as_str() {
        let shown = &spec["timeZone"];
        if zone.is_empty() {
            faults.invalid("spec.timeZone", shown, "timeZone must be nil or non-empty string");
        } else if zone == "Local" {
            let why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
            faults.invalid("spec.timeZone", shown, why);
        } else if jiff::tz::TimeZone::get(zone).is_err() {
            faults.invalid("spec.timeZone", shown, &format!("unknown time zone {zone}"));
        }
    }
    faults.one_of("spec.concurrencyPolicy", &spec["concurrencyPolicy"], &["Allow", "Forbid", "Replace"]);
    job_spec(format_args!("spec.jobTemplate.spec"), &spec["jobTemplate"]["spec"], faults);
    faults.not_negative("spec.successfulJobsHistoryLimit", &spec["successfulJobsHistoryLimit"]);
    faults.not_negative("spec.failedJobsHistoryLimit", &spec["failedJobsHistoryLimit"]);
}

/// What is wrong with a schedule, in the words of the library that reads it.
fn schedule_fault(text: &str) -> Option<String> {
    if let Some(word) = text.strip_prefix('@') {
        let known = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];
        return (!known.contains(&word) && !word.starts_with("every "))
            .then(|| format!("unrecognized descriptor: {text}"));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    const MONTHS: &[&str] =
        &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let limits: [(u64, u64, &[&str], u64); 5] =
        [(0, 59, &[], 0), (0, 23, &[], 0), (1, 31, &[], 0), (1, 12, MONTHS, 1), (0, 6, DAYS, 0)];
    fields
        .iter()
        .zip(limits)
        .find_map(|(field, limits)| field.split(',').find_map(|part| part_fault(part, limits)))
}

fn part_fault(part: &str, (least, most, names, first): (u64, u64, &[&str], u64)) -> Option<String> {
    let number = |word: &str| -> Result<u64, String> {
        let lower = word.to_lowercase();
        if let Some(at) = names.iter().position(|name| *name == lower) {
            return Ok(at as u64 + first);
        }
        word.parse().map_err(|_| {
            format!("failed to parse int from {word}: strconv.Atoi: parsing {word:?}: invalid syntax")
        })
    };
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    let read = || -> Result<(u64, u64), String> {
        if range == "*" || range == "?" {
            return Ok((least, most));
        }
        let (start, end) = range.split_once('-').unwrap_or((range, range));
        let (start, end) = (number(start)?, number(end)?);
        Ok((start, if step.is_some() && !range.contains('-') { most } else { end }))
    };
    let (start, end) = match read() {
        Ok(range) => range,
        Err(why) => return Some(why),
    };
    if let Some(step) = step {
        match number(step) {
            Err(why) => return Some(why),
            Ok(0) => return Some(format!("step of range should be a positive number: {part}")),
            Ok(_) => {}
        }
    }
    if start < least {
        return Some(format!("beginning of range ({start}) below minimum ({least}): {part}"));
    }
    if end > most {
        return Some(format!("end of range ({end}) above maximum ({most}): {part}"));
    }
    (start > end).then(|| format!("beginning of range ({start}) beyond end of range ({end}): {part}"))
}
