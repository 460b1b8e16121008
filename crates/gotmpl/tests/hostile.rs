//! Hostile input: whatever the bytes, an answer or an error, in bounded time and memory.
#![allow(clippy::unwrap_used)] // tests

use sluice_budget::Budget;
use sluice_gotmpl::{Context, Functions, MissingKey, NoHooks, Templates, Value};

fn render(text: &[u8], budget: &Budget) -> Result<Vec<u8>, String> {
    let mut templates = Templates::new(Functions::Helm, MissingKey::Zero);
    templates.parse("t", text).map_err(|error| error.to_string())?;
    let cx = Context {
        budget,
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
        random: &|bytes| bytes.fill(7),
        hooks: &NoHooks,
        lint: false,
    };
    let data =
        serde_json::json!({"s": "text", "i": 1, "list": [1, "a", null], "map": {"a": {"b": 1}}, "n": null});
    let mut out = Vec::new();
    templates.execute("t", &Value::from_json(&data), &mut out, &cx).map_err(|error| error.to_string())?;
    Ok(out)
}

/// Runs with the stack that engines have.
fn on_engine_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 << 20).spawn(test).unwrap().join().unwrap();
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
}

#[test]
fn no_bytes_make_it_panic() {
    on_engine_stack(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/hand.jsonl");
        let slow = ["bcrypt", "htpasswd", "derivePassword", "gen"];
        let seeds: Vec<Vec<u8>> = std::fs::read_to_string(folder)
            .unwrap()
            .lines()
            .skip(1)
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["t"].as_str().unwrap().to_owned()
            })
            .filter(|text| !slow.iter().any(|name| text.contains(name)))
            .map(String::into_bytes)
            .collect();
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        for round in 0..30_000 {
            let mut text = seeds[numbers.below(seeds.len())].clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(text.len() + 1);
                match numbers.below(5) {
                    0 => text.insert(at, u8::try_from(numbers.below(256)).unwrap()),
                    1 if !text.is_empty() => {
                        text.remove(at.min(text.len() - 1));
                    }
                    2 if !text.is_empty() => {
                        let at = at.min(text.len() - 1);
                        text[at] = u8::try_from(numbers.below(256)).unwrap();
                    }
                    3 => {
                        let other = &seeds[numbers.below(seeds.len())];
                        let from = numbers.below(other.len());
                        text.truncate(at);
                        text.extend_from_slice(&other[from..]);
                    }
                    _ => {
                        let piece: &[u8] =
                            [&b"99999999999999999999"[..], b"-1", b"\"\xff\"", b"(", b"{{", b"nil"]
                                [numbers.below(6)];
                        text.splice(at..at, piece.iter().copied());
                    }
                }
            }
            let _ = render(&text, &Budget::new(100_000, 1 << 24, 60));
            let _ = round;
        }
    });
}

#[test]
fn bombs_end_with_an_error() {
    on_engine_stack(|| {
        for bomb in [
            "{{ range until 1000000000 }}x{{ end }}",
            "{{ range 9223372036854775807 }}x{{ end }}",
            "{{ repeat 1000000000 \"xxxxxxxxxx\" }}",
            "{{ indent 1000000000 \"a\\nb\" }}",
            "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
            "{{ define \"a\" }}{{ include \"a\" . }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
            "{{ $t := \"{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}",
            "{{ $s := \"x\" }}{{ range until 100 }}{{ $s = print $s $s }}{{ end }}{{ $s }}",
            "{{ $l := list 1 }}{{ range until 100 }}{{ $l = concat $l $l }}{{ end }}{{ len $l }}",
            "{{ seq 1 1 1000000000 }}",
            "{{ untilStep 0 1000000000 1 | len }}",
            "{{ replace \"\" (repeat 1000000 \"x\") (repeat 1000000 \"y\") }}",
            "{{ regexMatch (repeat 5000 \"(a{1000})\") \"a\" }}{{ mustRegexMatch \"((a{1000}){1000}){1000}\" \"a\" }}",
            "{{ printf \"%999999d%999999d%999999d\" 1 2 3 | repeat 100 }}",
            "{{ randAlphaNum 1000000000 }}",
            "{{ range $i := until 1000 }}{{ bcrypt \"x\" }}{{ end }}",
        ] {
            let budget = Budget::new(3_000_000, 1 << 26, 200);
            assert!(render(bomb.as_bytes(), &budget).is_err(), "{bomb}");
        }
    });
}

#[test]
fn deep_values_and_cycles_do_not_exhaust_the_stack() {
    on_engine_stack(|| {
        let budget = || Budget::new(50_000_000, 1 << 30, 200);
        for use_of_it in [
            "print $d",
            "toJson $d",
            "toYaml $d",
            "toYamlPretty $d",
            "toToml $d",
            "deepCopy $d",
            "toString $d",
            "deepEqual $d $e",
            "merge (dict) $d",
            "quote $d",
            "len $d",
        ] {
            let nested = "{{ $d := dict }}{{ $e := dict }}{{ range until 20000 }}{{ $d = dict \"a\" $d }}{{ $e = dict \"a\" $e }}{{ end }}";
            let _ = render(format!("{nested}{{{{ $r := {use_of_it} }}}}").as_bytes(), &budget());
            let cyclic = "{{ $d := dict \"x\" 1 }}{{ $e := dict \"x\" 1 }}{{ $_ := set $d \"d\" $d }}{{ $_ = set $e \"d\" $e }}";
            let _ = render(format!("{cyclic}{{{{ $r := {use_of_it} }}}}").as_bytes(), &budget());
        }
        let parens = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(render(parens.as_bytes(), &budget()).unwrap_err().contains("max expression depth exceeded"));
        let blocks = "{{ if 1 }}".repeat(100_000);
        assert!(render(blocks.as_bytes(), &budget()).is_err());
        let deep_json = format!("{{{{ fromJson {:?} | len }}}}", "[".repeat(100_000));
        assert!(render(deep_json.as_bytes(), &budget()).is_ok());
    });
}

#[test]
fn nesting_inside_recursion_counts() {
    // The stack that engines have, the limits they run with, and debug frames.
    let run = || {
        let open = "{{ if 1 }}{{ with (1 | print | print) }}".repeat(150);
        let close = "{{ end }}{{ end }}".repeat(150);
        let text = format!(
            "{{{{ define \"a\" }}}}{open}{{{{ include \"a\" $ }}}}{close}{{{{ end }}}}{{{{ include \"a\" . }}}}"
        );
        assert!(render(text.as_bytes(), &Budget::generous()).is_err());
    };
    std::thread::Builder::new().stack_size(16 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_stopped_run_ends() {
    let budget = Budget::generous();
    budget.stop_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(render(b"{{ .s }}", &budget).unwrap_err().ends_with("stopped"));
}
