//! Whatever comes over a connection costs that connection at most. A client on another one is served all the while.
//!
//! Not here: the same bytes without sockets (`tests/engine/wire`).

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use squall_raft::applier::kv::Kv;
use squall_raft::message::{Body, Envelope, Message};
use squall_raft::node::request::{Reply, Request};
use squall_raft::server::client::Client;
use squall_raft::server::codec::{self, Incoming};
use squall_raft::server::frame::{self, Kind};
use squall_raft::server::native::Native;
use squall_raft::server::stats::Stats;
use squall_raft::server::wire::Hello;
use squall_raft::server::{Server, Shutdown};
use squall_raft::types::{BootNumber, ClusterId, LogIndex, NodeId, SessionId, Term};

use crate::raw::{Raw, hello, hello_bytes, member, request_bytes};
use crate::setup::{
    CLUSTER, HOUR, Setup, addresses, client_env, connect, folder, get, in_time, no_task_is_left, put, read, register, until,
};

/// What the other end has said about itself before it misbehaves.
#[derive(Clone, Copy, Debug)]
enum As {
    Stranger,
    Member,
    Client,
}

/// A server under attack, and a client of it that must not notice.
struct Siege {
    server: Server<Kv, Native>,
    client: Client<Native>,
    session: SessionId,
    writes: u64,
}

impl Siege {
    /// Node 2 is a member, so that somebody can pretend to be it.
    async fn begin(test: &str) -> Self {
        let folder = folder(test);
        let [nobody] = addresses();
        let mut setup = Setup::with_learner(&nobody);
        // What ends, ends because of what was said.
        setup.limits.idle_ns = HOUR;
        let server = setup.start(&folder.join("node")).await;
        let client = connect(&client_env(&folder), 1, server.address());
        let session = register(&client).await;
        Self { server, client, session, writes: 0 }
    }

    /// The client's one connection must carry this, so nothing is tried again.
    async fn is_served(&mut self) {
        self.writes += 1;
        let value = self.writes.to_le_bytes();
        let reply = in_time("an answer", self.client.call(put(self.session, self.writes, "key", &value))).await;
        assert!(matches!(reply, Ok(Reply::Applied { .. })), "{reply:?}");
        assert_eq!(read(&self.client, "key").await, Some(Bytes::copy_from_slice(&value)));
    }

    async fn connect(&self, as_whom: As) -> Raw {
        match as_whom {
            As::Stranger => Raw::connect(self.server.address()).await,
            As::Member => Raw::greet(self.server.address(), Some(2)).await,
            As::Client => Raw::greet(self.server.address(), None).await,
        }
    }

    /// The bytes are said and the server hangs up, because of a thing that is counted.
    async fn is_hung_up_on(&mut self, what: &str, as_whom: As, bytes: &[u8], count: fn(&Stats) -> u64) {
        let mut raw = self.connect(as_whom).await;
        self.is_served().await;
        let before = count(&self.server.stats());
        raw.say(bytes).await;
        raw.hear_the_end().await;
        until(what, || count(&self.server.stats()) > before).await;
        self.is_served().await;
    }

    /// The bytes are said and then nothing more: the server hangs up, and counts that something was cut off.
    async fn is_cut_off(&mut self, what: &str, as_whom: As, bytes: &[u8]) {
        let before = self.server.stats().cut_off;
        let mut raw = self.connect(as_whom).await;
        raw.say(bytes).await;
        raw.finish().await;
        raw.hear_the_end().await;
        until(what, || self.server.stats().cut_off > before).await;
    }

