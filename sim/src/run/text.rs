//! Events as lines of text: `replay --trace`, and the last events of a failure.
//!
//! For people only; nothing reads it back. Not here: which events there are
//! ([`crate::world::WorldEvent`]).

use std::fmt::{self, Write};

use squall_raft::applier::StateMachine;
use squall_raft::message::{Body, Message};
use squall_raft::node::Node;
use squall_raft::node::request::{Reply, Request};
use squall_raft::observation::Observation;
use squall_raft::process::DiskOp;

use crate::disk::Dealt;
use crate::world::WorldEvent;

/// A virtual time as seconds with nine digits.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// The line of an event; `None` for what repeats another line in other words.
#[must_use]
pub fn line<S: StateMachine>(at_ns: u64, number: u64, event: &WorldEvent<'_, Node<S>>) -> Option<String> {
    let mut line = format!("{} #{number:<6} ", Seconds(at_ns));
    let before = line.len();
    // Writing into a string cannot fail.
    let _ = describe(&mut line, event);
    (line.len() > before).then_some(line)
}

fn describe<S: StateMachine>(out: &mut String, event: &WorldEvent<'_, Node<S>>) -> fmt::Result {
    match event {
        WorldEvent::Sent { from, to, message, fate, .. } => {
            write!(out, "n{from} -> n{to} {}", Described(message))?;
            write!(
                out,
                "{}",
                if fate.cut {
                    " (cut)"
                } else if fate.lost {
                    " (lost)"
                } else {
                    ""
                }
            )?;
            write!(out, "{}", if fate.reordered { " (held back)" } else { "" })?;
            write!(out, "{}", if fate.copy_delay_ns.is_some() { " (twice)" } else { "" })
        }
        WorldEvent::Delivered { from, to, message, sent, copy } => {
            write!(out, "n{to} <- n{from} {} (#{sent}{})", message.body.kind(), if *copy { ", copy" } else { "" })
        }
        WorldEvent::Dropped { from, to, message, sent, why } => {
            write!(out, "n{to} <- n{from} {} (#{sent}) dropped: {why:?}", message.body.kind())
        }
        WorldEvent::Observed { node, observation } => write!(out, "n{node} {}", Reported(observation)),
        WorldEvent::DiskStarted { node, what, .. } => write!(out, "n{node} disk: {}", Operation(what)),
        WorldEvent::DiskDone { node, what, result, .. } => match result {
            Ok(_) => write!(out, "n{node} disk: {} done", Operation(what)),
            Err(error) => write!(out, "n{node} disk: {} failed: {error}", Operation(what)),
        },
        WorldEvent::Requested { client, handle, to, request, .. } => {
            write!(out, "c{} -> n{to} request {} {}", client.0, handle.0, Requested(request))
        }
        WorldEvent::Replied { client, handle, from, reply, .. } => {
            write!(out, "n{from} -> c{} answer {} {}", client.0, handle.0, Answered(reply))
        }
        WorldEvent::RequestDropped { client, handle, to, why, .. } => {
            write!(out, "c{} -> n{to} request {} dropped: {why:?}", client.0, handle.0)
        }
        _ => describe_change(out, event),
    }
}

