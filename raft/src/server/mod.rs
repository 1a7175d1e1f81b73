//! The driver: everything that acts. Sockets, files, timers and tasks around one [`Node`].
//!
//! ```text
//!  peers  ==stream==> reader ---\                  /--> lanes --> writer ==stream==> peers
//!  clients =stream==> session ---> engine (a lock) ---> answers --> writer ==stream=> clients
//!  alarm  ----------------------/  node.handle(..) \--> queue --> disk task ==> files
//!            <-------------------- completions ------------------/
//! ```
//!
//! It decides nothing that the state machines could decide, runs on whatever [`env::Env`] offers
//! (tokio in production, a simulator in tests), and is itself put under storm.
//! Not here: consensus ([`crate::core`]). Read next: the modules in the order of their declaration.

pub mod frame;

pub mod wire;

pub mod codec;

pub mod breaker;

pub mod backoff;

pub mod env;

pub mod limits;

pub mod stats;

mod tasks;

pub mod tap;

mod lanes;

mod waiting;

mod engine;

mod greeting;

mod connection;

mod peer;

mod session;

mod listener;

pub mod client;

pub mod files;

pub mod native;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use thiserror::Error;
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::breaker::Breaker;
use self::engine::{Engine, Parts, ReplyTo};
use self::env::{Env, Listener as _};
use self::lanes::Lanes;
use self::limits::{Limits, LimitsError};
use self::listener::Reception;
use self::peer::{Door, Peer};
use self::stats::Stats;
use self::tap::Tap;
use self::tasks::Tasks;
use self::wire::Hello;
use crate::applier::StateMachine;
use crate::config::ConfigError;
use crate::limit::Bound;
use crate::node::request::{Reply, Request};
use crate::node::{Node, NodeConfig};
use crate::process::{Boot, DiskError, DiskOp, DiskReply, Input, OpId};
use crate::types::{BootNumber, NodeId};

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct ServerConfig<S> {
    /// The node: identity, members, timings, limits, and the state machine before the first entry.
    pub node: NodeConfig<S>,
    /// Larger than that of every earlier start on this folder; [`files::Folder`] counts.
    pub boot: BootNumber,
    /// Where peers and clients connect.
    pub listen: String,
    /// Where the other members listen.
    pub peers: BTreeMap<NodeId, String>,
    /// The driver's limits.
    pub limits: Limits,
}

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The engine refuses its settings.
    #[error("engine.{0}")]
    Config(#[from] ConfigError),
    /// The driver refuses its limits.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A member that nobody could reach.
    #[error("found no address of member {0}, expected one for each member but this node")]
    NoAddress(NodeId),
    /// Nobody could connect.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        error: io::Error,
    },
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Every request that had been taken was answered, and the answers were handed to their streams, as far as those took them.
    pub drained: bool,
    /// Tasks that had not ended when time was up.
    pub tasks_left: usize,
}

/// A running server. Dropping it stops its tasks without waiting; [`Self::shutdown`] is the polite way.
pub struct Server<S: StateMachine + Send + 'static, E: Env> {
    engine: Arc<Engine<S, E>>,
    /// Listener, greetings, what clients say.
    entrance: Arc<Tasks<E>>,
    /// Answers to clients.
    answers: Arc<Tasks<E>>,
    /// Peers, alarm.
    core: Arc<Tasks<E>>,
    /// The disk's, which is not aborted but told to stop.
    disk: Arc<Tasks<E>>,
    address: String,
}

impl<S: StateMachine + Send + 'static, E: Env> Drop for Server<S, E> {
    fn drop(&mut self) {
        for tasks in self.all_tasks() {
            tasks.abort_all();
        }
    }
}

