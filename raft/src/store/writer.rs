//! Turns queued values into the bytes of one frame.
//!
//! Not here: when a frame is written ([`super::wal`]). Read next: [`super::reader`], the inverse.

use std::mem;

use bytes::Bytes;

use super::configuration::encode_configuration;
use super::format::{
    Cursor, FLAG_VOTE, FRAME_HEADER_BYTES, FrameHeader, KIND_COMMAND, KIND_CONFIGURATION, KIND_HARD_STATE, KIND_NOOP, KIND_PURGE,
    KIND_SEALED, KIND_TRUNCATE, RECORD_HEADER_BYTES, RecordHeader, SECTOR_BYTES, SECTOR_ROOM_BYTES, frame_bytes,
};
use crate::checksum::{crc32c, crc32c_append};
use crate::entry::{Entry, HardState, Payload, Persist};
use crate::types::{IoId, LogId};

/// So many record headers have room that is kept from frame to frame.
const HEADERS_KEPT_MAX: usize = 4096;

/// What a processor keeps at hand, with room for the copy.
const PART_BYTES: usize = 32 << 10;

/// Encodes frames; allocates nothing but what the disk holds on to.
#[derive(Clone, Debug, Default)]
pub struct FrameWriter {
    configuration: Vec<u8>,
    /// Of the records of the frame that is encoded.
    headers: Vec<[u8; RECORD_HEADER_BYTES]>,
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
        header.records_checksum = if size == SECTOR_BYTES {
            self.fill_one_sector(&mut frame, at.stamp(), records, items)
        } else {
            self.fill_sectors(&mut frame, at.stamp(), records, items)
        };
        assert_eq!(frame.len(), size, "a frame is as long as its header says");
        let checksum = header.encode_into(at.seed, frame.first_chunk_mut().expect("a frame begins with its header"));
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

    /// Fills a frame in which no stamp is in the way; returns the checksum of the records' headers.
    fn fill_one_sector<'a>(
        &mut self,
        frame: &mut Vec<u8>,
        stamp: u32,
        records: u32,
        items: impl Iterator<Item = &'a Persist>,
    ) -> u32 {
        let body = begin_one_sector(frame, stamp);
        let (headers, mut payloads) = body.split_at_mut(records as usize * RECORD_HEADER_BYTES);
        let mut places = headers.as_chunks_mut().0.iter_mut();
        each_record(&mut self.configuration, items, |mut header, payload| {
            header.payload_checksum = crc32c(payload);
            header.encode_into(places.next().expect("as many as were measured"));
            let (place, rest) = mem::take(&mut payloads).split_at_mut(payload.len());
            place.copy_from_slice(payload);
            payloads = rest;
        });
        assert!(places.next().is_none(), "as many as were measured");
        crc32c(headers)
    }

    /// As [`Self::fill_one_sector`], for frames of any length. Headers are kept apart until all are there, so that payloads are
    /// copied part by part, while what a checksum has read is still at hand.
    fn fill_sectors<'a>(
        &mut self,
        frame: &mut Vec<u8>,
        stamp: u32,
        records: u32,
        items: impl Iterator<Item = &'a Persist>,
    ) -> u32 {
        let mut sectors = Sectors { buffer: frame, stamp, room: SECTOR_ROOM_BYTES };
        sectors.put_zeros(FRAME_HEADER_BYTES + records as usize * RECORD_HEADER_BYTES); // the headers' place
        let headers = &mut self.headers;
        each_record(&mut self.configuration, items, |mut header, payload| {
            for part in payload.chunks(PART_BYTES) {
                header.payload_checksum = crc32c_append(header.payload_checksum, part);
                sectors.put(part);
            }
            headers.push([0; _]);
            header.encode_into(headers.last_mut().expect("it was just added"));
        });
        sectors.finish();
        assert_eq!(headers.len(), records as usize, "as many as were measured");
        let checksum = crc32c(headers.as_flattened());
        fill(frame, headers.as_flattened());
        headers.clear();
        headers.shrink_to(HEADERS_KEPT_MAX);
        checksum
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

/// Hands over the header and the payload of each record, in order. The payload's checksum is still to be put into the header.
#[inline]
fn each_record<'a>(
    configuration: &mut Vec<u8>,
    items: impl Iterator<Item = &'a Persist>,
    mut put: impl FnMut(RecordHeader, &[u8]),
) {
    for item in items {
        match item {
            Persist::HardState(state) => put(hard_state(state), &[]),
            Persist::Truncate { last } => {
                put(RecordHeader { kind: KIND_TRUNCATE, index: last.0, ..RecordHeader::default() }, &[]);
            }
            Persist::Append(entries) => {
                for one in entries.iter() {
                    let (kind, payload) = payload(one, configuration);
                    put(entry(one.id, kind, payload), payload);
                }
            }
        }
    }
}

