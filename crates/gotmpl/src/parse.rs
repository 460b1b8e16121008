//! Tokens into trees, with Go's messages. Nesting is bounded here, so nothing later recurses without limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::arena::{Growing, Part};
use crate::call::Function;
use crate::error::Error;
use crate::lex::{Kind, Lexer, Token};
use crate::node::{Branch, Called, Node, Span};
use crate::quote::{quote, unquote};
use crate::set::{Parsed, Tree};
use crate::text::to_lossy;

mod number;
mod pipeline;

/// How deep actions and parentheses may nest.
const MAX_NESTING: u32 = 400;

/// What is remembered for each template that is being parsed.
struct Frame<'a> {
    tokens: [Token; 3],
    peeked: usize,
    variables: Vec<&'a [u8]>,
    /// The delimiter of the action that is being parsed.
    action: Option<Token>,
    range_depth: usize,
}

impl Frame<'_> {
    fn new() -> Self {
        Self {
            tokens: [Token::none(), Token::none(), Token::none()],
            peeked: 0,
            variables: vec![b"$"],
            action: None,
            range_depth: 0,
        }
    }
}

/// What `textOrAction` may find: a node, or the end of the list it stands in.
enum Found {
    /// Which is the last of those that are open.
    Node,
    End,
    Else,
}

impl Found {
    fn name(&self) -> &'static str {
        match self {
            Self::Else => "{{else}}",
            _ => "{{end}}",
        }
    }
}

pub(crate) struct Parser<'a> {
    lexer: Lexer<'a>,
    text: &'a [u8],
    name: &'a str,
    find: &'a dyn Fn(&str) -> Option<&'static Function>,
    frame: Frame<'a>,
    nesting: u32,
    /// What the text defines: by its name, the list of nodes and whether they print nothing.
    defined: BTreeMap<String, (Part<Node>, bool)>,
    is_unsteady: bool,
    growing: Box<Growing>,
}

type Outcome<T> = Result<T, Error>;

/// Parses `text` into its main tree, under `name`, and the trees it defines.
pub(crate) fn parse(
    name: &str,
    shared_text: Bytes,
    find: &dyn Fn(&str) -> Option<&'static Function>,
) -> Outcome<Parsed> {
    let text = &shared_text[..];
    let mut parser = Parser {
        lexer: Lexer::new(text),
        text,
        name,
        find,
        frame: Frame::new(),
        nesting: 0,
        defined: BTreeMap::new(),
        is_unsteady: false,
        growing: Growing::begin(),
    };
    if text.len() > MAX_TEXT {
        return parser.fail("the text is too long");
    }
    let root = parser.main()?;
    parser.add(name.to_owned(), root)?;
    let Parser { defined, is_unsteady, growing, .. } = parser;
    let arena = Arc::new(growing.end());
    let parse_name: Arc<str> = name.into();
    let trees = defined.into_iter().map(|(name, (root, is_blank))| {
        let tree = Tree {
            name: name.as_str().into(),
            parse_name: parse_name.clone(),
            text: shared_text.clone(),
            arena: arena.clone(),
            root,
            is_blank,
        };
        (name, Arc::new(tree))
    });
    Ok(Parsed { trees: trees.collect(), is_unsteady })
}

/// No text is longer: places in it are kept short.
const MAX_TEXT: usize = u32::MAX as usize;

impl<'a> Parser<'a> {
    fn next(&mut self) -> Token {
        if self.frame.peeked > 0 {
            self.frame.peeked -= 1;
        } else {
            self.frame.tokens[0] = self.lexer.next_token();
        }
        self.frame.tokens[self.frame.peeked]
    }

    fn backup(&mut self) {
        self.frame.peeked += 1;
    }

    fn backup2(&mut self, token: Token) {
        self.frame.tokens[1] = token;
        self.frame.peeked = 2;
    }

    fn peek(&mut self) -> Token {
        if self.frame.peeked == 0 {
            self.frame.peeked = 1;
            self.frame.tokens[0] = self.lexer.next_token();
        }
        self.frame.tokens[self.frame.peeked - 1]
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn value(&self, token: &Token) -> &'a [u8] {
        &self.text[token.start() as usize..token.end() as usize]
    }

    fn fail<T>(&self, message: impl AsRef<str>) -> Outcome<T> {
        Err(Error::new(format!(
            "template: {}:{}: {}",
            self.name,
            self.frame.tokens[0].line(self.text),
            message.as_ref()
        )))
    }

