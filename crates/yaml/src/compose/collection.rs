//! Sequences and mappings, block and flow.

use super::{Compose, Composer, empty_scalar};
use crate::node::{Comments, Kind, Node, Style};
use crate::scan::{Lexeme, Mark};

impl<'a> Composer<'a> {
    pub(super) fn block_sequence(&mut self, node: Node) -> Compose<Node> {
        let start = self.peek()?.start;
        self.take();
        let base = self.items.len();
        loop {
            if let Some(trouble) = self.unminded.take() {
                return Err(trouble);
            }
            let token = self.peek()?;
            let (at, end) = (token.start, token.end());
            match token.lexeme {
                Lexeme::BlockEntry => {
                    self.take_entry()?;
                    let next = &self.peek()?.lexeme;
                    let item = if matches!(next, Lexeme::BlockEntry | Lexeme::BlockEnd) {
                        empty_scalar(end)
                    } else {
                        self.node(true, false)?
                    };
                    self.items.push(item);
                }
                Lexeme::BlockEnd => {
                    self.take();
                    let items = self.items.split_off(base);
                    return Ok(Node { kind: Kind::Sequence(items), ..node });
                }
                _ => return Err(Self::failure(Some(start), at, "did not find expected '-' indicator")),
            }
        }
    }

    /// A sequence in a mapping, its dashes in the column of the keys.
    pub(super) fn indentless_sequence(&mut self, node: Node) -> Compose<Node> {
        let base = self.items.len();
        loop {
            if let Some(trouble) = self.unminded.take() {
                return Err(trouble);
            }
            let token = self.peek()?;
            let end = token.end();
            if !matches!(token.lexeme, Lexeme::BlockEntry) {
                let items = self.items.split_off(base);
                return Ok(Node { kind: Kind::Sequence(items), ..node });
            }
            self.take_entry()?;
            let next = &self.peek()?.lexeme;
            let item =
                if matches!(next, Lexeme::BlockEntry | Lexeme::Key { .. } | Lexeme::Value | Lexeme::BlockEnd)
                {
                    empty_scalar(end)
                } else {
                    self.node(true, false)?
                };
            self.items.push(item);
        }
    }

    /// Takes the dash. What was the head of the entry is set aside when the entry is a collection.
    fn take_entry(&mut self) -> Compose<()> {
        let head_length = self.pending.head.len();
        self.take();
        if head_length == 0 {
            return Ok(());
        }
        if let Err(trouble) = self.peek() {
            // yaml v3 does not look at this failure: it scans on from where it stands, and minds it after the next node.
            self.peek()?;
            self.unminded = Some(trouble);
            return Ok(());
        }
        let next = &self.peek()?.lexeme;
        if matches!(next, Lexeme::BlockSequenceStart | Lexeme::BlockMappingStart) {
            let head = std::mem::take(&mut self.pending.head).into_owned();
            if let Some(after) = head.get(head_length + 1..) {
                self.pending.head = after.to_owned().into();
            }
            self.pending.stem = Some(head.get(..head_length).unwrap_or_default().to_owned());
        }
        Ok(())
    }

    pub(super) fn block_mapping(&mut self, mut node: Node) -> Compose<Node> {
        let start = self.peek()?.start;
        self.take();
        let base = self.entries.len();
        loop {
            let token = self.peek()?;
            let (at, end) = (token.start, token.end());
            match token.lexeme {
                Lexeme::Key { .. } => {
                    self.take();
                    let mut key = self.block_mapping_part(end)?;
                    if key.comments.is_some()
                        && !key.foot_comment().is_empty()
                        && let Some(previous) = self.entries[base..].last_mut()
                    {
                        // A foot in the column of the keys belongs to the entry before.
                        let foot = std::mem::take(&mut key.comments_mut().foot);
                        previous.0.comments_mut().foot = foot;
                    }
                    let value = self.block_mapping_value()?;
                    self.entries.push(with_foot_on_key(key, value));
                }
                Lexeme::BlockEnd => {
                    let comments = self.take_comments();
                    self.take();
                    end_collection(&mut node, comments);
                    let mut entries = self.entries.split_off(base);
                    if let Some((key, _)) = entries.last_mut()
                        && !node.foot_comment().is_empty()
                    {
                        key.comments_mut().foot = std::mem::take(&mut node.comments_mut().foot);
                    }
                    tidy(&mut node);
                    return Ok(Node { kind: Kind::Mapping(entries), ..node });
                }
                _ => return Err(Self::failure(Some(start), at, "did not find expected key")),
            }
        }
    }

    fn block_mapping_value(&mut self) -> Compose<Node> {
        let token = self.peek()?;
        let (at, end) = (token.start, token.end());
        if !matches!(token.lexeme, Lexeme::Value) {
            return Ok(empty_scalar(at));
        }
        self.take();
        self.block_mapping_part(end)
    }

    /// What follows `?` or `:`; `end` is where that ended.
    fn block_mapping_part(&mut self, end: Mark) -> Compose<Node> {
        let next = &self.peek()?.lexeme;
        if matches!(next, Lexeme::Key { .. } | Lexeme::Value | Lexeme::BlockEnd) {
            Ok(empty_scalar(end))
        } else {
            self.node(true, true)
        }
    }

