//! A connection to one server from outside: requests go in, answers come out, in any order.
//!
//! It connects when it is made, and again with growing pauses whenever the connection breaks. What was
//! asked over a broken connection is [`Lost`]: it may have happened. Whom to ask next, and whether to ask
//! again under the same session and sequence number, is the caller's business, who knows the cluster.
//!
//! The other end: `session`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::backoff::Backoff;
use super::codec::{self, Incoming, Receiver};
use super::env::{Env, Task as _};
use super::tasks::lock;
use super::wire::Hello;
use crate::node::request::{Refused, Reply, Request};
use crate::types::{BootNumber, ClusterId, LocalTime, NodeId};

/// The connection broke, or there was none: whether the request had an effect cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the connection was lost before an answer came")]
pub struct Lost;

/// Where a client connects to, and its limits.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster that must answer.
    pub cluster: ClusterId,
    /// The member that must answer.
    pub node: NodeId,
    /// Its address.
    pub address: String,
    /// Sizes of frames.
    pub codec: codec::Limits,
    /// Requests that may wait for an answer; more wait to be taken. Default 256.
    pub requests_max: usize,
    /// How long connecting may take, and how long a write may. Default 1 s.
    pub patience_ns: u64,
    /// Something is sent at least this often. Default 10 s.
    pub keepalive_ns: u64,
    /// Pause after the first failed dial, and the longest one. Default 10 ms and 1 s.
    pub redial_ns: (u64, u64),
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new(cluster: ClusterId, node: NodeId, address: impl Into<String>) -> Self {
        Self {
            cluster,
            node,
            address: address.into(),
            codec: codec::Limits::default(),
            requests_max: 256,
            patience_ns: 1_000_000_000,
            keepalive_ns: 10_000_000_000,
            redial_ns: (10_000_000, 1_000_000_000),
        }
    }
}

/// Asks one server. Dropping it ends its tasks.
pub struct Client<E: Env> {
    requests: mpsc::Sender<Question>,
    /// Places of those who wait for an answer.
    places: Semaphore,
    task: E::Task,
}

struct Question {
    request: Request,
    answer: oneshot::Sender<Result<Reply, Lost>>,
}

/// Questions that were sent. `None` once the connection is over.
type Open = Arc<Mutex<Option<BTreeMap<u64, oneshot::Sender<Result<Reply, Lost>>>>>>;

impl<E: Env> Drop for Client<E> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<E: Env> Client<E> {
    /// Begins to connect. Requests that are made meanwhile wait for it.
    #[must_use]
    pub fn new(env: E, mut options: Options) -> Self {
        options.requests_max = options.requests_max.clamp(1, Semaphore::MAX_PERMITS);
        let (requests, questions) = mpsc::channel(options.requests_max);
        let places = Semaphore::new(options.requests_max);
        let task = env.spawn(Connector { env: env.clone(), options, questions }.stay_connected());
        Self { requests, places, task }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// If the connection breaks before it comes.
    pub async fn call(&self, request: Request) -> Result<Reply, Lost> {
        let _place = self.places.acquire().await.map_err(|_| Lost)?;
        let (answer, answered) = oneshot::channel();
        self.requests.send(Question { request, answer }).await.map_err(|_| Lost)?;
        answered.await.unwrap_or(Err(Lost))
    }
}

struct Connector<E: Env> {
    env: E,
    options: Options,
    questions: mpsc::Receiver<Question>,
}

/// Ends the reader when the connection does.
struct Reading<T: super::env::Task>(T);

impl<T: super::env::Task> Drop for Reading<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<E: Env> Connector<E> {
    async fn stay_connected(mut self) {
        let (min_ns, max_ns) = self.options.redial_ns;
        let mut backoff = Backoff::new(min_ns, max_ns, self.env.entropy());
        loop {
            if let Some((stream, receiver)) = self.connect().await {
                let since = self.env.now();
                self.serve(stream, receiver).await;
                if self.env.now() >= since.plus_ns(max_ns) {
                    backoff.reset();
                }
            }
            let until = self.env.now().plus_ns(backoff.next_delay_ns());
            self.refuse_until(until).await;
        }
    }

    /// While there is no connection a request is lost at once, so that the caller looks elsewhere.
    async fn refuse_until(&mut self, until: LocalTime) {
        let mut pause = std::pin::pin!(self.env.sleep_until(until));
        loop {
            tokio::select! {
                biased;
                question = self.questions.recv() => match question {
                    Some(question) => drop(question.answer.send(Err(Lost))),
                    None => return,
                },
                () = &mut pause => return,
            }
        }
    }

