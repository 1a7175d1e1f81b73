//! A history as numbers: which operation wrote which piece, and after what.
//!
//! Not here: whether that is possible (`blocks`).
//! Read next: `blocks`.

use super::super::partition::{Event, NEVER, Op, Partition};
use super::pieces::{Piece, Pieces};
use crate::model::{Access, Model, Value};
use crate::mutants::Bug;

/// A value, by the piece that was written last; [`Calls::initial`] before any.
pub(super) type Node = u32;

/// In place of a node: nothing, or a value that the object cannot have.
pub(super) const NONE: Node = u32::MAX;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// It read this value.
    Read(Node),
    /// It wrote this piece, whatever was there before.
    Write(Piece),
    /// It added this piece.
    Append(Piece),
    /// It wrote this piece if the value was the expected one, and surely or maybe it was.
    Swap { expected: Node, piece: Piece },
    /// The value was not this one.
    Refused(Node),
}

/// When an operation was pending, as places among the events counted from 1; 0 is before all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub invoked: u32,
    pub returned: u32,
}

pub(super) struct Calls {
    /// By operation.
    pub calls: Vec<Call>,
    pub spans: Vec<Span>,
    /// By piece: the operation that wrote it.
    pub writers: Vec<u32>,
    /// By piece: the value that an append added to, as far as somebody saw it.
    pub before: Vec<Node>,
    /// The node of the value before any operation.
    pub initial: Node,
}

impl Calls {
    /// `None` if a value was written twice, cannot be taken apart, or something else was
    /// done than what is known here.
    pub(super) fn new<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Self> {
        let mut builder = Builder::new(model.initial_value());
        let mut accesses = Vec::with_capacity(partition.ops.len());
        for (index, op) in (0..).zip(&partition.ops) {
            let access = model.access(op.call())?;
            builder.write(index, access)?;
            accesses.push(access);
        }
        if builder.has_appends && !(builder.initial == Value::Absent && builder.pieces.are_separable()) {
            return None;
        }
        // In the order of returns, so that of two that contradict each other the later one is blamed.
        let mut calls = vec![Call::Refused(NONE); accesses.len()];
        builder.before = vec![NONE; builder.pieces.len()];
        for event in &partition.events {
            if let Event::Return(index) = event {
                calls[*index as usize] = builder.call(accesses[*index as usize], true)?;
            }
        }
        for (index, op) in partition.ops.iter().enumerate() {
            if op.returned == NEVER {
                calls[index] = builder.call(accesses[index], false)?;
            }
        }
        let initial = builder.initial_node();
        let span = |op: &Op<'_, M>| Span { invoked: op.invoked + 1, returned: op.returned.saturating_add(1) };
        let spans = partition.ops.iter().map(span).collect();
        Some(Self { calls, spans, writers: builder.writers, before: builder.before, initial })
    }

    pub(super) fn span_of(&self, piece: Piece) -> Span {
        self.spans[self.writers[piece as usize] as usize]
    }

    pub(super) fn call_of(&self, piece: Piece) -> Call {
        self.calls[self.writers[piece as usize] as usize]
    }
}

struct Builder<'a> {
    initial: Value<'a>,
    has_appends: bool,
    pieces: Pieces<'a>,
    writers: Vec<u32>,
    /// By piece, whether it was appended.
    is_append: Vec<bool>,
    before: Vec<Node>,
}

impl<'a> Builder<'a> {
    fn new(initial: Value<'a>) -> Self {
        Self { initial, has_appends: false, pieces: Pieces::new(), writers: vec![], is_append: vec![], before: vec![] }
    }

    fn initial_node(&self) -> Node {
        Node::try_from(self.pieces.len()).unwrap_or(NONE)
    }

    /// Notes what an operation wrote; `None` if it is not unique.
    fn write(&mut self, operation: u32, access: Access<'a>) -> Option<()> {
        let (value, is_append) = match access {
            Access::Write(value) | Access::Swap { new: value, done: None | Some(true), .. } => (value, false),
            Access::Append(bytes) => (Value::Bytes(bytes), true),
            Access::Read(_) | Access::Swap { done: Some(false), .. } => return Some(()),
        };
        self.has_appends |= is_append;
        if value == self.initial {
            return None;
        }
        self.pieces.add(value)?;
        self.writers.push(operation);
        self.is_append.push(is_append);
        Some(())
    }

    /// An access in numbers; `None` if it is too hard to tell what follows from it.
    fn call(&mut self, access: Access<'a>, is_answered: bool) -> Option<Call> {
        Some(match access {
            Access::Read(value) => Call::Read(self.see(value).unwrap_or(NONE)),
            Access::Write(value) => Call::Write(self.pieces.whole(value)?),
            Access::Append(bytes) => Call::Append(self.pieces.whole(Value::Bytes(bytes))?),
            Access::Swap { expected, done: Some(false), .. } => Call::Refused(self.last_piece(expected)),
            Access::Swap { expected, new, .. } => {
                let piece = self.pieces.whole(new)?;
                let expected = match self.see(expected) {
                    Some(node) => node,
                    // It is not known whether it took place, nor then who contradicts whom.
                    None if !is_answered && self.last_piece(expected) != NONE => return None,
                    None => NONE,
                };
                Call::Swap { expected, piece }
            }
        })
    }

    /// The node of a value that was there; `None` if that is impossible.
    fn see(&mut self, value: Value<'a>) -> Option<Node> {
        if value == self.initial {
            return Some(self.initial_node());
        }
        let Value::Bytes(bytes) = value else { return self.pieces.whole(value) };
        if !self.has_appends {
            return self.pieces.whole(value);
        }
        let initial = self.initial_node();
        let mut node = initial;
        let is_first = |node| node == initial;
        for &(piece, _) in self.pieces.take_apart(bytes)? {
            let (place, was_first) = (piece as usize, is_first(node));
            if self.is_append[place] {
                let before = &mut self.before[place];
                if *before != NONE && *before != node && !Bug::AppendsFollowTwoValues.is_planted() {
                    return None;
                }
                *before = node;
            } else if !was_first {
                return None;
            }
            node = piece;
        }
        (!is_first(node)).then_some(node)
    }

    /// The last piece of a value that somebody asked for, seen or not.
    fn last_piece(&mut self, value: Value<'a>) -> Node {
        if value == self.initial {
            return self.initial_node();
        }
        match value {
            Value::Bytes(bytes) if self.has_appends => {
                self.pieces.take_apart(bytes).and_then(|parts| parts.last()).map_or(NONE, |(piece, _)| *piece)
            }
            _ => self.pieces.whole(value).unwrap_or(NONE),
        }
    }
}
