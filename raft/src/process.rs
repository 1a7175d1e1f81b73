//! The shape of everything that a world can run.
//!
//! A [`Process`] owns no clock, disk or socket: it is handed inputs and its local time,
//! and it pushes [`Effect`]s. Whoever drives it (a simulated world, a real server)
//! carries them out and feeds the results back. A crash point lies between any two.
//! Read next: [`crate::message`] and [`crate::node`] for the process that is Raft.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::types::{BootNumber, LocalTime, NodeId};
use crate::wire::{Sink, Wire};

/// A deterministic state machine that takes part in a distributed system.
pub trait Process: Clone {
    /// What it is built from.
    type Config: Clone;
    /// What it says to its peers.
    type Message: Clone + fmt::Debug + Label + Wire;
    /// What clients ask of it.
    type Request: Clone + fmt::Debug + Wire;
    /// What it answers.
    type Reply: Clone + fmt::Debug + Wire;
    /// What it reports about itself, for observers and checkers.
    type Observation: Clone + fmt::Debug + Wire;

    /// Starts a process on whatever its disk holds.
    fn boot(config: Self::Config, boot: Boot, out: &mut Effects<Self>) -> Self;

    /// Takes one input. `now` never runs backwards within a boot.
    fn handle(&mut self, now: LocalTime, input: Input<Self>, out: &mut Effects<Self>);

    /// When it wants an [`Input::Timer`]; nothing polls it earlier.
    fn deadline(&self) -> Option<LocalTime>;
}

/// What differs between two starts of the same process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Its clock at the start. The origin is arbitrary.
    pub now: LocalTime,
    /// 64 random bits, all the randomness that this boot gets.
    pub entropy: u64,
    /// Larger than that of every earlier boot of this node.
    pub number: BootNumber,
}

/// What can happen to a process.
#[derive(Clone, Debug)]
pub enum Input<P: Process> {
    /// Its deadline has come.
    Timer,
    /// A peer's message arrived. `from` is what the transport believes.
    Message {
        /// The sending peer.
        from: NodeId,
        /// What it said.
        message: P::Message,
    },
    /// A client asks; the answer must carry the same id.
    Request {
        /// Chosen by the driver; unique within a boot.
        id: RequestId,
        /// What is asked.
        request: P::Request,
    },
    /// Several clients have asked in the meantime; each gets an answer of its own, one that it could have got if they had asked one by
    /// one in this order. A process may serve them together.
    Requests(Vec<(RequestId, P::Request)>),
    /// A disk operation of this boot ended.
    DiskDone {
        /// Which.
        op: OpId,
        /// How.
        result: Result<DiskReply, DiskError>,
    },
}

/// What a process wants done. Effects are carried out in the order in which they were pushed.
#[derive(Clone, Debug)]
pub enum Effect<P: Process> {
    /// Send to a peer; may be lost, delayed, duplicated, reordered.
    Send {
        /// The receiver.
        to: NodeId,
        /// What.
        message: P::Message,
    },
    /// Start a disk operation. Operations of one node start in this order.
    Disk {
        /// Names the completion.
        op: OpId,
        /// What to do.
        what: DiskOp,
    },
    /// Answer a client.
    Reply {
        /// The request's id.
        to: RequestId,
        /// The answer.
        reply: P::Reply,
    },
    /// Tell observers. Has no effect on the system.
    Observe(P::Observation),
    /// The process cannot go on (its disk failed): stop it. Nothing after this is carried out.
    Halt {
        /// Why, for people.
        reason: &'static str,
    },
}

/// Collects effects; reused between inputs so that a steady state allocates nothing.
#[derive(Clone, Debug)]
pub struct Effects<P: Process> {
    list: Vec<Effect<P>>,
}

impl<P: Process> Default for Effects<P> {
    fn default() -> Self {
        Self { list: Vec::new() }
    }
}

impl<P: Process> Effects<P> {
    /// Adds an effect behind those that are there.
    pub fn push(&mut self, effect: Effect<P>) {
        self.list.push(effect);
    }

    /// As [`Self::push`] of an effect that is made when there is room for it: what is put together before is written word by word
    /// and moved in pairs of words, for which a processor waits.
    #[inline]
    pub fn push_with(&mut self, make: impl FnOnce() -> Effect<P>) {
        self.list.extend(std::iter::once_with(make));
    }

    /// Adds an observation.
    pub fn observe(&mut self, observation: P::Observation) {
        self.push_with(|| Effect::Observe(observation));
    }

    /// Takes all effects out, first pushed first, and keeps the space.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect<P>> {
        self.list.drain(..)
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Names a client's request towards one boot of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// Names a disk operation: the boot that started it and a counter within that boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId {
    /// The boot that issued it.
    pub boot: BootNumber,
    /// Counts from 1.
    pub seq: u64,
}

/// A file's name inside the node's one folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(pub Arc<str>);

impl FileName {
    /// Whether a file in a folder can have this name: 1 to 255 bytes, no `/` and no NUL, neither `.` nor `..`.
    ///
    /// No disk creates a file of another name or gives one to a file ([`DiskError::Io`]), so nothing leads out of the folder.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !matches!(&*self.0, "" | "." | "..") && self.0.len() <= 255 && !self.0.contains(['/', '\0'])
    }
}

