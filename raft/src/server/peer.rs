//! One task per peer: it keeps one connection to it, dialled here or there, and both sides use it.
//!
//! ```text
//!            +---- pause (backoff, jitter) <---- dial failed, connection ended
//!            v                                        ^
//!         dialling ---- both greeted ----> connected -+
//!            |                                ^
//!            +---- the peer dialled ----------+
//! ```
//!
//! Both may dial at once. The connection that the member with the smaller id dialled is the one that
//! stays: while its own dial is under way, that member lets the other's wait, and takes it only
//! if its own fails; the other member drops its own as soon as one arrives. A peer that dials again has lost
//! the connection that we believe in, so a newer one always replaces an older one of the same side.
//!
//! Not here: what goes over the connection ([`super::connection`]), who may connect
//! ([`super::listener`]).

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::backoff::Backoff;
use super::connection::{self, Link};
use super::engine::Engine;
use super::env::Env;
use super::greeting::{self, Greeted};
use super::lanes::Lanes;
use super::stats::add;
use super::tasks::{Tasks, lock};
use super::wire::Hello;
use crate::applier::StateMachine;
use crate::types::{LocalTime, NodeId};

/// A peer as the listener sees it.
pub(super) struct Door<E: Env> {
    /// The latest connection that the peer has made and that was not taken yet.
    waiting: Mutex<Option<Greeted<E>>>,
    knocked: Notify,
}

impl<E: Env> Door<E> {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::new(None), knocked: Notify::new() }
    }

    /// Leaves a connection for the peer's task. One that waits already is older, and ends.
    pub(super) fn knock(&self, greeted: Greeted<E>) {
        *lock(&self.waiting) = Some(greeted);
        self.knocked.notify_one();
    }

    fn take(&self) -> Option<Greeted<E>> {
        lock(&self.waiting).take()
    }

    async fn next(&self) -> Greeted<E> {
        loop {
            if let Some(greeted) = self.take() {
                return greeted;
            }
            self.knocked.notified().await;
        }
    }

    /// Ends when a connection waits.
    async fn knocked(&self) {
        while lock(&self.waiting).is_none() {
            self.knocked.notified().await;
        }
    }
}

/// What a peer's task works with.
pub(super) struct Peer<S: StateMachine, E: Env> {
    pub(super) engine: Arc<Engine<S, E>>,
    pub(super) tasks: Arc<Tasks<E>>,
    pub(super) door: Arc<Door<E>>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) id: NodeId,
    pub(super) address: String,
    /// What we say first.
    pub(super) hello: Hello,
}

impl<S: StateMachine + Send + 'static, E: Env> Peer<S, E> {
    /// Keeps a connection, for ever.
    pub(super) async fn keep_connected(self) {
        let limits = &self.engine.limits;
        let mut backoff = Backoff::new(limits.redial_min_ns, limits.redial_max_ns, self.engine.env.entropy());
        let mut connections: u64 = 0;
        loop {
            let mut greeted = self.connect(&mut backoff).await;
            let since = self.engine.env.now();
            // A newer connection of the peer's replaces the one in use, until one ends by itself.
            loop {
                connections += 1;
                add(&self.engine.counters.connections, 1);
                add(&self.engine.counters.reconnects, u64::from(connections > 1));
                let ours_since = greeted.ours.then(|| self.engine.env.now());
                let link = Link { engine: &self.engine, tasks: &self.tasks, lanes: &self.lanes, peer: self.id };
                tokio::select! {
                    biased;
                    newer = self.replacement(ours_since) => greeted = newer,
                    () = connection::serve(link, greeted) => break,
                }
            }
            self.rest(since, &mut backoff).await;
        }
    }

    /// A connection of the peer's that takes the place of the present one.
    async fn replacement(&self, ours_since: Option<LocalTime>) -> Greeted<E> {
        loop {
            let newer = self.door.next().await;
            let late = ours_since.is_some_and(|since| self.engine.env.now() < since.plus_ns(self.engine.limits.handshake_ns));
            if !(late && self.ours_counts()) {
                return newer;
            }
            // Dialled while we dialled, and ours is the one that stays.
        }
    }

    /// Whether the connection that we dialled stays when both did.
    fn ours_counts(&self) -> bool {
        self.hello.from.is_some_and(|me| me.node < self.id)
    }

    /// A peer that greets and hangs up at once must not make us spin; one that was there for long is called again at once.
    async fn rest(&self, since: LocalTime, backoff: &mut Backoff) {
        let env = &self.engine.env;
        if env.now() >= since.plus_ns(self.engine.limits.redial_max_ns) {
            backoff.reset();
            return;
        }
        tokio::select! {
            biased;
            () = self.door.knocked() => {}
            () = env.sleep_until(env.now().plus_ns(backoff.next_delay_ns())) => {}
        }
    }

    /// Dials until one of both sides gets through.
    async fn connect(&self, backoff: &mut Backoff) -> Greeted<E> {
        loop {
            let greeted = match self.try_connect().await {
                Some(greeted) => Some(greeted),
                None => self.pause(backoff).await,
            };
            if let Some(greeted) = greeted {
                self.lanes.peer_answered();
                return greeted;
            }
        }
    }

    async fn try_connect(&self) -> Option<Greeted<E>> {
        if self.ours_counts() {
            let ours = self.dial().await;
            let theirs = self.door.take();
            return ours.or(theirs);
        }
        tokio::select! {
            biased;
            theirs = self.door.next() => Some(theirs),
            ours = self.dial() => ours,
        }
    }

    async fn dial(&self) -> Option<Greeted<E>> {
        let (env, limits) = (&self.engine.env, &self.engine.limits);
        let deadline = env.now().plus_ns(limits.handshake_ns);
        let greeted = async {
            let stream = env.dial(&self.address).await.ok()?;
            greeting::dialled(stream, &self.hello, &self.engine).await
        };
        let greeted = tokio::select! {
            biased;
            greeted = greeted => greeted,
            () = env.sleep_until(deadline) => None,
        };
        if greeted.is_none() {
            add(&self.engine.counters.dial_failures, 1);
        }
        greeted
    }

    /// Waits before the next dial; a connection of the peer's ends the pause.
    async fn pause(&self, backoff: &mut Backoff) -> Option<Greeted<E>> {
        let env = &self.engine.env;
        let until = env.now().plus_ns(backoff.next_delay_ns());
        self.lanes.with_breaker(|breaker| breaker.on_failure(until));
        let theirs = tokio::select! {
            biased;
            theirs = self.door.next() => Some(theirs),
            () = env.sleep_until(until) => None,
        };
        self.lanes.with_breaker(|breaker| breaker.on_trial(env.now()));
        theirs
    }
}
