//! raft-rs on madsim: a task and an inbox per node, its messages over madsim's `TcpStream`.
//!
//! The node's task takes one input after the other, and one `Ready` after each, as the bare loop does. Each node
//! dials every other and writes to the streams that it dialled; madsim's never block, so no task is needed for that. For
//! each stream that was accepted a task reads. A ticker per node costs least: sleeps that are polled or
//! dropped leave a timer behind in madsim.
//!
//! raft-rs draws its election timeouts from the thread's generator, over which madsim has no power, so equal seeds
//! do not give equal runs.
//!
//! Not here: what is proposed and measured (`benches/peers`).

pub mod frame;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use madsim::net::{TcpListener, TcpStream};
use madsim::runtime::Runtime;
use madsim::time::{TimeHandle, sleep};
use raft::eraftpb::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::links::Weather;
use crate::node::{HEARTBEAT_NS, NODES, Node, Tuning, Wishes};

/// Ticks of 10 ms, five between two heartbeats.
const TICKS: usize = 5;
const TICK: Duration = Duration::from_nanos(HEARTBEAT_NS / 5);

/// Before a refused dial is repeated.
const REDIAL: Duration = Duration::from_millis(5);

/// After a kill, madsim drops tasks only when their turn comes.
const BURIAL: Duration = Duration::from_millis(2);

const PORT: u16 = 7000;

enum Input {
    Message(Message),
    Tick,
    Propose,
}

type Inbox = UnboundedSender<Input>;

/// What a node lets be seen of it.
#[derive(Default)]
struct Gauge {
    committed: AtomicU64,
    applied: AtomicU64,
    /// The term in which it leads, or 0.
    leads: AtomicU64,
    messages: AtomicU64,
}

impl Gauge {
    fn show(&self, node: &Node, messages: u64) {
        self.committed.store(node.committed(), Ordering::Relaxed);
        self.applied.store(node.applied(), Ordering::Relaxed);
        self.leads.store(if node.leads() { node.term() } else { 0 }, Ordering::Relaxed);
        self.messages.fetch_add(messages, Ordering::Relaxed);
    }
}

/// Five nodes and madsim's runtime. One per thread: madsim keeps state in it.
pub struct Cluster {
    gauges: Vec<Arc<Gauge>>,
    inboxes: Vec<Inbox>,
    machines: Vec<madsim::task::NodeId>,
    runtime: Runtime,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Tasks that are pending when the runtime goes are never freed.
        for machine in &self.machines {
            self.runtime.handle().kill(*machine);
        }
        if !std::thread::panicking() {
            self.runtime.block_on(sleep_for(BURIAL));
        }
    }
}

async fn sleep_for(span: Duration) {
    sleep(span).await;
}

impl Cluster {
    /// Boots the nodes, which connect to one another.
    ///
    /// # Panics
    /// If the weather loses or repeats messages, which streams do not.
    #[must_use]
    pub fn boot(tuning: Tuning, weather: Weather, seed: u64) -> Self {
        assert_eq!((weather.loss_ppm, weather.duplicate_ppm), (0, 0), "a stream loses and repeats nothing");
        assert!(!tuning.waits_for_sync, "there is no disk");
        let mut config = madsim::Config::default();
        let (low_ns, high_ns) = weather.latency_ns;
        config.net.send_latency = Duration::from_nanos(low_ns)..Duration::from_nanos(high_ns + 1);
        let runtime = Runtime::with_seed_and_config(seed, config);
        let (mut gauges, mut inboxes, mut machines) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..NODES {
            let machine = runtime.create_node().ip(ip(at)).build();
            let (inbox, inputs) = unbounded_channel();
            let gauge = Arc::new(Gauge::default());
            machine.spawn(serve(at, tuning, (inbox.clone(), inputs), Arc::clone(&gauge)));
            gauges.push(gauge);
            inboxes.push(inbox);
            machines.push(machine.id());
        }
        Self { gauges, inboxes, machines, runtime }
    }

