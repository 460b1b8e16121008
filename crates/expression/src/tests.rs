//! What expressions answer, and what is refused.

use serde_json::{Value as Json, json};

use super::*;

fn eval(text: &str, object: &Json) -> Result<bool, String> {
    Expression::parse(text)?.is_true(object.as_object().unwrap())
}

#[test]
fn expressions_of_health_checks_are_evaluated() {
    let object = json!({
        "metadata": {"generation": 2, "labels": {"a": "b"}},
        "status": {
            "phase": "ok", "observedGeneration": 2,
            "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2}],
        },
    });
    for (text, want) in [
        ("status.phase == 'ok'", true),
        ("has(status.phase) && status.phase == 'bad'", false),
        ("has(status.other)", false),
        ("status.conditions.exists(e, e.type == 'Ready' && e.status == 'True')", true),
        ("status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')", true),
        (
            "status.conditions.filter(e, e.type == 'Ready').all(e, e.observedGeneration == metadata.generation)",
            true,
        ),
        ("metadata.generation >= 1.5", true),
        ("metadata.?annotations.orValue({}).size() == 0", true),
        ("status.phase in ['ok', 'fine']", true),
        ("sets.contains(status.conditions.map(c, c.type), ['Ready'])", true),
        ("sets.contains(['Ready'], ['Ready', 'Other'])", false),
        ("sets.equivalent([1, 2, 2], [2.0, 1])", true),
        ("sets.equivalent([1, 2], [2])", false),
        ("sets.intersects([1, 2], [3, 2])", true),
        ("sets.intersects([], [3])", false),
        ("status.phase.lowerAscii().startsWith('o')", true),
    ] {
        assert_eq!(eval(text, &object), Ok(want), "{text}");
    }
}

#[test]
fn errors_read_as_upstream() {
    let object = json!({"metadata": {}});
    let failed = |text: &str, why: &str| format!("failed to evaluate the CEL expression '{text}': {why}");
    for (text, why) in [
        ("has(status.phase) && status.phase == 'bad'", "no such attribute(s): status.phase"),
        ("status.conditions.exists(e, true)", "no such attribute(s): status.conditions"),
        ("metadata.labels['go'] == 'yes'", "no such key: labels"),
    ] {
        assert_eq!(eval(text, &object), Err(failed(text, why)));
    }
    assert!(
        eval("status.", &object).unwrap_err().starts_with("failed to parse the CEL expression 'status.'")
    );
    assert_eq!(eval("1", &object), Err("failed to evaluate CEL expression as boolean: '1'".to_owned()));
}

#[test]
fn what_would_never_end_is_refused() {
    let list: Vec<u32> = (0..1000).collect();
    let object = json!({ "l": list });
    let text = "l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))";
    assert!(eval(text, &object).unwrap_err().ends_with(TOO_MUCH));
    let object = json!({"l": list, "s": "a".repeat(100_000), "p": "b"});
    for text in [
        "l.exists(x, s.matches(p + string(x)))",
        "l.exists(x, l.exists(y, s == s + s))",
        "sets.equivalent(l + l, l)",
    ] {
        assert!(eval(text, &object).unwrap_err().ends_with(TOO_MUCH), "{text}");
    }
    let deep = format!("{}true{}", "!(".repeat(5000), ")".repeat(5000));
    assert!(eval(&deep, &object).is_err());
    let object = json!({"s": "a".repeat(100_000)});
    assert!(eval("s.replace('a', s) == ''", &object).unwrap_err().ends_with(TOO_MUCH));
}

#[test]
fn the_deepest_that_is_parsed_can_be_evaluated() {
    let text = format!("{}a{}", "!(".repeat(31), ")".repeat(31));
    assert_eq!(eval(&text, &json!({"a": true})), Ok(false));
    for hostile in [
        "!".repeat(16_000),
        "-".repeat(16_000),
        format!("a{}", ".a".repeat(8_000)),
        format!("1{}", "+1".repeat(8_000)),
        format!("a{}", "?a:a".repeat(4_000)),
        format!("a{}", "[a".repeat(8_000)),
        format!("{}a", "[".repeat(16_000)),
        format!("{}a", "{a:".repeat(5_000)),
    ] {
        assert!(Expression::parse(&hostile).is_err());
    }
}

#[test]
fn errors_give_way_to_answers_that_do_not_depend_on_them() {
    assert_eq!(eval("status.phase == 'ok' || true", &json!({})), Ok(true));
    assert_eq!(eval("status.phase == 'ok' && false", &json!({})), Ok(false));
}

#[test]
fn conditions_on_dependencies_are_checked_before_they_run() {
    let compile = |text: &str| Expression::compile(text, &["self", "dep"]).map(|_| ());
    for text in [
        "dep.status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')",
        "self.metadata.labels['app/version'] == dep.metadata.labels['app/version']",
        "has(dep.status.history) && dep.status.history.exists(h, h.metadata.revision == 'a')",
        "dep.metadata.?annotations['x'].orValue('') == 'y'",
        "type(dep.spec.force) == bool",
        "true",
    ] {
        assert_eq!(compile(text), Ok(()), "{text}");
    }
    let mismatch = "CEL expression output type mismatch: expected bool, got";
    for (text, why) in [
        (
            "foo.bar == 1",
            "failed to parse the CEL expression 'foo.bar == 1': ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar == 1\n | ^".to_owned(),
        ),
        ("'some'", format!("{mismatch} string")),
        ("dep.status.ready", format!("{mismatch} dyn")),
    ] {
        assert_eq!(compile(text), Err(why));
    }
}

#[test]
fn large_objects_are_judged() {
    let entries: Vec<Json> = (0..1000).map(|at| json!({"id": format!("{at:0>80}"), "v": "v1"})).collect();
    let conditions = json!([{"type": "Ready", "status": "True", "message": "m".repeat(30_000)}]);
    let object = json!({"status": {"inventory": entries, "conditions": conditions}});
    for text in [
        "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')",
        "status.conditions.exists(e, e.type == 'Ready' && e.status == 'True' && e.message != 'other')",
        "status.inventory.all(e, e.v == 'v1')",
    ] {
        assert_eq!(eval(text, &object), Ok(true), "{text}");
    }
}

#[test]
fn nothing_grows_without_paying() {
    let text = "a".repeat(50_000);
    let object = json!({ "s": text, "l": (0..2000).collect::<Vec<u32>>() });
    for text in [
        "[s + s + s + s].map(a, [a + a + a + a].map(b, [b + b + b + b].map(c, c + c + c + c))).size() > 0",
        "optional.of(s + s).optMap(a, a + a + a + a).optMap(b, b + b + b + b + b + b + b + b).optMap(c, c + c + c + c + c + c + c + c).hasValue()",
        "l.map(x, s).size() > 0",
        "l.map(x, l.map(y, y)).size() > 0",
        "lists.range(1000000).size() > 0",
        "l.all(i, x, l.all(j, y, true))",
        "l.sort().distinct().size() > 0",
        "['%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s'.format([s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s])].map(a, a.split('').map(b, s)).size() > 0",
    ] {
        assert!(
            eval(text, &object).is_err_and(|why| why.ends_with(TOO_MUCH)),
            "{text}: {:?}",
            eval(text, &object)
        );
    }
    for text in
        ["l.map(x, x + 1).sum() > 0", "l.all(x, x >= 0 && s.size() > x)", "s.matches('^a+$') && s == s"]
    {
        assert_eq!(eval(text, &object), Ok(true), "{text}");
    }
}
