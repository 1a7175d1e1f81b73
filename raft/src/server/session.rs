//! A client's connection: its requests go to the node, the answers come back in whatever order they are ready.
//!
//! A place for the answer is reserved before the next request is read, so that a client that asks and
//! does not listen stops being heard, and nothing grows. Requests that came in one piece are served in one.
//!
//! Not here: what sessions mean to the state machine ([`crate::applier`]). The other end: [`super::client`].

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{self, OwnedPermit};

use super::codec::{self, Incoming};
use super::engine::{Engine, ReplyTo};
use super::env::Env;
use super::greeting::Greeted;
use super::stats::add;
use super::tasks::Tasks;
use crate::applier::StateMachine;
use crate::node::request::Reply;

type Place = OwnedPermit<(u64, Reply)>;

/// Serves a client until it hangs up, says what it must not, or does not take its answers.
pub(super) async fn serve<S, E>(engine: Arc<Engine<S, E>>, tasks: Arc<Tasks<E>>, place: OwnedSemaphorePermit, greeted: Greeted<E>)
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    let Greeted { stream, mut receiver, .. } = greeted;
    let (mut read_half, write_half) = tokio::io::split(stream);
    let (answers, waiting) = mpsc::channel(engine.limits.session_requests_max);
    // Not owned: when the reader has ended, what was asked is still answered.
    tasks.spawn(answer(Arc::clone(&engine), place, write_half, waiting));
    let (env, idle_ns) = (engine.env.clone(), engine.limits.session_idle_ns);
    let mut heard = env.now();
    let mut silence = std::pin::pin!(env.sleep_until(heard.plus_ns(idle_ns)));
    loop {
        match receiver.next() {
            Ok(Some(Incoming::Request { id, request })) => {
                add(&engine.counters.frames_received, 1);
                let Ok(place) = place_for_answer(&engine, &answers).await else {
                    return;
                };
                engine.accept(request, ReplyTo::Session(id, place));
            }
            Ok(Some(Incoming::Ping)) => add(&engine.counters.frames_received, 1),
            Ok(None) => {
                engine.serve_accepted();
                let read = tokio::select! {
                    biased;
                    // A client that pings would wait for ever for answers that cannot be sent any more.
                    () = answers.closed() => return,
                    read = read_half.read_buf(receiver.buffer()) => read.unwrap_or(0),
                    () = &mut silence => {
                        if env.now() >= heard.plus_ns(idle_ns) {
                            add(&engine.counters.idle_closed, 1);
                            return;
                        }
                        silence.set(env.sleep_until(heard.plus_ns(idle_ns)));
                        continue;
                    }
                };
                if read == 0 {
                    add(&engine.counters.cut_off, u64::from(receiver.end().is_err()));
                    return;
                }
                heard = env.now();
                add(&engine.counters.bytes_received, read as u64);
            }
            Ok(Some(_)) | Err(_) => {
                engine.serve_accepted();
                add(&engine.counters.malformed, 1);
                return;
            }
        }
    }
}

/// A place for one more answer; if none is free, nothing that was accepted before may wait for it.
async fn place_for_answer<S, E>(engine: &Engine<S, E>, answers: &mpsc::Sender<(u64, Reply)>) -> Result<Place, SendError<()>>
where
    S: StateMachine + Send + 'static,
    E: Env,
{
    match answers.clone().try_reserve_owned() {
        Ok(place) => Ok(place),
        Err(_) => {
            engine.serve_accepted();
            answers.clone().reserve_owned().await
        }
    }
}

/// Ends when the reader has and everything that was asked has its answer, or when an answer cannot be sent.
///
/// Until then it has the client's place, or clients that ask and hang up could leave more behind than there is room for.
async fn answer<S, E>(
    engine: Arc<Engine<S, E>>,
    _place: OwnedSemaphorePermit,
    mut stream: impl AsyncWrite + Unpin,
    mut answers: mpsc::Receiver<(u64, Reply)>,
) where
    S: StateMachine + Send + 'static,
    E: Env,
{
    let mut bytes = BytesMut::new();
    while let Some((id, reply)) = answers.recv().await {
        encode(&engine, id, &reply, &mut bytes);
        while bytes.len() < engine.limits.write_bytes
            && let Ok((id, reply)) = answers.try_recv()
        {
            encode(&engine, id, &reply, &mut bytes);
        }
        add(&engine.counters.bytes_sent, bytes.len() as u64);
        let deadline = engine.env.now().plus_ns(engine.limits.write_deadline_ns(bytes.len()));
        let sent = async {
            stream.write_all_buf(&mut bytes).await?;
            stream.flush().await
        };
        let sent = tokio::select! {
            biased;
            sent = sent => sent.is_ok(),
            () = engine.env.sleep_until(deadline) => {
                add(&engine.counters.write_timeouts, 1);
                false
            }
        };
        if !sent {
            return;
        }
    }
}

fn encode<S, E>(engine: &Engine<S, E>, id: u64, reply: &Reply, bytes: &mut BytesMut)
where
    S: StateMachine,
    E: Env,
{
    if codec::encode_reply(id, reply, &engine.limits.codec, bytes).is_err() {
        // It has happened, but what came of it cannot be told: as if the answer had been lost.
        add(&engine.counters.dropped_too_long, 1);
        return;
    }
    add(&engine.counters.frames_sent, 1);
}
