//! What a node is told at its start: identity, timings and limits, with the relations that must hold.
//!
//! Read next: [`crate::core`], which obeys them.

use thiserror::Error;

use crate::membership::Configuration;
use crate::types::{ClusterId, NodeId, Peer};

/// A node's settings. All of them are fixed for a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which cluster.
    pub cluster: ClusterId,
    /// Who the node is, in which life.
    pub me: Peer,
    /// The members that the cluster starts with.
    pub membership: Configuration,
    /// Timings.
    pub timing: Timing,
    /// How elections are held.
    pub elections: Elections,
    /// Whether a follower passes a client's command on to the leader that it knows, and answers when it has applied it.
    /// Default off: a client that is told who leads is one hop away from then on, while each command that
    /// is passed on takes one hop more, and where the leader is lost its outcome is unknown instead of refused.
    /// Worth it where clients cannot reach every member. Members may differ in it.
    pub forward_proposals: bool,
    /// Limits.
    pub limits: Limits,
    /// How the log lies on the disk.
    pub log: Log,
    /// Whether a folder without a log is where this member begins. Default no: there a member has lost its log, and with it its
    /// vote, and it must not start. Say it at the first start of a new member, until that has succeeded.
    pub initialize: bool,
    /// The planted bug that is active in this node, if any.
    #[cfg(feature = "mutants")]
    pub bug: Option<crate::mutants::Bug>,
}

/// Durations on the node's own clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Shortest time without a leader before a follower campaigns. Default 150 ms (paper, §9.3).
    pub election_timeout_min_ns: u64,
    /// Longest; each timeout is drawn anew from this range. Default 300 ms.
    pub election_timeout_max_ns: u64,
    /// Time between two heartbeat rounds of an idle leader. Default 50 ms: three may be lost.
    pub heartbeat_interval_ns: u64,
    /// How long the disk may owe a write without finishing any before the node gives its
    /// leadership up and stops campaigning. Default 1.5 s, five of the longest election timeouts: syncs of a
    /// busy disk take hundreds of milliseconds now and then, and giving way costs an election;
    /// clients who wait for some seconds should still see the next leader.
    pub disk_stall_ns: u64,
}

/// How elections are held. Members may differ in all of it: nothing breaks, though each switch helps most where all have it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elections {
    /// Ask whether an election could be won before raising the term for it (thesis, §9.6), so
    /// that a node that was cut off disturbs nobody when it comes back. Default on.
    pub pre_vote: bool,
    /// A leader that hears from no quorum for the longest election timeout steps down (thesis,
    /// §6.2). Default on: without it a leader that can speak but not hear keeps its followers
    /// loyal and commits nothing, and clients wait for it.
    pub check_quorum: bool,
    /// From 0 to [`PRIORITY_MAX`], the default. Each step below waits one more width of the
    /// range of election timeouts, so a node of a higher priority campaigns first if both
    /// heard the leader last at the same time. It never keeps a node from being elected.
    pub priority: u8,
}

/// The highest priority. Four are enough to tell a favourite, its deputies, the rest and a last
/// resort apart, and the lowest waits less than four times as long as the highest.
pub const PRIORITY_MAX: u8 = 3;

/// No timing is longer: what is, was meant in another unit.
const HOUR_NS: u64 = 3_600_000_000_000;

