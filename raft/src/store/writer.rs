//! Turns queued values into the bytes of one frame.
//!
//! Not here: when a frame is written ([`super::wal`]). Read next: [`super::reader`], the inverse.

use bytes::Bytes;

use super::configuration::encode_configuration;
use super::format::{
    Cursor, FLAG_VOTE, FRAME_HEADER_BYTES, FrameHeader, KIND_COMMAND, KIND_CONFIGURATION, KIND_HARD_STATE, KIND_NOOP, KIND_PURGE,
    KIND_SEALED, KIND_TRUNCATE, RECORD_HEADER_BYTES, RecordHeader, SECTOR_BYTES, SECTOR_ROOM_BYTES, frame_bytes,
};
use crate::entry::{Entry, HardState, Payload, Persist};
use crate::types::{IoId, LogId};

/// Encodes frames; allocates nothing but what the disk holds on to.
#[derive(Clone, Debug, Default)]
pub struct FrameWriter {
    /// D11.
    #[cfg(feature = "mutants")]
    pub(super) forgets_truncations: bool,
}

impl FrameWriter {
    /// Encodes the frame that belongs at the cursor, and moves the cursor behind it.
    ///
    /// `io` is the id of the last item.
    pub fn encode<'a, I>(&mut self, at: &mut Cursor, io: IoId, items: I) -> Bytes
    where
        I: Iterator<Item = &'a Persist> + Clone,
    {
        #[cfg(feature = "mutants")]
        let forgets = self.forgets_truncations;
        #[cfg(feature = "mutants")]
        let items = items.filter(move |item| !(forgets && matches!(item, Persist::Truncate { .. })));
        let (records, payload_bytes) = measure(items.clone());
        let body = records * RECORD_HEADER_BYTES + usize::try_from(payload_bytes).unwrap_or(0);
        let payloads_at = FRAME_HEADER_BYTES + records * RECORD_HEADER_BYTES;
        let mut frame = Vec::with_capacity(frame_bytes(body));
        frame.resize(payloads_at, 0); // the headers' place; what they say is known behind the payloads
        items.fold(FRAME_HEADER_BYTES, |place, item| put_records(&mut frame, place, item));
        let header = FrameHeader {
            sequence: at.sequence,
            chain: at.chain,
            records: u32::try_from(records).expect("the queue is cut into frames that fit"),
            payload_bytes: (frame.len() - payloads_at) as u64,
            io,
            // Of all at once: a call costs more than what it computes.
            records_checksum: crc32c::crc32c(&frame[FRAME_HEADER_BYTES..payloads_at]),
        };
        finish(frame, at, &header)
    }

    /// Encodes the frame that says up to which entry the log's head was purged, and moves the cursor behind it.
    pub fn encode_purge(&mut self, at: &mut Cursor, io: IoId, through: LogId) -> Bytes {
        encode_alone(
            at,
            io,
            RecordHeader { kind: KIND_PURGE, index: through.index.0, term: through.term.0, ..RecordHeader::default() },
        )
    }

    /// Encodes the frame that closes a segment. Nothing follows it there, so the cursor stays where it is.
    pub fn encode_seal(&mut self, mut at: Cursor, io: IoId, next: u64) -> Bytes {
        encode_alone(&mut at, io, RecordHeader { kind: KIND_SEALED, index: next, ..RecordHeader::default() })
    }
}

/// A frame with one record that has no payload: one sector.
fn encode_alone(at: &mut Cursor, io: IoId, record: RecordHeader) -> Bytes {
    let record = record.encode();
    let records_checksum = crc32c::crc32c(&record);
    let header = FrameHeader { sequence: at.sequence, chain: at.chain, records: 1, payload_bytes: 0, io, records_checksum };
    let mut frame = Vec::with_capacity(frame_bytes(RECORD_HEADER_BYTES));
    frame.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
    frame.extend_from_slice(&record);
    finish(frame, at, &header)
}

/// Puts the header in front of a frame's body, lays both into sectors, and moves the cursor behind them.
#[inline]
fn finish(mut frame: Vec<u8>, at: &mut Cursor, header: &FrameHeader) -> Bytes {
    let body = header.body_bytes().expect("the queue is cut into frames that fit");
    let (encoded, checksum) = header.encode(at.seed);
    frame[..FRAME_HEADER_BYTES].copy_from_slice(&encoded);
    lay_into_sectors(&mut frame, at.stamp());
    assert_eq!(frame.len(), frame_bytes(body), "a frame is as long as its header says");
    *at = at.behind(checksum, frame.len() as u64);
    frame.into()
}

