//! Connections over which nothing is said: kept while both ends are there, closed when one is not, and made again.
//!
//! The clock is the test's, and there is one thread: when the test looks at the server, all that could be done is done, so
//! nothing here depends on how busy the machine is.

use squall_raft::server::codec::{self, Incoming};
use squall_raft::server::{Shutdown, wire::Hello};
use squall_raft::types::{BootNumber, ClusterId, NodeId};
use tokio::io::DuplexStream;

use crate::piped::{Outside, start_on_a_clock};
use crate::raw::{Raw, hello, hello_bytes, member};
use crate::setup::{CLUSTER, Setup, folder, in_time, no_task_is_left, until};

const PIPE_BYTES: usize = 4 << 10;

/// A ping comes after so long, or twice so long if something was said in between.
const KEEPALIVE: u64 = 100;
/// And the end after so long.
const IDLE: u64 = 250;

fn ping() -> bytes::BytesMut {
    let mut bytes = bytes::BytesMut::new();
    codec::encode_ping(&mut bytes);
    bytes
}

/// Node 2 as node 1 meets it where it dials.
fn answer() -> Hello {
    Hello { cluster: CLUSTER, from: Some(member(2)), to: NodeId(1), boot: BootNumber(1) }
}

async fn next_dial(outside: &mut Outside) -> Raw<DuplexStream> {
    let mut raw = Raw::on(in_time("a dial", outside.dialled.recv()).await.expect("a server that dials"));
    assert!(matches!(raw.hear().await, Some(Incoming::Hello(Hello { to: NodeId(2), .. }))));
    raw
}

/// Node 2 learns and has nothing to say; node 1 is the test, which has nothing to say either.
#[tokio::test(flavor = "current_thread")]
async fn pings_keep_a_quiet_connection_and_silence_ends_it() {
    let mut setup = Setup::learner(&["node 1".to_owned(), "node 2".to_owned()]);
    setup.limits.keepalive_ns = KEEPALIVE;
    setup.limits.idle_ns = IDLE;
    let (server, mut outside, clock) = start_on_a_clock(&setup, &folder("quiet"), PIPE_BYTES).await;
    outside.dialled.close();
    let mut raw = Raw::on(outside.dial());
    let greeting = Hello { from: Some(member(1)), to: NodeId(2), ..hello(None) };
    raw.say(&hello_bytes(&greeting)).await;
    assert!(matches!(raw.hear().await, Some(Incoming::Hello(_))));
    until("that it is in use", || server.stats().connections == 1).await;
    for _ in 0..10 {
        let before = server.stats().bytes_received;
        clock.pass(KEEPALIVE).await;
        clock.pass(KEEPALIVE).await;
        assert_eq!(raw.hear().await, Some(Incoming::Ping));
        raw.say(&ping()).await;
        until("that the ping is heard", || server.stats().bytes_received > before).await;
    }
    assert_eq!(server.stats().idle_closed, 0);
    // Says nothing any more.
    for _ in 0..3 {
        clock.pass(KEEPALIVE).await;
    }
    while let Some(said) = raw.hear().await {
        assert_eq!(said, Incoming::Ping);
    }
    assert_eq!((server.stats().idle_closed, server.stats().connections), (1, 1));
    end(server.shutdown()).await;
}

