//! A TCP connection of madsim that behaves worse: it is cut short, comes in pieces and may be slower than the rest.
//!
//! madsim's streams deliver what was flushed in one piece, break only when a process ends and have one latency for
//! all links. Real ones split frames anywhere, are reset, and differ; these do, as drawn.
//!
//! Not here: cuts and the latency of all links, which are madsim's.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes, BytesMut};
use madsim::net::TcpStream;
use madsim::time::Sleep;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::shared::{Shared, lock};
use crate::entropy::v1::{between, chance_ppm, mix};

/// How many of a million reads return only a part of what is there.
const SHORT_READ_PPM: u32 = 150_000;

/// The longest of those parts.
const SHORT_READ_BYTES_MAX: u64 = 64;

/// What is taken off madsim's stream at once where it has to be kept.
const READ_BYTES: usize = 64 << 10;

/// What a draw decides.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Field {
    Short = 1,
    ShortLen = 2,
    Latency = 3,
}

/// Breaks a connection from outside.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    blown: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

impl Fuse {
    /// Resets the connection at this end.
    pub(super) fn blow(&self) {
        self.blown.store(true, Relaxed);
        if let Some(reader) = lock(&self.reader).take() {
            reader.wake();
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.blown.load(Relaxed) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }

    fn watch(&self, reader: &Waker) {
        *lock(&self.reader) = Some(reader.clone());
    }
}

/// One end of a connection.
pub(super) struct Stream {
    inner: TcpStream,
    fuse: Arc<Fuse>,
    /// Whom the fuse wakes: hardly ever another task, so that the fuse is hardly ever told.
    watching: Option<Waker>,
    shared: Arc<Shared>,
    /// Positions of the machines at this end and at the other.
    here: usize,
    there: usize,
    /// Of this end's draws.
    key: u64,
    reads: u64,
    /// How many bytes the next read may return.
    len_max: usize,
    /// What has come and was not read yet.
    rest: Bytes,
    /// It is not there before this.
    late: Option<Sleep>,
}

impl Stream {
    pub(super) fn new(inner: TcpStream, shared: Arc<Shared>, here: usize, there: usize, key: u64) -> Self {
        let fuse = Arc::new(Fuse::default());
        shared.add_fuse(here, there, &fuse);
        let mut stream =
            Self { inner, fuse, watching: None, shared, here, there, key, reads: 0, len_max: 0, rest: Bytes::new(), late: None };
        stream.len_max = stream.draw_len_max();
        stream
    }

    fn draw(&self, field: Field) -> u64 {
        mix(self.key, self.reads, 0, 0, field as u64)
    }

    /// Takes the next piece off madsim's stream and keeps it until it is due.
    fn poll_late(&mut self, cx: &mut Context<'_>, extra_ns: u64) -> Poll<io::Result<()>> {
        let mut space = BytesMut::zeroed(READ_BYTES);
        let mut buffer = ReadBuf::new(&mut space);
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer))?;
        let len = buffer.filled().len();
        space.truncate(len);
        self.rest = space.freeze();
        let until_ns = self.shared.now_ns().saturating_add(extra_ns);
        self.late = (len > 0).then(|| self.shared.sleep_until(until_ns));
        Poll::Ready(Ok(()))
    }

    /// How much a read may return. Few get less than there is, and only some bytes of it.
    fn draw_len_max(&self) -> usize {
        if chance_ppm(self.draw(Field::Short), SHORT_READ_PPM) {
            usize::try_from(between(self.draw(Field::ShortLen), 1, SHORT_READ_BYTES_MAX)).unwrap_or(usize::MAX)
        } else {
            usize::MAX
        }
    }

    fn poll_read_now(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let len_max = self.len_max.min(buffer.remaining());
        let extra_ns = self.shared.extra_latency_ns(self.there, self.here, || self.draw(Field::Latency));
        if self.rest.is_empty() && extra_ns == 0 {
            if len_max == buffer.remaining() {
                return Pin::new(&mut self.inner).poll_read(cx, buffer);
            }
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(len_max));
            std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
            let len = part.filled().len();
            buffer.advance(len);
            return Poll::Ready(Ok(()));
        }
        if self.rest.is_empty() {
            std::task::ready!(self.poll_late(cx, extra_ns))?;
        }
        if let Some(late) = &mut self.late {
            std::task::ready!(Pin::new(late).poll(cx));
            self.late = None;
        }
        let len = self.rest.len().min(len_max);
        buffer.put_slice(&self.rest[..len]);
        self.rest.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.fuse.check()?;
        let read = this.poll_read_now(cx, buffer);
        if read.is_pending() {
            if this.watching.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
                this.fuse.watch(cx.waker());
                this.watching = Some(cx.waker().clone());
            }
        } else {
            this.reads += 1;
            this.len_max = this.draw_len_max();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.fuse.check()?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fuse.check()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
