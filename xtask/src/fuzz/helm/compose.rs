//! Composes charts: templates out of every action, function and kind, with values; counts what it used.

mod calls;
mod chart;
mod objects;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::functions::{Form, forms};
use crate::fuzz::chance::Chance;

/// One question: a chart and values.
#[derive(Clone)]
pub struct Case {
    pub files: BTreeMap<String, String>,
    pub values: Value,
}

impl Case {
    pub fn question(&self) -> String {
        json!({"files": self.files, "values": self.values, "sort": objects::PATH}).to_string()
    }
}

/// What a case used, by name: `function upper`, `action range`, `kind list`.
pub type Uses = BTreeMap<String, u64>;

pub struct Composer {
    forms: Vec<Form>,
    pub chance: Chance,
    /// How often each form was used in all, and each function, by the place of its first form.
    used: Vec<u64>,
    named_uses: Vec<u64>,
    first: Vec<usize>,
    /// How often everything was used in all.
    total: Uses,
    uses: Uses,
    /// Variables in scope with their kinds.
    variables: Vec<(String, u8)>,
    /// One argument in so many is of any kind; none where 0.
    wrong: usize,
    named: usize,
    blocks: usize,
    loops: usize,
    /// How deep we are in what may run many times, where nothing dear is called.
    repeated: usize,
}

/// Kinds that values can have; the letters of functions.txt.
const KINDS: &[u8] = b"iInfsblmx";

fn kind_name(kind: u8) -> &'static str {
    match kind {
        b'i' | b'I' => "int",
        b'n' => "number",
        b'f' => "float",
        b'b' => "bool",
        b'l' => "list",
        b'm' => "map",
        b'x' => "any",
        b't' => "time",
        b'v' => "version",
        _ => "string",
    }
}

impl Composer {
    pub fn new(seed: u64) -> Self {
        let forms = forms();
        let used = vec![0; forms.len()];
        let first = |form: &Form| forms.iter().position(|other| other.name == form.name).unwrap_or_default();
        let first = forms.iter().map(first).collect();
        Self {
            forms,
            chance: Chance::new(seed),
            named_uses: used.clone(),
            used,
            first,
            total: Uses::new(),
            uses: Uses::new(),
            variables: Vec::new(),
            wrong: 0,
            named: 0,
            blocks: 0,
            loops: 0,
            repeated: 0,
        }
    }