async fn end(shutdown: impl Future<Output = Shutdown>) {
    assert_eq!(in_time("a shutdown", shutdown).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

/// A connection that was there for long and broke says nothing about the next one, so there is no pause; one that breaks at
/// once is followed by a pause, and the first of them is short again.
#[tokio::test(flavor = "current_thread")]
async fn a_connection_that_was_there_for_long_is_made_again_at_once() {
    let setup = Setup::with_learner("node 2");
    let (min, max) = (setup.limits.redial_min_ns, setup.limits.redial_max_ns);
    let (server, mut outside, clock) = start_on_a_clock(&setup, &folder("again"), PIPE_BYTES).await;
    // Pauses grow to the longest.
    for dial in 0..8 {
        let raw = next_dial(&mut outside).await;
        drop(raw);
        until("a failed dial", || server.stats().dial_failures > dial).await;
        clock.pass(max).await;
    }
    for connections in 1..=3 {
        let mut raw = next_dial(&mut outside).await;
        raw.say(&hello_bytes(&answer())).await;
        until("that it is in use", || server.stats().connections == 2 * connections - 1).await;
        clock.pass(max).await;
        drop(raw);
        // The clock stands still.
        let mut raw = next_dial(&mut outside).await;
        raw.say(&hello_bytes(&answer())).await;
        until("that it is in use", || server.stats().connections == 2 * connections).await;
        drop(raw);
        until("that its reader is gone", || server.live_tasks() == 4).await;
        assert!(outside.dialled.try_recv().is_err(), "dialled without a pause");
        // Drawn between the shortest and twice that.
        clock.pass(2 * min).await;
    }
    drop(outside);
    end(server.shutdown()).await;
}

/// Addresses are wrong or taken over by others: whoever answers must be the member that was meant.
#[tokio::test(flavor = "current_thread")]
async fn nobody_else_at_the_address_of_a_peer_is_believed() {
    let setup = Setup::with_learner("node 2");
    let (server, mut outside, clock) = start_on_a_clock(&setup, &folder("somebody-else"), PIPE_BYTES).await;
    let wrong = [
        Hello { cluster: ClusterId(CLUSTER.0 + 1), ..answer() },
        Hello { from: Some(member(3)), ..answer() },
        Hello { from: Some(member(1)), ..answer() },
        Hello { from: None, ..answer() },
        Hello { to: NodeId(2), ..answer() },
    ];
    for (refused, greeting) in (1..).zip(wrong) {
        let mut raw = next_dial(&mut outside).await;
        raw.say(&hello_bytes(&greeting)).await;
        assert_eq!(raw.hear().await, None, "{greeting:?}");
        assert_eq!((server.stats().strangers_refused, server.stats().connections), (refused, 0), "{greeting:?}");
        until("a failed dial", || server.stats().dial_failures == refused).await;
        clock.pass(setup.limits.redial_max_ns).await;
    }
    let mut raw = next_dial(&mut outside).await;
    raw.say(&hello_bytes(&answer())).await;
    until("that the right one is", || server.stats().connections == 1).await;
    drop(raw);
    end(server.shutdown()).await;
}

/// While the member with the smaller id dials, the other's connection waits for how that ends. It has an end.
#[tokio::test(flavor = "current_thread")]
async fn who_takes_a_dial_and_says_nothing_has_little_time() {
    let setup = Setup::with_learner("node 2");
    let (server, mut outside, clock) = start_on_a_clock(&setup, &folder("mute-peer"), PIPE_BYTES).await;
    let mut mute = next_dial(&mut outside).await;
    let mut waiting = Vec::new();
    for boot in 1..=3 {
        let mut raw = Raw::on(outside.dial());
        raw.say(&hello_bytes(&Hello { boot: BootNumber(boot), ..hello(Some(2)) })).await;
        assert!(matches!(raw.hear().await, Some(Incoming::Hello(_))));
        waiting.push(raw);
    }
    let mut newest = waiting.pop().expect("three");
    // The peer made each of them because it had lost the one before.
    for mut older in waiting {
        assert_eq!(older.hear().await, None);
    }
    clock.pass(setup.limits.handshake_ns - 1).await;
    assert_eq!((server.stats().dial_failures, server.stats().connections), (0, 0));
    clock.pass(1).await;
    assert_eq!(mute.hear().await, None);
    until("that the other's is in use", || server.stats().connections == 1).await;
    assert_eq!(server.stats().dial_failures, 1);
    clock.pass(setup.limits.keepalive_ns).await;
    assert!(newest.hear().await.is_some(), "a ping, or what a leader says");
    drop(newest);
    end(server.shutdown()).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_pings_stays() {
    let mut setup = Setup::with_learner("node 2");
    setup.limits.session_idle_ns = IDLE;
    let (server, mut outside, clock) = start_on_a_clock(&setup, &folder("pinging"), PIPE_BYTES).await;
    outside.dialled.close();
    let mut raw = Raw::on(outside.dial());
    raw.say(&hello_bytes(&hello(None))).await;
    assert!(matches!(raw.hear().await, Some(Incoming::Hello(_))));
    until("a session", || server.stats().sessions == 1).await;
    for _ in 0..10 {
        let before = server.stats().frames_received;
        clock.pass(IDLE - 1).await;
        raw.say(&ping()).await;
        until("that the ping is heard", || server.stats().frames_received > before).await;
    }
    assert_eq!(server.stats().idle_closed, 0);
    clock.pass(IDLE).await;
    assert_eq!(raw.hear().await, None);
    assert_eq!(server.stats().idle_closed, 1);
    end(server.shutdown()).await;
}