fn describe_change<S: StateMachine>(out: &mut String, event: &WorldEvent<'_, Node<S>>) -> fmt::Result {
    match event {
        WorldEvent::Booted { node, boot } => write!(out, "n{node} starts (boot {})", boot.number),
        WorldEvent::Killed { node, .. } => write!(out, "n{node} is killed"),
        WorldEvent::PowerLost { node, loss, .. } => write!(out, "n{node} loses power and {} unsynced bytes", loss.lost_bytes),
        WorldEvent::Halted { node, reason, .. } => write!(out, "n{node} halts: {reason}"),
        WorldEvent::Paused { node } => write!(out, "n{node} is paused"),
        WorldEvent::Resumed { node, waiting } => write!(out, "n{node} goes on, {waiting} inputs waiting"),
        WorldEvent::CutChanged { from, to, cuts: 0 } => write!(out, "link n{from} -> n{to} works"),
        WorldEvent::CutChanged { from, to, .. } => write!(out, "link n{from} -> n{to} is cut"),
        WorldEvent::ConnectionReset { one, other, in_flight } => {
            write!(out, "connections between n{one} and n{other} are reset, {in_flight} messages under way are lost")
        }
        WorldEvent::LinkWeatherSet { from, to, weather } => write!(
            out,
            "link n{from} -> n{to} weather: loss {} ppm, duplicates {} ppm, reordered {} ppm",
            weather.loss_ppm, weather.duplicate_ppm, weather.reorder_ppm
        ),
        WorldEvent::DiskWeatherSet { node, weather } if weather.stalled => write!(out, "n{node} disk is stalled"),
        WorldEvent::DiskWeatherSet { node, weather } => {
            write!(out, "n{node} disk weather: fsync {} to {}", Seconds(weather.fsync_min_ns), Seconds(weather.fsync_max_ns))
        }
        WorldEvent::DiskTouched { node, touch, .. } => write!(out, "n{node} disk goes wrong: {touch:?}"),
        WorldEvent::DiskFaulted { node, fault, dealt: Dealt::Suppressed, .. } => {
            write!(out, "n{node} disk: the atlas forbids {fault:?}")
        }
        WorldEvent::DiskFaulted { node, fault, dealt, .. } => write!(out, "n{node} disk: {fault:?}: {dealt:?}"),
        WorldEvent::DiskRelieved { node, .. } => write!(out, "n{node} disk is relieved of a fault"),
        WorldEvent::ClockRateSet { node, rate_ppm } => write!(out, "n{node} clock runs at {rate_ppm} ppm"),
        WorldEvent::ClockShifted { node, by_ns } => write!(out, "n{node} clock jumps by {}", Seconds(*by_ns)),
        _ => Ok(()),
    }
}

struct Described<'a>(&'a Message);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { envelope, body } = self.0;
        write!(f, "{} t{}", body.kind(), envelope.term)?;
        match body {
            Body::RequestPreVote { proposed, last } => write!(f, " for t{proposed}, last {last}"),
            Body::PreVote { proposed, granted } => {
                write!(f, " for t{proposed} {}", if *granted { "granted" } else { "refused" })
            }
            Body::RequestVote { last } => write!(f, " last {last}"),
            Body::Vote { granted } => f.write_str(if *granted { " granted" } else { " refused" }),
            Body::Append { prev, entries, commit } => {
                write!(f, " after {prev}, {} entries, commit {commit}", entries.len())
            }
            Body::Appended { matched } => write!(f, " up to {matched}"),
            Body::Rejected { prev, hint } => write!(f, " at {prev}, hint {hint}"),
            Body::Forward { command } => write!(f, " of {} bytes", command.len()),
            Body::Heartbeat { commit } => write!(f, " round {}, commit {commit}", envelope.round),
            Body::HeartbeatAck { tail, matched } => write!(f, " round {}, tail {tail}, durable {matched}", envelope.round),
        }
    }
}

/// An observation in words; `replay` and the `tracing` bridge use it.
pub struct Reported<'a>(pub &'a Observation);

impl fmt::Display for Reported<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Observation::Recovered { term, last, torn_bytes, .. } => {
                write!(f, "recovered term {term}, log up to {last}, {torn_bytes} torn bytes cut off")
            }
            Observation::TermAdopted { term } => write!(f, "adopts term {term}"),
            Observation::RoleChanged { term, role } => write!(f, "is {role} of term {term}"),
            Observation::Voted { term, candidate } => write!(f, "votes for n{candidate} in term {term}"),
            Observation::Appended { id, hash } => write!(f, "appends {id} ({hash:016x})"),
            Observation::Truncated { last, from } => write!(f, "truncates its log from {from} to {last}"),
            Observation::Committed { index, .. } => write!(f, "commits up to {index}"),
            Observation::Applied { index, digest, command: None } => write!(f, "applies {index} (state {digest:016x})"),
            Observation::Applied { index, digest, command: Some((session, sequence)) } => {
                write!(f, "applies {index}, command {sequence} of session {session} (state {digest:016x})")
            }
            Observation::SessionDeduplicated { session, sequence, .. } => {
                write!(f, "session {session} command {sequence} is a repetition")
            }
            Observation::ReadsServed { round, index } => write!(f, "serves reads up to {index}, confirmed by round {round}"),
            Observation::Refused { reason } => write!(f, "refuses a message: {reason:?}"),
            Observation::Busy => f.write_str("is busy"),
            Observation::QuorumLost { term } => write!(f, "has heard from no quorum and gives term {term} up"),
            Observation::ForwardSettled { index } => write!(f, "answers at {index} for what it has forwarded"),
            Observation::Batched { first, last } => write!(f, "writes and sends {first} to {last} together"),
            Observation::Fetched { first, last } => write!(f, "has read {first} to {last} back from its disk"),
            Observation::RotFound { id } => write!(f, "reads back that {id} has rotted"),
            Observation::LimitBound { limit } => write!(f, "is bound by {limit}"),
            Observation::LeaderDiskStalled { term } => write!(f, "has a stalled disk and gives term {term} up"),
            Observation::CampaignWithheld { term } => write!(f, "has a stalled disk and does not campaign in term {term}"),
            Observation::CampaignOrdered { term } => write!(f, "is told to campaign in term {term}"),
        }
    }
}

