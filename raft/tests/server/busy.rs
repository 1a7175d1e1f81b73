//! A writer that is busy, or stuck in a write that will not end, still sees what else happens to its connection.

use std::sync::atomic::Ordering;

use squall_raft::applier::kv::Kv;
use squall_raft::server::Server;
use squall_raft::server::Shutdown;
use squall_raft::server::codec::Incoming;
use tokio::io::{AsyncReadExt as _, DuplexStream};

use crate::piped::{self, Outside, Piped};
use crate::raw::{Raw, hello, hello_bytes};
use crate::setup::{HOUR, MS, Setup, folder, in_time, no_task_is_left, until};

/// Less than any message has, so that a writer is stuck with the first one until the test reads.
const PIPE_BYTES: usize = 16;

/// Listener, disk, alarm, the one that keeps the connection to node 2, and the one that reads from it.
const TASKS: usize = 5;

/// Nothing ends because it takes long.
fn patient() -> Setup {
    let mut setup = Setup::with_learner("node 2");
    setup.limits.write_ns = HOUR;
    setup.limits.idle_ns = HOUR;
    setup.limits.drain_ns = HOUR;
    setup
}

/// Node 2 can be dialled by nobody, so it dials.
async fn start(setup: &Setup, test: &str) -> (Server<Kv, Piped>, Outside) {
    let (server, mut outside) = piped::start(setup, &folder(test), PIPE_BYTES).await;
    outside.dialled.close();
    (server, outside)
}

/// Connects as node 2, and reads no further than the greeting. Something more is being written when this is back.
async fn stuck(server: &Server<Kv, Piped>, outside: &Outside) -> Raw<DuplexStream> {
    let before = server.stats().frames_sent;
    let mut raw = Raw::on(outside.dial());
    raw.say(&hello_bytes(&hello(Some(2)))).await;
    assert!(matches!(raw.hear().await, Some(Incoming::Hello(_))));
    until("a message beside the greeting", || server.stats().frames_sent >= before + 2).await;
    raw
}

/// Whoever has more to say than its peer takes never comes to rest, and found out for that reason only when a write failed
/// that nobody heard it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_never_rests_sees_that_nobody_answers() {
    let mut setup = patient();
    setup.raft.timing.heartbeat_interval_ns = 5 * MS;
    setup.limits.control_messages_max = 2;
    setup.limits.keepalive_ns = 50 * MS;
    setup.limits.idle_ns = 200 * MS;
    let (server, outside) = start(&setup, "never-rests").await;
    let mut raw = stuck(&server, &outside).await;
    // For each heartbeat less than a heartbeat is taken off, so that one always waits when a write ends.
    let first = outside.heartbeats.load(Ordering::SeqCst);
    let mut taken = 0;
    while in_time("bytes or the end", raw.stream.read(&mut [0; PIPE_BYTES])).await.expect("a pipe") > 0 {
        taken += 1;
        until("another heartbeat", || outside.heartbeats.load(Ordering::SeqCst) > first + taken).await;
        assert!(taken < 1_000, "the connection has been deaf for {taken} heartbeats, expected its end after 40 and a write");
    }
    assert_eq!((server.stats().idle_closed, server.stats().write_timeouts), (1, 0));
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_write_gives_way_to_a_new_connection() {
    let (server, outside) = start(&patient(), "gives-way").await;
    let mut old = stuck(&server, &outside).await;
    for connections in 2..=4 {
        let new = stuck(&server, &outside).await;
        // What was in the pipe is all that comes.
        let mut rest = Vec::new();
        in_time("the end", old.stream.read_to_end(&mut rest)).await.expect("a pipe");
        assert!(rest.len() <= PIPE_BYTES, "{rest:02x?}");
        let stats = server.stats();
        assert_eq!((stats.connections, stats.reconnects), (connections, connections - 1));
        until("that the old reader is gone", || server.live_tasks() == TASKS).await;
        old = new;
    }
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_write_delays_no_shutdown() {
    let (server, outside) = start(&patient(), "stuck-shutdown").await;
    let mut raw = stuck(&server, &outside).await;
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    in_time("the end", raw.stream.read_to_end(&mut Vec::new())).await.expect("a pipe");
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_write_ends_with_its_peer() {
    let (server, outside) = start(&patient(), "stuck-gone").await;
    drop(stuck(&server, &outside).await);
    until("that its reader is gone", || server.live_tasks() == TASKS - 1).await;
    // Nothing of the old one is in the way of another.
    drop(stuck(&server, &outside).await);
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}