/// A frame with one record that has no payload: one sector.
fn encode_alone(at: &mut Cursor, io: IoId, record: RecordHeader) -> Bytes {
    let mut frame = Vec::with_capacity(SECTOR_BYTES);
    let body = begin_one_sector(&mut frame, at.stamp());
    let place = body.first_chunk_mut().expect("a sector has room for a record");
    record.encode_into(place);
    let header =
        FrameHeader { sequence: at.sequence, chain: at.chain, records: 1, payload_bytes: 0, io, records_checksum: crc32c(place) };
    let checksum = header.encode_into(at.seed, frame.first_chunk_mut().expect("a frame begins with its header"));
    *at = at.behind(checksum, SECTOR_BYTES as u64);
    frame.into()
}

/// Lays out a frame of one sector; returns the room behind the frame's header.
fn begin_one_sector(frame: &mut Vec<u8>, stamp: u32) -> &mut [u8] {
    frame.resize(SECTOR_BYTES, 0);
    let (room, last) = frame.split_at_mut(SECTOR_ROOM_BYTES);
    last.copy_from_slice(&stamp.to_le_bytes());
    &mut room[FRAME_HEADER_BYTES..]
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

fn hard_state(state: &HardState) -> RecordHeader {
    RecordHeader {
        kind: KIND_HARD_STATE,
        flags: if state.vote.is_some() { FLAG_VOTE } else { 0 },
        index: state.vote.map_or(0, |node| node.0),
        term: state.term.0,
        ..RecordHeader::default()
    }
}

fn entry(id: LogId, kind: u8, payload: &[u8]) -> RecordHeader {
    RecordHeader {
        kind,
        payload_bytes: u32::try_from(payload.len()).expect("a command is smaller than a frame"),
        index: id.index.0,
        term: id.term.0,
        ..RecordHeader::default()
    }
}

/// Puts record headers into the place that was kept for them.
fn fill(frame: &mut [u8], mut headers: &[u8]) {
    let mut from = FRAME_HEADER_BYTES;
    for sector in frame.chunks_exact_mut(SECTOR_BYTES) {
        let (now, later) = headers.split_at(headers.len().min(SECTOR_ROOM_BYTES - from));
        sector[from..from + now.len()].copy_from_slice(now);
        (headers, from) = (later, 0);
        if headers.is_empty() {
            return;
        }
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

    fn put_zeros(&mut self, mut count: usize) {
        while count >= self.room {
            self.buffer.resize(self.buffer.len() + self.room, 0);
            self.buffer.extend_from_slice(&self.stamp.to_le_bytes());
            count -= mem::replace(&mut self.room, SECTOR_ROOM_BYTES);
        }
        self.buffer.resize(self.buffer.len() + count, 0);
        self.room -= count;
    }

    fn finish(self) {
        if self.room < SECTOR_ROOM_BYTES {
            self.buffer.resize(self.buffer.len() + self.room, 0);
            self.buffer.extend_from_slice(&self.stamp.to_le_bytes());
        }
    }
}
