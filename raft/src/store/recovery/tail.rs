//! What follows the last whole frame of the newest segment: nothing, a torn write, or rot.
//!
//! Not here: the reasons, which stand in the doc of [`super`].

use crate::store::format::SECTOR_BYTES;
use crate::store::reader::{Frame, Invalid, Reader};

/// Bytes that are no intact frame and may be torn; what follows decides.
#[derive(Clone, Debug)]
pub(super) enum Suspect {
    /// A frame with intact identifiers.
    Payload(Frame),
    /// Anything else.
    Identifiers(Invalid),
    /// A frame that goes on behind the end of the file.
    Unfinished,
}

/// The bytes behind a position, as far as they were looked at.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) suspect: Suspect,
    /// Where the suspect begins.
    start: u64,
    /// Where what follows it begins.
    behind: u64,
    /// Where to look next.
    pub(super) at: u64,
    /// Behind the last byte that is not zero.
    pub(super) end: u64,
}

/// What some bytes of a tail say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Nothing yet.
    Nothing,
    /// A later frame was begun, so the suspect was synced.
    Followed,
}

impl Tail {
    /// Nothing of it was looked at yet.
    pub(super) fn new(start: u64, suspect: Suspect) -> Self {
        let behind = match &suspect {
            Suspect::Payload(frame) => frame.offset + frame.len,
            Suspect::Identifiers(invalid) => invalid.end.unwrap_or(invalid.offset + SECTOR_BYTES as u64),
            Suspect::Unfinished => u64::MAX,
        };
        Self { suspect, start, behind, at: start, end: start }
    }

    /// How many bytes a torn write has left.
    pub(super) const fn torn_bytes(&self) -> u64 {
        self.end - self.start
    }

    /// Looks at the next bytes, which begin at a sector.
    pub(super) fn look(&mut self, reader: &Reader, bytes: &[u8]) -> Says {
        if let Some(last) = last_nonzero(bytes) {
            self.end = self.at + last as u64 + 1;
        }
        let skipped = usize::try_from(self.behind.saturating_sub(self.at)).unwrap_or(usize::MAX).min(bytes.len());
        let says = if self.is_followed_by(reader, &bytes[skipped..]) { Says::Followed } else { Says::Nothing };
        self.at += bytes.len() as u64;
        says
    }

    fn is_followed_by(&self, reader: &Reader, bytes: &[u8]) -> bool {
        match &self.suspect {
            // The frame's own write ended before them.
            Suspect::Payload(_) | Suspect::Identifiers(Invalid { end: Some(_), .. }) => last_nonzero(bytes).is_some(),
            Suspect::Identifiers(_) => bytes.chunks(SECTOR_BYTES).any(|sector| reader.is_later_frame(sector)),
            Suspect::Unfinished => false,
        }
    }
}

/// Position of the last byte that is not zero. Most of what is looked at was never written, so zeros are skipped by blocks.
pub(in crate::store) fn last_nonzero(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 4096;
    let block = bytes.chunks(BLOCK).rposition(|block| block.iter().fold(0, |any, byte| any | byte) != 0)?;
    let start = block * BLOCK;
    let within = bytes[start..].iter().take(BLOCK).rposition(|byte| *byte != 0)?;
    Some(start + within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_that_is_not_zero_is_found_wherever_it_is() {
        assert_eq!(last_nonzero(&[]), None);
        assert_eq!(last_nonzero(&[0; 10_000]), None);
        for at in [0, 1, 4095, 4096, 8191, 9_999] {
            let mut bytes = vec![0; 10_000];
            bytes[0] = 1;
            bytes[at] = 1;
            assert_eq!(last_nonzero(&bytes), Some(at));
        }
    }
}
