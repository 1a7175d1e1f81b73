//! What the driver needs of the machine that it runs on, in one bundle.
//!
//! Production gives it tokio and real files ([`super::native`]); a simulator gives it clocks that run
//! wrong, streams that break and disks that forget. Nothing else in the driver touches the outside,
//! so the code that is put under storm is the code that serves.
//!
//! Futures of an `Env` are polled by any task of the server and may be dropped at any time.
//! Read next: [`super::limits`].

use std::future::Future;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::process::{DiskError, DiskOp, DiskReply};
use crate::types::LocalTime;

/// Tasks, time, byte streams, one disk and randomness.
pub trait Env: Clone + Send + Sync + 'static {
    /// A connection: reliable, ordered bytes until it breaks.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Where connections arrive.
    type Listener: Listener<Stream = Self::Stream>;
    /// A spawned task.
    type Task: Task;

    /// The node's monotonic clock.
    fn now(&self) -> LocalTime;

    /// Ends when the clock shows at least `at`. Polling it often is cheap; dropping it takes the alarm back.
    fn sleep_until(&self, at: LocalTime) -> impl Future<Output = ()> + Send + 'static;

    /// Runs a future beside the caller until it ends or is aborted.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Self::Task;

    /// Takes connections at an address.
    ///
    /// # Errors
    /// For example if the address is in use.
    fn listen(&self, address: &str) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// Connects to an address. The driver sets a deadline.
    ///
    /// # Errors
    /// If nobody answers there.
    fn dial(&self, address: &str) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Carries out one operation on the node's folder. The driver starts one after the other.
    fn disk(&self, op: DiskOp) -> impl Future<Output = Result<DiskReply, DiskError>> + Send;

    /// 64 random bits.
    fn entropy(&self) -> u64;
}

/// Where connections arrive.
pub trait Listener: Send + 'static {
    /// See [`Env::Stream`].
    type Stream;

    /// The next connection.
    ///
    /// # Errors
    /// If this one failed; the next may not.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Where it listens, with the port that was chosen if 0 was asked for.
    fn address(&self) -> String;
}

/// A handle to a task. Dropping it leaves the task alone.
pub trait Task: Send + 'static {
    /// Drops the task's future, soon; no effect if it has ended.
    fn abort(&self);
}