/// Upper bounds on what a node holds or sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Appends under way to one follower. Default 256.
    pub inflight_appends_max: u32,
    /// Payload bytes under way to one follower, at which no further append leaves, so that they
    /// are exceeded by one append at most. Default 16 MiB: a round trip of 10 ms at 10 Gbit/s,
    /// and far less than 256 appends of full size would keep in memory for a follower that hangs.
    pub inflight_bytes_max: u64,
    /// Payload bytes in one append, unless a single entry is larger. Default 1 MiB.
    pub append_bytes_max: u64,
    /// Entries in one append. Default 1,024.
    pub append_entries_max: u32,
    /// Payload bytes of one command. Default 1 MiB.
    pub command_bytes_max: u64,
    /// Payload bytes that a leader holds uncommitted before it answers *busy*. Default 64 MiB.
    pub uncommitted_bytes_max: u64,
    /// Reads that wait for a round before a leader answers *busy*. Default 4,096.
    pub pending_reads_max: u32,
    /// Commands that a follower has passed on and not seen applied; those beyond are refused with the
    /// leader's name. Default 1,024.
    pub forwards_max: u32,
    /// Payload bytes of the log that stay in memory once they are durable; older ones are read back from the disk when they are needed. What
    /// was read back last has a quarter of it. Default 64 MiB: a follower that was away for some seconds is still served from memory. With 0
    /// everything is read back that is not used at once.
    pub log_cache_bytes_max: u64,
    /// Client sessions; the one that was used least recently gives way. Default 4,096.
    pub sessions_max: u32,
    /// Cached answers of one session before its oldest gives way. Default 128.
    pub session_answers_max: u32,
}

/// How the log lies on the disk. Members may differ in it, and so may two boots of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Bytes of a segment; a batch that does not fit begins the next one. Default 64 MiB: what is no longer needed goes by the
    /// segment, and making one costs three syncs.
    pub segment_bytes: u64,
    /// Whether a segment's space is reserved when it is made. Default yes: a full disk is told before anything of a batch is
    /// written, a sync need not write the file's length as well, and a segment that was cut short is recognised.
    pub preallocate: bool,
    /// How many bytes of reserved space are overwritten with zeros at once before batches of at most a 128th of that get there; 0 for none. Default
    /// 2 MiB: a batch that reaches blocks which were never written takes a sync half as long again, since the file system must note it.
    pub zero_ahead_bytes: u64,
}

/// The most that may be zeroed at once: a batch waits for it.
pub const ZERO_AHEAD_BYTES_MAX: u64 = 16 << 20;

/// The smallest segment: a header, a seal and two frames.
pub const SEGMENT_BYTES_MIN: u64 = 4 * 512;

impl Default for Log {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, preallocate: true, zero_ahead_bytes: 2 << 20 }
    }
}

impl Log {
    /// Checks the sizes.
    ///
    /// # Errors
    /// If that of segments is below [`SEGMENT_BYTES_MIN`] or above 1 GiB, or more is to be zeroed at once than [`ZERO_AHEAD_BYTES_MAX`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        require((SEGMENT_BYTES_MIN..=1 << 30).contains(&self.segment_bytes), "log.segment_bytes", self.segment_bytes, || {
            format!("{SEGMENT_BYTES_MIN} bytes to 1 GiB")
        })?;
        require(self.zero_ahead_bytes <= ZERO_AHEAD_BYTES_MAX, "log.zero_ahead_bytes", self.zero_ahead_bytes, || {
            format!("at most {ZERO_AHEAD_BYTES_MAX} bytes")
        })
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            election_timeout_min_ns: 150_000_000,
            election_timeout_max_ns: 300_000_000,
            heartbeat_interval_ns: 50_000_000,
            disk_stall_ns: 1_500_000_000,
        }
    }
}

impl Default for Elections {
    fn default() -> Self {
        Self { pre_vote: true, check_quorum: true, priority: PRIORITY_MAX }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inflight_appends_max: 256,
            inflight_bytes_max: 16 << 20,
            append_bytes_max: 1 << 20,
            append_entries_max: 1_024,
            command_bytes_max: 1 << 20,
            uncommitted_bytes_max: 64 << 20,
            pending_reads_max: 4_096,
            forwards_max: 1_024,
            log_cache_bytes_max: 64 << 20,
            sessions_max: 4_096,
            session_answers_max: 128,
        }
    }
}

/// Which relation does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: found {found}, expected {expected}")]
pub struct ConfigError {
    /// The field, as a path.
    pub field: &'static str,
    /// Its value.
    pub found: u64,
    /// What would be valid.
    pub expected: String,
}

