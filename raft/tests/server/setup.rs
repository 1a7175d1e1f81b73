//! What the tests share: folders, addresses, servers, clients, and waiting.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use squall_raft::applier::kv::{Answer, Kv, Operation};
use squall_raft::config::Config;
use squall_raft::membership::Configuration;
use squall_raft::node::NodeConfig;
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::server::client::{Client, Options};
use squall_raft::server::env::Env;
use squall_raft::server::files::Folder;
use squall_raft::server::limits::Limits;
use squall_raft::server::native::Native;
use squall_raft::server::{Server, ServerConfig, StartError};
use squall_raft::types::{BootNumber, ClusterId, NodeId, SessionId};

pub const CLUSTER: ClusterId = ClusterId(0x0051_7561_6c6c);
pub const MS: u64 = 1_000_000;
/// Longer than any test lasts.
pub const HOUR: u64 = 3_600_000 * MS;

/// No machine is so busy that what must come takes longer.
const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(3);

/// A folder that is empty, and is this test's alone.
pub fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("server").join(test);
    if let Err(error) = std::fs::remove_dir_all(&path) {
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{}: {error}", path.display());
    }
    std::fs::create_dir_all(&path).expect("a folder of tests");
    path
}

/// Looks again and again until there is something.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    in_time(what, async {
        loop {
            match look() {
                Some(found) => return found,
                None => tokio::time::sleep(GLANCE).await,
            }
        }
    })
    .await
}

/// Looks again and again until it is so.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || holds().then_some(())).await;
}

/// What must end.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(result) => result,
        Err(_) => panic!("found no end of it in {} s, expected {what}", PATIENCE.as_secs()),
    }
}

/// Tasks of this test's runtime: nothing that a test starts may be left over.
pub async fn no_task_is_left() {
    let metrics = tokio::runtime::Handle::current().metrics();
    until("that no task is left", || metrics.num_alive_tasks() == 0).await;
}

/// Addresses at which nobody listens now. Another program may take one before we do: [`Setup::start`] waits for it.
pub fn addresses<const N: usize>() -> [String; N] {
    // All at once, so that they differ.
    let ports: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    ports.map(|port| port.local_addr().expect("an address").to_string())
}

/// What one server is started from.
#[derive(Clone)]
pub struct Setup {
    pub raft: Config,
    pub limits: Limits,
    pub listen: String,
    pub peers: BTreeMap<NodeId, String>,
}

impl Setup {
    fn new(me: u64, members: Configuration, listen: &str, peers: BTreeMap<NodeId, String>) -> Self {
        let raft = Config { initialize: true, ..Config::new(CLUSTER, NodeId(me), members) };
        Self { limits: Limits::for_config(&raft), raft, listen: listen.to_owned(), peers }
    }

    /// The only member, at whatever port is free.
    pub fn single() -> Self {
        let members = Configuration::of_voters([NodeId(1)]).expect("one voter");
        Self::new(1, members, "127.0.0.1:0", BTreeMap::new())
    }

    /// The only voter, and node 2, which learns, at an address. So node 1 leads whoever plays node 2.
    pub fn with_learner(address: &str) -> Self {
        let members = Configuration::from_parts([NodeId(1)], [], [NodeId(2)]).expect("two members");
        Self::new(1, members, "127.0.0.1:0", BTreeMap::from([(NodeId(2), address.to_owned())]))
    }

    /// Node 2, which learns from node 1.
    pub fn learner(addresses: &[String; 2]) -> Self {
        let mut setup = Self::with_learner(&addresses[1]);
        setup.raft.me.node = NodeId(2);
        Self { listen: addresses[1].clone(), peers: BTreeMap::from([(NodeId(1), addresses[0].clone())]), ..setup }
    }

    /// One of several voters, which are numbered from 1.
    pub fn voter(me: u64, addresses: &[String]) -> Self {
        let peers: BTreeMap<NodeId, String> = (1..).map(NodeId).zip(addresses.iter().cloned()).collect();
        let members = Configuration::of_voters(peers.keys().copied()).expect("members that differ");
        let listen = peers[&NodeId(me)].clone();
        let mut setup = Self::new(me, members, &listen, peers);
        // So that a busy machine changes no leader.
        setup.raft.timing.election_timeout_min_ns = 1_000 * MS;
        setup.raft.timing.election_timeout_max_ns = 2_000 * MS;
        setup.raft.timing.disk_stall_ns = 10_000 * MS;
        setup.limits = Limits::for_config(&setup.raft);
        setup
    }

