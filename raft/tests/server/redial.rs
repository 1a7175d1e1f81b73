//! A peer that is down is dialled with growing pauses, nothing piles up for it, and it is found when it is back.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use squall_raft::process::{DiskError, DiskOp, DiskReply};
use squall_raft::server::env::Env;
use squall_raft::server::files::Folder;
use squall_raft::server::native::Native;
use squall_raft::types::{LocalTime, LogIndex, NodeId};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::setup::{HOUR, MS, Setup, addresses, folder, in_time, no_task_is_left, until};

/// Notes when something is dialled, and lets it fail until the way is open.
#[derive(Clone)]
struct Watched {
    native: Native,
    dials: Arc<Mutex<Vec<LocalTime>>>,
    open: Arc<AtomicBool>,
}

impl Env for Watched {
    type Stream = TcpStream;
    type Listener = TcpListener;
    type Task = AbortHandle;

    fn now(&self) -> LocalTime {
        self.native.now()
    }

    fn sleep_until(&self, at: LocalTime) -> impl Future<Output = ()> + Send + 'static {
        self.native.sleep_until(at)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.native.spawn(future)
    }

    async fn listen(&self, address: &str) -> io::Result<TcpListener> {
        self.native.listen(address).await
    }

    async fn dial(&self, address: &str) -> io::Result<TcpStream> {
        self.dials.lock().unwrap_or_else(|_| panic!("a test panicked")).push(self.now());
        if self.open.load(Ordering::SeqCst) {
            return self.native.dial(address).await;
        }
        Err(io::ErrorKind::ConnectionRefused.into())
    }

    async fn disk(&self, op: DiskOp) -> Result<DiskReply, DiskError> {
        self.native.disk(op).await
    }

    fn entropy(&self) -> u64 {
        self.native.entropy()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_peer_costs_little_and_is_found_when_it_is_back() {
    const MIN: u64 = 5 * MS;
    const MAX: u64 = 80 * MS;
    let folder = folder("redial");
    let [here, there] = addresses();
    let mut setup = Setup::with_learner(&there);
    setup.limits.redial_min_ns = MIN;
    setup.limits.redial_max_ns = MAX;
    setup.limits.handshake_ns = HOUR;
    setup.limits.control_messages_max = 4;
    setup.limits.bulk_messages_max = 4;
    let Folder { boot, files } = Folder::open(&folder.join("node")).unwrap();
    let env = Watched { native: Native::new(files), dials: Arc::default(), open: Arc::default() };
    let (dials, open) = (Arc::clone(&env.dials), Arc::clone(&env.open));
    let server = setup.start_in(env, boot).await;

    until("twelve dials", || dials.lock().unwrap().len() >= 12).await;
    let at = dials.lock().unwrap().clone();
    for (ordinal, pair) in (0_u32..).zip(at.windows(2)) {
        let pause = pair[1].0 - pair[0].0;
        let least = (MIN << ordinal.min(10)).min(MAX / 2);
        // What the delay's 32-bit floats may be off by, and more.
        assert!(pause + MS / 10 >= least, "found a pause of {pause} ns before dial {}, expected {least}", ordinal + 2);
    }
    until("that messages are dropped", || server.stats().dropped_open >= 5).await;
    let stats = server.stats();
    assert!(stats.backlog_messages_max <= 8, "{stats:?}");
    assert_eq!((stats.connections, stats.reconnects), (0, 0));
    assert!(stats.dial_failures >= 12);

    // It dials nobody itself, so it must be found.
    let [nobody] = addresses();
    let mut learner = Setup::learner(&[here, there]);
    learner.peers.insert(NodeId(1), nobody);
    let learner = learner.start(&folder.join("learner")).await;
    open.store(true, Ordering::SeqCst);
    let before = dials.lock().unwrap().len();
    until("a connection", || server.stats().connections == 1).await;
    // The one after the pause, and perhaps one that was under way when the way was opened.
    let after = dials.lock().unwrap().len();
    assert!(after <= before + 2, "{} dials", after - before);
    let applied = || learner.inspect(|node| node.applier().map(|applier| applier.applied()));
    until("that it catches up", || applied() >= Some(LogIndex(1))).await;
    assert!(server.stats().backlog_messages_max <= 8);
    assert_eq!(in_time("a shutdown", server.shutdown()).await.tasks_left, 0);
    assert_eq!(in_time("a shutdown", learner.shutdown()).await.tasks_left, 0);
    no_task_is_left().await;
}
