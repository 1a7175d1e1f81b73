//! Turns queued values into the bytes of one frame.
//!
//! Not here: when a frame is written ([`super::wal`]). Read next: [`super::reader`], the inverse.

use bytes::Bytes;

use super::configuration::encode_configuration;
use super::format::{
    Cursor, FLAG_VOTE, FRAME_HEADER_BYTES, FrameHeader, KIND_COMMAND, KIND_CONFIGURATION, KIND_HARD_STATE, KIND_NOOP, KIND_PURGE,
    KIND_SEALED, KIND_TRUNCATE, RECORD_HEADER_BYTES, RecordHeader, SECTOR_ROOM_BYTES, frame_bytes,
};
use crate::entry::{Entry, HardState, Payload, Persist};
use crate::types::{IoId, LogId};

/// Encodes frames; allocates nothing but what the disk holds on to.
#[derive(Clone, Debug, Default)]
pub struct FrameWriter {
    configuration: Vec<u8>,
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
        let (records, payload_bytes) = self.measure(items.clone());
        let mut header = FrameHeader { sequence: at.sequence, chain: at.chain, records, payload_bytes, io, records_checksum: 0 };
        let body = header.body_bytes().expect("the queue is cut into frames that fit");
        let size = frame_bytes(body);
        let mut frame = Vec::with_capacity(size);
        let mut sectors = Sectors { buffer: &mut frame, stamp: at.stamp(), room: SECTOR_ROOM_BYTES };
        sectors.put(&[0; FRAME_HEADER_BYTES]); // its place; the checksum is known last
        header.records_checksum = put_record_headers(&mut sectors, &mut self.configuration, items.clone());
        put_payloads(&mut sectors, &mut self.configuration, items);
        sectors.finish();
        assert_eq!(frame.len(), size, "a frame is as long as its header says");
        let (encoded, checksum) = header.encode(at.seed);
        frame[..FRAME_HEADER_BYTES].copy_from_slice(&encoded);
        *at = at.behind(checksum, size as u64);
        frame.into()
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

    fn measure<'a>(&mut self, items: impl Iterator<Item = &'a Persist>) -> (u32, u64) {
        let (mut records, mut bytes) = (0, 0);
        for item in items {
            match item {
                Persist::Append(entries) => {
                    for entry in entries.iter() {
                        records += 1;
                        bytes += payload(entry, &mut self.configuration).1.len() as u64;
                    }
                }
                Persist::HardState(_) | Persist::Truncate { .. } => records += 1,
            }
        }
        (records, bytes)
    }
}

/// A frame with one record that has no payload: one sector.
fn encode_alone(at: &mut Cursor, io: IoId, record: RecordHeader) -> Bytes {
    let record = record.encode();
    let checksum = crc32c::crc32c(&record);
    let header =
        FrameHeader { sequence: at.sequence, chain: at.chain, records: 1, payload_bytes: 0, io, records_checksum: checksum };
    let (encoded, checksum) = header.encode(at.seed);
    let size = frame_bytes(RECORD_HEADER_BYTES);
    let mut frame = Vec::with_capacity(size);
    let mut sectors = Sectors { buffer: &mut frame, stamp: at.stamp(), room: SECTOR_ROOM_BYTES };
    sectors.put(&encoded);
    sectors.put(&record);
    sectors.finish();
    *at = at.behind(checksum, size as u64);
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

fn put_record_headers<'a>(sectors: &mut Sectors<'_>, scratch: &mut Vec<u8>, items: impl Iterator<Item = &'a Persist>) -> u32 {
    let mut checksum = 0;
    let mut put = |header: RecordHeader| {
        let encoded = header.encode();
        checksum = crc32c::crc32c_append(checksum, &encoded);
        sectors.put(&encoded);
    };
    for item in items {
        match item {
            Persist::HardState(state) => put(hard_state(state)),
            Persist::Truncate { last } => {
                put(RecordHeader { kind: KIND_TRUNCATE, index: last.0, ..RecordHeader::default() });
            }
            Persist::Append(entries) => entries.iter().for_each(|one| put(entry(one, scratch))),
        }
    }
    checksum
}

fn put_payloads<'a>(sectors: &mut Sectors<'_>, scratch: &mut Vec<u8>, items: impl Iterator<Item = &'a Persist>) {
    for item in items {
        if let Persist::Append(entries) = item {
            entries.iter().for_each(|entry| sectors.put(payload(entry, scratch).1));
        }
    }
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

fn entry(entry: &Entry, scratch: &mut Vec<u8>) -> RecordHeader {
    let (kind, bytes) = payload(entry, scratch);
    RecordHeader {
        kind,
        flags: 0,
        payload_bytes: u32::try_from(bytes.len()).expect("a command is smaller than a frame"),
        payload_checksum: crc32c::crc32c(bytes),
        index: entry.id.index.0,
        term: entry.id.term.0,
    }
}

fn payload<'a>(entry: &'a Entry, scratch: &'a mut Vec<u8>) -> (u8, &'a [u8]) {
    match &entry.payload {
        Payload::Noop => (KIND_NOOP, &[]),
        Payload::Command(bytes) => (KIND_COMMAND, bytes),
        Payload::Configuration(configuration) => {
            scratch.clear();
            encode_configuration(configuration, scratch);
            (KIND_CONFIGURATION, scratch)
        }
    }
}

/// Lays bytes into sectors and ends each with the stamp.
struct Sectors<'a> {
    buffer: &'a mut Vec<u8>,
    stamp: u32,
    room: usize,
}

impl Sectors<'_> {
    fn put(&mut self, mut bytes: &[u8]) {
        while bytes.len() >= self.room {
            let (now, later) = bytes.split_at(self.room);
            self.buffer.extend_from_slice(now);
            self.buffer.extend_from_slice(&self.stamp.to_le_bytes());
            self.room = SECTOR_ROOM_BYTES;
            bytes = later;
        }
        self.buffer.extend_from_slice(bytes);
        self.room -= bytes.len();
    }

    fn finish(self) {
        if self.room < SECTOR_ROOM_BYTES {
            self.buffer.resize(self.buffer.len() + self.room, 0);
            self.buffer.extend_from_slice(&self.stamp.to_le_bytes());
        }
    }
}