impl Config {
    /// The defaults for one member of a cluster.
    #[must_use]
    pub fn new(cluster: ClusterId, node: NodeId, membership: Configuration) -> Self {
        Self {
            cluster,
            me: Peer { node, ..Peer::default() },
            membership,
            timing: Timing::default(),
            elections: Elections::default(),
            forward_proposals: false,
            limits: Limits::default(),
            log: Log::default(),
            initialize: false,
            #[cfg(feature = "mutants")]
            bug: None,
        }
    }

    /// Checks every relation between the settings.
    ///
    /// # Errors
    /// Names the first field that breaks one.
    ///
    /// ```
    /// # use squall_raft::{config::Config, membership::Configuration, types::{ClusterId, NodeId}};
    /// let members = Configuration::of_voters([NodeId(1)]).unwrap();
    /// let mut config = Config::new(ClusterId(7), NodeId(1), members);
    /// assert!(config.validate().is_ok());
    /// config.timing.heartbeat_interval_ns = config.timing.election_timeout_min_ns;
    /// assert_eq!(config.validate().unwrap_err().field, "timing.heartbeat_interval");
    /// ```
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.timing.validate()?;
        self.elections.validate()?;
        self.limits.validate()?;
        self.log.validate()
    }
}

fn require(holds: bool, field: &'static str, found: u64, expected: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError { field, found, expected: expected() }) }
}

impl Timing {
    /// Checks the relations between timings.
    ///
    /// # Errors
    /// Names the first field that breaks one.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (min, max) = (self.election_timeout_min_ns, self.election_timeout_max_ns);
        require(self.heartbeat_interval_ns > 0, "timing.heartbeat_interval", 0, || "more than 0".into())?;
        require(
            self.heartbeat_interval_ns.saturating_mul(2) <= min,
            "timing.heartbeat_interval",
            self.heartbeat_interval_ns,
            || format!("at most half of the shortest election timeout, {} ns", min / 2),
        )?;
        require(max > min, "timing.election_timeout_max", max, || {
            format!("more than the minimum of {min} ns: equal timeouts split votes for ever")
        })?;
        require(max <= HOUR_NS, "timing.election_timeout_max", max, || "at most an hour".into())?;
        require(self.disk_stall_ns >= max, "timing.disk_stall", self.disk_stall_ns, || {
            format!("at least the longest election timeout, {max} ns: nobody could be elected sooner")
        })?;
        require(self.disk_stall_ns <= HOUR_NS, "timing.disk_stall", self.disk_stall_ns, || "at most an hour".into())
    }
}

impl Elections {
    /// Checks the priority.
    ///
    /// # Errors
    /// If it is above [`PRIORITY_MAX`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        require(self.priority <= PRIORITY_MAX, "elections.priority", self.priority.into(), || format!("at most {PRIORITY_MAX}"))
    }

    /// How much longer than others this node waits, where timeouts are drawn from a range of this width.
    #[must_use]
    pub const fn stretch_ns(&self, width_ns: u64) -> u64 {
        (PRIORITY_MAX.saturating_sub(self.priority) as u64).saturating_mul(width_ns)
    }
}

