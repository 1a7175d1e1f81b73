//! From a plan's plain numbers to the settings of engine and world.
//!
//! `scenario` and `plan` know neither of them; this is the one place where they meet.

use squall_raft::config::{Config, ConfigError, Elections, Limits, Log, PRIORITY_MAX, Timing};
use squall_raft::membership::{Configuration, ConfigurationError};
use squall_raft::types::{ClusterId, NodeId};

use crate::arena::NotBuilt;
use crate::disk::DiskWeather;
use crate::network::LinkWeather;
use crate::plan::{self, Plan};
use crate::scenario::{Nanos, Range};
use crate::world::Settings;

/// Latency of reading from a simulated disk; only recovery reads.
const DISK_READ_NS: (u64, u64) = (20_000, 200_000);

/// Clients sit near the nodes; what their links lose is what the plan's network loses.
const CLIENT_LATENCY_NS: (u64, u64) = (200_000, 2_000_000);

/// Why a plan cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The engine refuses its settings.
    #[error("engine.{0}")]
    Engine(#[from] ConfigError),
    /// The engine refuses the members.
    #[error("nodes: {0}")]
    Members(#[from] ConfigurationError),
    /// This build does not have the arena.
    #[error("{0}")]
    Arena(#[from] NotBuilt),
}

/// The engine's settings for one node.
///
/// # Errors
/// If they break a relation that the engine demands.
pub fn engine(plan: &Plan, node: u64) -> Result<Config, SettingsError> {
    let members = Configuration::of_voters((1..=plan.nodes).map(NodeId))?;
    let mut config = Config::new(ClusterId(plan.seed), NodeId(node), members);
    let limits = plan.engine.limits;
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    config.timing = Timing {
        election_timeout_min_ns: plan.engine.election_timeout.low.0,
        election_timeout_max_ns: plan.engine.election_timeout.high.0,
        heartbeat_interval_ns: plan.engine.heartbeat.0,
        disk_stall_ns: plan.engine.disk_stall.0,
    };
    let place = usize::try_from(node).unwrap_or_default().wrapping_sub(1);
    let priority = plan.priorities.get(place).and_then(|priority| u8::try_from(*priority).ok());
    config.elections = Elections {
        pre_vote: plan.engine.pre_vote,
        check_quorum: plan.engine.check_quorum,
        priority: priority.unwrap_or(PRIORITY_MAX),
    };
    config.forward_proposals = plan.engine.forward_proposals;
    config.log = Log {
        segment_bytes: plan.engine.segment_bytes,
        preallocate: plan.engine.preallocate,
        zero_ahead_bytes: plan.engine.zero_ahead_bytes,
    };
    config.initialize = true;
    config.limits = Limits {
        inflight_appends_max: small(limits.inflight_appends_max),
        inflight_bytes_max: limits.inflight_bytes_max,
        append_bytes_max: limits.append_bytes_max,
        append_entries_max: small(limits.append_entries_max),
        command_bytes_max: limits.command_bytes_max,
        uncommitted_bytes_max: limits.uncommitted_bytes_max,
        pending_reads_max: small(limits.pending_reads_max),
        forwards_max: small(limits.forwards_max),
        sessions_max: small(limits.sessions_max),
        session_answers_max: small(limits.session_answers_max),
        log_cache_bytes_max: limits.log_cache_bytes_max,
    };
    config.validate()?;
    Ok(config)
}

/// The world's settings at the start.
#[must_use]
pub fn world(plan: &Plan) -> Settings {
    let network = plan.network;
    let (low_ns, high_ns) = CLIENT_LATENCY_NS;
    Settings {
        links: links(&network),
        client_links: LinkWeather { latency_min_ns: low_ns, latency_max_ns: high_ns, ..links(&network) },
        disks: disks(plan, plan.disk.fsync, false),
        clients: u32::try_from(plan.clients.len()).unwrap_or(u32::MAX),
    }
}

/// A link's weather.
#[must_use]
pub const fn links(network: &plan::Network) -> LinkWeather {
    LinkWeather {
        latency_min_ns: network.latency.low.0,
        latency_max_ns: network.latency.high.0,
        loss_ppm: network.loss_ppm,
        duplicate_ppm: network.duplicate_ppm,
        reorder_ppm: network.reorder_ppm,
        extra_min_ns: network.reorder_delay.low.0,
        extra_max_ns: network.reorder_delay.high.0,
    }
}

/// The weather of client links in a network like this.
#[must_use]
pub const fn client_links(network: &plan::Network) -> LinkWeather {
    let (low_ns, high_ns) = CLIENT_LATENCY_NS;
    LinkWeather { latency_min_ns: low_ns, latency_max_ns: high_ns, ..links(network) }
}

/// A disk's weather with this duration of syncs, or stalled.
#[must_use]
pub const fn disks(plan: &Plan, fsync: Range<Nanos>, stalled: bool) -> DiskWeather {
    DiskWeather {
        write_min_ns: plan.disk.write.low.0,
        write_max_ns: plan.disk.write.high.0,
        read_min_ns: DISK_READ_NS.0,
        read_max_ns: DISK_READ_NS.1,
        fsync_min_ns: fsync.low.0,
        fsync_max_ns: fsync.high.0,
        slow_ppm: plan.disk.slow_ppm,
        slow_min_ns: plan.disk.slow.low.0,
        slow_max_ns: plan.disk.slow.high.0,
        stalled,
    }
}

/// The same network without anything that goes wrong.
#[must_use]
pub const fn calm(network: &plan::Network) -> plan::Network {
    plan::Network { loss_ppm: 0, duplicate_ppm: 0, reorder_ppm: 0, ..*network }
}
