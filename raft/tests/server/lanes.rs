//! Heartbeats are not stuck behind a megabyte of entries: they wait for what was handed to the stream, and no more.

use std::sync::atomic::Ordering;

use squall_raft::message::{Body, Envelope, Message};
use squall_raft::node::request::{Reply, Request};
use squall_raft::server::codec::{self, Incoming, Limits, Receiver};
use squall_raft::server::frame::{self, Decoder, Frame, HEADER_LEN, Kind};
use squall_raft::server::wire::Hello;
use squall_raft::types::{BootNumber, LogIndex, NodeId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::piped;
use crate::raw::{hello_bytes, member};
use crate::setup::{CLUSTER, HOUR, Setup, folder, in_time, leads, no_task_is_left, put, until};

/// What the pipe holds between both ends.
const PIPE_BYTES: usize = 4 << 10;

/// Node 2, which says what a follower must and reads as slowly as the test wants it to.
struct Follower {
    stream: DuplexStream,
    frames: Decoder,
    messages: Receiver,
    matched: LogIndex,
}

impl Follower {
    async fn greet(stream: DuplexStream) -> Self {
        let limits = Limits::default();
        let (frames, messages) = (Decoder::new(limits.frame_bytes_max), Receiver::new(limits));
        let mut follower = Self { stream, frames, messages, matched: LogIndex(0) };
        let (frame, said) = follower.next().await;
        assert!(frame.kind == Kind::Hello && matches!(said, Some(Incoming::Hello(Hello { to: NodeId(2), .. }))), "{said:?}");
        let answer = Hello { cluster: CLUSTER, from: Some(member(2)), to: NodeId(1), boot: BootNumber(1) };
        follower.say(&hello_bytes(&answer)).await;
        follower
    }

    async fn say(&mut self, bytes: &[u8]) {
        in_time("that bytes are taken", self.stream.write_all(bytes)).await.expect("a leader that listens");
    }

    /// The next frame, and what it completes. No more is read than is needed.
    async fn next(&mut self) -> (Frame, Option<Incoming>) {
        loop {
            if let Some(frame) = self.frames.next().expect("frames of ours") {
                frame::encode(frame.kind, self.messages.buffer(), frame.payload.len(), |into| {
                    into.copy_from_slice(&frame.payload)
                });
                return (frame, self.messages.next().expect("messages of ours"));
            }
            let read = in_time("bytes", self.stream.read_buf(self.frames.buffer())).await.expect("a pipe");
            assert!(read > 0, "the leader hung up");
        }
    }

    async fn answer(&mut self, said: Option<Incoming>) {
        let Some(Incoming::Message(Message { envelope, body })) = said else { return };
        let body = match body {
            Body::Append { prev, entries, .. } => {
                self.matched = self.matched.max(LogIndex(prev.index.0 + entries.len() as u64));
                Body::Appended { matched: self.matched }
            }
            Body::Heartbeat { .. } => Body::HeartbeatAck { tail: self.matched, matched: self.matched },
            _ => return,
        };
        let envelope = Envelope { from: member(2), to: envelope.from, boot: BootNumber(1), ..envelope };
        let mut bytes = bytes::BytesMut::new();
        codec::encode_message(&Message { envelope, body }, &Limits::default(), &mut bytes).expect("a short message");
        self.say(&bytes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_pass_a_large_append() {
    let folder = folder("lanes");
    let mut setup = Setup::with_learner("node 2");
    setup.limits.write_ns = HOUR;
    setup.limits.idle_ns = HOUR;
    let (server, mut outside) = piped::start(&setup, &folder, PIPE_BYTES).await;
    let pipe = in_time("a dial", outside.dialled.recv()).await.expect("a pipe");
    let mut follower = Follower::greet(pipe).await;
    leads(&server, 1).await;

    let Reply::Registered { session } = in_time("a session", server.call(Request::Register)).await else {
        panic!("found another answer to a registration")
    };
    while follower.matched < LogIndex(2) {
        let (_, said) = follower.next().await;
        follower.answer(said).await;
    }
    let reply = in_time("an answer", server.call(put(session, 1, "large", &[7; 1_000_000]))).await;
    assert!(matches!(reply, Reply::Applied { .. }), "{reply:?}");
    loop {
        let (frame, said) = follower.next().await;
        if frame.kind == Kind::Part {
            break;
        }
        follower.answer(said).await;
    }

    // One part may be begun after the batch was full to the last byte.
    let handed_over = setup.limits.write_bytes + setup.limits.codec.part_bytes as usize + HEADER_LEN + PIPE_BYTES;
    let (mut rounds, mut whole) = (0, false);
    while !whole {
        // Of two the first is in its lane for sure.
        let sent = outside.heartbeats.load(Ordering::SeqCst);
        until("two heartbeats", || outside.heartbeats.load(Ordering::SeqCst) >= sent + 2).await;
        let (mut waited, mut heard) = (0, false);
        // Until the heartbeats that have waited are heard, and the next part is there.
        loop {
            let (frame, said) = follower.next().await;
            whole |= frame.kind == Kind::Last;
            let is_part = matches!(frame.kind, Kind::Part | Kind::Last);
            if heard && (is_part || whole) {
                break;
            }
            heard |= matches!(said, Some(Incoming::Message(Message { body: Body::Heartbeat { .. }, .. })));
            waited += HEADER_LEN + frame.payload.len();
            assert!(heard || waited <= handed_over, "found {waited} bytes before a heartbeat, expected at most {handed_over}");
        }
        rounds += 1;
    }
    assert!(rounds >= 8, "heartbeats passed a megabyte {rounds} times");
    drop(follower);
    assert_eq!(in_time("a shutdown", server.shutdown()).await.tasks_left, 0);
    no_task_is_left().await;
}
