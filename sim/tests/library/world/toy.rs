//! A process that is not Raft: one fixed primary that copies records to everybody's disk.
//!
//! The primary pings everybody at an interval; the others expect that and complain when it stays
//! away. A record is written and synced everywhere and acknowledged by the number of copies; a majority answers
//! the client. Nothing is ever repaired: what matters is that it uses the whole of the world.

use std::collections::VecDeque;

use bytes::Bytes;
use squall_raft::process::{
    Boot, DiskOp, DiskReply, Effect, Effects, FileName, Input, Label, Lane, MessageLabel, OpId, Process, RequestId,
};
use squall_raft::types::{LocalTime, NodeId};
use squall_raft::wire::{Sink, Wire};

pub const MS: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MS;
pub const RECORD: u64 = 16;

#[derive(Clone, Debug)]
pub struct Config {
    pub me: NodeId,
    pub nodes: u64,
    pub ping_interval_ns: u64,
    pub patience_ns: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Ping { number: u64 },
    Pong { number: u64 },
    Append { count: u64, record: Bytes },
    Ack { count: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Append(Bytes),
    Count,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    Recovered { bytes: Bytes },
    Ping { number: u64 },
    Impatient { at: LocalTime },
    Durable { count: u64 },
}

#[derive(Clone, Debug)]
enum Purpose {
    List,
    Recover,
    Prepare,
    Write,
    Sync { count: u64 },
}

#[derive(Clone, Debug)]
struct Open {
    count: u64,
    request: RequestId,
    copies: u64,
}

#[derive(Clone, Debug)]
pub struct Toy {
    config: Config,
    boot: Boot,
    file: FileName,
    ops: u64,
    purposes: VecDeque<Purpose>,
    open: VecDeque<Open>,
    pub count: u64,
    pings: u64,
    deadline: LocalTime,
    ready: bool,
}

type Out<'a> = &'a mut Effects<Toy>;

impl Toy {
    fn primary(&self) -> bool {
        self.config.me == NodeId(1)
    }

    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.config.me;
        (1..=self.config.nodes).map(NodeId).filter(move |node| *node != me)
    }

    fn disk(&mut self, what: DiskOp, purpose: Purpose, out: Out<'_>) {
        self.ops += 1;
        self.purposes.push_back(purpose);
        out.push(Effect::Disk { op: OpId { boot: self.boot.number, seq: self.ops }, what });
    }

    fn write(&mut self, count: u64, record: Bytes, out: Out<'_>) {
        let file = self.file.clone();
        self.disk(DiskOp::Write { file: file.clone(), offset: (count - 1) * RECORD, bytes: record }, Purpose::Write, out);
        self.disk(DiskOp::Sync { file }, Purpose::Sync { count }, out);
    }

    fn disk_done(&mut self, reply: DiskReply, out: Out<'_>) {
        let purpose = self.purposes.pop_front().expect("a completion of this boot");
        match (purpose, reply) {
            (Purpose::List, DiskReply::Files(files)) => self.listed(&files, out),
            (Purpose::Recover, DiskReply::Bytes(bytes)) => {
                self.count = bytes.len() as u64 / RECORD;
                self.ready = true;
                out.observe(Observation::Recovered { bytes });
            }
            (Purpose::Prepare, _) => self.ready = true,
            (Purpose::Sync { count }, _) => self.durable(count, out),
            (Purpose::Write, DiskReply::Done) => {}
            (purpose, reply) => panic!("{reply:?} for {purpose:?}"),
        }
    }

    fn listed(&mut self, files: &[(FileName, u64)], out: Out<'_>) {
        let file = self.file.clone();
        match files.first() {
            Some((_, len)) => self.disk(DiskOp::Read { file, offset: 0, len: *len }, Purpose::Recover, out),
            None => {
                self.disk(DiskOp::Create { file }, Purpose::Write, out);
                self.disk(DiskOp::SyncDir, Purpose::Prepare, out);
            }
        }
    }

    fn durable(&mut self, count: u64, out: Out<'_>) {
        out.observe(Observation::Durable { count });
        if self.primary() {
            self.acknowledged(count, out);
        } else {
            out.push(Effect::Send { to: NodeId(1), message: Message::Ack { count } });
        }
    }

    fn acknowledged(&mut self, count: u64, out: Out<'_>) {
        let majority = self.config.nodes / 2 + 1;
        let Some(at) = self.open.iter().position(|open| open.count == count) else { return };
        self.open[at].copies += 1;
        if self.open[at].copies == majority {
            let open = self.open.remove(at).expect("it was found");
            out.push(Effect::Reply { to: open.request, reply: count });
        }
    }

