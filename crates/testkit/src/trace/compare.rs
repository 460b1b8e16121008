//! Are two traces of one scenario equal? The definition is `compare.py` of the corpus; a test holds both together.
//!
//! Compared: the steps; every object at the end of every step; the events, each in its step or a neighbour; what was
//! read and refused. Not compared: states on the way, counts, the place of an event against a status write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

const MASKS: &[&str] = &["<digest>", "<size>", "<time>", "<duration>", "<uid>", "<release>"];
/// Text of client-go's rate limiter, where a wait ended at its deadline.
pub const LIMITER: &str =
    "client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline";
/// Upstream looks sources up without their namespace, so other scenarios wake a chart.
const ACCIDENTS: &[&str] = &["ArtifactUpToDate"];
/// What an object has before its controller has answered.
const UNTOUCHED: &[&str] =
    &["generation", "managers", "finalizers", "labels", "annotations", "status.observedGeneration"];

static TIMED_OUT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"timeout waiting for: \[.*?\]").expect("the pattern is a constant"));

/// How a trace is read: loosely when either side shows the limiter's text.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    is_loose: bool,
}

/// What of a trace is compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// By step and object; `None` for one that its controller has not answered.
    pub ends: BTreeMap<(u64, String), Option<Value>>,
    /// By step; the event as canonical JSON.
    pub events: BTreeSet<(u64, String)>,
    reads: Vec<Value>,
    steps: Vec<(u64, Value)>,
}

impl Reading {
    pub fn of(want: &[Value], got: &[Value]) -> Self {
        let shows_limiter = |rows: &[Value]| rows.iter().any(|row| row.to_string().contains(LIMITER));
        Self { is_loose: shows_limiter(want) || shows_limiter(got) }
    }

    /// A mask equals only a mask.
    fn tidy(self, value: &Value) -> Value {
        match value {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), self.tidy(value))).collect(),
            Value::Array(items) => items.iter().map(|item| self.tidy(item)).collect(),
            Value::String(text) if MASKS.contains(&text.as_str()) => "<masked>".into(),
            Value::String(text) if self.is_loose => Value::String(forget_timeouts(text)),
            other => other.clone(),
        }
    }

    fn settled(self, state: &Value) -> Option<Value> {
        if let Value::Object(state) = state {
            let is_untouched = state.keys().all(|key| UNTOUCHED.contains(&key.as_str()));
            let observed = state.get("status.observedGeneration").is_none_or(|generation| generation == -1);
            if is_untouched && observed {
                return None;
            }
        }
        Some(self.tidy(state))
    }

    /// States at the ends of steps, events, reads and refusals, steps.
    pub fn summarise(self, rows: &[Value]) -> Summary {
        let mut summary = Summary::default();
        let mut state: BTreeMap<String, Value> = BTreeMap::new();
        let mut step = 0;
        for row in rows.iter().filter_map(Value::as_object) {
            if let Some(number) = row.get("step") {
                self.close(step, &state, &mut summary);
                step = number.as_u64().unwrap_or_default();
                summary.steps.push((step, row.get("did").cloned().unwrap_or_default()));
            } else if let Some(event) = row.get("event") {
                if !ACCIDENTS.contains(&event["reason"].as_str().unwrap_or_default()) {
                    summary.events.insert((step, self.event(event)));
                }
            } else if row.contains_key("read") || row.contains_key("refused") || row.contains_key("timeout") {
                let mut read = self.tidy(&Value::Object(row.clone()));
                read["step"] = step.into();
                summary.reads.push(read);
            } else {
                row.iter().for_each(|(key, change)| advance(&mut state, key, change));
            }
        }
        self.close(step, &state, &mut summary);
        summary
    }

    fn event(self, event: &Value) -> String {
        let mut event = self.tidy(event);
        event.as_object_mut().map(|event| event.remove("count"));
        event.to_string()
    }

    fn close(self, step: u64, state: &BTreeMap<String, Value>, summary: &mut Summary) {
        for (key, value) in state {
            summary.ends.insert((step, key.clone()), self.settled(value));
        }
    }
}

