//! The tree of one document: kinds, tags, styles, comments and positions, as yaml v3 keeps them.

use smol_str::SmolStr;

use crate::resolve;

/// What a node is made of. Mappings keep their order and may hold a key twice until somebody refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Scalar(SmolStr),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// An alias to the anchor of this name.
    Alias(SmolStr),
}

/// The tag, by the yaml v3 (1.2-like) rules unless the text gave one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tag {
    #[default]
    Str,
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
    Merge,
    Seq,
    Map,
    /// Any other tag that the text gave, in its short form (`!thing`, `!!thing`, `tag:...`).
    Other(Box<SmolStr>),
}

impl Tag {
    /// The short form: `!!str`, `!thing`.
    pub fn as_str(&self) -> &str {
        match self {
            Tag::Str => "!!str",
            Tag::Null => "!!null",
            Tag::Bool => "!!bool",
            Tag::Int => "!!int",
            Tag::Float => "!!float",
            Tag::Timestamp => "!!timestamp",
            Tag::Binary => "!!binary",
            Tag::Merge => "!!merge",
            Tag::Seq => "!!seq",
            Tag::Map => "!!map",
            Tag::Other(name) => name,
        }
    }

    /// The tag of this short or long (`tag:yaml.org,2002:str`) name.
    pub fn from_name(name: &str) -> Tag {
        let short = match name.strip_prefix(LONG_PREFIX) {
            Some(rest) => rest,
            None => match name.strip_prefix("!!") {
                Some(rest) => rest,
                None => return Tag::Other(Box::new(name.into())),
            },
        };
        match short {
            "str" => Tag::Str,
            "null" => Tag::Null,
            "bool" => Tag::Bool,
            "int" => Tag::Int,
            "float" => Tag::Float,
            "timestamp" => Tag::Timestamp,
            "binary" => Tag::Binary,
            "merge" => Tag::Merge,
            "seq" => Tag::Seq,
            "map" => Tag::Map,
            other => Tag::Other(Box::new(smol_str::format_smolstr!("!!{other}"))),
        }
    }
}

/// What `!!` stands for.
pub(crate) const LONG_PREFIX: &str = "tag:yaml.org,2002:";

/// How the node was written, and so how it is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Plain scalar, or a block collection.
    #[default]
    Default,
    DoubleQuoted,
    SingleQuoted,
    Literal,
    Folded,
    /// `{}` or `[]`.
    Flow,
}

impl Style {
    /// Whether a scalar in this style is text whatever it looks like.
    pub fn is_quoting(self) -> bool {
        matches!(self, Style::DoubleQuoted | Style::SingleQuoted | Style::Literal | Style::Folded)
    }
}

/// Comment text with its `#`, lines joined by `\n`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comments {
    pub head: SmolStr,
    pub line: SmolStr,
    pub foot: SmolStr,
}

impl Comments {
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}

/// One node. `line` and `column` count from 1; 0 where the node did not come from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: Kind,
    pub tag: Tag,
    pub style: Style,
    /// The text spelled the tag out, so it is written out again.
    pub tagged: bool,
    pub anchor: Option<Box<SmolStr>>,
    pub comments: Option<Box<Comments>>,
    pub line: u32,
    pub column: u32,
}

/// Making nodes.
impl Node {
    pub(crate) fn new(kind: Kind, tag: Tag) -> Node {
        Node {
            kind,
            tag,
            style: Style::Default,
            tagged: false,
            anchor: None,
            comments: None,
            line: 0,
            column: 0,
        }
    }

    /// A plain scalar that means whatever its text means: `scalar("8080")` is a number.
    pub fn scalar(text: impl Into<SmolStr>) -> Node {
        let text = text.into();
        let tag = resolve::v3_tag(&text);
        Node::new(Kind::Scalar(text), tag)
    }