    /// The names of all functions that are composed.
    pub fn functions(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = self.forms.iter().map(|form| form.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub fn case(&mut self) -> (Case, Uses) {
        self.uses.clear();
        self.variables.clear();
        (self.named, self.blocks) = (0, 0);
        self.loops = 0;
        self.wrong = [0, 0, 0, 25, 8][self.chance.below(5)];
        let (mut files, values) = self.chart();
        let mut parts = String::new();
        for name in 0..=self.chance.below(3) {
            self.named = name;
            let body = self.template_body(2);
            self.count("action", "define");
            parts += &format!("{{{{ define \"part{name}\" }}}}{body}{{{{ end }}}}\n");
        }
        self.named += 1;
        files.insert("templates/_parts.tpl".to_owned(), parts);
        let mut text = String::new();
        for _ in 0..=self.chance.below(3) {
            text += &self.action(0);
            text.push('\n');
        }
        files.insert("templates/a.yaml".to_owned(), text);
        if self.chance.one_in(6) {
            self.variables.clear();
            let text = self.action(1);
            files.insert("charts/sub/templates/b.yaml".to_owned(), text);
        }
        if self.chance.one_in(3) {
            self.variables.clear();
            let text = self.objects();
            files.insert(format!("templates{}.yaml", objects::PATH), text);
        }
        (Case { files, values }, std::mem::take(&mut self.uses))
    }

    fn count(&mut self, family: &str, name: &str) {
        let name = format!("{family} {name}");
        *self.total.entry(name.clone()).or_default() += 1;
        *self.uses.entry(name).or_default() += 1;
    }

    fn text(&mut self) -> String {
        self.count("action", "text");
        ["a: b", "text", " ", "\n", "  - x\n", "}}", "{", "\u{e9}\n\n"][self.chance.below(8)].to_owned()
    }

    /// The two marks around an action, with or without trimming.
    fn marks(&mut self) -> (&'static str, &'static str) {
        let left = if self.chance.one_in(5) {
            self.count("action", "trim left");
            "{{- "
        } else {
            "{{ "
        };
        let right = if self.chance.one_in(5) {
            self.count("action", "trim right");
            " -}}"
        } else {
            " }}"
        };
        (left, right)
    }

    fn act(&mut self, inner: &str) -> String {
        let (left, right) = self.marks();
        format!("{left}{inner}{right}")
    }

    fn template_body(&mut self, depth: usize) -> String {
        let before = self.variables.len();
        let loops = std::mem::take(&mut self.loops);
        self.repeated += 1;
        let text = self.body(depth);
        self.repeated -= 1;
        self.loops = loops;
        self.variables.truncate(before);
        text
    }

    fn body(&mut self, depth: usize) -> String {
        let before = self.variables.len();
        let mut text = String::new();
        for _ in 0..=self.chance.below(2) {
            text += &self.action(depth + 1);
        }
        self.variables.truncate(before);
        text
    }

    fn action(&mut self, depth: usize) -> String {
        if depth > 3 {
            return if self.chance.one_in(3) { self.text() } else { self.output() };
        }
        let choice = if self.chance.one_in(4) { self.rarest_action() } else { self.chance.below(24) };
        match choice {
            0 => self.text(),
            1..=8 => self.output(),
            9..=11 => self.branch("if", depth),
            12 | 13 => self.branch("with", depth),
            14..=16 => self.range(depth),
            17 => self.declare(),
            18 => self.assign(),
            19 => {
                self.count("action", "comment");
                let mark = if self.chance.one_in(2) { "{{- /* c */ -}}" } else { "{{/* c\n */}}" };
                mark.to_owned()
            }
            20 => {
                self.count("action", "block");
                // Each has a name of its own: one that calls itself would end the reference, not the render.
                self.blocks += 1;
                let name = self.blocks;
                let data = self.expression(b'x', 2);
                let open = self.act(&format!("block \"block{name}\" {data}"));
                let variables = std::mem::take(&mut self.variables);
                let body = self.template_body(depth + 1);
                self.variables = variables;
                format!("{open}{body}{}", self.act("end"))
            }
            21 if self.named > 0 => {
                self.count("action", "template");
                let name = self.chance.below(self.named);
                match self.chance.below(4) {
                    0 => self.act(&format!("template \"part{name}\"")),
                    1 => {
                        let data = self.expression(b'x', 2);
                        self.act(&format!("template \"part{name}\" {data}"))
                    }
                    _ => self.act(&format!("template \"part{name}\" $")),
                }
            }
            22 if self.named > 0 => {
                self.count("function", "include");
                let name = self.chance.below(self.named);
                let indent = self.chance.below(6);
                let pipe = if self.chance.one_in(2) { format!(" | nindent {indent}") } else { String::new() };
                if !pipe.is_empty() {
                    self.count("function", "nindent");
                }
                self.act(&format!("include \"part{name}\" ${pipe}"))
            }
            _ if self.loops > 0 => {
                let word = if self.chance.one_in(2) { "break" } else { "continue" };
                self.count("action", word);
                let condition = self.expression(b'b', 2);
                let (open, stop, close) =
                    (self.act(&format!("if {condition}")), self.act(word), self.act("end"));
                self.count("action", "if");
                format!("{open}{stop}{close}")
            }
            _ => self.output(),
        }
    }

    /// Of the actions that can stand here, the one least used.
    fn rarest_action(&self) -> usize {
        const ACTIONS: &[(usize, &str)] = &[
            (9, "action if"),
            (12, "action with"),
            (14, "action range over list"),
            (17, "action declare"),
            (18, "action assign"),
            (19, "action comment"),
            (20, "action block"),
            (21, "action template"),
            (23, "action break"),
            (23, "action continue"),
        ];
        let can = |choice: usize| match choice {
            18 => !self.variables.is_empty(),
            21 => self.named > 0,
            23 => self.loops > 0,
            _ => true,
        };
        let fitting = ACTIONS.iter().filter(|(choice, _)| can(*choice));
        let rarest = fitting.min_by_key(|(_, name)| self.total.get(*name).copied().unwrap_or_default());
        rarest.map_or(0, |(choice, _)| *choice)
    }

    fn output(&mut self) -> String {
        self.count("action", "output");
        let form = self.rarest(None);
        let inner = self.call(form, 0);
        match self.chance.below(6) {
            0 => {
                self.count("function", "toJson");
                self.act(&format!("({inner}) | toJson"))
            }
            1 => {
                self.count("function", "printf");
                self.act(&format!("printf \"%T %v\" ({inner}) ({inner})"))
            }
            2 => {
                self.count("function", "toYaml");
                self.act(&format!("toYaml ({inner})"))
            }
            _ => self.act(&inner),
        }
    }

    fn branch(&mut self, word: &str, depth: usize) -> String {
        self.count("action", word);
        let kind = KINDS[self.chance.below(KINDS.len())];
        let mut condition = self.expression(kind, 1);
        let before = self.variables.len();
        if self.chance.one_in(4) {
            let name = self.variable(kind);
            self.count("action", "variable in condition");
            condition = format!("{name} := {condition}");
        }
        let mut text = self.act(&format!("{word} {condition}"));
        if word == "with" && self.chance.one_in(2) {
            text += &self.act("toString . | trunc 40");
        }
        text += &self.body(depth);
        if self.chance.one_in(3) {
            let other = self.expression(b'x', 2);
            self.count("action", &format!("else {word}"));
            text += &self.act(&format!("else {word} {other}"));
            text += &self.body(depth);
        }
        if self.chance.one_in(2) {
            self.count("action", "else");
            text += &self.act("else");
            text += &self.body(depth);
        }
        self.variables.truncate(before);
        text + &self.act("end")
    }

    fn range(&mut self, depth: usize) -> String {
        let kind = b"llmmix"[self.chance.below(6)];
        self.count("action", &format!("range over {}", kind_name(kind)));
        let over = self.expression(kind, 1);
        let before = self.variables.len();
        let head = match self.chance.below(4) {
            0 => {
                let item = self.variable(b'x');
                format!("range {item} := {over}")
            }
            1 => {
                let (key, item) = (self.variable(b'x'), self.variable(b'x'));
                format!("range {key}, {item} := {over}")
            }
            2 if !self.variables.is_empty() => {
                let item = self.variables[self.chance.below(self.variables.len())].0.clone();
                format!("range {item} = {over}")
            }
            _ => format!("range {over}"),
        };
        let mut text = self.act(&head);
        self.loops += 1;
        self.repeated += 1;
        text += "[";
        if self.chance.one_in(3) {
            text += &self.act(".");
        }
        text += &self.body(depth);
        text += "]";
        self.loops -= 1;
        self.repeated -= 1;
        self.variables.truncate(before);
        if self.chance.one_in(3) {
            self.count("action", "range else");
            text += &self.act("else");
            text += &self.body(depth);
        }
        text + &self.act("end")
    }

    fn variable(&mut self, kind: u8) -> String {
        let name = format!("$v{}", self.chance.below(5));
        self.variables.push((name.clone(), kind));
        name
    }

    fn declare(&mut self) -> String {
        self.count("action", "declare");
        let kind = KINDS[self.chance.below(KINDS.len())];
        let value = self.expression(kind, 1);
        let name = self.variable(kind);
        self.act(&format!("{name} := {value}"))
    }

    fn assign(&mut self) -> String {
        if self.variables.is_empty() {
            return self.declare();
        }
        self.count("action", "assign");
        let (name, kind) = self.variables[self.chance.below(self.variables.len())].clone();
        let value = self.expression(kind, 1);
        self.act(&format!("{name} = {value}"))
    }
}
