//! Blocks of operations that come in one piece, their zones, and the order of the blocks.
//!
//! The zone of a block reaches from its first return to its last invocation. If the return
//! is first, the block must last all the while, so no two such zones may overlap. If not, all
//! of the block can happen at one moment in between; there must be one outside of those zones.
//!
//! Everything is asked for the history of the first so many events (`end`). Operations that return later may
//! have taken effect, but need not have.
//! Not here: operations that failed (`refused`).

use super::calls::{Call, Calls, NONE, Node};
use crate::mutants::Bug;

/// A block: a write, what followed it, and their reads; or the initial value with the same.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: Node,
    first_return: u32,
    last_invocation: u32,
}

/// How many blocks are overtaken at most to make way for an operation that failed.
const REACH: usize = 256;

impl Block {
    fn is_forward(&self) -> bool {
        self.first_return < self.last_invocation
    }

    /// When it happens, or when it begins if it must last for some time: as soon as all of it
    /// is pending, or the zone around that moment is over.
    fn begins(&self, zones: &[(u32, u32)]) -> u32 {
        if self.is_forward() { self.first_return } else { outside(zones, self.last_invocation) }
    }
}

/// What the reads of one value leave open.
#[derive(Debug, Clone, Copy)]
struct Reads {
    first_return: u32,
    last_invocation: u32,
    /// The one that was noted last; others follow in `Blocks::next_read`.
    last: u32,
}

pub(super) struct Blocks {
    /// By node.
    reads: Vec<Reads>,
    /// By node: the value that came right after it.
    after: Vec<Node>,
    /// By operation, for reads.
    next_read: Vec<u32>,
    /// In their order.
    blocks: Vec<Block>,
    /// By node: whether some operation must have seen it, or written it by a compare-and-set.
    is_needed: Vec<bool>,
    needed: usize,
}

impl Blocks {
    /// `None` if there is no order of what happened in the first `end` events.
    pub(super) fn new(calls: &Calls, end: u32) -> Option<Self> {
        let nodes = calls.writers.len() + 1;
        let nothing = Reads { first_return: u32::MAX, last_invocation: 0, last: NONE };
        let mut blocks = Self {
            reads: vec![nothing; nodes],
            after: vec![NONE; nodes],
            next_read: vec![NONE; calls.calls.len()],
            blocks: Vec::new(),
            is_needed: vec![false; nodes],
            needed: 0,
        };
        for (operation, call) in (0..).zip(&calls.calls) {
            if calls.spans[operation as usize].returned <= end {
                blocks.note(calls, end, operation, *call)?;
            }
        }
        blocks.gather(calls, end)?;
        blocks.arrange()?;
        Some(blocks)
    }

    /// Notes what follows from an answer.
    fn note(&mut self, calls: &Calls, end: u32, operation: u32, call: Call) -> Option<()> {
        match call {
            Call::Read(node) => {
                self.need(calls, end, node)?;
                let span = calls.spans[operation as usize];
                let reads = &mut self.reads[node as usize];
                reads.first_return = reads.first_return.min(span.returned);
                reads.last_invocation = reads.last_invocation.max(span.invoked);
                self.next_read[operation as usize] = std::mem::replace(&mut reads.last, operation);
                Some(())
            }
            Call::Swap { piece, .. } => self.need(calls, end, piece),
            Call::Write(_) | Call::Append(_) | Call::Refused(_) => Some(()),
        }
    }

    /// This value was there, and so were those that it grew out of.
    fn need(&mut self, calls: &Calls, end: u32, mut node: Node) -> Option<()> {
        loop {
            if node == NONE {
                return None;
            }
            if std::mem::replace(&mut self.is_needed[node as usize], true) {
                return Some(());
            }
            self.needed += 1;
            if node == calls.initial {
                return Some(());
            }
            if end < calls.span_of(node).invoked {
                return None;
            }
            let before = match calls.call_of(node) {
                Call::Append(piece) => calls.before[piece as usize],
                Call::Swap { expected, .. } => expected,
                _ => return Some(()),
            };
            if before == NONE || self.after[before as usize] != NONE {
                return None;
            }
            self.after[before as usize] = node;
            node = before;
        }
    }

