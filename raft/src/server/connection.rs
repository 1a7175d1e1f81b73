//! A connection between two members: messages out of the lanes onto the stream, and off it into the node.
//!
//! The writer takes all control messages first and then one part of a bulk message at a time, so control
//! waits for no more than what has been handed to the stream. The reader runs as a task of its own, because
//! two writers that wait for each other's readers would wait for ever.
//!
//! Not here: who connects and when ([`super::peer`]); bytes and frames ([`super::codec`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::codec::{self, Incoming, Parts, Receiver};
use super::engine::Engine;
use super::env::Env;
use super::greeting::Greeted;
use super::lanes::Lanes;
use super::stats::add;
use super::tasks::Tasks;
use crate::applier::StateMachine;
use crate::message::Message;
use crate::process::Input;
use crate::types::{LocalTime, NodeId};

/// Whose connection it is.
pub(super) struct Link<'a, S: StateMachine, E: Env> {
    pub(super) engine: &'a Arc<Engine<S, E>>,
    pub(super) tasks: &'a Tasks<E>,
    pub(super) lanes: &'a Arc<Lanes>,
    pub(super) peer: NodeId,
}

/// What reader and writer tell each other.
struct Shared {
    /// When something was read last, on the node's clock.
    heard_ns: AtomicU64,
    /// The reader has ended.
    deaf: AtomicBool,
}

/// Serves a connection until it breaks, falls silent or says what it must not.
pub(super) async fn serve<S, E>(link: Link<'_, S, E>, greeted: Greeted<E>)
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    let Greeted { stream, receiver, .. } = greeted;
    let (read_half, write_half) = tokio::io::split(stream);
    let shared = Arc::new(Shared { heard_ns: AtomicU64::new(link.engine.env.now().0), deaf: AtomicBool::new(false) });
    let reader =
        Reader { engine: Arc::clone(link.engine), shared: Arc::clone(&shared), lanes: Arc::clone(link.lanes), peer: link.peer };
    let _reader = link.tasks.spawn_owned(reader.read(read_half, receiver));
    let mut writer = Writer { engine: link.engine, lanes: link.lanes, shared, bytes: BytesMut::new(), parts: None };
    #[cfg(feature = "mutants")]
    {
        writer.bytes = link.lanes.last_batch();
    }
    writer.write(write_half).await;
}

struct Writer<'a, S: StateMachine, E: Env> {
    engine: &'a Arc<Engine<S, E>>,
    lanes: &'a Lanes,
    shared: Arc<Shared>,
    bytes: BytesMut,
    /// The bulk message of which a part was sent.
    parts: Option<Parts>,
}

impl<S: StateMachine + Send + 'static, E: Env> Writer<'_, S, E> {
    async fn write(&mut self, mut stream: impl AsyncWrite + Unpin) {
        let (env, limits) = (&self.engine.env, &self.engine.limits);
        let mut beat = std::pin::pin!(env.sleep_until(env.now().plus_ns(limits.keepalive_ns)));
        let mut silent = true;
        loop {
            if self.shared.deaf.load(Ordering::Acquire) {
                return;
            }
            self.fill();
            if !self.bytes.is_empty() {
                silent = false;
                if !self.send(&mut stream).await {
                    return;
                }
                continue;
            }
            tokio::select! {
                biased;
                () = self.lanes.ready() => continue,
                () = &mut beat => {}
            }
            let now = env.now();
            if self.is_deaf(now) {
                return;
            }
            if silent {
                codec::encode_ping(&mut self.bytes);
                add(&self.engine.counters.frames_sent, 1);
            }
            silent = true;
            beat.set(env.sleep_until(now.plus_ns(limits.keepalive_ns)));
        }
    }

    /// Whether nothing was heard for too long; then the connection is over, and counted.
    fn is_deaf(&self, now: LocalTime) -> bool {
        let heard = LocalTime(self.shared.heard_ns.load(Ordering::Acquire));
        let deaf = now >= heard.plus_ns(self.engine.limits.idle_ns);
        add(&self.engine.counters.idle_closed, u64::from(deaf));
        deaf
    }