struct Operation<'a>(&'a DiskOp);

impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            DiskOp::Create { file } => write!(f, "create {file}"),
            // Of a write that is done the disk has taken the bytes.
            DiskOp::Write { file, offset, bytes } if bytes.is_empty() => write!(f, "write {file} at {offset}"),
            DiskOp::Write { file, offset, bytes } => write!(f, "write {file} at {offset}, {} bytes", bytes.len()),
            DiskOp::WriteSync { file, offset, bytes } if bytes.is_empty() => write!(f, "write and sync {file} at {offset}"),
            DiskOp::WriteSync { file, offset, bytes } => write!(f, "write and sync {file} at {offset}, {} bytes", bytes.len()),
            DiskOp::Allocate { file, len } => write!(f, "allocate {file} up to {len}"),
            DiskOp::Read { file, offset, len } => write!(f, "read {file} at {offset}, {len} bytes"),
            DiskOp::Sync { file } => write!(f, "sync {file}"),
            DiskOp::SyncDir => f.write_str("sync the folder"),
            DiskOp::Rename { from, to } => write!(f, "rename {from} to {to}"),
            DiskOp::Remove { file } => write!(f, "remove {file}"),
            DiskOp::Truncate { file, len } => write!(f, "truncate {file} to {len}"),
            DiskOp::List => f.write_str("list"),
        }
    }
}

struct Requested<'a>(&'a Request);

impl fmt::Display for Requested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Request::Register => f.write_str("register"),
            Request::Command { session, sequence, command, .. } => write!(f, "session {session} command {sequence} {command:?}"),
            Request::Query { query } => write!(f, "query {query:?}"),
            Request::Campaign => f.write_str("campaign"),
        }
    }
}

struct Answered<'a>(&'a Reply);

impl fmt::Display for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reply::Registered { session } => write!(f, "session {session}"),
            Reply::Applied { index, output } => write!(f, "applied at {index}: {output:?}"),
            Reply::Answered { applied, output } => write!(f, "read at {applied}: {output:?}"),
            Reply::Refused(why) => write!(f, "refused: {why:?}"),
            Reply::Unknown => f.write_str("unknown"),
            Reply::SessionExpired => f.write_str("session expired"),
            Reply::Forgotten => f.write_str("forgotten"),
            Reply::Campaigning => f.write_str("campaigning"),
        }
    }
}

/// A short name for events that have no line of their own.
#[must_use]
pub fn name<S: StateMachine>(event: &WorldEvent<'_, Node<S>>) -> String {
    match event {
        WorldEvent::TimerFired { node, local } => format!("n{node} timer at local {local}"),
        WorldEvent::WakeSet { at_ns, token } => format!("alarm {token:x} set for {}", Seconds(*at_ns)),
        WorldEvent::Woken { token } => format!("alarm {token:x}"),
        WorldEvent::RequestDelivered { client, to, handle, .. } => format!("n{to} takes request {} of c{}", handle.0, client.0),
        WorldEvent::ReplyDelivered { client, from, handle, .. } => format!("c{} takes answer {} of n{from}", client.0, handle.0),
        _ => "another event".to_owned(),
    }
}