    /// A string: the emitter quotes it where its text alone would mean something else.
    pub fn string(text: impl Into<SmolStr>) -> Node {
        Node::new(Kind::Scalar(text.into()), Tag::Str)
    }

    pub fn null() -> Node {
        Node::new(Kind::Scalar(SmolStr::new_static("null")), Tag::Null)
    }

    pub fn bool(value: bool) -> Node {
        Node::new(Kind::Scalar(SmolStr::new_static(if value { "true" } else { "false" })), Tag::Bool)
    }

    pub fn int(value: i64) -> Node {
        Node::new(Kind::Scalar(smol_str::format_smolstr!("{value}")), Tag::Int)
    }

    pub fn sequence(items: Vec<Node>) -> Node {
        Node::new(Kind::Sequence(items), Tag::Seq)
    }

    pub fn mapping(entries: Vec<(Node, Node)>) -> Node {
        Node::new(Kind::Mapping(entries), Tag::Map)
    }

    pub fn alias(name: impl Into<SmolStr>) -> Node {
        Node::new(Kind::Alias(name.into()), Tag::Str)
    }

    pub fn with_style(mut self, style: Style) -> Node {
        self.style = style;
        self
    }
}

/// Asking.
impl Node {
    /// The text of a scalar, whatever its tag.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar as a string that shares its bytes.
    pub fn as_smol(&self) -> Option<&SmolStr> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that is a string by its tag.
    pub fn as_string(&self) -> Option<&str> {
        match (&self.kind, &self.tag) {
            (Kind::Scalar(text), Tag::Str) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match (&self.kind, &self.tag) {
            (Kind::Scalar(text), Tag::Bool) => Some(matches!(text.as_bytes().first(), Some(b't' | b'T'))),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match (&self.kind, &self.tag) {
            (Kind::Scalar(text), Tag::Int) => match resolve::v3(text) {
                resolve::Value::Int(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// The entries of a mapping, in order.
    pub fn map(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn map_mut(&mut self) -> Option<&mut Vec<(Node, Node)>> {
        match &mut self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a sequence, in order.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    pub fn items_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!((&self.kind, &self.tag), (Kind::Scalar(_), Tag::Null))
    }

    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar(_))
    }

    pub fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Mapping(_))
    }

    pub fn is_sequence(&self) -> bool {
        matches!(self.kind, Kind::Sequence(_))
    }

    pub fn is_alias(&self) -> bool {
        matches!(self.kind, Kind::Alias(_))
    }

    /// A merge key (`<<`).
    pub fn is_merge(&self) -> bool {
        matches!((&self.kind, &self.tag), (Kind::Scalar(_), Tag::Merge))
    }

    /// Whether the mapping or sequence has nothing in it; a scalar when its text is empty.
    pub fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Scalar(text) | Kind::Alias(text) => text.is_empty(),
            Kind::Sequence(items) => items.is_empty(),
            Kind::Mapping(entries) => entries.is_empty(),
        }
    }

    pub fn anchor(&self) -> Option<&str> {
        self.anchor.as_ref().map(|name| name.as_str())
    }

    pub fn head_comment(&self) -> &str {
        self.comments.as_ref().map_or("", |comments| &comments.head)
    }

    pub fn line_comment(&self) -> &str {
        self.comments.as_ref().map_or("", |comments| &comments.line)
    }

    pub fn foot_comment(&self) -> &str {
        self.comments.as_ref().map_or("", |comments| &comments.foot)
    }

    /// The comments, made when there are none yet.
    pub fn comments_mut(&mut self) -> &mut Comments {
        self.comments.get_or_insert_default()
    }

    /// Whether both say the same: kinds, values by meaning of their tags and text, order of keys ignored,
    /// styles, comments, anchors and positions ignored.
    pub fn same_value(&self, other: &Node) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Scalar(a), Kind::Scalar(b)) => self.tag == other.tag && (a == b || self.tag == Tag::Null),
            (Kind::Alias(a), Kind::Alias(b)) => a == b,
            (Kind::Sequence(a), Kind::Sequence(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(left, right)| left.same_value(right))
            }
            (Kind::Mapping(a), Kind::Mapping(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|((key, value), (key_at_same_place, value_at_same_place))| {
                        if key.same_value(key_at_same_place) {
                            return value.same_value(value_at_same_place);
                        }
                        b.iter()
                            .find(|(candidate, _)| key.same_value(candidate))
                            .is_some_and(|(_, found)| value.same_value(found))
                    })
            }
            _ => false,
        }
    }
}