/// A lazy match that has to be followed by a line's end, a quote or the end of the text; longer ones are tried in turn.
fn forget_timeouts(text: &str) -> String {
    let text = text.replace(LIMITER, "<timed out>");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(found) = TIMED_OUT.find(rest) {
        let line_end = rest[found.start()..].find('\n').map_or(rest.len(), |at| found.start() + at);
        let is_end = |end: &usize| rest[*end..].is_empty() || rest[*end..].starts_with(['\n', '"']);
        let brackets =
            rest[..line_end].match_indices(']').map(|(at, _)| at + 1).filter(|end| *end >= found.end());
        let Some(end) = { brackets }.find(is_end) else {
            let (head, tail) = rest.split_at(found.start() + 1);
            out.push_str(head);
            rest = tail;
            continue;
        };
        out.push_str(&rest[..found.start()]);
        out.push_str("<timed out>");
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn advance(state: &mut BTreeMap<String, Value>, key: &str, change: &Value) {
    if change == "deleted" {
        state.insert(key.to_owned(), change.clone());
        return;
    }
    let mut next = state.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    for (field, value) in change.as_object().into_iter().flatten() {
        if value.is_null() {
            next.remove(field);
        } else {
            next.insert(field.clone(), value.clone());
        }
    }
    state.insert(key.to_owned(), Value::Object(next));
}

/// What differs, one entry each; empty when the traces are equal.
pub fn compare(want: &[Value], got: &[Value]) -> Vec<String> {
    let reading = Reading::of(want, got);
    let (want, got) = (reading.summarise(want), reading.summarise(got));
    let mut lines = Vec::new();
    if want.steps != got.steps {
        lines.push(format!("steps: want {:?}, got {:?}", want.steps, got.steps));
    }
    let keys: BTreeSet<_> = want.ends.keys().chain(got.ends.keys()).collect();
    for key in keys {
        let side = |summary: &Summary| summary.ends.get(key).cloned().flatten();
        lines.extend(differing_fields(side(&want), side(&got)).into_iter().map(|(field, want, got)| {
            format!("step {}, {} {field}:\n    want {want}\n    got  {got}", key.0, key.1)
        }));
    }
    lines
        .extend(unmatched(&want, &got).map(|(step, event)| format!("event missing in step {step}: {event}")));
    lines.extend(
        unmatched(&got, &want).map(|(step, event)| format!("event too many in step {step}: {event}")),
    );
    for at in 0..want.reads.len().max(got.reads.len()) {
        let (want, got) = (want.reads.get(at), got.reads.get(at));
        if want != got {
            lines.push(format!("read {at}:\n    want {}\n    got  {}", shown(want), shown(got)));
        }
    }
    lines
}

fn differing_fields(want: Option<Value>, got: Option<Value>) -> Vec<(String, String, String)> {
    if want == got {
        return Vec::new();
    }
    let (Some(Value::Object(want)), Some(Value::Object(got))) = (&want, &got) else {
        return vec![(String::new(), shown(want.as_ref()), shown(got.as_ref()))];
    };
    let fields: BTreeSet<_> = want.keys().chain(got.keys()).collect();
    let side =
        |map: &Map<String, Value>, field: &String| map.get(field).filter(|value| !value.is_null()).cloned();
    fields
        .into_iter()
        .filter(|field| side(want, field) != side(got, field))
        .map(|field| (field.clone(), shown(want.get(field)), shown(got.get(field))))
        .collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "null".to_owned(), Value::to_string)
}

/// Events that the other side has neither in the same step nor in a neighbour.
fn unmatched<'a>(these: &'a Summary, those: &'a Summary) -> impl Iterator<Item = &'a (u64, String)> {
    these.events.iter().filter(|(step, event)| {
        let near = step.saturating_sub(1)..=step + 1;
        !near.into_iter().any(|step| those.events.contains(&(step, event.clone())))
    })
}

/// Beyond `compare.py`, for subjects other than Flux: a text sent over two times more often in one step than by Flux,
/// and the text of a rate limiter that only Flux has.
pub fn strictness(want: &[Value], got: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    if got.iter().any(|row| row.to_string().contains(LIMITER)) {
        lines.push("shows the text of client-go's rate limiter".to_owned());
    }
    let counts = sent(want);
    for ((step, event), count) in sent(got) {
        let near = (step.saturating_sub(1)..=step + 1).filter_map(|step| counts.get(&(step, event.clone())));
        let most = near.max().copied().unwrap_or_default();
        if count > most + 2 {
            lines.push(format!("step {step}: sent {count} times, {most} by Flux: {event}"));
        }
    }
    lines
}

/// How often each event was sent in each step.
fn sent(rows: &[Value]) -> BTreeMap<(u64, String), u64> {
    let reading = Reading { is_loose: true };
    let (mut before, mut sent) = (BTreeMap::new(), BTreeMap::new());
    let mut step = 0;
    for row in rows {
        step = row["step"].as_u64().unwrap_or(step);
        if let Some(event) = row.get("event") {
            let key = reading.event(event);
            let count = event["count"].as_u64().unwrap_or(1);
            let last = before.insert(key.clone(), count).unwrap_or_default();
            // A series starts again when its event is a new object.
            let more = if count > last { count - last } else { count };
            *sent.entry((step, key)).or_insert(0) += more;
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows() -> Vec<Value> {
        vec![
            json!({"step": 1, "did": "apply"}),
            json!({"Kustomization/a": {"generation": 1, "status.observedGeneration": -1}}),
            json!({"Kustomization/a": {"status.conditions": ["Ready=True x"], "status.observedGeneration": 1, "status.time": "<time>"}}),
            json!({"event": {"on": "Kustomization/a", "reason": "R", "message": "m", "count": 1}}),
        ]
    }

    #[test]
    fn states_on_the_way_and_counts_do_not_matter() {
        let mut got = rows();
        got[3]["event"]["count"] = 2.into();
        got.insert(2, json!({"Kustomization/a": {"status.conditions": ["Ready=Unknown y"]}}));
        assert_eq!(compare(&rows(), &got), Vec::<String>::new());
    }

    #[test]
    fn an_end_state_an_event_and_a_mask_matter() {
        let mut got = rows();
        got[2]["Kustomization/a"]["status.time"] = "now".into();
        assert_eq!(compare(&rows(), &got).len(), 1);
        let mut got = rows();
        got[3]["event"]["message"] = "n".into();
        assert_eq!(compare(&rows(), &got).len(), 2);
    }

    #[test]
    fn an_event_sent_far_more_often_fails_only_the_strict() {
        let mut got = rows();
        got[3]["event"]["count"] = 4.into();
        assert!(compare(&rows(), &got).is_empty());
        assert_eq!(strictness(&rows(), &got).len(), 1);
    }

    #[test]
    fn a_list_of_what_was_not_ready_ends_at_a_line() {
        let text = "timeout waiting for: [A status: 'x[1]', B]\nrest";
        assert_eq!(forget_timeouts(text), "<timed out>\nrest");
        assert_eq!(forget_timeouts("timeout waiting for: [A] and more"), "timeout waiting for: [A] and more");
    }
}
