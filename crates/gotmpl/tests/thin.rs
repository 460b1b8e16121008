//! The engine in use: parse once, execute with values.

#![allow(clippy::unwrap_used)] // tests

use sluice_budget::Budget;
use sluice_gotmpl::{Context, Functions, MissingKey, NoHooks, Templates, Value};

fn render(text: &str, data: serde_json::Value) -> Result<String, String> {
    let mut templates = Templates::new(Functions::Helm, MissingKey::Zero);
    templates.parse("t", text.as_bytes()).map_err(|error| error.to_string())?;
    let budget = Budget::generous();
    let cx = Context {
        budget: &budget,
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
        random: &|bytes| bytes.fill(7),
        hooks: &NoHooks,
        lint: false,
    };
    let mut out = Vec::new();
    templates.execute("t", &Value::from_json(&data), &mut out, &cx).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn values_are_printed_as_go_prints_them() {
    let data =
        serde_json::json!({"Values": {"big": 1000000, "port": 8080, "list": [1, "a", null], "name": "x"}});
    assert_eq!(render("{{ .Values.big }}", data.clone()).unwrap(), "1e+06");
    assert_eq!(
        render("{{ .Values }}", data.clone()).unwrap(),
        "map[big:1e+06 list:[1 a <nil>] name:x port:8080]"
    );
    assert_eq!(render("{{ printf \"%d\" .Values.port }}", data.clone()).unwrap(), "%!d(float64=8080)");
    assert_eq!(
        render("{{ range $i, $x := .Values.list -}} {{ $i }}={{ $x }} {{ end }}", data.clone()).unwrap(),
        "0=1 1=a 2=<no value> "
    );
    assert_eq!(
        render("{{ .Values.nope.deep }}", data.clone()).unwrap_err(),
        "template: t:1:10: executing \"t\" at <.Values.nope.deep>: nil pointer evaluating interface {}.deep"
    );
    assert_eq!(
        render("{{ eq .Values.port 8080 }}", data.clone()).unwrap_err(),
        "template: t:1:3: executing \"t\" at <eq .Values.port 8080>: error calling eq: incompatible types for comparison: float64 and int"
    );
    assert_eq!(
        render("{{ define \"a\" }}[{{ .name }}]{{ end }}{{ include \"a\" .Values }}{{ tpl \"{{ .name }}\" .Values }}", data).unwrap(),
        "[x]x"
    );
}

#[test]
fn endless_recursion_ends_with_an_error() {
    let run = || {
        let error = render(
            "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
            serde_json::json!({}),
        );
        assert!(
            error
                .unwrap_err()
                .contains("rendering template has a nested reference name: a: unable to execute template")
        );
    };
    std::thread::Builder::new().stack_size(16 << 20).spawn(run).unwrap().join().unwrap();
}

#[cfg(feature = "certificates")]
#[test]
fn a_given_key_comes_back_in_its_own_block() {
    for (key, label) in [
        ("genPrivateKey \"ecdsa\"", "EC PRIVATE KEY"),
        ("genPrivateKey \"ed25519\"", "PRIVATE KEY"),
        ("(genCA \"a\" 1).Key", "RSA PRIVATE KEY"),
    ] {
        let text = format!(
            "{{{{ $key := {key} }}}}{{{{ (genSelfSignedCertWithKey \"a\" nil nil 1 $key).Key | eq $key }}}} {{{{ $key }}}}"
        );
        let out = render(&text, serde_json::json!({})).unwrap();
        assert!(out.starts_with(&format!("true -----BEGIN {label}-----")), "{out}");
    }
}