impl Limits {
    /// Checks the relations between limits.
    ///
    /// # Errors
    /// Names the first field that breaks one.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for (field, found) in [
            ("limits.inflight_appends_max", u64::from(self.inflight_appends_max)),
            ("limits.append_bytes_max", self.append_bytes_max),
            ("limits.append_entries_max", u64::from(self.append_entries_max)),
            ("limits.command_bytes_max", self.command_bytes_max),
            ("limits.pending_reads_max", u64::from(self.pending_reads_max)),
            ("limits.forwards_max", u64::from(self.forwards_max)),
            ("limits.sessions_max", u64::from(self.sessions_max)),
            ("limits.session_answers_max", u64::from(self.session_answers_max)),
        ] {
            require(found > 0, field, found, || "more than 0".into())?;
        }
        require(self.command_bytes_max <= 64 << 20, "limits.command_bytes_max", self.command_bytes_max, || {
            "at most 64 MiB".into()
        })?;
        require(self.inflight_bytes_max >= self.append_bytes_max, "limits.inflight_bytes_max", self.inflight_bytes_max, || {
            format!("at least one full append, {} bytes: less would cut appends short all the time", self.append_bytes_max)
        })?;
        require(
            self.uncommitted_bytes_max >= self.command_bytes_max,
            "limits.uncommitted_bytes_max",
            self.uncommitted_bytes_max,
            || format!("at least the largest command, {} bytes", self.command_bytes_max),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new(ClusterId(7), NodeId(1), Configuration::of_voters([NodeId(1)]).expect("a voter"))
    }

    #[track_caller]
    fn breaks(field: &str, change: impl FnOnce(&mut Config)) {
        let mut config = config();
        change(&mut config);
        assert_eq!(config.validate().expect_err(field).field, field);
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(config().validate(), Ok(()));
    }

    #[test]
    fn timings_that_do_not_fit_each_other_are_refused() {
        breaks("timing.heartbeat_interval", |config| config.timing.heartbeat_interval_ns = 0);
        breaks("timing.heartbeat_interval", |config| config.timing.heartbeat_interval_ns = 76_000_000);
        breaks("timing.election_timeout_max", |config| config.timing.election_timeout_max_ns = 150_000_000);
        breaks("timing.disk_stall", |config| config.timing.disk_stall_ns = 299_999_999);
        breaks("timing.disk_stall", |config| config.timing.disk_stall_ns = HOUR_NS + 1);
        let mut shortest = config();
        shortest.timing.disk_stall_ns = shortest.timing.election_timeout_max_ns;
        assert_eq!(shortest.validate(), Ok(()));
    }

    #[test]
    fn limits_that_do_not_fit_each_other_are_refused() {
        breaks("limits.inflight_bytes_max", |config| config.limits.inflight_bytes_max = config.limits.append_bytes_max - 1);
        breaks("limits.uncommitted_bytes_max", |config| {
            config.limits.uncommitted_bytes_max = config.limits.command_bytes_max - 1
        });
        breaks("limits.command_bytes_max", |config| config.limits.command_bytes_max = (64 << 20) + 1);
        let mut smallest = config();
        smallest.limits = Limits {
            inflight_appends_max: 1,
            inflight_bytes_max: 1,
            append_bytes_max: 1,
            append_entries_max: 1,
            command_bytes_max: 1,
            uncommitted_bytes_max: 1,
            pending_reads_max: 1,
            forwards_max: 1,
            log_cache_bytes_max: 0,
            sessions_max: 1,
            session_answers_max: 1,
        };
        assert_eq!(smallest.validate(), Ok(()));
    }

    #[test]
    fn segments_have_room_for_frames_and_are_files() {
        breaks("log.segment_bytes", |config| config.log.segment_bytes = SEGMENT_BYTES_MIN - 1);
        breaks("log.segment_bytes", |config| config.log.segment_bytes = (1 << 30) + 1);
        breaks("log.zero_ahead_bytes", |config| config.log.zero_ahead_bytes = ZERO_AHEAD_BYTES_MAX + 1);
    }

    #[test]
    fn no_limit_may_be_nothing() {
        breaks("limits.inflight_appends_max", |config| config.limits.inflight_appends_max = 0);
        breaks("limits.append_bytes_max", |config| config.limits.append_bytes_max = 0);
        breaks("limits.append_entries_max", |config| config.limits.append_entries_max = 0);
        breaks("limits.command_bytes_max", |config| config.limits.command_bytes_max = 0);
        breaks("limits.pending_reads_max", |config| config.limits.pending_reads_max = 0);
        breaks("limits.forwards_max", |config| config.limits.forwards_max = 0);
        breaks("limits.sessions_max", |config| config.limits.sessions_max = 0);
        breaks("limits.session_answers_max", |config| config.limits.session_answers_max = 0);
    }
}