/// Upper bound of what a value adds to a frame's body. Configurations count as large: they are rare.
pub(super) fn body_bytes_at_most(item: &Persist) -> u64 {
    const HEADER: u64 = RECORD_HEADER_BYTES as u64;
    match item {
        Persist::Append(entries) => entries.iter().map(|entry| HEADER + payload_bytes_at_most(entry)).sum(),
        Persist::HardState(_) | Persist::Truncate { .. } => HEADER,
    }
}

fn payload_bytes_at_most(entry: &Entry) -> u64 {
    match &entry.payload {
        Payload::Configuration(configuration) => 16 + 8 * configuration.members().len() as u64 * 3,
        other => other.len_bytes(),
    }
}

/// How many records there are, and the bytes of their payloads but those of configurations: these are rare, and where there is
/// one the frame grows.
fn measure<'a>(items: impl Iterator<Item = &'a Persist>) -> (usize, u64) {
    let (mut records, mut bytes) = (0, 0);
    for item in items {
        if let Persist::Append(entries) = item {
            records += entries.len();
            bytes += entries.iter().map(|entry| entry.payload.len_bytes()).sum::<u64>();
        } else {
            records += 1;
        }
    }
    (records, bytes)
}

/// Puts a value's payloads behind what is there, and its headers where they belong; returns where the next one does.
#[inline(always)]
fn put_records(frame: &mut Vec<u8>, place: usize, item: &Persist) -> usize {
    match item {
        Persist::HardState(state) => put_header(frame, place, &hard_state(state)),
        Persist::Truncate { last } => {
            put_header(frame, place, &RecordHeader { kind: KIND_TRUNCATE, index: last.0, ..RecordHeader::default() })
        }
        Persist::Append(entries) => entries.iter().fold(place, |place, entry| {
            let header = put_payload(frame, entry);
            put_header(frame, place, &header)
        }),
    }
}

#[inline]
fn put_header(frame: &mut [u8], place: usize, header: &RecordHeader) -> usize {
    let end = place + RECORD_HEADER_BYTES;
    frame[place..end].copy_from_slice(&header.encode());
    end
}

fn hard_state(state: &HardState) -> RecordHeader {
    RecordHeader {
        kind: KIND_HARD_STATE,
        flags: if state.vote.is_some() { FLAG_VOTE } else { 0 },
        index: state.vote.map_or(0, |node| node.0),
        term: state.term.0,
        ..RecordHeader::default()
    }
}

/// Puts what an entry carries behind what is there; returns what its header says.
#[inline(always)]
fn put_payload(frame: &mut Vec<u8>, entry: &Entry) -> RecordHeader {
    let start = frame.len();
    let kind = match &entry.payload {
        Payload::Noop => KIND_NOOP,
        Payload::Command(bytes) => {
            frame.extend_from_slice(bytes);
            KIND_COMMAND
        }
        Payload::Configuration(configuration) => {
            encode_configuration(configuration, frame);
            KIND_CONFIGURATION
        }
    };
    let payload = &frame[start..];
    RecordHeader {
        kind,
        flags: 0,
        payload_bytes: u32::try_from(payload.len()).expect("a command is smaller than a frame"),
        payload_checksum: crc32c::crc32c(payload),
        index: entry.id.index.0,
        term: entry.id.term.0,
    }
}

/// Moves a frame's bytes apart, so that each sector has room for the stamp, and fills the last one up.
fn lay_into_sectors(frame: &mut Vec<u8>, stamp: u32) {
    let bytes = frame.len();
    let sectors = bytes.div_ceil(SECTOR_ROOM_BYTES);
    frame.resize(sectors * SECTOR_BYTES, 0);
    // The last one first, because each moves into the place of those behind it. The first one, often the only one, stays.
    for sector in (1..sectors).rev() {
        let from = sector * SECTOR_ROOM_BYTES;
        frame.copy_within(from..bytes.min(from + SECTOR_ROOM_BYTES), sector * SECTOR_BYTES);
    }
    for sector in frame.as_chunks_mut::<SECTOR_BYTES>().0 {
        sector[SECTOR_ROOM_BYTES..].copy_from_slice(&stamp.to_le_bytes());
    }
}
