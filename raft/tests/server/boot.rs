//! A boot on a log of several pieces: the next one is read while the node looks at the last.

use std::io;
use std::sync::{Arc, Mutex};

use squall_raft::applier::kv::Kv;
use squall_raft::node::Node;
use squall_raft::process::{DiskError, DiskOp, DiskReply, Input};
use squall_raft::server::Server;
use squall_raft::server::env::Env;
use squall_raft::server::files::Folder;
use squall_raft::server::native::Native;
use squall_raft::server::tap::Tap;
use squall_raft::types::LocalTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::setup::{Setup, client_env, connect, folder, in_time, leads, no_task_is_left, read, register, write};

/// How many operations were begun that the node has not looked at, now and at most.
#[derive(Debug, Default)]
struct UnderWay {
    now: u32,
    most: u32,
}

#[derive(Clone)]
struct Counting {
    native: Native,
    under_way: Arc<Mutex<UnderWay>>,
}

impl Env for Counting {
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
        self.native.dial(address).await
    }

    async fn disk(&self, op: DiskOp) -> Result<DiskReply, DiskError> {
        {
            let mut under_way = self.under_way.lock().expect("nobody panicked");
            under_way.now += 1;
            under_way.most = under_way.most.max(under_way.now);
        }
        self.native.disk(op).await
    }

    fn entropy(&self) -> u64 {
        self.native.entropy()
    }
}

struct Looking(Arc<Mutex<UnderWay>>);

impl Tap<Kv> for Looking {
    fn input(&mut self, _: LocalTime, input: &Input<Node<Kv>>) {
        if matches!(input, Input::DiskDone { .. }) {
            self.0.lock().expect("nobody panicked").now -= 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_is_read_while_the_node_looks_at_the_one_before() {
    let folder = folder("boot-ahead");
    let node = folder.join("node");
    let setup = Setup::single();
    let server = setup.start(&node).await;
    leads(&server, 1).await;
    let env = client_env(&folder);
    let client = connect(&env, 1, server.address());
    let session = register(&client).await;
    for sequence in 1..=20 {
        write(&client, session, sequence, "large", &[7; 512 << 10]).await;
    }
    drop(client);
    assert_eq!(in_time("a shutdown", server.shutdown()).await.tasks_left, 0);

    let Folder { boot, files } = Folder::open(&node).expect("a folder that nobody uses");
    let env = Counting { native: Native::new(files), under_way: Arc::default() };
    let under_way = Arc::clone(&env.under_way);
    let server = Server::start(env, setup.config(boot), Looking(Arc::clone(&under_way))).await.expect("it boots again");
    leads(&server, 1).await;
    // Also what is read back while it runs may be begun beside a write, so this is counted before anything is asked.
    assert_eq!(under_way.lock().expect("nobody panicked").most, 2);
    let client = connect(&client_env(&folder.join("again")), 1, server.address());
    assert_eq!(read(&client, "large").await.map(|value| value.len()), Some(512 << 10));
    drop(client);
    assert_eq!(in_time("a shutdown", server.shutdown()).await.tasks_left, 0);
    no_task_is_left().await;
}
