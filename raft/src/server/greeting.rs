//! The first words on a connection: who speaks, of which cluster, to whom.
//!
//! The side that dialled speaks first; the other answers only if it is the one that was meant and
//! knows the caller. Until both have greeted, a connection can do nothing, and it has little time.
//!
//! Not here: deadlines and how many strangers may wait ([`super::listener`], [`super::peer`]).

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::codec::{self, Incoming, Receiver};
use super::engine::Engine;
use super::env::Env;
use super::stats::add;
use super::wire::Hello;
use crate::applier::StateMachine;

/// A connection on which both sides have said who they are.
pub(super) struct Greeted<E: Env> {
    pub(super) stream: E::Stream,
    /// Holds what has been read beyond the greeting.
    pub(super) receiver: Receiver,
    /// What the other side said.
    pub(super) hello: Hello,
    /// Whether we dialled.
    pub(super) ours: bool,
}

/// Greets first, and hears the answer. `None` if there is none, or not the right one.
pub(super) async fn dialled<S, E>(mut stream: E::Stream, ours: &Hello, engine: &Engine<S, E>) -> Option<Greeted<E>>
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    say(&mut stream, ours, engine).await?;
    let mut receiver = Receiver::new(engine.limits.codec);
    let hello = hear(&mut stream, &mut receiver, engine).await?;
    let meant = hello.cluster == ours.cluster && hello.from.is_some_and(|peer| peer.node == ours.to);
    if !meant || ours.from.map(|me| me.node) != Some(hello.to) {
        add(&engine.counters.strangers_refused, 1);
        return None;
    }
    Some(Greeted { stream, receiver, hello, ours: true })
}

/// Hears who it is. The caller decides whether to [`say`] anything.
pub(super) async fn accepted<S, E>(mut stream: E::Stream, engine: &Engine<S, E>) -> Option<Greeted<E>>
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    let mut receiver = Receiver::new(engine.limits.codec);
    let hello = hear(&mut stream, &mut receiver, engine).await?;
    Some(Greeted { stream, receiver, hello, ours: false })
}

/// Greets.
pub(super) async fn say<S, E>(stream: &mut E::Stream, hello: &Hello, engine: &Engine<S, E>) -> Option<()>
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    let mut bytes = BytesMut::new();
    codec::encode_hello(hello, &mut bytes);
    add(&engine.counters.frames_sent, 1);
    add(&engine.counters.bytes_sent, bytes.len() as u64);
    stream.write_all(&bytes).await.ok()?;
    stream.flush().await.ok()
}

async fn hear<S, E>(stream: &mut E::Stream, receiver: &mut Receiver, engine: &Engine<S, E>) -> Option<Hello>
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    loop {
        match receiver.next() {
            Ok(Some(Incoming::Hello(hello))) => {
                add(&engine.counters.frames_received, 1);
                return Some(hello);
            }
            Ok(None) if !receiver.is_assembling() => {}
            // Anything else before a greeting is as bad as no frame at all; a part too, because what it is a part
            // of may be long, and a stranger is not to have so much memory.
            Ok(_) | Err(_) => {
                add(&engine.counters.malformed, 1);
                return None;
            }
        }
        let read = stream.read_buf(receiver.buffer()).await.ok()?;
        add(&engine.counters.bytes_received, read as u64);
        if read == 0 {
            add(&engine.counters.cut_off, u64::from(receiver.end().is_err()));
            return None;
        }
    }
}