    /// Messages that nodes sent.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.gauges.iter().map(|gauge| gauge.messages.load(Ordering::Relaxed)).sum()
    }

    /// Entries that are committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.gauges.iter().map(|gauge| gauge.committed.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// Entries that all nodes have applied.
    #[must_use]
    pub fn applied_everywhere(&self) -> u64 {
        self.gauges.iter().map(|gauge| gauge.applied.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    /// The term of the present leader, or 0.
    #[must_use]
    pub fn leading_term(&self) -> u64 {
        self.gauges.iter().map(|gauge| gauge.leads.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// Lets virtual time pass.
    pub fn run_until(&mut self, until_ns: u64) {
        self.runtime.block_on(async {
            let time = TimeHandle::current();
            let left = Duration::from_nanos(until_ns).saturating_sub(time.elapsed());
            time.sleep(left).await;
        });
    }

    /// Lets virtual time pass, with a proposal at the leader each time that so much of it has.
    pub fn propose_until(&mut self, until_ns: u64, every_ns: u64) {
        let leader = || (0..NODES).max_by_key(|&at| self.gauges[at].leads.load(Ordering::Relaxed)).unwrap_or(0);
        self.runtime.block_on(async {
            let time = TimeHandle::current();
            let until = Duration::from_nanos(until_ns);
            let mut next = time.elapsed();
            while next < until {
                next += Duration::from_nanos(every_ns);
                time.sleep(next.saturating_sub(time.elapsed())).await;
                // Nodes live as long as the cluster.
                let _ = self.inboxes[leader()].send(Input::Propose);
            }
        });
    }
}

fn ip(at: usize) -> IpAddr {
    let last = u8::try_from(at + 1).unwrap_or(u8::MAX);
    Ipv4Addr::new(10, 0, 0, last).into()
}

/// A node's life.
async fn serve(at: usize, tuning: Tuning, (inbox, mut inputs): (Inbox, UnboundedReceiver<Input>), gauge: Arc<Gauge>) {
    let listener = TcpListener::bind((ip(at), PORT)).await.unwrap_or_else(|error| panic!("{error}"));
    madsim::task::spawn(accept(listener, inbox.clone()));
    let mut outlets = Vec::new();
    for to in 0..NODES {
        outlets.push(if to == at { None } else { Some(Outlet { stream: dial(to).await, bytes: Vec::new() }) });
    }
    madsim::task::spawn(tick(inbox));
    let mut node = Node::new(at, TICKS, tuning);
    let mut wishes = Wishes::default();
    while let Some(input) = inputs.recv().await {
        match input {
            Input::Message(message) => node.step(message),
            Input::Tick => node.tick(),
            Input::Propose => node.propose(),
        }
        node.flush(&mut wishes);
        gauge.show(&node, wishes.send.len() as u64);
        send(&mut wishes, &mut outlets).await;
    }
}

/// What goes to one peer.
struct Outlet {
    stream: TcpStream,
    bytes: Vec<u8>,
}

async fn send(wishes: &mut Wishes, outlets: &mut [Option<Outlet>]) {
    for message in wishes.send.drain(..) {
        let to = usize::try_from(message.to - 1).unwrap_or(usize::MAX);
        if let Some(Some(outlet)) = outlets.get_mut(to) {
            frame::encode(&message, &mut outlet.bytes);
        }
    }
    for outlet in outlets.iter_mut().flatten().filter(|outlet| !outlet.bytes.is_empty()) {
        let sent = async {
            outlet.stream.write_all(&outlet.bytes).await?;
            outlet.stream.flush().await
        };
        // All nodes live until the end, when it does not matter.
        let _ = sent.await;
        outlet.bytes.clear();
    }
}

async fn dial(to: usize) -> TcpStream {
    loop {
        match TcpStream::connect((ip(to), PORT)).await {
            Ok(stream) => return stream,
            Err(_) => sleep(REDIAL).await,
        }
    }
}

async fn accept(listener: TcpListener, inbox: Inbox) {
    while let Ok((stream, _)) = listener.accept().await {
        madsim::task::spawn(read(stream, inbox.clone()));
    }
}

async fn read(mut stream: TcpStream, inbox: Inbox) {
    let mut received = BytesMut::with_capacity(4 << 10);
    loop {
        while let Some(message) = frame::take(&mut received) {
            if inbox.send(Input::Message(message)).is_err() {
                return;
            }
        }
        if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

async fn tick(inbox: Inbox) {
    while inbox.send(Input::Tick).is_ok() {
        sleep(TICK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn both_variants_commit_what_is_proposed() {
        for announces_commits in [true, false] {
            let tuning = Tuning { waits_for_sync: false, announces_commits };
            let mut cluster = Cluster::boot(tuning, Weather::CALM, 3);
            cluster.propose_until(5 * SECOND_NS, 10_000_000);
            assert!(cluster.commits() > 400, "{tuning:?}: {} commits", cluster.commits());
            let behind = cluster.commits() - cluster.applied_everywhere();
            assert!(behind < 50, "{tuning:?}: {behind} entries behind");
        }
    }

    #[test]
    fn an_idle_second_costs_160_messages() {
        let mut cluster = Cluster::boot(Tuning::default(), Weather::CALM, 5);
        cluster.run_until(2 * SECOND_NS);
        let (before, term) = (cluster.messages(), cluster.leading_term());
        assert_ne!(term, 0, "somebody leads");
        cluster.run_until(12 * SECOND_NS);
        assert!((1_550..=1_650).contains(&(cluster.messages() - before)));
        assert_eq!(cluster.leading_term(), term, "nobody campaigns against a leader that is well");
    }
}