    async fn connect(&self) -> Option<(E::Stream, Receiver)> {
        let deadline = self.env.now().plus_ns(self.options.patience_ns);
        let connected = async {
            let mut stream = self.env.dial(&self.options.address).await.ok()?;
            let Options { cluster, node, .. } = self.options;
            let mut bytes = BytesMut::new();
            codec::encode_hello(&Hello { cluster, from: None, to: node, boot: BootNumber(0) }, &mut bytes);
            stream.write_all(&bytes).await.ok()?;
            stream.flush().await.ok()?;
            let mut receiver = Receiver::new(self.options.codec);
            loop {
                match receiver.next() {
                    Ok(Some(Incoming::Hello(hello))) => {
                        let right = hello.cluster == cluster && hello.from.is_some_and(|peer| peer.node == node);
                        return right.then_some((stream, receiver));
                    }
                    Ok(None) => {}
                    Ok(Some(_)) | Err(_) => return None,
                }
                if stream.read_buf(receiver.buffer()).await.ok()? == 0 {
                    return None;
                }
            }
        };
        tokio::select! {
            biased;
            connected = connected => connected,
            () = self.env.sleep_until(deadline) => None,
        }
    }

    /// Sends what is asked until the connection is over.
    async fn serve(&mut self, stream: E::Stream, receiver: Receiver) {
        let (read_half, mut write_half) = tokio::io::split(stream);
        let open: Open = Arc::new(Mutex::new(Some(BTreeMap::new())));
        let (over, mut reader_ended) = oneshot::channel::<()>();
        let reading = read(read_half, receiver, Arc::clone(&open));
        let _reading = Reading(self.env.spawn(async move {
            reading.await;
            drop(over);
        }));
        let mut next_id = 0;
        let mut bytes = BytesMut::new();
        let keepalive_ns = self.options.keepalive_ns;
        let mut beat = std::pin::pin!(self.env.sleep_until(self.env.now().plus_ns(keepalive_ns)));
        loop {
            tokio::select! {
                biased;
                _ = &mut reader_ended => break,
                question = self.questions.recv() => match question {
                    Some(question) => self.ask(question, &mut next_id, &open, &mut bytes),
                    None => break,
                },
                () = &mut beat => {
                    codec::encode_ping(&mut bytes);
                    beat.set(self.env.sleep_until(self.env.now().plus_ns(keepalive_ns)));
                }
            }
            while let Ok(question) = self.questions.try_recv() {
                self.ask(question, &mut next_id, &open, &mut bytes);
            }
            let deadline = self.env.now().plus_ns(self.options.patience_ns);
            let sent = async {
                write_half.write_all_buf(&mut bytes).await?;
                write_half.flush().await
            };
            let sent = tokio::select! {
                biased;
                sent = sent => sent.is_ok(),
                () = self.env.sleep_until(deadline) => false,
            };
            if !sent {
                break;
            }
        }
        // Dropping the places of the answers tells whoever waits for one.
        drop(lock(&open).take());
    }

    fn ask(&self, question: Question, next_id: &mut u64, open: &Open, bytes: &mut BytesMut) {
        *next_id += 1;
        if codec::encode_request(*next_id, &question.request, &self.options.codec, bytes).is_err() {
            // Longer than any server takes: it surely had no effect.
            drop(question.answer.send(Ok(Reply::Refused(Refused::TooLarge))));
            return;
        }
        if let Some(open) = &mut *lock(open) {
            if open.len() >= self.options.requests_max {
                // Those who gave up waiting gave their places to others; what is asked for them must not pile up.
                open.retain(|_, answer| !answer.is_closed());
            }
            open.insert(*next_id, question.answer);
        }
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, mut receiver: Receiver, open: Open) {
    loop {
        match receiver.next() {
            Ok(Some(Incoming::Reply { id, reply })) => {
                let answer = lock(&open).as_mut().and_then(|open| open.remove(&id));
                if let Some(answer) = answer {
                    // Whoever asked may have given up.
                    drop(answer.send(Ok(reply)));
                }
            }
            Ok(Some(Incoming::Ping)) => {}
            Ok(None) => match stream.read_buf(receiver.buffer()).await {
                Ok(read) if read > 0 => {}
                _ => return,
            },
            Ok(Some(_)) | Err(_) => return,
        }
    }
}
