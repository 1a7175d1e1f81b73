//! Which pieces of the segments are read, one after the other, and what is kept of a frame that goes on in the next.
//!
//! Pieces follow each other without a gap or an overlap, so each is known before the one before it was looked at, and can be
//! read meanwhile.
//!
//! Not here: what the frames say ([`super`]).

use std::ops::RangeInclusive;

use super::folder::Listed;
use crate::process::{DiskOp, FileName};
use crate::store::SECTOR;
use crate::store::reader::{Frame, Reader};

/// How much is read at once. A quarter of it costs a tenth more, since one thread reads for another.
const PIECE_BYTES: u64 = 4 << 20;

/// Among frames as long as these pieces end where a frame does. Of shorter ones few bytes are copied because they lie in two, and
/// of longer ones all are.
const WHOLE_FRAME_BYTES: RangeInclusive<u64> = 64 << 10..=16 << 20;

/// Where reading stands, beside the reader.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    /// What was read of the frame at the reader's position, if that is not all of it.
    held: Vec<u8>,
    /// The piece that was foretold last.
    foretold: Option<Piece>,
    /// Of the last frame.
    frame_bytes: u64,
    /// Of all frames, and of the payloads in them.
    seen_bytes: u64,
    payload_bytes: u64,
}

/// A part of a segment.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    file: FileName,
    offset: u64,
    pub(super) len: u64,
}

impl Pieces {
    pub(super) fn note(&mut self, frame: &Frame) {
        self.frame_bytes = frame.len;
        self.seen_bytes = self.seen_bytes.saturating_add(frame.len);
        self.payload_bytes = self.payload_bytes.saturating_add(frame.header.payload_bytes);
    }

    /// Whether more payloads are to be expected behind the position than a cache takes, if they have the same share in so many
    /// bytes of files, from the beginning of the segment on, as they had in those before.
    pub(super) fn are_far(&self, reader: &Reader, bytes_behind: u64, cache_bytes: u64) -> bool {
        let bytes_behind = bytes_behind.saturating_sub(reader.offset());
        u128::from(bytes_behind) * u128::from(self.payload_bytes) > u128::from(cache_bytes) * u128::from(self.seen_bytes)
    }

    /// Behind what is held: where the next piece begins.
    pub(super) const fn end_of_held(&self, reader: &Reader) -> u64 {
        reader.offset() + self.held.len() as u64
    }

    /// What is held goes to whoever looks at it.
    pub(super) fn take_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// The piece of this segment behind what is held of a frame that needs so many bytes, and the one that will be read after
    /// it, which may be the first one of the segment that follows.
    pub(super) fn next(
        &mut self,
        reader: &Reader,
        held: Vec<u8>,
        needed: u64,
        now: &Listed,
        then: Option<&Listed>,
    ) -> (Piece, Option<Piece>) {
        self.held = held;
        let offset = self.end_of_held(reader);
        let foretold = self.foretold.take().filter(|piece| (&piece.file, piece.offset) == (&now.file, offset));
        let piece =
            foretold.unwrap_or_else(|| Piece::of(now, offset, self.end_of_piece(reader, offset).max(reader.offset() + needed)));
        let end = offset + piece.len;
        // Behind a piece that ends with a frame, less than a frame is a seal, and zeros.
        let whole = self.whole_frames().filter(|frame_bytes| (end - reader.offset()).is_multiple_of(*frame_bytes));
        let is_all = now.bytes - end < whole.unwrap_or(1);
        self.foretold = match then {
            Some(then) if is_all => (then.bytes > SECTOR).then(|| Piece::of(then, SECTOR, SECTOR + PIECE_BYTES)),
            _ => (end < now.bytes).then(|| Piece::of(now, end, self.end_of_piece(reader, end))),
        };
        (piece, self.foretold.clone())
    }

    /// Where a piece ends that begins at an offset.
    fn end_of_piece(&self, reader: &Reader, offset: u64) -> u64 {
        let end = offset + PIECE_BYTES;
        let Some(frame_bytes) = self.whole_frames() else { return end };
        let last_border = end - (end - reader.offset()) % frame_bytes;
        if last_border > offset { last_border } else { last_border + frame_bytes }
    }

    /// How long frames are, if pieces end where they do.
    fn whole_frames(&self) -> Option<u64> {
        Some(self.frame_bytes).filter(|bytes| WHOLE_FRAME_BYTES.contains(bytes))
    }
}

impl Piece {
    /// The bytes of a file up to an end, or to its own.
    fn of(listed: &Listed, offset: u64, end: u64) -> Self {
        Self { file: listed.file.clone(), offset, len: end.min(listed.bytes) - offset }
    }

    pub(super) fn op(self) -> DiskOp {
        let Self { file, offset, len } = self;
        DiskOp::Read { file, offset, len }
    }
}

/// Moves bytes from a piece to what is held of a frame that needs so many. Whether they are all there.
pub(super) fn hold(held: &mut Vec<u8>, piece: &mut &[u8], needed: u64) -> bool {
    let missing = usize::try_from(needed).unwrap_or(usize::MAX).saturating_sub(held.len());
    let (now, later) = piece.split_at(missing.min(piece.len()));
    held.extend_from_slice(now);
    *piece = later;
    now.len() == missing
}