    pub fn config(&self, boot: BootNumber) -> ServerConfig<Kv> {
        ServerConfig {
            node: NodeConfig { raft: self.raft.clone(), machine: Kv::default() },
            boot,
            listen: self.listen.clone(),
            peers: self.peers.clone(),
            limits: self.limits,
        }
    }

    /// Starts from a folder that must be free now.
    pub async fn start(&self, folder: &Path) -> Server<Kv, Native> {
        let Folder { boot, files } = Folder::open(folder).expect("a folder that nobody uses");
        self.start_in(Native::new(files), boot).await
    }

    /// As [`Self::start`], in an environment of one's own. Waits for its port.
    pub async fn start_in<E: Env>(&self, env: E, boot: BootNumber) -> Server<Kv, E> {
        in_time("a free port", async {
            loop {
                match Server::start(env.clone(), self.config(boot), ()).await {
                    Ok(server) => return server,
                    Err(StartError::Listen { error, .. }) if error.kind() == io::ErrorKind::AddrInUse => {
                        tokio::time::sleep(GLANCE).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await
    }
}

/// Waits until this node leads.
pub async fn leads<E: Env>(server: &Server<Kv, E>, node: u64) {
    until("that the node leads", || leader(server) == Some(NodeId(node))).await;
}

pub fn leader<E: Env>(server: &Server<Kv, E>) -> Option<NodeId> {
    server.inspect(|node| node.core().and_then(|core| core.leader()))
}

/// Where clients run.
pub fn client_env(folder: &Path) -> Native {
    Native::new(Folder::open(&folder.join("client")).expect("a folder that nobody uses").files)
}

pub fn connect<E: Env>(env: &E, node: u64, address: &str) -> Client<E> {
    Client::new(env.clone(), Options::new(CLUSTER, NodeId(node), address))
}

/// Asks until there is an answer for good.
pub async fn ask<E: Env>(client: &Client<E>, request: &Request) -> Reply {
    in_time("an answer", async {
        loop {
            match client.call(request.clone()).await {
                Ok(Reply::Refused(Refused::NotLeader { .. } | Refused::NotReady)) | Err(_) => tokio::time::sleep(GLANCE).await,
                Ok(reply) => return reply,
            }
        }
    })
    .await
}

pub async fn register<E: Env>(client: &Client<E>) -> SessionId {
    match ask(client, &Request::Register).await {
        Reply::Registered { session } => session,
        reply => panic!("found {reply:?}, expected a session"),
    }
}

pub fn put(session: SessionId, sequence: u64, key: &'static str, value: &[u8]) -> Request {
    let command = Operation::Put { key: Bytes::from_static(key.as_bytes()), value: Bytes::copy_from_slice(value) }.encode();
    Request::Command { session, sequence, first_outstanding: sequence, command }
}

pub fn get(key: &'static str) -> Request {
    Request::Query { query: Operation::Get { key: Bytes::from_static(key.as_bytes()) }.encode() }
}

/// The value that a reply carries.
pub fn value(reply: &Reply) -> Option<Bytes> {
    let Reply::Answered { output, .. } = reply else { panic!("found {reply:?}, expected a value") };
    match Answer::decode(output) {
        Some(Answer::Value(value)) => value,
        answer => panic!("found {answer:?}, expected a value"),
    }
}

pub async fn write<E: Env>(client: &Client<E>, session: SessionId, sequence: u64, key: &'static str, value: &[u8]) {
    let reply = ask(client, &put(session, sequence, key, value)).await;
    assert!(matches!(reply, Reply::Applied { .. }), "{reply:?}");
}

pub async fn read<E: Env>(client: &Client<E>, key: &'static str) -> Option<Bytes> {
    value(&ask(client, &get(key)).await)
}