    /// Takes as much out of the lanes as may be handed to the stream at once.
    fn fill(&mut self) {
        let limits = &self.engine.limits;
        let mut frames = 0;
        while self.bytes.len() < limits.write_bytes {
            if let Some(message) = self.lanes.next(self.parts.is_some()) {
                if codec::fits_a_frame(&message, &limits.codec) {
                    frames += self.put(&message);
                } else {
                    // The server's start checks that the engine makes none that is too long.
                    self.parts = Parts::new(&message, &limits.codec).ok();
                    add(&self.engine.counters.dropped_too_long, u64::from(self.parts.is_none()));
                }
            } else if let Some(parts) = &mut self.parts {
                if !parts.next_into(&mut self.bytes) {
                    self.parts = None;
                }
                frames += 1;
            } else {
                break;
            }
        }
        add(&self.engine.counters.frames_sent, frames);
    }

    /// Encodes a message in one frame; how many frames that made.
    fn put(&mut self, message: &Message) -> u64 {
        let put = codec::encode_message(message, &self.engine.limits.codec, &mut self.bytes).is_ok();
        add(&self.engine.counters.dropped_too_long, u64::from(!put));
        u64::from(put)
    }

    /// Hands over what is there; the time that it may take grows with its size.
    async fn send(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> bool {
        let (env, limits) = (&self.engine.env, &self.engine.limits);
        let now = env.now();
        // Here too, because who has much to say never comes to a beat.
        if self.is_deaf(now) {
            return false;
        }
        let deadline = now.plus_ns(limits.write_deadline_ns(self.bytes.len()));
        add(&self.engine.counters.bytes_sent, self.bytes.len() as u64);
        #[cfg(feature = "mutants")]
        self.lanes.keep_batch(&self.bytes);
        let bytes = &mut self.bytes;
        let sent = async {
            stream.write_all_buf(bytes).await?;
            stream.flush().await
        };
        tokio::select! {
            biased;
            sent = sent => sent.is_ok(),
            () = env.sleep_until(deadline) => {
                add(&self.engine.counters.write_timeouts, 1);
                false
            }
        }
    }
}

struct Reader<S: StateMachine, E: Env> {
    engine: Arc<Engine<S, E>>,
    shared: Arc<Shared>,
    lanes: Arc<Lanes>,
    peer: NodeId,
}

impl<S: StateMachine + Send + 'static, E: Env> Reader<S, E> {
    async fn read(self, mut stream: impl AsyncRead + Unpin, mut receiver: Receiver) {
        while self.take_all(&mut receiver) {
            #[cfg(feature = "mutants")]
            if self.engine.bug == Some(crate::mutants::Bug::T01) {
                receiver.buffer().clear();
            }
            match stream.read_buf(receiver.buffer()).await {
                Ok(read) if read > 0 => add(&self.engine.counters.bytes_received, read as u64),
                _ => {
                    add(&self.engine.counters.cut_off, u64::from(receiver.end().is_err()));
                    break;
                }
            }
            self.shared.heard_ns.store(self.engine.env.now().0, Ordering::Release);
        }
        self.shared.deaf.store(true, Ordering::Release);
        self.lanes.call();
    }

    /// Hands over every message that has arrived whole. False if the connection cannot go on.
    fn take_all(&self, receiver: &mut Receiver) -> bool {
        loop {
            match receiver.next() {
                Ok(None) => return true,
                Ok(Some(incoming)) => {
                    add(&self.engine.counters.frames_received, 1);
                    if !self.take(incoming) {
                        return false;
                    }
                }
                Err(_) => {
                    add(&self.engine.counters.malformed, 1);
                    return false;
                }
            }
        }
    }

    fn take(&self, incoming: Incoming) -> bool {
        match incoming {
            Incoming::Message(message) if message.envelope.from.node == self.peer => {
                self.engine.handle(Input::Message { from: self.peer, message });
                true
            }
            Incoming::Ping => true,
            Incoming::Message(_) => {
                add(&self.engine.counters.impostors, 1);
                false
            }
            Incoming::Hello(_) | Incoming::Request { .. } | Incoming::Reply { .. } => {
                add(&self.engine.counters.malformed, 1);
                false
            }
        }
    }
}