    /// Follows each block from its beginning; a write or append that nobody saw is one by itself.
    fn gather(&mut self, calls: &Calls, end: u32) -> Option<()> {
        let mut followed = 0;
        if self.is_needed[calls.initial as usize] {
            followed += self.follow(calls, end, calls.initial)?;
        }
        for (piece, writer) in (0..).zip(&calls.writers) {
            let is_write = matches!(calls.calls[*writer as usize], Call::Write(_));
            let span = calls.spans[*writer as usize];
            if self.is_needed[piece as usize] {
                if is_write {
                    followed += self.follow(calls, end, piece)?;
                }
            } else if span.returned <= end {
                self.blocks.push(Block { first: piece, first_return: span.returned, last_invocation: span.invoked });
            }
        }
        // Others wait for each other in a circle.
        (followed == self.needed || Bug::CirclesAreBlocks.is_planted()).then_some(())
    }

    /// Adds the block that begins with `first`, if it has an order; how many values it has.
    fn follow(&mut self, calls: &Calls, end: u32, first: Node) -> Option<usize> {
        let mut block = Block { first, first_return: u32::MAX, last_invocation: 0 };
        let (mut node, mut values) = (first, 0);
        while node != NONE {
            values += 1;
            if node == calls.initial {
                block.first_return = 0;
            } else {
                let span = calls.span_of(node);
                let returned = if span.returned <= end { span.returned } else { u32::MAX };
                block.add(returned, span.invoked)?;
            }
            let reads = self.reads[node as usize];
            block.add(reads.first_return, reads.last_invocation)?;
            node = self.after[node as usize];
        }
        self.blocks.push(block);
        Some(values)
    }

    /// Gives each block its moment; `None` if one has none.
    fn arrange(&mut self) -> Option<()> {
        let forward = self.blocks.iter().filter(|block| block.is_forward());
        let mut zones: Vec<(u32, u32)> = forward.map(|block| (block.first_return, block.last_invocation)).collect();
        zones.sort_unstable();
        if zones.windows(2).any(|pair| pair[1].0 < pair[0].1) && !Bug::ZonesOverlap.is_planted() {
            return None;
        }
        if self.blocks.iter().any(|block| block.first_return < block.begins(&zones)) && !Bug::BlocksWithinZones.is_planted() {
            return None;
        }
        // A zone that ends where another block begins comes first: it began earlier.
        self.blocks.sort_by_cached_key(|block| (block.begins(&zones), !block.is_forward()));
        Some(())
    }

    /// For each of these operations that failed, moves a block to where the value is not what
    /// it expected; `None` if there is none that could be moved.
    ///
    /// Blocks change places only where real time leaves both orders open.
    pub(super) fn make_way(&mut self, calls: &Calls, end: u32, homeless: &[u32]) -> Option<()> {
        homeless.iter().try_for_each(|refused| self.make_way_for(calls, end, *refused))
    }

    fn make_way_for(&mut self, calls: &Calls, end: u32, refused: u32) -> Option<()> {
        let Call::Refused(unexpected) = calls.calls[refused as usize] else { return None };
        let until = calls.spans[refused as usize].returned;
        // What it may see ends ahead of this block, which has an operation that was invoked later.
        let late = self.blocks.iter().position(|block| until < block.last_invocation).unwrap_or(self.blocks.len());
        if let Some(place) = self.movable_from_before(late, unexpected) {
            self.blocks[place..late].rotate_left(1);
        } else if let Some(place) = self.movable_from_behind(calls, late, until, unexpected) {
            self.blocks[late..=place].rotate_right(1);
        } else {
            let may_precede = |block: &Block| self.blocks.get(late).is_none_or(|late| block.last_invocation <= late.first_return);
            let block = self.unneeded(calls, end).find(|block| block.last_invocation <= until && may_precede(block))?;
            self.blocks.insert(late, block);
        }
        Some(())
    }

