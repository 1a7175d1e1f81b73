//! Three servers in one process: one connection per pair, an election, a restart, and a peer that comes back in a new life.

use std::path::{Path, PathBuf};
use std::time::Duration;

use squall_raft::applier::kv::Kv;
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::server::client::Client;
use squall_raft::server::native::Native;
use squall_raft::server::{Server, Shutdown};
use squall_raft::types::{BootNumber, LogIndex, NodeId};

use crate::raw::{Raw, hello, hello_bytes};
use crate::setup::{
    HOUR, Setup, addresses, client_env, connect, eventually, folder, in_time, leader, no_task_is_left, put, until, value,
};

/// Of a server without clients: listener, disk, alarm, and for each peer one that keeps the connection and one that reads.
const TASKS: usize = 3 + 2 * 2;

struct Cluster {
    folder: PathBuf,
    addresses: [String; 3],
    servers: Vec<Option<Server<Kv, Native>>>,
    forward_proposals: bool,
    clients: Vec<Client<Native>>,
}

impl Cluster {
    async fn start(folder: &Path) -> Self {
        Self::start_with(folder, false).await
    }

    async fn start_with(folder: &Path, forward_proposals: bool) -> Self {
        let (folder, servers, clients) = (folder.to_owned(), vec![None, None, None], Vec::new());
        let mut cluster = Self { folder, addresses: addresses(), servers, forward_proposals, clients };
        for at in 0..3 {
            cluster.boot(at).await;
        }
        let env = client_env(&cluster.folder);
        cluster.clients = (1..).zip(&cluster.addresses).map(|(node, address)| connect(&env, node, address)).collect();
        cluster
    }

    async fn boot(&mut self, at: usize) {
        let mut setup = Setup::voter(at as u64 + 1, &self.addresses);
        // So that no connection ends because the machine is busy.
        setup.limits.idle_ns = HOUR;
        setup.limits.write_ns = HOUR;
        setup.raft.forward_proposals = self.forward_proposals;
        self.servers[at] = Some(setup.start(&self.folder.join(format!("node-{at}"))).await);
    }

    async fn shut_down(&mut self, at: usize) {
        let server = self.servers[at].take().expect("a running server");
        assert_eq!(in_time("a shutdown", server.shutdown()).await.tasks_left, 0);
    }

    fn running(&self) -> impl Iterator<Item = &Server<Kv, Native>> {
        self.servers.iter().flatten()
    }

    /// Asks whoever leads. Clients of servers that are down are asked in vain.
    async fn ask(&self, request: &Request) -> Reply {
        in_time("an answer", async {
            for client in self.clients.iter().cycle() {
                match client.call(request.clone()).await {
                    Ok(Reply::Refused(Refused::NotLeader { .. } | Refused::NotReady) | Reply::Unknown) | Err(_) => {
                        tokio::time::sleep(Duration::from_millis(3)).await;
                    }
                    Ok(reply) => return reply,
                }
            }
            panic!("a cycle has no end")
        })
        .await
    }

    async fn leader(&self) -> NodeId {
        eventually("one leader", || {
            let mut known = self.running().map(leader);
            let first = known.next()??;
            known.all(|other| other == Some(first)).then_some(first)
        })
        .await
    }

    /// Connections that were made so far, once their number has stopped rising and each pair has one.
    async fn settled(&self) -> Vec<u64> {
        in_time("that connections settle", async {
            let count = || self.running().map(|server| server.stats().connections).collect::<Vec<_>>();
            let all_here = || self.running().all(|server| server.live_tasks() >= TASKS);
            loop {
                let before = count();
                tokio::time::sleep(Duration::from_millis(500)).await;
                if all_here() && count() == before {
                    return before;
                }
            }
        })
        .await
    }

