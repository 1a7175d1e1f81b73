//! A server whose connections are pipes in memory, as narrow as a test wants them: whoever writes waits for the test to read.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use squall_raft::applier::kv::Kv;
use squall_raft::message::{Body, Message};
use squall_raft::node::Node;
use squall_raft::process::{DiskError, DiskOp, DiskReply, Effect};
use squall_raft::server::Server;
use squall_raft::server::env::{Env, Listener};
use squall_raft::server::files::Folder;
use squall_raft::server::native::Native;
use squall_raft::server::tap::Tap;
use squall_raft::types::LocalTime;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::setup::Setup;

/// Dials reach the test, and the test dials.
#[derive(Clone)]
pub struct Piped {
    native: Native,
    pipe_bytes: usize,
    dialled: mpsc::UnboundedSender<DuplexStream>,
    /// Instead of the machine's clock.
    clock: Option<watch::Receiver<u64>>,
    disk_fails: Arc<AtomicBool>,
    knocked: Arc<std::sync::Mutex<Option<Knocks>>>,
}

/// What the test holds.
pub struct Outside {
    pipe_bytes: usize,
    /// What the server dials. Nobody answers once this is dropped.
    pub dialled: mpsc::UnboundedReceiver<DuplexStream>,
    /// Closed as soon as the server listens no more.
    pub listener: mpsc::UnboundedSender<DuplexStream>,
    /// How many heartbeats the node has sent.
    pub heartbeats: Arc<AtomicU64>,
    /// From now on no disk operation succeeds.
    pub disk_fails: Arc<AtomicBool>,
}

impl Outside {
    /// Dials the server.
    pub fn dial(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(self.pipe_bytes);
        self.listener.send(theirs).expect("a server that listens");
        ours
    }
}

/// A clock that stands still unless the test moves it.
pub struct Clock(watch::Sender<u64>);

impl Clock {
    /// Lets time pass on the server's clock. On a runtime of one thread, what becomes due is done when this is back.
    pub async fn pass(&self, ns: u64) {
        self.0.send_modify(|now| *now += ns);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

/// As [`start`], on a clock of the test's.
pub async fn start_on_a_clock(setup: &Setup, folder: &Path, pipe_bytes: usize) -> (Server<Kv, Piped>, Outside, Clock) {
    let (clock, shown) = watch::channel(0);
    let (server, outside) = start_with(setup, folder, pipe_bytes, Some(shown)).await;
    (server, outside, Clock(clock))
}

/// Starts a server. All that it has spawned on a runtime of one thread is still to begin when this is back.
pub async fn start(setup: &Setup, folder: &Path, pipe_bytes: usize) -> (Server<Kv, Piped>, Outside) {
    start_with(setup, folder, pipe_bytes, None).await
}

async fn start_with(
    setup: &Setup,
    folder: &Path,
    pipe_bytes: usize,
    clock: Option<watch::Receiver<u64>>,
) -> (Server<Kv, Piped>, Outside) {
    let Folder { boot, files } = Folder::open(&folder.join("node")).expect("a folder that nobody uses");
    let (dials, dialled) = mpsc::unbounded_channel();
    let (listener, knocks) = mpsc::unbounded_channel();
    let heartbeats = Arc::new(AtomicU64::new(0));
    let knocked = Arc::new(std::sync::Mutex::new(Some(Knocks(knocks))));
    let disk_fails = Arc::new(AtomicBool::new(false));
    let env =
        Piped { native: Native::new(files), pipe_bytes, dialled: dials, clock, disk_fails: Arc::clone(&disk_fails), knocked };
    let server = Server::start(env, setup.config(boot), Heartbeats(Arc::clone(&heartbeats))).await.expect("a start");
    (server, Outside { pipe_bytes, dialled, listener, heartbeats, disk_fails })
}

pub struct Knocks(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Knocks {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.recv().await {
            Some(stream) => Ok(stream),
            None => std::future::pending().await,
        }
    }

    fn address(&self) -> String {
        "nowhere".to_owned()
    }
}

impl Env for Piped {
    type Stream = DuplexStream;
    type Listener = Knocks;
    type Task = AbortHandle;

    fn now(&self) -> LocalTime {
        self.clock.as_ref().map_or_else(|| self.native.now(), |clock| LocalTime(*clock.borrow()))
    }

    fn sleep_until(&self, at: LocalTime) -> impl Future<Output = ()> + Send + 'static {
        let (clock, native) = (self.clock.clone(), self.native.clone());
        async move {
            match clock {
                None => native.sleep_until(at).await,
                Some(mut clock) => {
                    if clock.wait_for(|now| *now >= at.0).await.is_err() {
                        // The test has dropped the clock, so time stands still.
                        std::future::pending().await
                    }
                }
            }
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.native.spawn(future)
    }

    async fn listen(&self, _address: &str) -> io::Result<Knocks> {
        self.knocked.lock().expect("no test panics here").take().ok_or_else(|| io::ErrorKind::AddrInUse.into())
    }

    async fn dial(&self, _address: &str) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(self.pipe_bytes);
        self.dialled.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(ours)
    }

    async fn disk(&self, op: DiskOp) -> Result<DiskReply, DiskError> {
        if self.disk_fails.load(Ordering::SeqCst) {
            return Err(DiskError::Io);
        }
        self.native.disk(op).await
    }

    fn entropy(&self) -> u64 {
        self.native.entropy()
    }
}

/// Counts heartbeats that the node has sent.
struct Heartbeats(Arc<AtomicU64>);

impl Tap<Kv> for Heartbeats {
    fn effect(&mut self, _now: LocalTime, effect: &Effect<Node<Kv>>) {
        if matches!(effect, Effect::Send { message: Message { body: Body::Heartbeat { .. }, .. }, .. }) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}
