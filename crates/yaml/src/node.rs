//! The tree of one document: kinds, tags, styles, comments and positions, as yaml v3 keeps them.

use smol_str::SmolStr;

/// What a node is made of. Mappings keep their order and may hold a key twice until somebody refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Scalar(SmolStr),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// An alias to the anchor of this name.
    Alias(SmolStr),
}

/// The resolved tag, by the yaml v3 (1.2-like) rules unless the text gave one.
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
    /// A tag that the text gave, as written.
    Other(SmolStr),
}

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

/// Comment text with its `#`, lines joined by `\n`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comments {
    pub head: SmolStr,
    pub line: SmolStr,
    pub foot: SmolStr,
}

/// One node. `line` and `column` count from 1; 0 where the node did not come from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: Kind,
    pub tag: Tag,
    pub style: Style,
    pub anchor: Option<SmolStr>,
    pub comments: Option<Box<Comments>>,
    pub line: u32,
    pub column: u32,
}