impl<S: StateMachine + Send + 'static, E: Env> Server<S, E> {
    /// Listens, boots the node on what its disk holds, and connects to its peers.
    ///
    /// # Errors
    /// If the settings contradict each other, or the address cannot be listened on.
    pub async fn start(env: E, config: ServerConfig<S>, tap: impl Tap<S>) -> Result<Self, StartError> {
        let ServerConfig { node, boot: number, listen, peers, limits } = config;
        node.raft.validate()?;
        limits.validate()?;
        limits.codec.validate()?;
        limits.codec.carry(&node.raft.limits)?;
        let me = node.raft.me;
        let others: Vec<NodeId> = node.raft.membership.members().into_iter().filter(|id| *id != me.node).collect();
        if let Some(missing) = others.iter().find(|id| !peers.contains_key(id)) {
            return Err(StartError::NoAddress(*missing));
        }
        let listener = env.listen(&listen).await.map_err(|error| StartError::Listen { address: listen, error })?;
        let address = listener.address();

        let lanes: BTreeMap<NodeId, Arc<Lanes>> = others.iter().map(|id| (*id, Arc::new(lanes_of(&node, &limits)))).collect();
        let doors: BTreeMap<NodeId, Arc<Door<E>>> = others.iter().map(|id| (*id, Arc::new(Door::new()))).collect();
        let [entrance, answers, core, disk] = std::array::from_fn(|_| Arc::new(Tasks::new(env.clone())));
        let cluster = node.raft.cluster;
        let boot = Boot { now: env.now(), entropy: env.entropy(), number };
        let parts = Parts { env, limits, config: node, boot, lanes: lanes.clone(), tap: Box::new(tap) };
        let (engine, disk_ops) = Engine::boot(parts);

        disk.spawn(run_disk(Arc::clone(&engine), disk_ops));
        core.spawn(Arc::clone(&engine).keep_time());
        for (id, lanes) in lanes {
            let peer = Peer {
                engine: Arc::clone(&engine),
                tasks: Arc::clone(&core),
                door: Arc::clone(&doors[&id]),
                lanes,
                id,
                address: peers[&id].clone(),
                hello: Hello { cluster, from: Some(me), to: id, boot: number },
            };
            core.spawn(peer.keep_connected());
        }
        let reception = Reception {
            engine: Arc::clone(&engine),
            entrance: Arc::clone(&entrance),
            answers: Arc::clone(&answers),
            doors,
            cluster,
            me,
            boot: number,
            strangers: Arc::new(Semaphore::new(limits.strangers_max)),
            sessions: Arc::new(Semaphore::new(limits.sessions_max)),
        };
        entrance.spawn(listener::listen(Arc::new(reception), listener));
        Ok(Self { engine, entrance, answers, core, disk, address })
    }

    /// Where it listens, with the port that was chosen if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What was counted since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.engine.counters.read()
    }

    /// How often each of the engine's limits has bound since the start.
    #[must_use]
    pub fn bound(&self) -> Bound {
        self.engine.inspect(Node::bound)
    }

    /// Tasks that are alive now.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.all_tasks().into_iter().map(|tasks| tasks.live()).sum()
    }

    fn all_tasks(&self) -> [&Arc<Tasks<E>>; 4] {
        [&self.entrance, &self.answers, &self.core, &self.disk]
    }

    /// Looks at the node. It handles nothing meanwhile.
    pub fn inspect<R>(&self, look: impl FnOnce(&Node<S>) -> R) -> R {
        self.engine.inspect(look)
    }

    /// Asks the node from within this process.
    pub async fn call(&self, request: Request) -> Reply {
        let (caller, answer) = oneshot::channel();
        self.engine.request(request, ReplyTo::Caller(caller));
        answer.await.unwrap_or(Reply::Unknown)
    }

    /// Why the node gave up (its disk failed), if it has.
    #[must_use]
    pub fn halted(&self) -> Option<&'static str> {
        self.engine.halted()
    }

    /// Waits until the node has given up. Then only a new start can help.
    pub async fn until_halted(&self) {
        self.engine.until_halted().await;
    }

    /// Stops: takes no more requests, answers those that it has taken, ends all tasks.
    ///
    /// Each of these three may take [`Limits::drain_ns`], however slow a client, a peer or the disk is. What has no
    /// answer by then is answered [`Reply::Unknown`].
    pub async fn shutdown(self) -> Shutdown {
        let (env, limits) = (&self.engine.env, &self.engine.limits);
        self.engine.stop_requests();
        let answered = within(env, limits.drain_ns, self.engine.all_answered()).await;
        self.engine.give_up_requests();
        self.entrance.abort_all();
        let handed_over = async {
            self.entrance.all_ended().await;
            self.answers.all_ended().await;
        };
        let drained = within(env, limits.drain_ns, handed_over).await && answered;
        for tasks in [&self.entrance, &self.answers, &self.core] {
            tasks.abort_all();
        }
        // An operation that has begun goes on whoever waits for it. Until it has ended the folder is not free.
        self.engine.disk_stops.notify_one();
        let ended = async {
            for tasks in self.all_tasks() {
                tasks.all_ended().await;
            }
        };
        within(env, limits.drain_ns, ended).await;
        Shutdown { drained, tasks_left: self.live_tasks() }
    }
}