    pub(super) fn flow_sequence(&mut self, mut node: Node) -> Compose<Node> {
        node.style = Style::Flow;
        let start = self.peek()?.start;
        self.take();
        let base = self.items.len();
        loop {
            let first = self.items.len() == base;
            let mut token = self.peek()?;
            if !first && !matches!(token.lexeme, Lexeme::FlowSequenceEnd) {
                if !matches!(token.lexeme, Lexeme::FlowEntry) {
                    let at = token.start;
                    return Err(Self::failure(Some(start), at, "did not find expected ',' or ']'"));
                }
                self.take();
                token = self.peek()?;
            }
            match token.lexeme {
                Lexeme::FlowSequenceEnd => {
                    let comments = self.take_comments();
                    self.take();
                    end_collection(&mut node, comments);
                    tidy(&mut node);
                    let items = self.items.split_off(base);
                    return Ok(Node { kind: Kind::Sequence(items), ..node });
                }
                Lexeme::Key { .. } => {
                    let at = token.start;
                    self.take();
                    let pair = self.flow_pair(at)?;
                    self.items.push(pair);
                }
                _ => {
                    let item = self.node(false, false)?;
                    self.items.push(item);
                }
            }
        }
    }

    /// `[key: value]`: a mapping of one entry.
    fn flow_pair(&mut self, at: Mark) -> Compose<Node> {
        let token = self.peek()?;
        let end = token.end();
        let key = if matches!(token.lexeme, Lexeme::Value | Lexeme::FlowEntry | Lexeme::FlowSequenceEnd) {
            // libyaml loses this token.
            self.take();
            empty_scalar(end)
        } else {
            self.node(false, false)?
        };
        let value = self.flow_value(&Lexeme::FlowSequenceEnd)?;
        self.peek()?;
        let mut pair = Node::mapping(vec![with_foot_on_key(key, value)]).with_style(Style::Flow);
        pair.line = at.line + 1;
        pair.column = at.column + 1;
        Ok(pair)
    }

    fn flow_value(&mut self, closing: &Lexeme<'a>) -> Compose<Node> {
        let token = self.peek()?;
        let mut at = token.start;
        if matches!(token.lexeme, Lexeme::Value) {
            self.take();
            let token = self.peek()?;
            if !matches!(token.lexeme, Lexeme::FlowEntry)
                && std::mem::discriminant(&token.lexeme) != std::mem::discriminant(closing)
            {
                return self.node(false, false);
            }
            if matches!(closing, Lexeme::FlowMappingEnd) {
                at = token.start;
            }
        }
        Ok(empty_scalar(at))
    }

    pub(super) fn flow_mapping(&mut self, mut node: Node) -> Compose<Node> {
        node.style = Style::Flow;
        let start = self.peek()?.start;
        self.take();
        let base = self.entries.len();
        loop {
            let first = self.entries.len() == base;
            let mut token = self.peek()?;
            if !first && !matches!(token.lexeme, Lexeme::FlowMappingEnd) {
                if !matches!(token.lexeme, Lexeme::FlowEntry) {
                    let at = token.start;
                    return Err(Self::failure(Some(start), at, "did not find expected ',' or '}'"));
                }
                self.take();
                token = self.peek()?;
            }
            let (key, value) = match token.lexeme {
                Lexeme::FlowMappingEnd => {
                    let comments = self.take_comments();
                    self.take();
                    end_collection(&mut node, comments);
                    tidy(&mut node);
                    let entries = self.entries.split_off(base);
                    return Ok(Node { kind: Kind::Mapping(entries), ..node });
                }
                Lexeme::Key { .. } => {
                    self.take();
                    let token = self.peek()?;
                    let at = token.start;
                    let bare =
                        matches!(token.lexeme, Lexeme::Value | Lexeme::FlowEntry | Lexeme::FlowMappingEnd);
                    let key = if bare { empty_scalar(at) } else { self.node(false, false)? };
                    (key, self.flow_value(&Lexeme::FlowMappingEnd)?)
                }
                _ => {
                    let key = self.node(false, false)?;
                    let at = self.peek()?.start;
                    (key, empty_scalar(at))
                }
            };
            self.entries.push(with_foot_on_key(key, value));
        }
    }
}

/// A foot comment is kept on the key: it follows the whole entry.
fn with_foot_on_key(mut key: Node, mut value: Node) -> (Node, Node) {
    if value.comments.is_some() && key.foot_comment().is_empty() && !value.foot_comment().is_empty() {
        key.comments_mut().foot = std::mem::take(&mut value.comments_mut().foot);
        tidy(&mut value);
    }
    (key, value)
}

/// What stands at the end of a collection is its line and foot; its head stays.
fn end_collection(node: &mut Node, at_end: Option<Box<Comments>>) {
    match (&mut node.comments, at_end) {
        (Some(comments), at_end) => {
            let at_end = at_end.map(|found| *found).unwrap_or_default();
            comments.line = at_end.line;
            comments.foot = at_end.foot;
        }
        (None, Some(mut found)) => {
            found.head = Default::default();
            node.comments = Some(found);
        }
        (None, None) => {}
    }
}

fn tidy(node: &mut Node) {
    if node.comments.as_ref().is_some_and(|comments| comments.is_empty()) {
        node.comments = None;
    }
}
