//! One server and its clients: from the first start to the next one on the same folder.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use squall_raft::applier::StateMachine;
use squall_raft::applier::kv::Kv;
use squall_raft::limit::Limit;
use squall_raft::message::{Body, Envelope, Message};
use squall_raft::node::NodeConfig;
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::server::codec::{self, Incoming};
use squall_raft::server::files::Folder;
use squall_raft::server::limits::Limits;
use squall_raft::server::native::Native;
use squall_raft::server::{Server, ServerConfig, Shutdown, StartError};
use squall_raft::types::{BootNumber, LogIndex, SessionId, Term};
use tokio::sync::Semaphore;

use crate::piped;
use crate::raw::{Raw, hello, hello_bytes, member, request_bytes};
use crate::setup::{
    CLUSTER, Setup, client_env, connect, folder, get, in_time, leads, no_task_is_left, put, read, register, until, value, write,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = folder("restart");
    let env = client_env(&folder);
    for boot in 1..=3_u8 {
        let server = Setup::single().start(&folder.join("node")).await;
        let client = connect(&env, 1, server.address());
        if boot > 1 {
            assert_eq!(read(&client, "boot").await, Some(Bytes::from(vec![boot - 1])));
        }
        let session = register(&client).await;
        write(&client, session, 1, "boot", &[boot]).await;
        assert_eq!(read(&client, "boot").await, Some(Bytes::from(vec![boot])));
        assert!(server.live_tasks() > 0);
        assert_eq!(server.halted(), None);
        assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    }
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_that_bind_are_counted() {
    let folder = folder("bound");
    let mut setup = Setup::single();
    (setup.raft.limits.command_bytes_max, setup.raft.limits.sessions_max) = (100, 1);
    let server = setup.start(&folder.join("node")).await;
    let client = connect(&client_env(&folder), 1, server.address());
    let session = register(&client).await;
    assert_eq!(server.bound().counts().map(|(_, count)| count).sum::<u64>(), 0);
    for sequence in [1, 2] {
        let large = put(session, sequence, "key", &[0; 100]);
        assert_eq!(crate::setup::ask(&client, &large).await, Reply::Refused(Refused::TooLarge));
    }
    assert_eq!(server.bound().count(Limit::CommandBytes), 2);
    assert_ne!(register(&client).await, session);
    assert_eq!(server.bound().count(Limit::Sessions), 1);
    drop(client);
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

/// The client library would hide it: it forgets an id with the first answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_is_answered_once() {
    let folder = folder("once");
    let server = Setup::single().start(&folder.join("node")).await;
    let client = connect(&client_env(&folder), 1, server.address());
    let session = register(&client).await;
    write(&client, session, 1, "key", b"value").await;
    let mut raw = Raw::greet(server.address(), None).await;
    for id in 0..100 {
        raw.say(&request_bytes(id, &get("key"))).await;
    }
    raw.finish().await;
    let mut answered = Vec::new();
    while let Some(said) = raw.hear().await {
        let Incoming::Reply { id, reply } = said else { panic!("found {said:?}, expected an answer") };
        assert_eq!(value(&reply).as_deref(), Some(&b"value"[..]));
        answered.push(id);
    }
    answered.sort_unstable();
    assert!(answered.iter().copied().eq(0..100), "{answered:?}");
    drop(client);
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let folder = folder("port");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let setup = Setup { listen: address.clone(), ..Setup::single() };
    let Folder { boot, files } = Folder::open(&folder.join("node")).unwrap();
    let Err(error) = Server::start(Native::new(files), setup.config(boot), ()).await else {
        panic!("found a server, expected that its port is taken")
    };
    assert!(matches!(&error, StartError::Listen { address: found, .. } if *found == address));
    assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")), "{error}");
    // Nothing of the attempt holds the folder.
    drop(Folder::open(&folder.join("node")).expect("a folder that nobody uses"));
    no_task_is_left().await;
}

/// A limit that a channel or a semaphore would panic at, and a patience that would close every connection.
#[tokio::test]
async fn limits_without_a_meaning_are_refused_by_name() {
    let folder = folder("limits");
    type Change = fn(&mut Limits);
    let cases: [(&str, Change); 9] = [
        ("server.strangers_max", |limits| limits.strangers_max = usize::MAX),
        ("server.sessions_max", |limits| limits.sessions_max = Semaphore::MAX_PERMITS + 1),
        ("server.session_requests_max", |limits| limits.session_requests_max = usize::MAX),
        ("server.disk_ops_max", |limits| limits.disk_ops_max = usize::MAX),
        ("server.disk_ops_max", |limits| limits.disk_ops_max = 2),
        ("server.batch_requests_max", |limits| limits.batch_requests_max = 0),
        ("server.batch_bytes_max", |limits| limits.batch_bytes_max = 0),
        ("server.session_idle_ns", |limits| limits.session_idle_ns = 0),
        ("server.idle_ns", |limits| limits.idle_ns = 2 * limits.keepalive_ns),
    ];
    let Folder { boot, files } = Folder::open(&folder.join("node")).unwrap();
    let env = Native::new(files);
    for (name, change) in cases {
        let mut setup = Setup::single();
        change(&mut setup.limits);
        match Server::start(env.clone(), setup.config(boot), ()).await {
            Err(error @ StartError::Limits(_)) => assert!(error.to_string().starts_with(&format!("{name}: found ")), "{error}"),
            Err(error) => panic!("found {error}, expected {name} to be refused"),
            Ok(_) => panic!("found a server, expected {name} to be refused"),
        }
    }
    // The largest limits are limits.
    let mut setup = Setup::single();
    setup.limits.strangers_max = Semaphore::MAX_PERMITS;
    setup.limits.sessions_max = Semaphore::MAX_PERMITS;
    let server = setup.start_in(env, boot).await;
    assert_eq!(server.shutdown().await.tasks_left, 0);
}

/// Panics at the command that says so.
#[derive(Clone)]
struct Fragile;

impl StateMachine for Fragile {
    fn apply(&mut self, command: &[u8]) -> Bytes {
        assert_ne!(command, b"break", "the test wants this panic");
        Bytes::copy_from_slice(command)
    }

    fn query(&self, query: &[u8]) -> Bytes {
        Bytes::copy_from_slice(query)
    }

    fn digest(&self) -> u64 {
        0
    }
}

/// A node that panicked between two states must not go on from there, and whoever waits for it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_within_the_node_halts_it() {
    let folder = folder("panic");
    let Folder { boot, files } = Folder::open(&folder.join("node")).unwrap();
    let setup = Setup::single();
    let ServerConfig { node, listen, peers, limits, .. } = setup.config(BootNumber(1));
    let node = NodeConfig { raft: node.raft, machine: Fragile };
    let config = ServerConfig { node, boot, listen, peers, limits };
    let server = Server::start(Native::new(files), config, ()).await.expect("a start");
    let env = client_env(&folder);
    let client = connect(&env, 1, server.address());
    let session = register(&client).await;

    let command = |sequence, command| Request::Command { session, sequence, first_outstanding: 1, command };
    let halted = server.until_halted();
    let broken = client.call(command(1, Bytes::from_static(b"break")));
    let (_, reply) = in_time("that the node halts", async { tokio::join!(halted, broken) }).await;
    assert_eq!(reply, Ok(Reply::Unknown));
    assert_eq!(server.halted(), Some("a panic within the node"));
    let reply = client.call(command(2, Bytes::from_static(b"fine"))).await;
    assert_eq!(reply, Ok(Reply::Refused(Refused::NotReady)));
    until("that it is counted", || server.stats().refused_stopping == 1).await;
    assert_eq!(in_time("a shutdown", server.shutdown()).await.tasks_left, 0);
    drop(client);
    no_task_is_left().await;
}