    async fn end(self) {
        drop(self.client);
        assert_eq!(in_time("a shutdown", self.server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    }
}

fn framed(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    frame::encode(kind, &mut bytes, payload.len(), |into| into.copy_from_slice(payload));
    bytes.to_vec()
}

/// A frame with a byte of it replaced.
fn spoilt(at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = hello_bytes(&hello(None));
    bytes[at] = byte;
    bytes
}

fn message(from: u64, to: u64) -> Vec<u8> {
    let (from, to) = (member(from), member(to));
    let envelope = Envelope { cluster: CLUSTER, from, to, term: Term(1), boot: BootNumber(1), ..Envelope::default() };
    let message = Message { envelope, body: Body::Heartbeat { commit: LogIndex(0) } };
    let mut bytes = BytesMut::new();
    codec::encode_message(&message, &codec::Limits::default(), &mut bytes).expect("a short message");
    bytes.to_vec()
}

fn too_long() -> Vec<u8> {
    let mut bytes = framed(Kind::Message, b"");
    bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes
}

const MALFORMED: fn(&Stats) -> u64 = |stats| stats.malformed;
const REFUSED: fn(&Stats) -> u64 = |stats| stats.strangers_refused;
const IMPOSTORS: fn(&Stats) -> u64 = |stats| stats.impostors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_greeting_ends_the_connection() {
    let mut siege = Siege::begin("no-greeting").await;
    let last = hello_bytes(&hello(None)).len() - 1;
    for (what, bytes) in [
        ("no frame", b"GET / HTTP/1.1\r\nHost: squall\r\n\r\n".to_vec()),
        ("nothing but zeros", vec![0; 4_096]),
        ("a frame that is too long", too_long()),
        ("a frame that is a byte too long", {
            let len = codec::Limits::default().frame_bytes_max + 1;
            let mut bytes = framed(Kind::Hello, b"");
            bytes[4..8].copy_from_slice(&len.to_le_bytes());
            bytes
        }),
        ("another version", spoilt(2, frame::VERSION + 1)),
        ("no kind", spoilt(3, 200)),
        ("a wrong checksum", spoilt(8, hello_bytes(&hello(None))[8] ^ 1)),
        ("a flipped bit", spoilt(last, hello_bytes(&hello(None))[last] ^ 1)),
        ("an intact frame of garbage", framed(Kind::Hello, &[0xff; 40])),
        ("a greeting without content", framed(Kind::Hello, b"")),
        ("a ping first", framed(Kind::Ping, b"")),
        ("a request first", request_bytes(1, &Request::Register)),
        ("a message first", message(2, 1)),
        ("a part first", framed(Kind::Part, &[0, 0, 0, 0, Kind::Message as u8, 1, 2, 3])),
    ] {
        siege.is_hung_up_on(what, As::Stranger, &bytes, MALFORMED).await;
    }
    siege.end().await;
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_means_another_or_is_unknown_is_refused() {
    let mut siege = Siege::begin("strange-greetings").await;
    let cluster = ClusterId(CLUSTER.0 + 1);
    for (what, hello) in [
        ("a member of another cluster", Hello { cluster, ..hello(Some(2)) }),
        ("a client of another cluster", Hello { cluster, ..hello(None) }),
        ("a member that wants another node", Hello { to: NodeId(2), ..hello(Some(2)) }),
        ("a client that wants another node", Hello { to: NodeId(2), ..hello(None) }),
        ("a member that nobody knows", hello(Some(3))),
        ("a member without a name", hello(Some(0))),
        ("the node itself", hello(Some(1))),
    ] {
        siege.is_hung_up_on(what, As::Stranger, &hello_bytes(&hello), REFUSED).await;
    }
    assert_eq!(siege.server.stats().connections, 0);
    siege.end().await;
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_follow_a_greeting_ends_the_connection() {
    let mut siege = Siege::begin("after-greeting").await;
    let second = |from| hello_bytes(&hello(from));
    for (what, as_whom, bytes, count) in [
        ("garbage of a member", As::Member, vec![0xa5; 100], MALFORMED),
        ("garbage of a client", As::Client, vec![0xa5; 100], MALFORMED),
        ("a member's frame that is too long", As::Member, too_long(), MALFORMED),
        ("a client's frame that is too long", As::Client, too_long(), MALFORMED),
        ("a message in another's name", As::Member, message(3, 1), IMPOSTORS),
        ("a message in our name", As::Member, message(1, 1), IMPOSTORS),
        ("a member's request", As::Member, request_bytes(1, &Request::Register), MALFORMED),
        ("a client's message", As::Client, message(2, 1), MALFORMED),
        ("a member's second greeting", As::Member, second(Some(2)), MALFORMED),
        ("a client's second greeting", As::Client, second(None), MALFORMED),
        ("a client that greets as a member later", As::Client, second(Some(2)), MALFORMED),
        ("an intact frame of garbage of a member", As::Member, framed(Kind::Message, &[0xff; 40]), MALFORMED),
        ("an intact frame of garbage of a client", As::Client, framed(Kind::Request, &[0xff; 40]), MALFORMED),
        ("a part that is the second one", As::Client, framed(Kind::Part, &[1, 0, 0, 0, Kind::Request as u8, 1]), MALFORMED),
        ("a member's reply", As::Member, reply(), MALFORMED),
        ("a client's reply", As::Client, reply(), MALFORMED),
    ] {
        siege.is_hung_up_on(what, as_whom, &bytes, count).await;
        // What comes with the greeting is as bad as what comes behind it.
        let from = match as_whom {
            As::Member => Some(2),
            As::Stranger | As::Client => None,
        };
        let at_once = [hello_bytes(&hello(from)), bytes].concat();
        siege.is_hung_up_on(what, As::Stranger, &at_once, count).await;
    }
    siege.end().await;
    no_task_is_left().await;
}

fn reply() -> Vec<u8> {
    let mut bytes = BytesMut::new();
    codec::encode_reply(1, &Reply::Unknown, &codec::Limits::default(), &mut bytes).expect("a short reply");
    bytes.to_vec()
}

/// A message for another receiver is the node's to refuse, and no reason to hang up: a peer may know an earlier life of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_for_another_is_not_answered_and_the_connection_stays() {
    let mut siege = Siege::begin("another-receiver").await;
    let mut raw = siege.connect(As::Member).await;
    let before = siege.server.stats().frames_received;
    raw.say(&message(2, 3)).await;
    until("that it was read", || siege.server.stats().frames_received > before).await;
    siege.is_served().await;
    // Pings and heartbeats still come.
    assert!(matches!(raw.hear().await, Some(Incoming::Ping | Incoming::Message(_))));
    assert_eq!((siege.server.stats().impostors, siege.server.stats().malformed), (0, 0));
    drop(raw);
    siege.end().await;
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_is_counted_and_forgotten() {
    let mut siege = Siege::begin("cut-off").await;
    for from in [None, Some(2)] {
        let whole = hello_bytes(&hello(from));
        for len in 1..whole.len() {
            siege.is_cut_off(&format!("that {len} bytes are no greeting"), As::Stranger, &whole[..len]).await;
        }
    }
    siege.is_served().await;
    let request = request_bytes(7, &get("key"));
    let long = request_bytes(7, &Request::Query { query: Bytes::from(vec![1; 100_000]) });
    for (what, as_whom, bytes) in [
        ("half a message", As::Member, &message(2, 1)[..20]),
        ("a header", As::Member, &message(2, 1)[..frame::HEADER_LEN]),
        ("half a request", As::Client, &request[..request.len() / 2]),
        ("a part and a half of a request", As::Client, &long[..25_000]),
        ("parts without a last one", As::Client, &long[..long.len() - 100]),
    ] {
        siege.is_cut_off(what, as_whom, bytes).await;
        siege.is_served().await;
    }
    // An end where one may be is no cut.
    let before = siege.server.stats();
    for (as_whom, bytes) in [(As::Stranger, &b""[..]), (As::Client, &[]), (As::Member, &[])] {
        let mut raw = siege.connect(as_whom).await;
        raw.say(bytes).await;
        raw.finish().await;
        raw.hear_the_end().await;
    }
    siege.is_served().await;
    let after = siege.server.stats();
    assert_eq!((after.cut_off, after.malformed), (before.cut_off, before.malformed));
    siege.end().await;
    no_task_is_left().await;
}

/// Random bytes in random pieces, from everybody who can send some.
#[test]
fn arbitrary_bytes_cost_one_connection_at_most() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let siege = std::cell::RefCell::new(runtime.block_on(Siege::begin("arbitrary")));
    let whom = prop_oneof![Just(As::Stranger), Just(As::Member), Just(As::Client)];
    let piece = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (0..9_u8, prop::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(kind, payload)| framed(Kind::of_number(kind).unwrap_or(Kind::Ping), &payload)),
    ];
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(whom, prop::collection::vec(piece, 0..6)), |(as_whom, pieces)| {
        let siege = &mut *siege.borrow_mut();
        runtime.block_on(async {
            let mut raw = siege.connect(as_whom).await;
            for piece in pieces {
                raw.say(&piece).await;
                siege.is_served().await;
            }
            raw.finish().await;
            raw.hear_the_end().await;
        });
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    runtime.block_on(async {
        let siege = siege.into_inner();
        assert_eq!(siege.server.halted(), None);
        siege.end().await;
        no_task_is_left().await;
    });
}
