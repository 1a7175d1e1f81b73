//! What planted bugs do to a log in memory.

use super::LogView;
use crate::entry::{Entry, Payload};

impl LogView {
    /// D11: puts an entry in the place of another one; those behind that stay, whatever their terms are.
    pub(crate) fn overwrite(&mut self, entry: Entry) {
        let behind = self.position(entry.id.index).map_or(0, |position| position + 1);
        let stay: Vec<_> = self.slots.iter().cloned().zip(self.payloads.iter().cloned()).skip(behind).collect();
        self.truncate(entry.id.index.prev());
        self.take(entry);
        for (slot, payload) in stay {
            self.last.term = slot.term;
            let id = crate::types::LogId { term: slot.term, index: self.last.index.next() };
            self.take(Entry { id, payload: payload.unwrap_or(Payload::Noop) });
        }
    }
}
