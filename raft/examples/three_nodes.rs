//! Three real processes on loopback, one of which dies under writes.
//!
//! `cargo run --release --features server --example three_nodes` starts three servers as child processes with
//! files in a temporary folder, writes to them, kills the leader with SIGKILL while it is written to,
//! starts it again from its folder, takes a third node away so that the restarted one is needed for every
//! quorum, and reads every acknowledged value back linearizably from a node that is not the one that was
//! killed. It exits with 1 if a value is missing or nothing moves any more.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "real processes, on the clock on the wall")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use squall_raft::applier::kv::{Answer, Kv, Operation};
use squall_raft::config::Config;
use squall_raft::membership::Configuration;
use squall_raft::node::NodeConfig;
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::server::client::{Client, Options};
use squall_raft::server::files::Folder;
use squall_raft::server::limits::Limits;
use squall_raft::server::native::Native;
use squall_raft::server::tap::Tracing;
use squall_raft::server::{Server, ServerConfig};
use squall_raft::types::{ClusterId, NodeId, SessionId};

const CLUSTER: ClusterId = ClusterId(0x51_7561_6c6c);
const NODES: [u64; 3] = [1, 2, 3];
const WRITERS: usize = 16;
/// How long writes go on before, between and after the events.
const STRETCH: Duration = Duration::from_secs(2);
/// No answer for so long is a failure.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a writer waits for one answer before it asks another node.
const ATTEMPT: Duration = Duration::from_millis(500);

/// Modes of a child: a server whose log begins, and one that must find its log.
const BEGIN: &str = "begin";
const SERVE: &str = "serve";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [] => orchestrate().await,
        [mode, id, folder, addresses @ ..] if mode == BEGIN || mode == SERVE => {
            serve(mode == BEGIN, id, Path::new(folder), addresses).await
        }
        _ => Err("expected no arguments: the example starts its servers itself".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("three_nodes: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One server, until its standard input ends: so that no child outlives its parent.
async fn serve(initialize: bool, id: &str, folder: &Path, addresses: &[String]) -> Outcome<()> {
    let me = NodeId(id.parse()?);
    let addresses: BTreeMap<NodeId, String> = NODES.map(NodeId).into_iter().zip(addresses.iter().cloned()).collect();
    let opened = Folder::open(folder)?;
    let raft = Config { initialize, ..Config::new(CLUSTER, me, Configuration::of_voters(NODES.map(NodeId))?) };
    let config = ServerConfig {
        limits: Limits::for_config(&raft),
        boot: opened.boot,
        listen: addresses.get(&me).ok_or("no address of this node")?.clone(),
        peers: addresses,
        node: NodeConfig { raft, machine: Kv::default() },
    };
    let server = Server::start(Native::new(opened.files), config, Tracing { node: me }).await?;
    let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        biased;
        _ = parent => {}
        () = server.until_halted() => return Err(server.halted().unwrap_or("halted").into()),
    }
    let shutdown = server.shutdown().await;
    if shutdown.tasks_left > 0 {
        return Err(format!("found {} tasks after the shutdown, expected none", shutdown.tasks_left).into());
    }
    Ok(())
}

/// The children and what it takes to start them again.
struct Cluster {
    folder: PathBuf,
    addresses: Vec<String>,
    children: BTreeMap<u64, Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Cluster {
    fn start() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("squall-three-nodes-{}", std::process::id()));
        // All at once, so that the three differ; another program may still take one before we do, and then we say so.
        let ports: Vec<TcpListener> = NODES.iter().map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let addresses = ports.iter().map(|port| Ok(port.local_addr()?.to_string())).collect::<Outcome<_>>()?;
        drop(ports);
        let mut cluster = Self { folder, addresses, children: BTreeMap::new() };
        for id in NODES {
            cluster.spawn(BEGIN, id)?;
        }
        Ok(cluster)
    }

    fn spawn(&mut self, mode: &str, id: u64) -> Outcome<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(mode).arg(id.to_string()).arg(self.folder.join(format!("node-{id}"))).args(&self.addresses);
        self.children.insert(id, command.stdin(Stdio::piped()).spawn()?);
        Ok(())
    }

    fn kill(&mut self, id: u64) -> Outcome<()> {
        let mut child = self.children.remove(&id).ok_or("no such child")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// A connection to every node. Made inside of a runtime.
    fn connect(&self) -> Outcome<Vec<Client<Native>>> {
        let nowhere = Folder::open(&self.folder.join("client"))?.files;
        let env = Native::new(nowhere);
        let options = |(id, address): (u64, &String)| Options::new(CLUSTER, NodeId(id), address.as_str());
        Ok(NODES.into_iter().zip(&self.addresses).map(options).map(|options| Client::new(env.clone(), options)).collect())
    }
}

/// What writers share.
struct Writers {
    clients: Vec<Client<Native>>,
    acknowledged: Mutex<Vec<(Bytes, Bytes)>>,
    stop: AtomicBool,
}

