//! The driver's [`Env`] in this arena: madsim's executor and TCP, clocks and disks of our own.
//!
//! Not here: what befalls a machine ([`super::Madsim`]).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use madsim::net::{TcpListener, TcpStream};
use madsim::task::JoinHandle;
use squall_raft::process::{DiskError, DiskOp, DiskReply, OpId};
use squall_raft::server::env::{self, Env};
use squall_raft::types::{BootNumber, LocalTime, NodeId};

use super::alarms::{AlarmId, Bell};
use super::journal::Entry;
use super::shared::Shared;
use super::stream::Stream;
use crate::disk::device::Completed;
use crate::entropy::v1::mix;

/// The port on which every node listens.
const PORT: u16 = 7000;

/// madsim lets no task sleep shorter than this; what takes less is added to what comes next.
const SLEEP_MIN_NS: u64 = 1_000_000;

/// Where a machine is.
pub(super) fn address(machine: usize) -> String {
    format!("{}:{PORT}", ip(machine))
}

/// A machine's address without the port.
pub(super) fn ip(machine: usize) -> std::net::IpAddr {
    let last = u8::try_from(machine + 1).unwrap_or(u8::MAX);
    std::net::Ipv4Addr::new(10, 0, 0, last).into()
}

fn machine_at(ip: std::net::IpAddr) -> usize {
    match ip {
        std::net::IpAddr::V4(ip) => usize::from(ip.octets()[3]).saturating_sub(1),
        std::net::IpAddr::V6(_) => usize::MAX,
    }
}

/// One boot of one machine.
#[derive(Clone)]
pub(super) struct SimEnv {
    pub(super) shared: Arc<Shared>,
    /// Its position.
    pub(super) machine: usize,
    pub(super) boot: BootNumber,
}

impl SimEnv {
    fn node(&self) -> NodeId {
        NodeId(self.machine as u64 + 1)
    }

    fn stream(&self, inner: TcpStream) -> io::Result<Stream> {
        let there = machine_at(inner.peer_addr()?.ip());
        Ok(Stream::new(inner, Arc::clone(&self.shared), self.machine, there, self.entropy()))
    }
}

impl Env for SimEnv {
    type Stream = Stream;
    type Listener = Incoming;
    type Task = Spawned;

    fn now(&self) -> LocalTime {
        self.shared.clock(self.machine).local(self.shared.now_ns())
    }

    fn sleep_until(&self, at: LocalTime) -> impl Future<Output = ()> + Send + 'static {
        Sleep { shared: Arc::clone(&self.shared), machine: self.machine, until: at, alarm: None }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Spawned {
        Spawned(madsim::task::spawn(future))
    }

    async fn listen(&self, address: &str) -> io::Result<Incoming> {
        let listener = TcpListener::bind(address).await?;
        Ok(Incoming { env: self.clone(), listener })
    }

    async fn dial(&self, address: &str) -> io::Result<Stream> {
        self.stream(TcpStream::connect(address).await?)
    }

    async fn disk(&self, what: DiskOp) -> Result<DiskReply, DiskError> {
        let done_ns = self.issue(what);
        // Shorter ones are done at once, and the next one starts as much later.
        if done_ns >= self.shared.now_ns() + SLEEP_MIN_NS {
            self.shared.sleep_until(done_ns).await;
        }
        self.while_stalled().await;
        self.complete()
    }

    fn entropy(&self) -> u64 {
        let mut machine = self.shared.machine(self.machine);
        machine.entropy_draws += 1;
        mix(machine.entropy_key, machine.entropy_draws, 0, 0, 0)
    }
}

/// The disk.
impl SimEnv {
    /// Gives the disk an operation. Says when it will be done.
    fn issue(&self, what: DiskOp) -> u64 {
        let mut machine = self.shared.machine(self.machine);
        machine.disk_ops += 1;
        let op = OpId { boot: self.boot, seq: machine.disk_ops };
        machine.device.issue(op, what);
        let (latency_ns, _) = machine.device.head_latency().unwrap_or_default();
        machine.disk_busy_ns = machine.disk_busy_ns.max(self.shared.now_ns()).saturating_add(latency_ns);
        machine.disk_busy_ns
    }

    /// Waits until the disk is not stalled.
    async fn while_stalled(&self) {
        std::future::poll_fn(|cx| {
            let mut machine = self.shared.machine(self.machine);
            if !machine.device.is_stalled() {
                return Poll::Ready(());
            }
            machine.disk_waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn complete(&self) -> Result<DiskReply, DiskError> {
        let mut machine = self.shared.machine(self.machine);
        let Completed { issued, result, touch } = machine.device.complete().ok_or(DiskError::Io)?;
        let (op, what) = (issued.op, issued.what);
        let is_sync = what.is_sync();
        let disk = (is_sync && self.shared.journal().watch.disks).then(|| machine.device.disk().clone());
        drop(machine);
        if let Some(touch) = touch {
            self.shared.write(Entry::DiskTouched { node: self.node(), op, touch });
        }
        self.shared.write(Entry::DiskDone { node: self.node(), op, what, result: result.clone(), disk });
        result
    }
}

/// Sleeps until a machine's clock shows a time.
struct Sleep {
    shared: Arc<Shared>,
    machine: usize,
    until: LocalTime,
    alarm: Option<AlarmId>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let end_ns = self.shared.clock(self.machine).world(self.until);
        if end_ns <= self.shared.now_ns() {
            return Poll::Ready(());
        }
        if let Some(alarm) = self.alarm
            && self.shared.alarms().rewake(alarm, cx.waker())
        {
            return Poll::Pending;
        }
        let bell = Bell::Task { machine: self.machine, local: self.until, waker: cx.waker().clone() };
        self.alarm = Some(self.shared.set_alarm(end_ns, bell));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm {
            self.shared.alarms().cancel(alarm);
        }
    }
}

/// Where connections arrive.
pub(super) struct Incoming {
    env: SimEnv,
    listener: TcpListener,
}

impl env::Listener for Incoming {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<Stream> {
        let (stream, _) = self.listener.accept().await?;
        self.env.stream(stream)
    }

    fn address(&self) -> String {
        address(self.env.machine)
    }
}

/// A task of madsim.
pub(super) struct Spawned(JoinHandle<()>);

impl env::Task for Spawned {
    fn abort(&self) {
        self.0.abort();
    }
}