/// Fields of a mapping by key. On a node that is no mapping nothing is found and nothing is changed.
impl Node {
    /// The value under the key (the first, should there be two).
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let entries = self.map_mut()?;
        let index = position(entries, key)?;
        entries.get_mut(index).map(|(_, value)| value)
    }

    /// The key node and the value node.
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        let entries = self.map()?;
        entries.iter().find(|(candidate, _)| candidate.as_str() == Some(key))
    }

    /// The text of the scalar under the key.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Puts the value under the key: in place where the key is, else at the end. Returns the value that was there.
    pub fn set(&mut self, key: &str, value: Node) -> Option<Node> {
        let entries = self.map_mut()?;
        match position(entries, key) {
            Some(index) => Some(std::mem::replace(&mut entries[index].1, value)),
            None => {
                entries.push((Node::string(key), value));
                None
            }
        }
    }

    /// Puts the entry at this place among the others (at the end when `index` is too large), replacing one of the same key.
    pub fn insert(&mut self, index: usize, key: &str, value: Node) -> Option<Node> {
        let old = self.remove(key);
        let entries = self.map_mut()?;
        let index = index.min(entries.len());
        entries.insert(index, (Node::string(key), value));
        old
    }

    /// Takes the key and its value out; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        self.remove_entry(key).map(|(_, value)| value)
    }

    pub fn remove_entry(&mut self, key: &str) -> Option<(Node, Node)> {
        let entries = self.map_mut()?;
        let index = position(entries, key)?;
        Some(entries.remove(index))
    }

    /// The value under the key, put there first when the key is absent. `None` when this is no mapping.
    pub fn get_or_insert_with(&mut self, key: &str, make: impl FnOnce() -> Node) -> Option<&mut Node> {
        let entries = self.map_mut()?;
        let index = match position(entries, key) {
            Some(index) => index,
            None => {
                entries.push((Node::string(key), make()));
                entries.len() - 1
            }
        };
        entries.get_mut(index).map(|(_, value)| value)
    }
}

fn position(entries: &[(Node, Node)], key: &str) -> Option<usize> {
    entries.iter().position(|(candidate, _)| candidate.as_str() == Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_small() {
        assert!(size_of::<Node>() <= 80, "{}", size_of::<Node>());
    }

    #[test]
    fn fields_are_set_in_place_and_removed_in_order() {
        let mut map = Node::mapping(vec![]);
        map.set("b", Node::int(1));
        map.set("a", Node::string("x"));
        map.set("b", Node::int(2));
        assert_eq!(map.get("b").and_then(Node::as_i64), Some(2));
        map.insert(0, "first", Node::bool(true));
        let keys: Vec<_> = map.map().unwrap().iter().filter_map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["first", "b", "a"]);
        assert!(map.remove("b").is_some());
        assert!(!map.contains_key("b"));
    }

    #[test]
    fn equality_of_values_ignores_style_and_order_of_keys() {
        let a =
            Node::mapping(vec![(Node::string("x"), Node::int(1)), (Node::string("y"), Node::string("t"))]);
        let b = Node::mapping(vec![
            (Node::string("y"), Node::string("t").with_style(Style::DoubleQuoted)),
            (Node::string("x"), Node::int(1)),
        ]);
        assert!(a.same_value(&b));
        assert!(!a.same_value(&Node::mapping(vec![])));
    }
}
