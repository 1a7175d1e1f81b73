//! Takes connections, hears who it is, and passes peers to their tasks and clients to theirs.
//!
//! Whoever connects may be anybody: until it has greeted rightly it gets little time, and only so many
//! may be in that state.
//!
//! Not here: the words of a greeting ([`super::greeting`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::engine::Engine;
use super::env::{Env, Listener as _};
use super::greeting::{self, Greeted};
use super::peer::Door;
use super::session;
use super::stats::add;
use super::tasks::Tasks;
use super::wire::Hello;
use crate::applier::StateMachine;
use crate::types::{BootNumber, ClusterId, NodeId, Peer};

/// What it takes to let somebody in.
pub(super) struct Reception<S: StateMachine, E: Env> {
    pub(super) engine: Arc<Engine<S, E>>,
    /// Where greetings and what clients say are heard.
    pub(super) entrance: Arc<Tasks<E>>,
    /// Where clients are answered, which outlives the hearing.
    pub(super) answers: Arc<Tasks<E>>,
    pub(super) doors: BTreeMap<NodeId, Arc<Door<E>>>,
    pub(super) cluster: ClusterId,
    pub(super) me: Peer,
    pub(super) boot: BootNumber,
    pub(super) strangers: Arc<Semaphore>,
    pub(super) sessions: Arc<Semaphore>,
}

/// Takes connections, for ever.
pub(super) async fn listen<S, E>(reception: Arc<Reception<S, E>>, mut listener: E::Listener)
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    let (engine, entrance) = (Arc::clone(&reception.engine), Arc::clone(&reception.entrance));
    loop {
        // The semaphore is never closed. Whoever comes while all places are taken waits in the backlog of the system.
        let Ok(place) = Arc::clone(&reception.strangers).acquire_owned().await else {
            return;
        };
        let Ok(stream) = listener.accept().await else {
            // Out of descriptors, most likely: trying again at once would only spin.
            engine.env.sleep_until(engine.env.now().plus_ns(engine.limits.redial_min_ns)).await;
            continue;
        };
        let reception = Arc::clone(&reception);
        entrance.spawn(async move {
            let greeted = reception.receive(stream).await;
            drop(place);
            if let Some(greeted) = greeted {
                reception.pass_on(greeted).await;
            }
        });
    }
}

impl<S: StateMachine + Send + 'static, E: Env> Reception<S, E> {
    /// Hears a greeting and answers it, within the time that there is for it.
    async fn receive(&self, stream: E::Stream) -> Option<Greeted<E>> {
        let engine = &self.engine;
        let deadline = engine.env.now().plus_ns(engine.limits.handshake_ns);
        let greeting = async {
            let mut greeted = greeting::accepted(stream, engine).await?;
            let Some(answer) = self.answer(&greeted.hello) else {
                add(&engine.counters.strangers_refused, 1);
                return None;
            };
            greeting::say(&mut greeted.stream, &answer, engine).await?;
            Some(greeted)
        };
        tokio::select! {
            biased;
            greeted = greeting => greeted,
            () = engine.env.sleep_until(deadline) => {
                add(&engine.counters.idle_closed, 1);
                None
            }
        }
    }

    /// What to say to somebody; nothing if it wants another cluster or node, or is no member.
    fn answer(&self, hello: &Hello) -> Option<Hello> {
        let known = hello.from.is_none_or(|peer| self.doors.contains_key(&peer.node));
        let meant = hello.cluster == self.cluster && hello.to == self.me.node;
        let to = hello.from.map_or(NodeId(0), |peer| peer.node);
        (known && meant).then_some(Hello { cluster: self.cluster, from: Some(self.me), to, boot: self.boot })
    }

    async fn pass_on(&self, greeted: Greeted<E>) {
        match greeted.hello.from {
            Some(peer) => {
                if let Some(door) = self.doors.get(&peer.node) {
                    door.knock(greeted);
                }
            }
            None => {
                // One more than there is room for is hung up on, so that it looks elsewhere.
                let Ok(place) = Arc::clone(&self.sessions).try_acquire_owned() else {
                    add(&self.engine.counters.strangers_refused, 1);
                    return;
                };
                add(&self.engine.counters.sessions, 1);
                session::serve(Arc::clone(&self.engine), Arc::clone(&self.answers), place, greeted).await;
            }
        }
    }
}
