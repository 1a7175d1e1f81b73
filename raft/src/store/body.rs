//! The body of a frame as it lies in sectors, each of which ends with a stamp.
//!
//! Not here: what the body says ([`super::reader`]).

use std::borrow::Cow;

use bytes::Bytes;

use super::format::{FRAME_HEADER_BYTES, SECTOR_BYTES, SECTOR_ROOM_BYTES};

/// The bytes of a frame behind its header, piece by piece.
pub(super) enum Body<'a> {
    /// In memory of their own, which those who keep a piece share.
    Copied { bytes: Bytes, from: usize },
    /// As they lie in sectors; a piece that lies in several is copied to where the one before it was.
    InPlace { stamped: Stamped<'a>, scratch: Vec<u8> },
}

/// A piece of a body.
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    /// Where it may be kept.
    shared: Option<&'a Bytes>,
}

impl<'a> Body<'a> {
    pub(super) fn copied(sectors: &'a [u8], len: usize) -> Self {
        let mut bytes = Vec::with_capacity(len);
        Stamped { sectors, from: FRAME_HEADER_BYTES }.copy(len, &mut bytes);
        Self::Copied { bytes: bytes.into(), from: 0 }
    }

    pub(super) const fn in_place(sectors: &'a [u8]) -> Self {
        Self::InPlace { stamped: Stamped { sectors, from: FRAME_HEADER_BYTES }, scratch: Vec::new() }
    }

    /// A piece that is looked at while others are. Copied, unless it lies in one sector.
    pub(super) fn apart(&mut self, len: usize) -> Cow<'a, [u8]> {
        match self {
            Self::InPlace { stamped, .. } if len <= stamped.room() => Cow::Borrowed(stamped.side_by_side(len)),
            other => Cow::Owned(other.next(len).bytes.to_vec()),
        }
    }

    pub(super) fn next(&mut self, len: usize) -> Piece<'_> {
        match self {
            Self::Copied { bytes, from } => {
                *from += len;
                Piece { bytes: &bytes[*from - len..*from], shared: Some(bytes) }
            }
            Self::InPlace { stamped, scratch } => Piece { bytes: stamped.next(len, scratch), shared: None },
        }
    }
}

impl Piece<'_> {
    pub(super) fn keep(&self) -> Bytes {
        self.shared.map_or_else(|| Bytes::copy_from_slice(self.bytes), |all| all.slice_ref(self.bytes))
    }
}

/// Bytes that lie in sectors which end with stamps.
pub(super) struct Stamped<'a> {
    sectors: &'a [u8],
    /// Where the next one lies: not in a stamp.
    from: usize,
}

impl<'a> Stamped<'a> {
    fn next<'b>(&mut self, len: usize, scratch: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        if len <= self.room() {
            return self.side_by_side(len);
        }
        scratch.clear();
        scratch.reserve(len);
        self.copy(len, scratch);
        scratch
    }

    fn copy(&mut self, mut len: usize, into: &mut Vec<u8>) {
        while len > 0 {
            let bytes = self.side_by_side(len.min(self.room()));
            into.extend_from_slice(bytes);
            len -= bytes.len();
        }
    }

    /// In the sector in which the next byte lies.
    const fn room(&self) -> usize {
        SECTOR_ROOM_BYTES - self.from % SECTOR_BYTES
    }

    fn side_by_side(&mut self, len: usize) -> &'a [u8] {
        let bytes = &self.sectors[self.from..self.from + len];
        self.from += if len == self.room() { len + SECTOR_BYTES - SECTOR_ROOM_BYTES } else { len };
        bytes
    }
}
