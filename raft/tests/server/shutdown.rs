//! A shutdown ends, whatever clients, peers and the disk do meanwhile, and leaves nothing behind.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::server::Shutdown;
use squall_raft::server::codec::Incoming;
use squall_raft::server::stats::Stats;
use squall_raft::server::wire::Hello;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use crate::piped;
use crate::raw::{Raw, hello, hello_bytes, request_bytes};
use crate::setup::{
    HOUR, MS, Setup, addresses, client_env, connect, eventually, folder, get, in_time, leader, no_task_is_left, put, register,
    until, write,
};

/// Larger than what the system buffers, in few answers.
const LARGE: usize = 512 << 10;
const QUESTIONS: u64 = 100;

/// The client asks for much more than its connection holds, and never reads.
async fn ask_and_never_read(setup: &Setup, test: &str) -> Shutdown {
    let folder = folder(test);
    let server = setup.start(&folder.join("node")).await;
    let client = connect(&client_env(&folder), 1, server.address());
    let session = register(&client).await;
    write(&client, session, 1, "large", &vec![7; LARGE]).await;
    drop(client);
    let mut deaf = Raw::greet(server.address(), None).await;
    let heard = server.stats().frames_received;
    for id in 0..QUESTIONS {
        deaf.say(&request_bytes(id, &get("large"))).await;
    }
    // A question that is still on its way is turned away, and a few answers fit into what the system buffers.
    let taken = |stats: Stats| stats.frames_received >= heard + QUESTIONS || stats.write_timeouts > 0;
    until("that all questions are taken", || taken(server.stats())).await;
    let shutdown = in_time("a shutdown", server.shutdown()).await;
    drop(deaf);
    no_task_is_left().await;
    shutdown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_costs_no_more_than_the_drain() {
    let mut setup = Setup::single();
    setup.limits.write_ns = HOUR;
    // Long enough for tasks that are aborted to end on a busy machine.
    setup.limits.drain_ns = 500 * MS;
    assert_eq!(ask_and_never_read(&setup, "deaf-drain").await, Shutdown { drained: false, tasks_left: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_costs_no_more_than_a_write() {
    let mut setup = Setup::single();
    setup.limits.write_ns = MS;
    setup.limits.drain_ns = HOUR;
    assert_eq!(ask_and_never_read(&setup, "deaf-write").await, Shutdown { drained: true, tasks_left: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_accepts_and_says_nothing_delays_nothing() {
    let folder = folder("mute");
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut setup = Setup::with_learner(&mute.local_addr().unwrap().to_string());
    setup.limits.handshake_ns = HOUR;
    let server = setup.start(&folder.join("node")).await;
    let (_taken, _) = in_time("a dial", mute.accept()).await.unwrap();
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

/// A leader that has lost its only follower can answer nothing, and tells its clients so when it goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_can_never_be_answered_are_given_up() {
    let folder = folder("no-quorum");
    let addresses = addresses::<2>();
    let mut servers = Vec::new();
    for node in 1..=2 {
        let mut setup = Setup::voter(node, &addresses);
        setup.limits.drain_ns = 500 * MS;
        setup.limits.sessions_max = 2;
        // A leader that stepped down without its follower would have answered before it is asked to stop.
        setup.raft.elections.check_quorum = false;
        servers.push(setup.start(&folder.join(node.to_string())).await);
    }
    let leading = eventually("a leader", || leader(&servers[0]).filter(|known| leader(&servers[1]) == Some(*known))).await;
    let server = servers.remove(usize::from(leading.0 == 2));
    let client = connect(&client_env(&folder), leading.0, server.address());
    let session = register(&client).await;
    let follower = servers.remove(0);
    assert_eq!(in_time("a shutdown", follower.shutdown()).await.tasks_left, 0);

    // What is still on its way at a shutdown is turned away.
    let heard = server.stats().frames_received;
    let asked = tokio::spawn(async move { client.call(put(session, 1, "key", b"value")).await });
    until("that the command is taken", || server.stats().frames_received > heard).await;
    // One who asks and hangs up has its place until it could be answered, so that such clients cannot pile up.
    let mut gone = Raw::connect(server.address()).await;
    let greeting = hello_bytes(&Hello { to: leading, ..hello(None) });
    gone.say(&greeting).await;
    assert!(matches!(gone.hear().await, Some(Incoming::Hello(_))));
    let heard = server.stats().frames_received;
    gone.say(&request_bytes(1, &Request::Register)).await;
    until("that the question is taken", || server.stats().frames_received > heard).await;
    gone.finish().await;
    let mut third = Raw::connect(server.address()).await;
    third.say(&greeting).await;
    third.hear_the_end().await;
    assert_eq!((server.stats().sessions, server.stats().strangers_refused), (2, 1));

    assert!(!asked.is_finished());
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: false, tasks_left: 0 });
    assert_eq!(in_time("an answer", asked).await.unwrap(), Ok(Reply::Unknown));
    assert!(matches!(gone.hear().await, Some(Incoming::Reply { id: 1, reply: Reply::Unknown })));
    no_task_is_left().await;
}

/// Polls once.
async fn is_pending(mut future: Pin<&mut impl Future>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// What is asked after a shutdown has begun is refused at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_takes_no_more_requests() {
    let folder = folder("stopping");
    let addresses = addresses::<2>();
    let mut servers = Vec::new();
    for node in 1..=2 {
        let mut setup = Setup::voter(node, &addresses);
        setup.limits.drain_ns = 2_000 * MS;
        // A leader that stepped down without its follower would have nothing left to wait for.
        setup.raft.elections.check_quorum = false;
        servers.push(setup.start(&folder.join(node.to_string())).await);
    }
    let leading = eventually("a leader", || leader(&servers[0]).filter(|known| leader(&servers[1]) == Some(*known))).await;
    let server = servers.remove(usize::from(leading.0 == 2));
    let client = connect(&client_env(&folder), leading.0, server.address());
    let session = register(&client).await;
    assert_eq!(in_time("a shutdown", servers.remove(0).shutdown()).await.tasks_left, 0);
    // Asked, and its caller gone: without a follower it keeps the server from being drained.
    assert!(is_pending(pin!(server.call(put(session, 1, "key", b"value")))).await);

    let mut shutdown = pin!(server.shutdown());
    assert!(is_pending(shutdown.as_mut()).await);
    let refusal = in_time("a refusal", client.call(put(session, 2, "key", b"later"))).await;
    assert_eq!(refusal, Ok(Reply::Refused(Refused::NotReady)));
    assert_eq!(in_time("a shutdown", shutdown).await, Shutdown { drained: false, tasks_left: 0 });
    drop(client);
    no_task_is_left().await;
}

/// The operation that was under way holds the folder until it has ended, and a shutdown waits for it. The one that
/// is stopped learns: nobody waits for its answers, so it stops in the midst of a write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_free_as_soon_as_its_server_is_down() {
    let folder = folder("free");
    let addresses = addresses::<2>();
    let leader = Setup { listen: addresses[0].clone(), ..Setup::with_learner(&addresses[1]) };
    let mut learner = Setup::learner(&addresses);
    learner.limits.drain_ns = HOUR;
    let leader = leader.start(&folder.join("leader")).await;
    let client = connect(&client_env(&folder), 1, leader.address());
    let session = register(&client).await;
    let writer = tokio::spawn(async move {
        for sequence in 1.. {
            write(&client, session, sequence, "key", &[0; 10_000]).await;
        }
    });
    for _ in 0..20 {
        // Panics if the folder is locked.
        let server = learner.start(&folder.join("learner")).await;
        until("writes under way", || server.stats().bytes_received > 20_000).await;
        assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    }
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    assert_eq!(in_time("a shutdown", leader.shutdown()).await.tasks_left, 0);
    no_task_is_left().await;
}

/// Wakes a test, and sees whether somebody still listens at that moment.
struct Told {
    listener: UnboundedSender<DuplexStream>,
    too_early: Arc<AtomicBool>,
    test: Waker,
}

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.too_early.fetch_or(!self.listener.is_closed(), Ordering::SeqCst);
        self.test.wake_by_ref();
    }
}

/// Whoever is told that a task has ended takes for granted that what it held is free. One that was aborted before it began
/// was counted as ended while it still held what it was spawned with: a port, a folder's lock.
#[tokio::test(flavor = "current_thread")]
async fn what_has_not_begun_is_free_before_its_end_is_told() {
    let mut setup = Setup::with_learner("node 2");
    setup.limits.drain_ns = HOUR;
    let (server, outside) = piped::start(&setup, &folder("not-begun"), 1 << 10).await;
    // On one thread none of them can begin before this test waits for something.
    assert_eq!(server.live_tasks(), 4, "listener, disk, alarm, peer");
    let too_early = Arc::new(AtomicBool::new(false));
    let mut shutdown = pin!(server.shutdown());
    let shutdown = poll_fn(|context| {
        let told = Told { listener: outside.listener.clone(), too_early: Arc::clone(&too_early), test: context.waker().clone() };
        shutdown.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(told))))
    });
    assert_eq!(in_time("a shutdown", shutdown).await, Shutdown { drained: true, tasks_left: 0 });
    assert!(!too_early.load(Ordering::SeqCst), "the end was told while the listener was still there");
    no_task_is_left().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_that_is_dropped_before_it_begins_leaves_nothing() {
    let folder = folder("dropped-early");
    for _ in 0..3 {
        let (server, outside) = piped::start(&Setup::with_learner("node 2"), &folder, 1 << 10).await;
        drop(server);
        no_task_is_left().await;
        // The next start panics if the folder is locked.
        assert!(outside.listener.is_closed());
    }
}
