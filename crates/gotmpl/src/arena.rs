//! What the trees of one text are made of. Many small things lie in a few large pieces: memory that is touched first costs
//! more than what is written to it.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::node::{Command, Node, Operand, Pipe, Variable};

/// Some things of one kind that lie side by side.
pub(crate) struct Part<T> {
    start: u32,
    end: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Part<T> {}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { start: 0, end: 0, of: PhantomData }
    }
}

impl<T> Part<T> {
    /// Moves things to the end of all. No text is so long that their places would not fit.
    pub(crate) fn moved(things: impl Iterator<Item = T>, all: &mut Vec<T>) -> Self {
        let start = all.len() as u32;
        all.extend(things);
        Self { start, end: all.len() as u32, of: PhantomData }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start >= self.end
    }

    fn of(self, all: &[T]) -> &[T] {
        all.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// All of one text, in the room that it needs and no more.
pub(crate) struct Arena {
    nodes: Box<[Node]>,
    commands: Box<[Command]>,
    operands: Box<[Operand]>,
    variables: Box<[Variable]>,
}

impl Arena {
    pub(crate) fn view<'a>(&'a self, text: &'a [u8]) -> View<'a> {
        View {
            text,
            nodes: &self.nodes,
            commands: &self.commands,
            operands: &self.operands,
            variables: &self.variables,
        }
    }
}

/// A text and what its trees are made of.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub text: &'a [u8],
    nodes: &'a [Node],
    commands: &'a [Command],
    operands: &'a [Operand],
    variables: &'a [Variable],
}

impl<'a> View<'a> {
    pub(crate) fn nodes(self, list: Part<Node>) -> &'a [Node] {
        list.of(self.nodes)
    }

    pub(crate) fn commands(self, pipe: &Pipe) -> &'a [Command] {
        pipe.commands.of(self.commands)
    }

    pub(crate) fn arguments(self, command: &Command) -> &'a [Operand] {
        command.arguments.of(self.operands)
    }

    pub(crate) fn declares(self, pipe: &Pipe) -> &'a [Variable] {
        pipe.declares.of(self.variables)
    }
}

/// What a parser has made so far, and what is not yet in its list.
#[derive(Default)]
pub(crate) struct Growing {
    pub nodes: Vec<Node>,
    pub commands: Vec<Command>,
    pub operands: Vec<Operand>,
    pub variables: Vec<Variable>,
    pub open_nodes: Vec<Node>,
    pub open_commands: Vec<Command>,
    pub open_operands: Vec<Operand>,
}

thread_local! {
    /// The room of the parser before, for the next on this thread.
    static ROOM: Cell<Option<Box<Growing>>> = const { Cell::new(None) };
}

/// The most nodes and operands that room is kept for.
const MOST_KEPT: usize = 4096;

impl Growing {
    pub(crate) fn begin() -> Box<Self> {
        ROOM.take().unwrap_or_default()
    }

    pub(crate) fn view<'a>(&'a self, text: &'a [u8]) -> View<'a> {
        View {
            text,
            nodes: &self.nodes,
            commands: &self.commands,
            operands: &self.operands,
            variables: &self.variables,
        }
    }

    /// All that was made; the room is left for the next.
    pub(crate) fn end(mut self: Box<Self>) -> Arena {
        let arena = Arena {
            nodes: moved_out(&mut self.nodes),
            commands: moved_out(&mut self.commands),
            operands: moved_out(&mut self.operands),
            variables: moved_out(&mut self.variables),
        };
        if self.nodes.capacity() <= MOST_KEPT && self.operands.capacity() <= MOST_KEPT {
            self.open_nodes.clear();
            self.open_commands.clear();
            self.open_operands.clear();
            ROOM.set(Some(self));
        }
        arena
    }
}

/// All that there is, in one piece.
fn moved_out<T>(all: &mut Vec<T>) -> Box<[T]> {
    let mut exact = Vec::with_capacity(all.len());
    exact.append(all);
    exact.into_boxed_slice()
}