impl From<&str> for FileName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A disk operation as a value. All files lie in one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskOp {
    /// Make an empty file; it must not exist. Durable only after [`DiskOp::SyncDir`].
    Create {
        /// The new file.
        file: FileName,
    },
    /// Write bytes at an offset, growing the file (a gap reads as zeros). Durable only after [`DiskOp::Sync`].
    Write {
        /// Where to.
        file: FileName,
        /// First byte's position.
        offset: u64,
        /// What.
        bytes: Bytes,
    },
    /// A [`DiskOp::Write`] and, if that succeeded, a [`DiskOp::Sync`], as one operation with one end. Each batch of a log is
    /// one. If it fails, a part of the bytes may be there, and nobody knows what is durable.
    WriteSync {
        /// Where to.
        file: FileName,
        /// First byte's position.
        offset: u64,
        /// What.
        bytes: Bytes,
    },
    /// Reserve space for a file's first `len` bytes and make it at least so long; what is new reads as zeros. A full device is
    /// told now and not by a later write within them. Durable only after [`DiskOp::Sync`].
    Allocate {
        /// Which.
        file: FileName,
        /// How many bytes.
        len: u64,
    },
    /// Read up to `len` bytes from an offset; fewer come back at the end of the file.
    Read {
        /// Where from.
        file: FileName,
        /// First byte's position.
        offset: u64,
        /// How many at most.
        len: u64,
    },
    /// Make a file's content and length durable (fsync).
    Sync {
        /// Which.
        file: FileName,
    },
    /// Make creations, renames and removals durable (fsync of the folder).
    SyncDir,
    /// Give a file another name, replacing what had it.
    Rename {
        /// Old name.
        from: FileName,
        /// New name.
        to: FileName,
    },
    /// Remove a file.
    Remove {
        /// Which.
        file: FileName,
    },
    /// Cut or zero-extend a file to a length. Durable only after [`DiskOp::Sync`].
    Truncate {
        /// Which.
        file: FileName,
        /// New length in bytes.
        len: u64,
    },
    /// List the folder, in ascending order of names.
    List,
}

impl DiskOp {
    /// Whether its success makes something durable.
    #[must_use]
    pub const fn is_sync(&self) -> bool {
        matches!(self, Self::WriteSync { .. } | Self::Sync { .. } | Self::SyncDir)
    }

    /// The file whose content its success makes durable.
    #[must_use]
    pub const fn synced_file(&self) -> Option<&FileName> {
        match self {
            Self::WriteSync { file, .. } | Self::Sync { file } => Some(file),
            _ => None,
        }
    }
}

/// How a disk operation succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskReply {
    /// It is done; nothing to say.
    Done,
    /// What was read.
    Bytes(Bytes),
    /// What the folder holds: names and lengths in bytes.
    Files(Vec<(FileName, u64)>),
}

/// How a disk operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// No file has that name.
    #[error("no such file")]
    NotFound,
    /// A file has that name already.
    #[error("file exists")]
    Exists,
    /// The device failed (EIO). After a failed sync nobody knows what is durable.
    #[error("input/output error")]
    Io,
    /// The device is full (ENOSPC).
    #[error("no space left on device")]
    NoSpace,
}

/// What a message is called on tapes and in triggers: it survives edits of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageLabel {
    /// The kind's name, for example `append`.
    pub kind: &'static str,
    /// The sender's term, or 0.
    pub term: u64,
    /// The last log index that it speaks of, or 0.
    pub last_index: u64,
}

/// Two independent queues per link: bulk data never delays control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Votes, heartbeats, acknowledgements.
    Control,
    /// Entries and snapshots.
    Bulk,
}

/// A message that can be named.
pub trait Label {
    /// Its name.
    fn label(&self) -> MessageLabel;

    /// The queue it travels in.
    fn lane(&self) -> Lane;
}

impl Wire for DiskOp {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Create { file } => tagged(sink, 0, file),
            Self::Write { file, offset, bytes } => {
                tagged(sink, 1, file);
                sink.u64(*offset);
                sink.bytes(bytes);
            }
            Self::Read { file, offset, len } => {
                tagged(sink, 2, file);
                sink.u64(*offset);
                sink.u64(*len);
            }
            Self::Sync { file } => tagged(sink, 3, file),
            Self::SyncDir => sink.u64(4),
            Self::Rename { from, to } => {
                tagged(sink, 5, from);
                sink.bytes(to.0.as_bytes());
            }
            Self::Remove { file } => tagged(sink, 6, file),
            Self::Truncate { file, len } => {
                tagged(sink, 7, file);
                sink.u64(*len);
            }
            Self::List => sink.u64(8),
            Self::WriteSync { file, offset, bytes } => {
                tagged(sink, 9, file);
                sink.u64(*offset);
                sink.bytes(bytes);
            }
            Self::Allocate { file, len } => {
                tagged(sink, 10, file);
                sink.u64(*len);
            }
        }
    }
}

fn tagged<S: Sink>(sink: &mut S, tag: u64, file: &FileName) {
    sink.u64(tag);
    sink.bytes(file.0.as_bytes());
}

impl Wire for Result<DiskReply, DiskError> {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Ok(DiskReply::Done) => sink.u64(0),
            Ok(DiskReply::Bytes(bytes)) => {
                sink.u64(1);
                sink.bytes(bytes);
            }
            Ok(DiskReply::Files(files)) => {
                sink.u64(2);
                sink.u64(files.len() as u64);
                for (name, len) in files {
                    sink.bytes(name.0.as_bytes());
                    sink.u64(*len);
                }
            }
            Err(error) => sink.u64(16 + *error as u64),
        }
    }
}
