//! [`Env`] in production: tokio's tasks, time and TCP, and a real folder.
//!
//! Not here: what is done with them. Read next: [`super::Server`].

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::Instant;

use super::env::{Env, Listener, Task};
use super::files::{Disk, Files};
use super::tasks::lock;
use crate::process::{DiskError, DiskOp, DiskReply};
use crate::types::LocalTime;

/// What the system buffers of one connection: control waits for no more than these bytes of bulk.
const SEND_BUFFER_BYTES: u32 = 256 << 10;

/// Connections that have arrived and were not taken yet.
const BACKLOG: u32 = 1_024;

/// Further away than any deadline; the sum with now must exist.
const FAR: Duration = Duration::from_secs(86_400 * 365);

/// Tokio and a folder.
#[derive(Clone, Debug)]
pub struct Native {
    origin: Instant,
    disk: Arc<Mutex<Files>>,
}

impl Native {
    /// Serves from these files. Its clock begins now.
    #[must_use]
    pub fn new(files: Files) -> Self {
        Self { origin: Instant::now(), disk: Arc::new(Mutex::new(files)) }
    }
}

impl Env for Native {
    type Stream = TcpStream;
    type Listener = TcpListener;
    type Task = AbortHandle;

    fn now(&self) -> LocalTime {
        LocalTime(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, at: LocalTime) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep_until(self.origin + Duration::from_nanos(at.0).min(self.origin.elapsed() + FAR))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        tokio::spawn(future).abort_handle()
    }

    async fn listen(&self, address: &str) -> io::Result<TcpListener> {
        let at = lookup_host(address).await?.next().ok_or_else(no_address)?;
        // Connections that are taken inherit what it is set to.
        let socket = socket_for(at)?;
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        socket.listen(BACKLOG)
    }

    async fn dial(&self, address: &str) -> io::Result<TcpStream> {
        dial_any(lookup_host(address).await?).await
    }

    async fn disk(&self, op: DiskOp) -> Result<DiskReply, DiskError> {
        let disk = Arc::clone(&self.disk);
        // A task that was aborted or has panicked tells nothing about the disk but that it cannot be relied on.
        spawn_blocking(move || execute(&mut lock(&disk), &op)).await.unwrap_or(Err(DiskError::Io))
    }

    fn entropy(&self) -> u64 {
        use std::hash::{BuildHasher as _, Hasher as _};
        #[expect(clippy::disallowed_types, reason = "production draws from the operating system; simulations have their own Env")]
        let state = std::hash::RandomState::new();
        state.build_hasher().finish()
    }
}

/// The node hears in one word what went wrong; whoever has to mend it needs to know where and why.
fn execute(files: &mut Files, op: &DiskOp) -> Result<DiskReply, DiskError> {
    let result = files.execute(op);
    if let (Err(_), Some(failure)) = (&result, files.last_failure()) {
        tracing::error!(target: "squall", %failure, "a disk operation failed");
    }
    result
}

/// Connects to the first address that answers: a name may have several, of which the server has only one.
async fn dial_any(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut failed = no_address();
    for at in addresses {
        match connect(at).await {
            Ok(stream) => return Ok(stream),
            // Also if the machine knows no such family of addresses: then there is not even a socket.
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn connect(at: SocketAddr) -> io::Result<TcpStream> {
    let stream = socket_for(at)?.connect(at).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

fn socket_for(at: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    Ok(socket)
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn address(&self) -> String {
        self.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
    }
}

impl Task for AbortHandle {
    fn abort(&self) {
        Self::abort(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No name has two addresses on every machine, so they are given here.
    #[tokio::test]
    async fn every_address_is_tried_until_one_answers() {
        let socket = socket_for("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        // Bound and not listening: it refuses, and nobody else can have it.
        let refuses = socket.local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let answers = listener.local_addr().unwrap();
        for addresses in [vec![answers], vec![refuses, answers], vec![refuses, refuses, answers, refuses]] {
            let stream = dial_any(addresses.into_iter()).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), answers);
        }
        let refused = dial_any([refuses, refuses].into_iter()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(dial_any([].into_iter()).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