/// What the disk did not do was not done: nothing of it is acknowledged, and the node does not go on, whoever speaks to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_halts_the_node() {
    let (server, mut outside) = piped::start(&Setup::with_learner("node 2"), &folder("failing-disk"), 4 << 10).await;
    outside.dialled.close();
    leads(&server, 1).await;
    let Reply::Registered { session } = in_time("a session", server.call(Request::Register)).await else {
        panic!("found another answer to a registration")
    };
    let term = || server.inspect(|node| node.core().map(|core| core.hard_state().term));
    let mut raw = Raw::on(outside.dial());
    raw.say(&hello_bytes(&hello(Some(2)))).await;
    // What a live node listens to; the one that it deposes is elected again.
    raw.say(&answer_of_term(Term(50))).await;
    until("a later term", || term() > Some(Term(50))).await;
    leads(&server, 1).await;
    let reply = until_applied(&server, session).await;
    assert!(matches!(reply, Reply::Applied { .. }), "{reply:?}");

    assert_eq!(server.halted(), None);
    outside.disk_fails.store(true, Ordering::SeqCst);
    let reply = in_time("an answer", server.call(put(session, 2, "key", b"lost"))).await;
    assert_eq!(reply, Reply::Unknown);
    in_time("that the node halts", server.until_halted()).await;
    assert!(server.halted().is_some());
    let (before, heard) = (term(), server.stats().frames_received);
    raw.say(&answer_of_term(Term(100))).await;
    raw.say(&answer_of_term(Term(200))).await;
    // It was given the first of both when it has read the second.
    until("that it is read", || server.stats().frames_received >= heard + 2).await;
    assert_eq!(term(), before);
    drop(raw);
    assert_eq!(in_time("a shutdown", server.shutdown()).await.tasks_left, 0);
    no_task_is_left().await;
}

/// Node 2 answers a heartbeat of a term that node 1 does not know.
fn answer_of_term(term: Term) -> bytes::BytesMut {
    let envelope =
        Envelope { cluster: CLUSTER, from: member(2), to: member(1), term, boot: BootNumber(0), ..Envelope::default() };
    let body = Body::HeartbeatAck { tail: LogIndex(0), matched: LogIndex(0) };
    let mut bytes = bytes::BytesMut::new();
    codec::encode_message(&Message { envelope, body }, &codec::Limits::default(), &mut bytes).expect("a short message");
    bytes
}

async fn until_applied(server: &Server<Kv, piped::Piped>, session: SessionId) -> Reply {
    in_time("an answer", async {
        loop {
            match server.call(put(session, 1, "key", b"value")).await {
                Reply::Refused(_) => tokio::task::yield_now().await,
                reply => return reply,
            }
        }
    })
    .await
}