    fn message(&mut self, now: LocalTime, from: NodeId, message: Message, out: Out<'_>) {
        match message {
            Message::Ping { number } => {
                self.deadline = now.plus_ns(self.config.patience_ns);
                out.observe(Observation::Ping { number });
                out.push(Effect::Send { to: from, message: Message::Pong { number } });
            }
            Message::Pong { .. } => {}
            Message::Append { count, record } if self.ready => {
                self.count = self.count.max(count);
                self.write(count, record, out);
            }
            Message::Append { .. } => {}
            Message::Ack { count } => self.acknowledged(count, out),
        }
    }

    fn request(&mut self, id: RequestId, request: Request, out: Out<'_>) {
        match request {
            Request::Count => out.push(Effect::Reply { to: id, reply: self.count }),
            Request::Append(record) if self.ready => {
                self.count += 1;
                let count = self.count;
                self.open.push_back(Open { count, request: id, copies: 0 });
                for to in self.others() {
                    out.push(Effect::Send { to, message: Message::Append { count, record: record.clone() } });
                }
                self.write(count, record, out);
            }
            Request::Append(_) => {}
        }
    }

    fn timer(&mut self, now: LocalTime, out: Out<'_>) {
        if !self.primary() {
            self.deadline = now.plus_ns(self.config.patience_ns);
            out.observe(Observation::Impatient { at: now });
            return;
        }
        self.deadline = self.deadline.plus_ns(self.config.ping_interval_ns);
        self.pings += 1;
        for to in self.others() {
            out.push(Effect::Send { to, message: Message::Ping { number: self.pings } });
        }
    }
}

impl Process for Toy {
    type Config = Config;
    type Message = Message;
    type Request = Request;
    type Reply = u64;
    type Observation = Observation;

    fn boot(config: Config, boot: Boot, out: Out<'_>) -> Self {
        let wait_ns = if config.me == NodeId(1) { config.ping_interval_ns } else { config.patience_ns };
        let mut toy = Self {
            config,
            boot,
            file: "records".into(),
            ops: 0,
            purposes: VecDeque::new(),
            open: VecDeque::new(),
            count: 0,
            pings: 0,
            deadline: boot.now.plus_ns(wait_ns),
            ready: false,
        };
        toy.disk(DiskOp::List, Purpose::List, out);
        toy
    }

    fn handle(&mut self, now: LocalTime, input: Input<Self>, out: Out<'_>) {
        match input {
            Input::Timer => self.timer(now, out),
            Input::Message { from, message } => self.message(now, from, message, out),
            Input::Request { id, request } => self.request(id, request, out),
            Input::Requests(requests) => requests.into_iter().for_each(|(id, request)| self.request(id, request, out)),
            Input::DiskDone { op, result } => {
                assert_eq!(op.boot, self.boot.number, "a completion of another boot");
                self.disk_done(result.expect("disks do not fail here"), out);
            }
        }
    }

    fn deadline(&self) -> Option<LocalTime> {
        Some(self.deadline)
    }
}

impl Label for Message {
    fn label(&self) -> MessageLabel {
        let (kind, last_index) = match self {
            Self::Ping { number } => ("ping", *number),
            Self::Pong { number } => ("pong", *number),
            Self::Append { count, .. } => ("append", *count),
            Self::Ack { count } => ("ack", *count),
        };
        MessageLabel { kind, term: 0, last_index }
    }

    fn lane(&self) -> Lane {
        if matches!(self, Self::Append { .. }) { Lane::Bulk } else { Lane::Control }
    }
}

impl Wire for Message {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let (tag, number) = match self {
            Self::Ping { number } => (0, *number),
            Self::Pong { number } => (1, *number),
            Self::Append { count, .. } => (2, *count),
            Self::Ack { count } => (3, *count),
        };
        sink.u64(tag);
        sink.u64(number);
        if let Self::Append { record, .. } = self {
            record.encode(sink);
        }
    }
}

impl Wire for Request {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Append(record) => {
                sink.u64(0);
                record.encode(sink);
            }
            Self::Count => sink.u64(1),
        }
    }
}

impl Wire for Observation {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Recovered { bytes } => {
                sink.u64(0);
                bytes.encode(sink);
            }
            Self::Ping { number } => [1, *number].into_iter().for_each(|word| sink.u64(word)),
            Self::Impatient { at } => [2, at.0].into_iter().for_each(|word| sink.u64(word)),
            Self::Durable { count } => [3, *count].into_iter().for_each(|word| sink.u64(word)),
        }
    }
}
