//! Values as people write them: quoted, folded, tagged, or looking like what they are not.

use super::Feature;
use crate::draft::Draft;

const KINDS: &[(&str, &[&str])] = &[
    ("scalar.single-quoted", &["'it''s'", "'a: b'", "'#x'", "' lead'", "'1'"]),
    ("scalar.double-quoted", &["\"a\\tb\"", "\"1\"", "\"two\\nlines\"", "\"\\u00e9\"", "\"true\"", "\"\""]),
    ("scalar.number", &["1", "-7", "0", "1.50", "1e3", "123456789012345678901234567890", ".5", "1.0"]),
    ("scalar.number-odd", &["0x1F", "0o17", "017", "1_000", "+5", "0b11", "-0", "1."]),
    ("scalar.bool", &["true", "false", "True", "FALSE"]),
    ("scalar.bool-like", &["yes", "no", "on", "off", "y", "N", "Yes", "OFF"]),
    ("scalar.null", &["null", "~", "", "Null"]),
    ("scalar.date", &["2020-01-01", "2020-01-01T00:00:00Z", "\"2020-01-01\"", "12:30:45"]),
    ("scalar.unicode", &["é", "日本語", "\"\\U0001F600\"", "😀", "a\u{a0}b"]),
    (
        "scalar.long",
        &[
            "a very long plain value that goes on and on far past the eightieth column of the line so that it would be folded",
            "\"a very long quoted value that goes on and on, far past: the eightieth column of the line # and on\"",
        ],
    ),
    (
        "scalar.literal",
        &["|\n  one\n  two\n", "|-\n  one\n   two", "|+\n  one\n\n", "|2\n    indented\n  one\n"],
    ),
    ("scalar.folded", &[">\n  one\n  two\n\n  three\n", ">-\n  one\n  two", ">+\n  a\n   b\n\n"]),
    ("scalar.tagged", &["!!str 1", "!!int \"1\"", "!!str true", "!!float 1", "!!null ''"]),
    (
        "scalar.special",
        &["'*'", "'&a'", "'!x'", "'%'", "'@x'", "'`'", "'{a}'", "'- x'", "'? x'", "a:b", "'a:'", "="],
    ),
    ("scalar.spaces", &["'tab\there'", "\" trailing \"", "'a  b'", "\"\\ttab\""]),
];

pub fn features() -> Vec<Feature> {
    KINDS.iter().map(|(name, _)| Feature::of("object.odd", name)).collect()
}

/// A value for a key at a depth: of a wanted sort, or plain.
pub fn value(draft: &mut Draft, depth: usize) -> String {
    let wanted: Vec<usize> = (0..KINDS.len()).filter(|&at| draft.wants(KINDS[at].0)).collect();
    if wanted.is_empty() || draft.dice.chance(25) {
        return draft.dice.pick(&["plain", "two words", "a-b", "x/y:z"]).to_owned();
    }
    let (name, values) = KINDS[draft.dice.pick(&wanted)];
    draft.mark(name);
    let text = draft.dice.pick(values);
    // The lines of a block scalar below its first lie deeper than the key.
    let space = " ".repeat(depth);
    let mut lines = text.split('\n');
    let mut placed = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        placed.push('\n');
        if !line.is_empty() {
            placed.push_str(&space);
            placed.push_str(line);
        }
    }
    placed.trim_end_matches('\n').to_owned()
}

/// As `value`, of the sorts that fit into flow collections and are strings for sure.
pub fn text(draft: &mut Draft) -> String {
    let wanted: Vec<usize> = (0..KINDS.len())
        .filter(|&at| matches!(KINDS[at].0, "scalar.single-quoted" | "scalar.unicode" | "scalar.special"))
        .filter(|&at| draft.wants(KINDS[at].0))
        .collect();
    if wanted.is_empty() {
        return draft.dice.pick(&["plain", "a-b", "\"quoted\"", "'1'", "\"true\""]).to_owned();
    }
    let (name, values) = KINDS[draft.dice.pick(&wanted)];
    draft.mark(name);
    draft.dice.pick(values).to_owned()
}