    fn applied(&self) -> Vec<Option<LogIndex>> {
        let of = |server: &Server<Kv, Native>| server.inspect(|node| node.applier().map(|applier| applier.applied()));
        self.running().map(of).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_asked_passes_a_command_on() {
    let mut cluster = Cluster::start_with(&folder("forwarding"), true).await;
    let Reply::Registered { session } = cluster.ask(&Request::Register).await else { panic!("found no session") };
    cluster.settled().await;
    cluster.leader().await;
    for (sequence, client) in (1..).zip(&cluster.clients) {
        let reply = in_time("an answer", client.call(put(session, sequence, "key", b"value"))).await;
        assert!(matches!(reply, Ok(Reply::Applied { .. })), "server {sequence}: {reply:?}");
    }
    cluster.clients.clear();
    for at in 0..3 {
        cluster.shut_down(at).await;
    }
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_elect_replicate_and_take_one_back() {
    let mut cluster = Cluster::start(&folder("three")).await;
    let Reply::Registered { session } = cluster.ask(&Request::Register).await else { panic!("found no session") };
    let mut sequence = 0;
    for round in 1..=3_u64 {
        let connections = cluster.settled().await;
        let reconnects: u64 = cluster.running().map(|server| server.stats().reconnects).sum();
        for _ in 0..100 {
            sequence += 1;
            let reply = cluster.ask(&put(session, sequence, "key", &sequence.to_le_bytes())).await;
            assert!(matches!(reply, Reply::Applied { .. }), "{reply:?}");
        }
        let after: Vec<u64> = cluster.running().map(|server| server.stats().connections).collect();
        assert_eq!((after, cluster.running().map(|server| server.stats().reconnects).sum()), (connections, reconnects));

        let gone = usize::try_from(cluster.leader().await.0 - 1).expect("one of three");
        cluster.shut_down(gone).await;
        sequence += 1;
        let reply = cluster.ask(&put(session, sequence, "key", &sequence.to_le_bytes())).await;
        assert!(matches!(reply, Reply::Applied { .. }), "{reply:?}");
        cluster.boot(gone).await;
        until("that all have applied the same", || {
            let applied = cluster.applied();
            applied.iter().all(|index| *index == applied[0] && index.is_some_and(|index| index.0 > 101 * round))
        })
        .await;
    }
    let reply = cluster.ask(&crate::setup::get("key")).await;
    assert_eq!(value(&reply).as_deref(), Some(&sequence.to_le_bytes()[..]));
    cluster.clients.clear();
    for at in 0..3 {
        cluster.shut_down(at).await;
    }
    no_task_is_left().await;
}

/// All dial all at the same moment, again and again. However it comes out, it comes to rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_dials_come_to_rest() {
    let folder = folder("dials");
    for round in 0..5 {
        let mut cluster = Cluster::start(&folder.join(round.to_string())).await;
        cluster.clients.clear();
        let settled = cluster.settled().await;
        assert!(settled.iter().all(|connections| *connections >= 2), "{settled:?}");
        until("no task but these", || cluster.running().all(|server| server.live_tasks() == TASKS)).await;
        for server in cluster.running() {
            let stats = server.stats();
            assert_eq!((stats.malformed, stats.impostors, stats.idle_closed), (0, 0, 0), "{stats:?}");
            assert_eq!(stats.reconnects, stats.connections - 2);
        }
        for at in 0..3 {
            cluster.shut_down(at).await;
        }
    }
    no_task_is_left().await;
}

/// The server has not noticed that the earlier life is over: a new one takes its place at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_boot_of_a_peer_replaces_the_old_one() {
    let folder = folder("boots");
    let [nobody] = addresses();
    let mut setup = Setup::with_learner(&nobody);
    setup.limits.idle_ns = HOUR;
    setup.limits.write_ns = HOUR;
    let server = setup.start(&folder.join("node")).await;
    let mut old: Option<Raw> = None;
    for boot in 1..=5 {
        let mut raw = Raw::connect(server.address()).await;
        raw.say(&hello_bytes(&squall_raft::server::wire::Hello { boot: BootNumber(boot), ..hello(Some(2)) })).await;
        assert!(raw.hear().await.is_some());
        // It is really in use: something comes over it.
        assert!(raw.hear().await.is_some());
        if let Some(mut old) = old.replace(raw) {
            old.hear_the_end().await;
        }
        let stats = server.stats();
        assert_eq!((stats.connections, stats.reconnects), (boot.into(), u64::from(boot) - 1));
    }
    drop(old);
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}