fn lanes_of<S>(node: &NodeConfig<S>, limits: &Limits) -> Lanes {
    #[cfg(not(feature = "mutants"))]
    let _ = node;
    Lanes::new(
        Breaker::new(limits.breaker_failures),
        #[cfg(feature = "mutants")]
        node.raft.bug,
    )
}

/// Whether a future ended in time.
async fn within<E: Env>(env: &E, span_ns: u64, future: impl Future<Output = ()>) -> bool {
    tokio::select! {
        biased;
        () = future => true,
        () = env.sleep_until(env.now().plus_ns(span_ns)) => false,
    }
}

/// Carries out the node's disk operations, one after the other. It is told to stop between two of them.
///
/// What waits when one has ended is begun before the node looks at that: so a recovery has its next piece read meanwhile.
async fn run_disk<S, E>(engine: Arc<Engine<S, E>>, mut ops: mpsc::Receiver<(OpId, DiskOp)>)
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    let mut stops = std::pin::pin!(engine.disk_stops.notified());
    let mut begun = None;
    loop {
        let under_way = if let Some(begun) = begun.take() {
            begun
        } else {
            let next = tokio::select! {
                biased;
                () = &mut stops => None,
                next = ops.recv() => next,
            };
            let Some((op, what)) = next else { return };
            #[cfg(feature = "mutants")]
            if engine.bug == Some(crate::mutants::Bug::T02) && what.is_sync() {
                engine.handle(Input::DiskDone { op, result: Ok(DiskReply::Done) });
                // Whatever comes of it.
                let _ = engine.env.disk(what).await;
                continue;
            }
            Begun::begin(op, engine.env.disk(what)).await
        };
        let (op, result) = under_way.end().await;
        let is_stopped = poll_fn(|context| Poll::Ready(stops.as_mut().poll(context).is_ready())).await;
        let looks_ahead = !is_stopped;
        #[cfg(feature = "mutants")]
        let looks_ahead = looks_ahead && engine.bug != Some(crate::mutants::Bug::T02);
        if looks_ahead && let Ok((next, what)) = ops.try_recv() {
            begun = Some(Begun::begin(next, engine.env.disk(what)).await);
        }
        engine.handle(Input::DiskDone { op, result });
        if is_stopped {
            return;
        }
    }
}

/// A disk operation under way.
struct Begun<F> {
    op: OpId,
    future: Pin<Box<F>>,
    /// If it ended at once.
    ended: Option<DiskResult>,
}

type DiskResult = Result<DiskReply, DiskError>;

impl<F: Future<Output = DiskResult>> Begun<F> {
    /// Does not wait for its end. A future does nothing before it is polled.
    async fn begin(op: OpId, future: F) -> Self {
        let mut future = Box::pin(future);
        let ended = poll_fn(|context| {
            Poll::Ready(match future.as_mut().poll(context) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            })
        });
        let ended = ended.await;
        Self { op, future, ended }
    }

    async fn end(self) -> (OpId, DiskResult) {
        let result = if let Some(result) = self.ended { result } else { self.future.await };
        (self.op, result)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::types::BootNumber;

    /// What waits is begun before the node looks at what has ended, and ends when somebody waits for it.
    #[tokio::test]
    async fn an_operation_is_under_way_before_anybody_waits_for_its_end() {
        let steps = Cell::new(0);
        let op = OpId { boot: BootNumber(1), seq: 1 };
        for polls in [1, 2] {
            steps.set(0);
            let future = poll_fn(|context| {
                steps.set(steps.get() + 1);
                context.waker().wake_by_ref();
                if steps.get() == polls { Poll::Ready(Ok(DiskReply::Done)) } else { Poll::Pending }
            });
            let begun = Begun::begin(op, future).await;
            assert_eq!(steps.get(), 1);
            assert_eq!(begun.end().await, (op, Ok(DiskReply::Done)));
            assert_eq!(steps.get(), polls);
        }
    }
}