impl Writers {
    /// Asks until somebody answers for good: the leader, whoever that is.
    async fn ask(&self, leader: &mut usize, request: &Request) -> Outcome<Reply> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let answer = tokio::time::timeout(ATTEMPT, self.clients[*leader].call(request.clone())).await;
            match answer {
                Ok(Ok(Reply::Refused(Refused::NotLeader { leader: Some(other) }))) if other.0 != *leader as u64 + 1 => {
                    *leader = usize::try_from(other.0 - 1)?;
                    continue;
                }
                Ok(Ok(Reply::Refused(_) | Reply::Unknown)) | Ok(Err(_)) | Err(_) => *leader = (*leader + 1) % NODES.len(),
                Ok(Ok(reply)) => return Ok(reply),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(format!("found no answer within {} s, expected one: {request:?}", PATIENCE.as_secs()).into())
    }

    async fn write(self: Arc<Self>, writer: usize) -> Outcome<()> {
        let mut leader = writer % NODES.len();
        let Reply::Registered { session } = self.ask(&mut leader, &Request::Register).await? else {
            return Err("found another answer to a registration".into());
        };
        let mut sequence = 0;
        while !self.stop.load(Ordering::Relaxed) {
            sequence += 1;
            self.put(&mut leader, session, sequence, format!("w{writer}-{sequence}")).await?;
        }
        Ok(())
    }

    async fn put(&self, leader: &mut usize, session: SessionId, sequence: u64, name: String) -> Outcome<()> {
        let (key, value) = (Bytes::from(name.clone()), Bytes::from(format!("value of {name}")));
        let command = Operation::Put { key: key.clone(), value: value.clone() }.encode();
        let request = Request::Command { session, sequence, first_outstanding: sequence, command };
        match self.ask(leader, &request).await? {
            Reply::Applied { .. } => self.acknowledged.lock().map_err(|_| "a writer panicked")?.push((key, value)),
            reply => return Err(format!("found {reply:?}, expected the write to be applied").into()),
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().map_or(0, |acknowledged| acknowledged.len())
    }

    /// Who answers queries.
    async fn leader(&self) -> Outcome<u64> {
        let mut leader = 0;
        let query = Operation::Get { key: Bytes::from_static(b"nothing") }.encode();
        self.ask(&mut leader, &Request::Query { query }).await?;
        Ok(leader as u64 + 1)
    }

    /// Reads everything that was acknowledged, from the leader.
    async fn read_back(&self, acknowledged: &[(Bytes, Bytes)]) -> Outcome<()> {
        let mut leader = 0;
        for (key, value) in acknowledged {
            let query = Operation::Get { key: key.clone() }.encode();
            let reply = self.ask(&mut leader, &Request::Query { query }).await?;
            let found = match &reply {
                Reply::Answered { output, .. } => Answer::decode(output),
                _ => None,
            };
            if found != Some(Answer::Value(Some(value.clone()))) {
                return Err(format!("found {reply:?} at {key:?}, expected {value:?}, which was acknowledged").into());
            }
        }
        Ok(())
    }
}

async fn orchestrate() -> Outcome<()> {
    let mut cluster = Cluster::start()?;
    let writers = Arc::new(Writers { clients: cluster.connect()?, acknowledged: Mutex::default(), stop: AtomicBool::new(false) });
    let first = writers.leader().await?;
    println!("node {first} leads");

    let tasks: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(Arc::clone(&writers).write(writer))).collect();
    let (before, since) = (writers.count(), Instant::now());
    tokio::time::sleep(STRETCH).await;
    let rate = (writers.count() - before) as u128 * 1_000_000 / since.elapsed().as_micros().max(1);
    println!("{rate} writes per second acknowledged by {WRITERS} writers, each synced on a majority");

    cluster.kill(first)?;
    let after_kill = writers.count();
    println!("node {first} was killed under writes, {after_kill} of which had been acknowledged");
    tokio::time::sleep(STRETCH).await;
    cluster.spawn(SERVE, first)?;
    tokio::time::sleep(STRETCH).await;
    if writers.count() == after_kill {
        return Err("found no write acknowledged after the leader was killed, expected some".into());
    }

    // With a third node away, the restarted one is part of every quorum.
    let second = writers.leader().await?;
    let third = NODES.into_iter().find(|id| *id != first && *id != second).ok_or("no third node")?;
    cluster.kill(third)?;
    println!("node {first} was started from its folder; node {third} was killed, so that every quorum needs node {first}");
    tokio::time::sleep(STRETCH).await;
    writers.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }

    // The reads are to come from another node than the one that was killed while it led.
    if writers.leader().await? == first {
        cluster.spawn(SERVE, third)?;
        cluster.kill(first)?;
    }
    let reader = writers.leader().await?;
    let acknowledged = writers.acknowledged.lock().map_err(|_| "a writer panicked")?.clone();
    writers.read_back(&acknowledged).await?;
    println!("all {} acknowledged values were read back from node {reader}", acknowledged.len());
    if reader == first {
        return Err(format!("found node {first} leading again, expected another node to answer the reads").into());
    }
    Ok(())
}
