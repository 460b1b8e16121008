//! Ordinary texts to JSON values of which only some parts are wanted: the rest is read and checked, and not kept.

use serde_json::{Map, Value};

use super::quick::Values;
use crate::fast::Build;
use crate::node::Style;
use crate::resolve::{self, Value as Resolved};
use crate::scan::Mark;

/// What is wanted of a value.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// Only that it is there, and whether it is a map or a list: what is in it is left out, a scalar is null.
    Shape,
    /// These keys, spelled in any case, of a map.
    Keys(&'static [(&'static str, Part)]),
    Whole,
}

impl Part {
    /// What is wanted of the value of a key. Keys that are not plain letters are kept, since case is no simple matter there.
    fn of(self, key: &str) -> Option<Self> {
        match self {
            Self::Whole => Some(Self::Whole),
            Self::Shape => None,
            Self::Keys(_) if !key.is_ascii() => Some(Self::Whole),
            Self::Keys(keys) => {
                keys.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, part)| *part)
            }
        }
    }

    /// What is wanted of the items of a list.
    fn of_items(self) -> Self {
        if let Self::Whole = self { Self::Whole } else { Self::Shape }
    }
}

/// Builds what is wanted, by the v2 rules.
pub(super) struct Parts {
    plain: Values,
    /// Of the node that comes next.
    wanted: Part,
}

impl Parts {
    pub fn new(wanted: Part) -> Self {
        Self { plain: Values { strict: false, keys: Vec::new() }, wanted }
    }
}

/// An open list or map, and what is wanted of it.
pub(super) struct Open<T> {
    wanted: Part,
    kept: T,
    /// The key whose value comes next is kept.
    is_kept: bool,
}

/// Whether a plain scalar may be a number that JSON does not have, or anything else that ends the attempt.
fn may_be_number(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'.' | b'+' | b'-' | b'0'..=b'9'))
}

impl Build for Parts {
    type Out = Value;
    type Items = Open<Vec<Value>>;
    type Entries = Open<Map<String, Value>>;

    fn is_text_wanted(&self) -> bool {
        !matches!(self.wanted, Part::Shape)
    }

    fn scalar(&mut self, text: &str, style: Style, at: Mark) -> Option<Value> {
        if let Part::Shape = self.wanted {
            if !style.is_quoting() && may_be_number(text) {
                self.plain.scalar(text, style, at)?;
            }
            return Some(Value::Null);
        }
        self.plain.scalar(text, style, at)
    }

    fn begin_sequence(&mut self) -> Self::Items {
        let wanted = self.wanted;
        self.wanted = wanted.of_items();
        Open { wanted, kept: Vec::new(), is_kept: false }
    }

    fn item(&mut self, items: &mut Self::Items, item: Value) {
        self.wanted = items.wanted.of_items();
        if let Part::Whole = items.wanted {
            items.kept.push(item);
        }
    }

    fn end_sequence(&mut self, items: Self::Items, _: Mark, _: bool) -> Value {
        Value::Array(items.kept)
    }

    fn begin_mapping(&mut self) -> Self::Entries {
        Open { wanted: self.wanted, kept: Map::new(), is_kept: false }
    }

    fn key(&mut self, entries: &mut Self::Entries, text: &str, style: Style, at: Mark) -> Option<()> {
        // A key that is no text may be spelled otherwise than it is written.
        let is_text = style.is_quoting()
            || text != "<<" && matches!(resolve::v2(text), Resolved::Timestamp(_) | Resolved::Str);
        let wanted = if is_text { entries.wanted.of(text) } else { None };
        entries.is_kept = wanted.is_some();
        self.wanted = wanted.unwrap_or(Part::Shape);
        if entries.is_kept || !is_text {
            self.plain.key(&mut entries.kept, text, style, at)?;
        }
        if !is_text {
            self.plain.keys.pop();
        }
        Some(())
    }

    fn value(&mut self, entries: &mut Self::Entries, value: Value) {
        if entries.is_kept {
            self.plain.value(&mut entries.kept, value);
        }
    }

    fn end_mapping(&mut self, entries: Self::Entries, _: Mark, _: bool) -> Value {
        Value::Object(entries.kept)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::json::{Part, from_yaml, from_yaml_parts};

    const WANTED: Part =
        Part::Keys(&[("kind", Part::Whole), ("metadata", Part::Keys(&[("name", Part::Whole)]))]);

    #[test]
    fn only_what_is_wanted_is_kept() {
        let text =
            "kind: A\nMetadata:\n  name: x\n  labels: {a: b}\nspec:\n- a: [1, {b: 2}]\n  name: y\n1: 2\n";
        let got = from_yaml_parts(text, WANTED).unwrap();
        assert_eq!(got, json!({"kind": "A", "Metadata": {"name": "x"}}));
        assert_eq!(from_yaml_parts("- a\n", WANTED).unwrap(), json!([]));
        assert_eq!(from_yaml_parts("metadata: [1]\n", WANTED).unwrap(), json!({"metadata": []}));
    }

    #[test]
    fn what_is_wrong_is_told_wherever_it_stands() {
        for text in [
            "a: .inf\n",
            "a: [.nan]\n",
            "a: b: c\n",
            "a:\n\t- b\n",
            "? [a]\n: b\n",
            "<<: 1\n",
            "a: &x [*x]\n",
            "a: !!int x\n",
            "a: \"\\z\"\n",
            "null: 1\n",
            "1.5: 1\n",
            "a: 1e999\n",
        ] {
            let (got, want) = (from_yaml_parts(text, WANTED), from_yaml(text));
            assert_eq!(
                got.err().map(|error| error.to_string()),
                want.err().map(|error| error.to_string()),
                "{text}"
            );
        }
    }
}