    fn show(&self, token: &Token) -> String {
        if token.kind == Kind::Eof {
            return "EOF".to_owned();
        }
        if token.kind == Kind::Error {
            return self.lexer.error.clone().unwrap_or_default();
        }
        let value = self.value(token);
        if token.kind.is_keyword() {
            return format!("<{}>", to_lossy(value));
        }
        // The reference cuts after ten runes, escaping what it quotes.
        if value.len() > 10 {
            let cut: String = to_lossy(value).chars().take(10).collect();
            return format!("{}...", quote(cut.as_bytes()));
        }
        quote(value)
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Outcome<T> {
        if token.kind == Kind::Error {
            let message = self.lexer.error.as_deref().unwrap_or_default();
            let mut extra = String::new();
            if let Some(line) = self.frame.action.map(|action| action.line(self.text))
                && line != token.line(self.text)
            {
                extra = format!(" in action started at {}:{line}", self.name);
                if message.ends_with(" action") {
                    extra = extra[" in action".len()..].to_owned();
                }
            }
            return self.fail(format!("{message}{extra}"));
        }
        self.fail(format!("unexpected {} in {context}", self.show(token)))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Outcome<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn deeper(&mut self) -> Outcome<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING { self.fail("max expression depth exceeded") } else { Ok(()) }
    }

    fn add(&mut self, name: String, root: Part<Node>) -> Outcome<()> {
        let nodes = self.growing.view(self.text).nodes(root);
        let is_blank = nodes.iter().all(|node| node.is_blank(self.text));
        if let Some((_, false)) = self.defined.get(&name) {
            if is_blank {
                return Ok(());
            }
            return self
                .fail(format!("template: multiple definition of template {}", quote(name.as_bytes())));
        }
        self.defined.insert(name, (root, is_blank));
        Ok(())
    }

    fn main(&mut self) -> Outcome<Part<Node>> {
        let begun = self.growing.open_nodes.len();
        loop {
            match self.peek().kind {
                Kind::Eof => return Ok(self.listed(begun)),
                Kind::LeftDelim => {
                    let delimiter = self.next();
                    if self.next_non_space().kind == Kind::Define {
                        let outer = std::mem::replace(&mut self.frame, Frame::new());
                        self.definition()?;
                        self.frame = outer;
                        continue;
                    }
                    self.backup2(delimiter);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Found::Node => {}
                end => return self.fail(format!("unexpected {}", end.name())),
            }
        }
    }

    fn definition(&mut self) -> Outcome<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let (root, end) = self.item_list()?;
        if !matches!(end, Found::End) {
            return self.fail(format!("unexpected {} in {CONTEXT}", end.name()));
        }
        self.add(name, root)
    }

    /// The nodes that were found since, as a list.
    fn listed(&mut self, begun: usize) -> Part<Node> {
        let growing = &mut *self.growing;
        Part::moved(growing.open_nodes.drain(begun..), &mut growing.nodes)
    }

    fn item_list(&mut self) -> Outcome<(Part<Node>, Found)> {
        let begun = self.growing.open_nodes.len();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Found::Node => {}
                end => return Ok((self.listed(begun), end)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Outcome<Found> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                let span = Span::new(token.start(), token.end());
                self.growing.open_nodes.push(Node::Text { span });
                Ok(Found::Node)
            }
            Kind::LeftDelim => {
                self.frame.action = Some(token);
                let found = self.action();
                self.frame.action = None;
                found
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Outcome<Found> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break | Kind::Continue => {
                let name = if token.kind == Kind::Break { "break" } else { "continue" };
                let after = self.next_non_space();
                if after.kind != Kind::RightDelim {
                    return self.unexpected(&after, &format!("{{{{{name}}}}}"));
                }
                if self.frame.range_depth == 0 {
                    return self.fail(format!("{{{{{name}}}}} outside {{{{range}}}}"));
                }
                if token.kind == Kind::Break {
                    Node::Break { position: token.start() }
                } else {
                    Node::Continue { position: token.start() }
                }
            }
            Kind::Else => {
                // `else if` and `else with` leave their keyword for the one who asked.
                let next = self.peek_non_space();
                if !matches!(next.kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Found::Else);
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Found::End);
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => {
                const CONTEXT: &str = "template clause";
                let token = self.next_non_space();
                let name = self.template_name(&token, CONTEXT)?;
                let mut pipe = None;
                if self.next_non_space().kind != Kind::RightDelim {
                    self.backup();
                    pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
                }
                Node::Template(Box::new(Called { position: token.start(), name: name.as_str().into(), pipe }))
            }
            _ => {
                self.backup();
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                self.growing.open_nodes.push(Node::Action { pipe });
                return Ok(Found::Node);
            }
        };
        self.growing.open_nodes.push(node);
        Ok(Found::Node)
    }

    fn block(&mut self) -> Outcome<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.frame, Frame::new());
        self.deeper()?;
        let (root, end) = self.item_list()?;
        self.nesting -= 1;
        if !matches!(end, Found::End) {
            // The message counts lines from the block's own frame only for its list; the rest is the outer one's.
            self.frame = outer;
            return self.fail(format!("unexpected {} in {CONTEXT}", end.name()));
        }
        self.add(name.clone(), root)?;
        self.frame = outer;
        let name = name.as_str().into();
        Ok(Node::Template(Box::new(Called { position: token.start(), name, pipe: Some(pipe) })))
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Outcome<String> {
        match token.kind {
            Kind::String | Kind::RawString => match unquote(self.value(token)) {
                Some(name) => Ok(to_lossy(&name).into_owned()),
                None => self.fail("invalid syntax"),
            },
            _ => self.unexpected(token, context),
        }
    }

    fn control(&mut self, context: &'static str) -> Outcome<Box<Branch>> {
        self.deeper()?;
        let variables = self.frame.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let is_range = context == "range";
        self.frame.range_depth += usize::from(is_range);
        let (list, end) = self.item_list()?;
        self.frame.range_depth -= usize::from(is_range);
        let mut otherwise = None;
        if matches!(end, Found::Else) {
            let next = self.peek().kind;
            if context == "if" && next == Kind::If {
                self.next();
                let node = Node::If(self.control("if")?);
                otherwise = Some(Part::moved(std::iter::once(node), &mut self.growing.nodes));
            } else if context == "with" && next == Kind::With {
                self.next();
                let node = Node::With(self.control("with")?);
                otherwise = Some(Part::moved(std::iter::once(node), &mut self.growing.nodes));
            } else {
                let (list, end) = self.item_list()?;
                if !matches!(end, Found::End) {
                    return self.fail(format!("expected end; found {}", end.name()));
                }
                otherwise = Some(list);
            }
        }
        self.frame.variables.truncate(variables);
        self.nesting -= 1;
        Ok(Box::new(Branch { pipe, list, otherwise }))
    }
}
