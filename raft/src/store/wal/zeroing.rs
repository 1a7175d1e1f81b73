//! Zeroing ahead: space that is reserved is overwritten with zeros before frames get there.
//!
//! A file system keeps a note of which reserved blocks were never written. Each small frame that reaches such a block has its sync wait until the
//! note is changed, which takes half as long again. So many blocks are written at once, with the zeros that they read as anyway; what
//! follows finds them written. A long frame costs one note for many blocks of its own, and gains less than its zeros would cost.
//!
//! Not here: the operations ([`super::log`]), what a crash may leave of them ([`crate::store::recovery`]).

use std::ops::Range;

/// So many frames like the one that is about to be written find their blocks zeroed, unless that is too much. More would save little, and
/// a batch waits for it.
const FRAMES: u64 = 512;

/// If fewer would, the frame is too long: no more than one batch of a hundred is to wait for zeros.
const FRAMES_MIN: u64 = 128;

/// What file systems reserve and note.
const BLOCK_BYTES: u64 = 4096;

/// How far a segment was zeroed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zeroing {
    /// The segment's bytes that are reserved.
    reserved_bytes: u64,
    /// Where the zeros end that are synced; before what is written next if they are used up.
    end: u64,
}

impl Zeroing {
    /// Of a segment of which no more is known than that so much of it is reserved.
    pub(super) const fn new(reserved_bytes: u64) -> Self {
        Self { reserved_bytes, end: 0 }
    }

    /// What is to be zeroed and synced before a frame is written, if anything. At most about `bytes_max` at once; with 0 nothing is.
    #[inline]
    pub(super) fn ahead_of(&self, frame: Range<u64>, bytes_max: u64) -> Option<Range<u64>> {
        let frame_bytes = frame.end - frame.start;
        if frame.end <= self.end || frame_bytes > bytes_max / FRAMES_MIN {
            return None;
        }
        let wanted = frame_bytes.saturating_mul(FRAMES).min(bytes_max);
        let end = frame.start.saturating_add(wanted).checked_next_multiple_of(BLOCK_BYTES);
        let end = end.unwrap_or(u64::MAX).min(self.reserved_bytes);
        let from = frame.start.max(self.end);
        (from < end).then_some(from..end)
    }

    /// So far all is zeros now, and durable.
    pub(super) const fn note_zeroed_to(&mut self, end: u64) {
        self.end = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 2 << 20;
    const KIB: u64 = 1 << 10;

    fn frame(offset: u64, bytes: u64) -> Range<u64> {
        offset..offset + bytes
    }

    #[test]
    fn a_small_frame_finds_its_blocks_zeroed_and_so_do_those_behind_it() {
        let mut zeroing = Zeroing::new(64 << 20);
        assert_eq!(zeroing.ahead_of(frame(512, 512), MAX), Some(512..260 * KIB));
        zeroing.note_zeroed_to(260 * KIB);
        for offset in (512..260 * KIB).step_by(512) {
            assert_eq!(zeroing.ahead_of(frame(offset, 512), MAX), None);
        }
        // One that lies in part behind.
        assert_eq!(zeroing.ahead_of(frame(259 * KIB, 2 * KIB), MAX), Some(260 * KIB..1284 * KIB));
        assert_eq!(zeroing.ahead_of(frame(260 * KIB, 16 * KIB), MAX), Some(260 * KIB..2308 * KIB));
        // Long frames have gone beyond the zeros meanwhile.
        assert_eq!(zeroing.ahead_of(frame(9 << 20, 512), MAX), Some(9 << 20..(9 << 20) + 256 * KIB));
    }

    #[test]
    fn a_long_frame_needs_no_zeros_and_without_leave_nothing_is_zeroed() {
        let zeroing = Zeroing::new(64 << 20);
        assert_eq!(zeroing.ahead_of(frame(512, 16 * KIB + 512), MAX), None);
        assert_eq!(zeroing.ahead_of(frame(512, 512), 0), None);
        assert_eq!(zeroing.ahead_of(frame(512, 512), 64 * KIB - 1), None);
        assert_eq!(zeroing.ahead_of(frame(512, 512), 64 * KIB), Some(512..68 * KIB));
    }

    #[test]
    fn nothing_is_zeroed_behind_what_is_reserved() {
        assert_eq!(Zeroing::new(0).ahead_of(frame(512, 512), MAX), None);
        let mut zeroing = Zeroing::new(5_000);
        assert_eq!(zeroing.ahead_of(frame(512, 512), MAX), Some(512..5_000));
        zeroing.note_zeroed_to(5_000);
        for offset in [4_096, 4_608, 5_120] {
            assert_eq!(zeroing.ahead_of(frame(offset, 1_024), MAX), None, "a boot may have other options than the one before");
        }
    }

    #[test]
    fn absurd_lengths_overflow_nothing() {
        let zeroing = Zeroing::new(u64::MAX);
        assert_eq!(zeroing.ahead_of(0..u64::MAX, u64::MAX), None);
        assert_eq!(zeroing.ahead_of(0..u64::MAX / 200, u64::MAX), Some(0..u64::MAX));
        assert_eq!(zeroing.ahead_of(u64::MAX - 512..u64::MAX, MAX), Some(u64::MAX - 512..u64::MAX));
    }
}
