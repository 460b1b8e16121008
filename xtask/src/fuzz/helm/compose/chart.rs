//! The files of a chart that are no templates, and the values.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Composer;

impl Composer {
    /// A chart without its templates, and what a person gives.
    pub(super) fn chart(&mut self) -> (BTreeMap<String, String>, Value) {
        let mut files = BTreeMap::new();
        let mut put = |name: &str, text: String| files.insert(name.to_owned(), text);
        put("Chart.yaml", self.chart_file());
        put("values.yaml", self.values().to_string());
        put("a.txt", "one\ntwo: \"x\"\n\nlast".to_owned());
        put("conf/b.yaml", "k: v\nlist:\n- 1\n- two\n".to_owned());
        put("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n".to_owned());
        put("charts/sub/values.yaml", self.sub_values().to_string());
        if self.chance.one_in(2) {
            put("templates/values.yaml", "{{ toJson .Values }}".to_owned());
            put("charts/sub/templates/values.yaml", "{{ toJson .Values }}".to_owned());
            self.count("chart", "values shown");
        }
        if self.chance.one_in(2) {
            return (files, json!({}));
        }
        let over = self.values();
        let keep = self.chance.below(4);
        let mut over = over.as_object().cloned().unwrap_or_default();
        if self.chance.one_in(2) {
            over.retain(|name, _| ["deep", "global", "m0", "sub", "tags"].contains(&name.as_str()));
            return (files, over.into());
        }
        (files, over.into_iter().take(keep).collect::<serde_json::Map<_, _>>().into())
    }

    fn chart_file(&mut self) -> String {
        let mut text = "apiVersion: v2\nname: app\nversion: 1.2.3\nappVersion: \"2.0\"\ntype: application\nkeywords: [k, w]\n"
            .to_owned();
        if self.chance.one_in(2) {
            return text;
        }
        self.count("chart", "dependency");
        text += "dependencies:\n";
        for at in 0..=self.chance.below(2) {
            let version = self.chance.pick(&["0.1.0", "*", "^0.1", "~0.1.0", ">=0.0.1-0", "9.x"]).to_owned();
            let _ = write!(text, "- {{name: sub, repository: \"\", version: \"{version}\"");
            if at > 0 || self.chance.one_in(4) {
                self.count("chart", "alias");
                let _ = write!(text, ", alias: other{at}");
            }
            if self.chance.one_in(3) {
                self.count("chart", "condition");
                let path = self.chance.pick(&["t", "f", "deep.on", "sub.on", "nope,f", "s0", "n"]).to_owned();
                let _ = write!(text, ", condition: \"{path}\"");
            }
            if self.chance.one_in(4) {
                self.count("chart", "tags");
                text += ", tags: [one, two]";
            }
            if self.chance.one_in(3) {
                self.count("chart", "import-values");
                let import = self.chance.pick(&[
                    "[data]",
                    "[{child: m, parent: m0}]",
                    "[{child: m, parent: .}]",
                    "[data, {child: exports.data, parent: deep.more}]",
                    "[{child: nope, parent: x}]",
                    "[nope]",
                ]);
                let _ = write!(text, ", import-values: {import}");
            }
            text += "}\n";
        }
        text
    }

    fn sub_values(&mut self) -> Value {
        json!({"s": self.word(), "m": self.map(0), "l": self.value(0), "exports": {"data": self.map(0)}, "global": {"g": "sub", "m": self.map(1)}})
    }

    pub(super) fn word(&mut self) -> String {
        const WORDS: &[&str] = &[
            "",
            "a",
            "text",
            "two words",
            "h\u{e9}llo",
            "1",
            "true",
            "~",
            "k: v",
            "line\nnext",
            "- x",
            "{{ .x }}",
            "  pad",
            "A_b-C",
            "10Mi",
            "0x1f",
            "1e3",
            "\"q\"",
            "#c",
            "2024-01-02",
            "null",
        ];
        self.chance.pick(WORDS).to_owned()
    }

    fn number(&mut self) -> Value {
        match self.chance.below(7) {
            0 => json!(0),
            1 => json!(self.chance.below(20)),
            2 => json!(-(self.chance.below(1000) as i64)),
            3 => json!(1.5),
            4 => json!(8080),
            5 => json!(1_000_000),
            _ => json!(0.1),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.chance.below(if depth > 2 { 5 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.chance.one_in(2)),
            2 | 3 => self.number(),
            4 => json!(self.word()),
            5 => (0..self.chance.below(4)).map(|_| self.value(depth + 1)).collect::<Vec<_>>().into(),
            _ => self.map(depth + 1),
        }
    }

    fn map(&mut self, depth: usize) -> Value {
        let mut map = serde_json::Map::new();
        for _ in 0..self.chance.below(4) {
            let key = ["a", "b", "c", "s", "l", "m", "key", "x.y"][self.chance.below(8)].to_owned();
            let value = self.value(depth);
            map.insert(key, value);
        }
        map.into()
    }

    fn values(&mut self) -> Value {
        json!({
            "t": true, "f": false, "n": null, "num": "12", "big": 1_000_000, "i0": self.chance.below(9), "x0": self.number(), "x1": 2.75,
            "s0": self.word(), "s1": self.word(), "s2": self.word(), "strs": ["b", "a", "c"],
            "l0": [self.value(1), self.value(1), self.value(1)], "l1": self.value(0), "m0": self.map(0), "m1": self.map(0),
            "deep": {"a": {"b": {"c": self.word()}}, "on": self.chance.one_in(2)}, "people": [{"name": "Ann", "age": 30}, {"name": self.word(), "age": 4.5}],
            "sub": {"s": self.word(), "m": self.map(0), "on": self.chance.one_in(2)}, "global": {"g": self.word(), "m": self.map(1)},
            "tags": {"one": self.chance.one_in(2), "two": self.chance.one_in(2)},
        })
    }
}
