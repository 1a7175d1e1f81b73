//! Upper bounds of the driver: queues, frames, waits. Every queue has one and every wait has a deadline.
//!
//! Not here: the limits of consensus ([`crate::config::Limits`]). Read next: `engine`.

use std::num::NonZeroU32;

use thiserror::Error;
use tokio::sync::Semaphore;

use super::codec;
use crate::config::Config;

const MS: u64 = 1_000_000;

/// The driver's limits. Times are on the node's own clock.
///
/// ```
/// use squall_raft::config::Config;
/// use squall_raft::membership::Configuration;
/// use squall_raft::server::limits::Limits;
/// use squall_raft::types::{ClusterId, NodeId};
///
/// let members = Configuration::of_voters([NodeId(1)]).unwrap();
/// let config = Config::new(ClusterId(7), NodeId(1), members);
/// assert!(Limits::for_config(&config).validate().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sizes of frames and messages.
    pub codec: codec::Limits,
    /// Control messages that wait for one peer; more are dropped, because a late heartbeat helps nobody. Default 1,024.
    pub control_messages_max: usize,
    /// Messages with entries that wait for one peer. Default 1,024.
    pub bulk_messages_max: usize,
    /// Payload bytes of those; one message may exceed it alone. Default 16 MiB.
    pub bulk_bytes_max: u64,
    /// Bytes that are handed to the stream at once. Control waits for no more than these. Default 64 KiB.
    pub write_bytes: usize,
    /// Connections that have not said who they are. Default 64.
    pub strangers_max: usize,
    /// Clients that are connected at the same time. Default 1,024.
    pub sessions_max: usize,
    /// Requests of one client that wait for an answer; the next one is not read before. Default 256.
    pub session_requests_max: usize,
    /// Requests that are handed to the node together; what else waits makes the next batch. Whatever waits for the node
    /// meanwhile, heartbeats included, waits for a whole batch. Default 256: writing more of them together saves little more.
    pub batch_requests_max: usize,
    /// Payload bytes of those, unless a single request is larger. Default 1 MiB, what one append carries by default.
    pub batch_bytes_max: u64,
    /// A client that says nothing for so long is hung up on. Default 60 s.
    pub session_idle_ns: u64,
    /// Disk operations that wait for the disk. The store keeps one batch under way and reads one piece back beside it, or two ahead of
    /// a recovery, so 3 are never exceeded. Default 256.
    pub disk_ops_max: usize,
    /// Within this a connection must be made and both sides must have said who they are. Default: the longest election timeout.
    pub handshake_ns: u64,
    /// A connection that is silent for so long, or at most for twice so long, has something sent over it. Default: half of the
    /// longest election timeout.
    pub keepalive_ns: u64,
    /// A connection that is deaf for so long is closed. Default: twice the longest election timeout.
    pub idle_ns: u64,
    /// A write may take this long ..  Default: the longest election timeout.
    pub write_ns: u64,
    /// .. and this much longer for each KiB. Default 1 ms, which is a megabyte per second.
    pub write_ns_per_kib: u64,
    /// Pause after the first failed dial. Default 10 ms.
    pub redial_min_ns: u64,
    /// The longest pause between two dials. Default: the longest election timeout.
    pub redial_max_ns: u64,
    /// Failed dials in a row until messages for the peer are dropped rather than kept. Default 3.
    pub breaker_failures: NonZeroU32,
    /// How long a shutdown waits for requests under way, for their answers to be sent, and for tasks to end. Default 2 s each.
    pub drain_ns: u64,
}

/// Which relation does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("server.{field}: found {found}, expected {expected}")]
pub struct LimitsError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub found: u64,
    /// What would be valid.
    pub expected: &'static str,
}

impl Limits {
    /// The defaults for an engine with these timings.
    #[must_use]
    pub fn for_config(config: &Config) -> Self {
        let patience_ns = config.timing.election_timeout_max_ns;
        Self {
            codec: codec::Limits::default(),
            control_messages_max: 1_024,
            bulk_messages_max: 1_024,
            bulk_bytes_max: 16 << 20,
            write_bytes: 64 << 10,
            strangers_max: 64,
            sessions_max: 1_024,
            session_requests_max: 256,
            batch_requests_max: 256,
            batch_bytes_max: 1 << 20,
            session_idle_ns: 60_000 * MS,
            disk_ops_max: 256,
            handshake_ns: patience_ns,
            keepalive_ns: patience_ns / 2,
            idle_ns: patience_ns.saturating_mul(2),
            write_ns: patience_ns,
            write_ns_per_kib: MS,
            redial_min_ns: 10 * MS,
            redial_max_ns: patience_ns.max(10 * MS),
            breaker_failures: NonZeroU32::MIN.saturating_add(2),
            drain_ns: 2_000 * MS,
        }
    }

    /// Checks every relation between the limits.
    ///
    /// # Errors
    /// Names the first field that breaks one.
    pub fn validate(&self) -> Result<(), LimitsError> {
        let counts = [
            ("control_messages_max", self.control_messages_max),
            ("bulk_messages_max", self.bulk_messages_max),
            ("write_bytes", self.write_bytes),
            ("strangers_max", self.strangers_max),
            ("sessions_max", self.sessions_max),
            ("session_requests_max", self.session_requests_max),
            ("batch_requests_max", self.batch_requests_max),
            ("disk_ops_max", self.disk_ops_max),
        ];
        for (field, found) in counts {
            require(found > 0, field, found as u64, "more than 0")?;
            // Channels and semaphores panic beyond.
            require(found <= Semaphore::MAX_PERMITS, field, found as u64, "at most an eighth of the largest number")?;
        }
        require(self.disk_ops_max >= 3, "disk_ops_max", self.disk_ops_max as u64, "at least 3")?;
        require(self.batch_bytes_max > 0, "batch_bytes_max", self.batch_bytes_max, "more than 0")?;
        let waits = [
            ("handshake_ns", self.handshake_ns),
            ("write_ns", self.write_ns),
            ("keepalive_ns", self.keepalive_ns),
            ("session_idle_ns", self.session_idle_ns),
        ];
        for (field, found) in waits {
            require(found > 0, field, found, "more than 0")?;
        }
        require(
            self.idle_ns > self.keepalive_ns.saturating_mul(2),
            "idle_ns",
            self.idle_ns,
            "more than twice keepalive_ns, or quiet connections are closed",
        )?;
        require(self.redial_min_ns > 0, "redial_min_ns", self.redial_min_ns, "more than 0")?;
        require(self.redial_max_ns >= self.redial_min_ns, "redial_max_ns", self.redial_max_ns, "at least redial_min_ns")
    }

    /// How long a write of so many bytes may take.
    #[must_use]
    pub fn write_deadline_ns(&self, bytes: usize) -> u64 {
        let kib = (bytes as u64).div_ceil(1024);
        self.write_ns.saturating_add(kib.saturating_mul(self.write_ns_per_kib))
    }
}

fn require(holds: bool, field: &'static str, found: u64, expected: &'static str) -> Result<(), LimitsError> {
    if holds { Ok(()) } else { Err(LimitsError { field, found, expected }) }
}