    /// A block that may as well be the last one ahead of `late`.
    fn movable_from_before(&self, late: usize, unexpected: Node) -> Option<usize> {
        let ahead = late.checked_sub(1)?;
        let mut overtaken = self.blocks[ahead].last_invocation;
        (late.saturating_sub(REACH)..ahead).rev().find(|place| {
            let block = &self.blocks[*place];
            let in_time = overtaken <= block.first_return || Bug::BlocksMoveBack.is_planted();
            let fits = in_time && self.last_value(block) != unexpected;
            overtaken = overtaken.max(block.last_invocation);
            fits
        })
    }

    /// A block behind `late` that may as well be ahead of it, and may have begun `until` then.
    fn movable_from_behind(&self, calls: &Calls, late: usize, until: u32, unexpected: Node) -> Option<usize> {
        let mut overtakes = self.blocks.get(late)?.first_return;
        (late + 1..self.blocks.len().min(late + REACH)).find(|place| {
            let block = &self.blocks[*place];
            let may_begin = ![calls.initial, unexpected].contains(&block.first) && calls.span_of(block.first).invoked <= until;
            let in_time = block.last_invocation <= overtakes || Bug::BlocksMoveAhead.is_planted();
            let fits = may_begin && in_time;
            overtakes = overtakes.min(block.first_return);
            fits
        })
    }

    /// Writes of unknown outcome that nobody saw, and that did not happen so far.
    fn unneeded<'a>(&'a self, calls: &'a Calls, end: u32) -> impl Iterator<Item = Block> + 'a {
        (0..).zip(&calls.writers).filter_map(move |(first, writer)| {
            let span = calls.spans[*writer as usize];
            let is_write = matches!(calls.calls[*writer as usize], Call::Write(_) | Call::Append(_));
            let is_free = is_write && span.invoked <= end && end < span.returned && !self.is_needed[first as usize];
            let is_new = || self.blocks.iter().all(|block| block.first != first);
            (is_free && is_new()).then_some(Block { first, first_return: u32::MAX, last_invocation: span.invoked })
        })
    }

    fn last_value(&self, block: &Block) -> Node {
        let mut node = block.first;
        while self.after[node as usize] != NONE {
            node = self.after[node as usize];
        }
        node
    }

    /// All operations but those that failed, in the order of the blocks, each with the value after it.
    pub(super) fn order(&self, calls: &Calls) -> Vec<(u32, Node)> {
        let mut order = Vec::with_capacity(calls.calls.len());
        for block in &self.blocks {
            let mut node = block.first;
            while node != NONE {
                if node != calls.initial {
                    order.push((calls.writers[node as usize], node));
                }
                let (mut read, from) = (self.reads[node as usize].last, order.len());
                while read != NONE {
                    order.push((read, node));
                    read = self.next_read[read as usize];
                }
                order[from..].sort_unstable_by_key(|(read, _)| calls.spans[*read as usize].invoked);
                node = self.after[node as usize];
            }
        }
        order
    }
}

impl Block {
    /// Takes in what comes next; `None` if it returned before something ahead of it was invoked.
    fn add(&mut self, first_return: u32, last_invocation: u32) -> Option<()> {
        if first_return < self.last_invocation && !Bug::BlocksHaveNoOrder.is_planted() {
            return None;
        }
        self.first_return = self.first_return.min(first_return);
        self.last_invocation = self.last_invocation.max(last_invocation);
        Some(())
    }
}

/// This moment, or the end of the zone that it is in.
fn outside(zones: &[(u32, u32)], moment: u32) -> u32 {
    let before = zones.partition_point(|(from, _)| *from < moment);
    before.checked_sub(1).map_or(moment, |zone| zones[zone].1.max(moment))
}
