//! A tree that has been a JSON value in between, without making that value where the tree is ordinary.

use super::node::{self, Plain};
use super::order::{natural_order, sort_naturally};
use crate::error::Error;
use crate::node::{Kind, Node, Style, Tag};

/// Makes a tree what `from_value` makes of what `from_node` has made of it. After an error it is as it was.
pub fn through_json(node: &mut Node) -> Result<(), Error> {
    if node.is_scalar() || !is_plain(node, false) {
        *node = node::from_value(&node::from_node(node)?);
    } else {
        settle(node, false);
    }
    Ok(())
}

/// True where each node can be settled in its place.
fn is_plain(node: &Node, in_flow: bool) -> bool {
    let in_flow = in_flow || node.style == Style::Flow;
    match &node.kind {
        Kind::Alias(_) => false,
        Kind::Scalar(text) => match node::plain_scalar(node, text, in_flow) {
            None => false,
            Some(Plain::Text(_)) => true,
            Some(Plain::Known(value)) => node::json(value, text).is_ok(),
        },
        _ if node.tagged || node.anchor.is_some() => false,
        Kind::Sequence(items) => items.iter().all(|item| is_plain(item, in_flow)),
        Kind::Mapping(entries) => {
            has_plain_keys(entries) && entries.iter().all(|(_, value)| is_plain(value, in_flow))
        }
    }
}

fn has_plain_keys(entries: &[(Node, Node)]) -> bool {
    if !entries.iter().all(|(key, _)| node::is_plain_key(key)) {
        return false;
    }
    let name = |at: usize| entries[at].0.as_str();
    if entries.len() <= FEW {
        return (1..entries.len()).all(|at| (0..at).all(|before| name(before) != name(at)));
    }
    let mut names: Vec<_> = entries.iter().map(|(key, _)| key.as_str()).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

fn settle(node: &mut Node, in_flow: bool) {
    let in_flow = in_flow || node.style == Style::Flow;
    match &mut node.kind {
        Kind::Alias(_) => {}
        Kind::Scalar(text) => {
            let known = match node::plain_scalar_of(&node.tag, node.style, text, in_flow) {
                Some(Plain::Known(value)) => node::json(value, text).ok(),
                _ => None,
            };
            match known {
                Some(value) => *node = node::from_value(&value),
                None => {
                    node.tag = Tag::Str;
                    plain_style(node);
                }
            }
        }
        Kind::Sequence(items) => {
            for item in items {
                settle(item, in_flow);
            }
            node.tag = Tag::Seq;
            plain_style(node);
        }
        Kind::Mapping(entries) => {
            for (key, value) in &mut *entries {
                plain_style(key);
                settle(value, in_flow);
            }
            sort_entries(entries);
            node.tag = Tag::Map;
            plain_style(node);
        }
    }
}

fn plain_style(node: &mut Node) {
    node.style = Style::Default;
    node.comments = None;
    (node.line, node.column) = (0, 0);
}

/// So many entries are sorted by moving them about.
const FEW: usize = 16;

/// Sorts entries by their keys, as they are sorted on output.
fn sort_entries(entries: &mut Vec<(Node, Node)>) {
    fn name(entry: &(Node, Node)) -> &str {
        entry.0.as_str().unwrap_or_default()
    }
    // The order runs in circles for some keys with digits; a value's keys are sorted by bytes before.
    if entries.iter().any(|entry| name(entry).bytes().any(|byte| byte.is_ascii_digit())) {
        entries.sort_by(|left, right| name(left).cmp(name(right)));
    }
    if entries.len() <= FEW {
        for at in 1..entries.len() {
            let mut place = at;
            while place > 0 && natural_order(name(&entries[at]), name(&entries[place - 1])).is_lt() {
                place -= 1;
            }
            entries[place..=at].rotate_right(1);
        }
        return;
    }
    let mut order: Vec<(&str, usize)> = entries.iter().map(name).zip(0..).collect();
    sort_naturally(&mut order, |(name, _)| name);
    let order: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
    let mut from: Vec<Option<(Node, Node)>> = std::mem::take(entries).into_iter().map(Some).collect();
    entries.extend(order.into_iter().filter_map(|at| from[at].take()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Limits, parse};

    #[test]
    fn in_place_and_by_way_of_a_value_agree() {
        let lines: Vec<String> = (0..40).rev().map(|number| format!("k{number}: {number}\n")).collect();
        let long = lines.concat();
        for text in [
            "b: 1\na: [x, 2.50, 0o17, ~, '']\nc: {d: 'yes', \"e\": \"1\", f: 2001-01-01, g: 1e3, h: True}\n",
            "- b: |\n    x\n    y\n  a: >\n    one\n- !!str 1\n",
            "a: 1\na: 2\n",
            "x: &x [1]\ny: *x\n<<: {z: 1}\n",
            "1: a\ntrue: b\n",
            "# head\nz: 9007199254740993 # line\ny: 0.1\nx: 1_000\nw: .inf\n",
            "a10: 1\na9: 2\na: 3\n",
            &long,
        ] {
            let mut node = parse(text, Limits::default()).unwrap().remove(0);
            let slow = node::from_node(&node).map(|value| node::from_value(&value));
            let fast = through_json(&mut node).map(|()| node);
            assert_eq!(
                fast.map_err(|error| error.to_string()),
                slow.map_err(|error| error.to_string()),
                "{text}"
            );
        }
    }
}
