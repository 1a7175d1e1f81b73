//! The canonical encoding of events: what the trace hash folds.
//!
//! Each record begins with one word that holds the tag and, where they are small, the two
//! parties; large ones follow in words of their own under another tag, so that no two events
//! encode alike. What a delivery delivers is named by the number of its sending.
//!
//! Tags are part of every recorded seed: never renumber.
//! Not here: when events are folded (`trace`).

use squall_raft::process::{Boot, Process};
use squall_raft::types::NodeId;
use squall_raft::wire::{Sink, Wire, tagged, tagged_pair, tagged_pair_with};

use super::event::WorldEvent;
use super::node::sending;
use super::settings::{ClientId, RequestHandle};
use crate::disk::{Crash, Dealt, DiskFault, DiskWeather, PowerLoss, Touch, WriteFate};
use crate::network::{Fate, LinkWeather};

/// Marks that time has advanced; every other tag is greater.
const TIME: u64 = 1;

/// Folds the time of the records that follow.
#[inline]
pub(super) fn time<S: Sink>(sink: &mut S, at_ns: u64) {
    tagged(sink, TIME, at_ns);
}

fn node<S: Sink>(sink: &mut S, tag: u64, node: NodeId) {
    tagged(sink, tag, node.0);
}

fn client<S: Sink>(sink: &mut S, tag: u64, client: ClientId, node: NodeId, handle: RequestHandle) {
    tagged_pair_with(sink, tag, u64::from(client.0), node.0, handle.0);
}

#[inline]
fn encode_fate<S: Sink>(sink: &mut S, fate: &Fate) {
    let copied = u64::from(fate.copy_delay_ns.is_some());
    let flags = u64::from(fate.cut) | u64::from(fate.lost) << 1 | u64::from(fate.reordered) << 2 | copied << 3;
    tagged(sink, flags, fate.delay_ns);
    if let Some(delay_ns) = fate.copy_delay_ns {
        sink.u64(delay_ns);
    }
}

impl<P: Process> WorldEvent<'_, P> {
    /// Puts every field into the sink.
    #[inline(always)]
    pub(super) fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Sent { from, to, message, fate, due_ns } => {
                tagged_pair_with(sink, 2, from.0, to.0, *due_ns);
                encode_fate(sink, fate);
                message.encode(sink);
            }
            Self::Delivered { from, to, sent, copy, message: _ } => {
                tagged_pair_with(sink, 3, from.0, to.0, sending(*sent, *copy));
            }
            Self::DiskStarted { node: at, op, what } => {
                tagged_pair(sink, 4, at.0, op.seq);
                what.encode(sink);
            }
            Self::DiskDone { node: at, op, result, what: _, disk: _ } => {
                tagged_pair(sink, 5, at.0, op.seq);
                result.encode(sink);
            }
            Self::Observed { node: at, observation } => {
                node(sink, 6, *at);
                observation.encode(sink);
            }
            Self::TimerFired { node: at, local } => {
                node(sink, 7, *at);
                sink.u64(local.0);
            }
            Self::Requested { client: who, handle, to, request, fate, due_ns } => {
                client(sink, 32, *who, *to, *handle);
                encode_fate(sink, fate);
                sink.u64(*due_ns);
                request.encode(sink);
            }
            Self::RequestDelivered { client: who, handle, to, id, sent, copy, request: _ } => {
                client(sink, 33, *who, *to, *handle);
                sink.u64(sending(*sent, *copy));
                sink.u64(id.0);
            }
            Self::Replied { client: who, handle, from, reply, fate, due_ns } => {
                client(sink, 35, *who, *from, *handle);
                encode_fate(sink, fate);
                sink.u64(*due_ns);
                reply.encode(sink);
            }
            Self::ReplyDelivered { client: who, handle, from, sent, copy, reply: _ } => {
                client(sink, 37, *who, *from, *handle);
                sink.u64(sending(*sent, *copy));
            }
            Self::WakeSet { at_ns, token } => {
                tagged(sink, 56, *at_ns);
                sink.u64(*token);
            }
            Self::Woken { token } => tagged(sink, 57, *token),
            _ => self.encode_rare(sink),
        }
    }

    #[inline(never)]
    fn encode_rare<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::RequestDropped { .. } | Self::RepliedToNobody { .. } | Self::ReplyDropped { .. } => self.encode_vain(sink),
            Self::Dropped { from, to, sent, why, message: _ } => {
                tagged_pair(sink, 9, from.0, to.0);
                sink.u64(*sent);
                sink.u64(*why as u64);
            }
            Self::Held { node: at, waiting } => {
                node(sink, 10, *at);
                sink.u64(*waiting);
            }
            Self::Booted { node: at, boot } => {
                node(sink, 11, *at);
                encode_boot(sink, boot);
            }
            Self::Killed { node: at, crash, disk: _ } => {
                node(sink, 12, *at);
                encode_crash(sink, crash);
            }
            Self::PowerLost { node: at, crash, loss, disk: _ } => {
                node(sink, 13, *at);
                encode_crash(sink, crash);
                encode_loss(sink, loss);
            }
            Self::Halted { node: at, reason, crash, disk: _ } => {
                node(sink, 14, *at);
                sink.bytes(reason.as_bytes());
                encode_crash(sink, crash);
            }
            Self::Paused { node: at } => node(sink, 15, *at),
            Self::Resumed { node: at, waiting } => {
                node(sink, 16, *at);
                sink.u64(*waiting);
            }
            _ => self.encode_change(sink),
        }
    }

    fn encode_vain<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::RequestDropped { client: who, handle, to, sent, why } => {
                client(sink, 34, *who, *to, *handle);
                sink.u64(*sent);
                sink.u64(*why as u64);
            }
            Self::RepliedToNobody { from, id, reply } => {
                node(sink, 36, *from);
                sink.u64(id.0);
                reply.encode(sink);
            }
            Self::ReplyDropped { client: who, handle, from, sent } => {
                client(sink, 38, *who, *from, *handle);
                sink.u64(*sent);
            }
            _ => unreachable!("only requests and replies that came to nothing"),
        }
    }

    fn encode_change<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::CutChanged { from, to, cuts } => {
                tagged_pair(sink, 48, from.0, to.0);
                sink.u64(u64::from(*cuts));
            }
            Self::ClientCutChanged { client: who, node, cuts } => {
                tagged_pair(sink, 49, u64::from(who.0), node.0);
                sink.u64(u64::from(*cuts));
            }
            Self::LinkWeatherSet { from, to, weather } => {
                tagged_pair(sink, 50, from.0, to.0);
                encode_link_weather(sink, weather);
            }
            Self::ClientWeatherSet { client: who, weather } => {
                tagged_pair(sink, 51, u64::from(who.0), 0);
                encode_link_weather(sink, weather);
            }
            Self::DiskWeatherSet { node: at, weather } => {
                node(sink, 52, *at);
                encode_disk_weather(sink, weather);
            }
            Self::ClockRateSet { node: at, rate_ppm } => {
                node(sink, 53, *at);
                sink.u64(u64::from(*rate_ppm));
            }
            Self::ClockShifted { node: at, by_ns } => {
                node(sink, 54, *at);
                sink.u64(*by_ns);
            }
            Self::ClockOffsetSet { node: at, offset_ns } => {
                node(sink, 55, *at);
                sink.u64(*offset_ns);
            }
            Self::Reconfigured { node: at } => node(sink, 58, *at),
            Self::ConnectionReset { one, other, in_flight } => {
                tagged_pair(sink, 59, one.0, other.0);
                sink.u64(*in_flight);
            }
            Self::DiskTouched { node: at, op, touch } => {
                tagged_pair(sink, 60, at.0, op.seq);
                encode_touch(sink, *touch);
            }
            Self::DiskFaulted { node: at, id, fault, dealt, disk: _ } => {
                tagged_pair(sink, 61, at.0, u64::from(*id));
                encode_fault(sink, fault);
                encode_dealt(sink, *dealt);
            }
            Self::DiskRelieved { node: at, id } => tagged_pair(sink, 62, at.0, u64::from(*id)),
            _ => unreachable!("everything else was encoded above"),
        }
    }
}

fn encode_boot<S: Sink>(sink: &mut S, boot: &Boot) {
    sink.u64(boot.now.0);
    sink.u64(boot.entropy);
    sink.u64(u64::from(boot.number.0));
}

fn encode_crash<S: Sink>(sink: &mut S, crash: &Crash) {
    sink.u64(crash.in_flight);
    sink.u64(crash.executed);
}

fn encode_loss<S: Sink>(sink: &mut S, loss: &PowerLoss) {
    sink.u64(loss.lost_bytes);
    sink.u64(loss.writes.len() as u64);
    for (stamp, fate) in &loss.writes {
        if let WriteFate::Sectors { garbage: garbage @ 1.., .. } = *fate {
            sink.u64(garbage);
        }
        let (tag, kept, of) = match *fate {
            WriteFate::Kept => (0, 0, 0),
            WriteFate::Lost => (1, 0, 0),
            WriteFate::Sectors { kept, of, garbage: 0 } => (2, kept, of),
            WriteFate::Sectors { kept, of, garbage: _ } => (4, kept, of),
            WriteFate::Cut { kept } => (3, kept, 0),
        };
        [u64::from(stamp.boot), stamp.ordinal, tag, kept, of].into_iter().for_each(|word| sink.u64(word));
    }
    sink.u64(loss.changes.len() as u64);
    for (stamp, kept) in &loss.changes {
        [u64::from(stamp.boot), stamp.ordinal, u64::from(*kept)].into_iter().for_each(|word| sink.u64(word));
    }
    if loss.spared > 0 || loss.broken > 0 {
        [loss.spared, loss.broken].into_iter().for_each(|word| sink.u64(word));
    }
}

fn encode_link_weather<S: Sink>(sink: &mut S, weather: &LinkWeather) {
    let LinkWeather { latency_min_ns, latency_max_ns, loss_ppm, duplicate_ppm, reorder_ppm, extra_min_ns, extra_max_ns } =
        weather;
    [latency_min_ns, latency_max_ns, extra_min_ns, extra_max_ns].into_iter().for_each(|word| sink.u64(*word));
    [loss_ppm, duplicate_ppm, reorder_ppm].into_iter().for_each(|word| sink.u64(u64::from(*word)));
}

fn encode_disk_weather<S: Sink>(sink: &mut S, weather: &DiskWeather) {
    let DiskWeather {
        write_min_ns,
        write_max_ns,
        read_min_ns,
        read_max_ns,
        fsync_min_ns,
        fsync_max_ns,
        slow_ppm,
        slow_min_ns,
        slow_max_ns,
        stalled,
    } = weather;
    let words = [write_min_ns, write_max_ns, read_min_ns, read_max_ns, fsync_min_ns, fsync_max_ns];
    words.into_iter().for_each(|word| sink.u64(*word));
    if *stalled {
        sink.u64(1);
    }
    if *slow_ppm > 0 {
        [u64::from(*slow_ppm), *slow_min_ns, *slow_max_ns].into_iter().for_each(|word| sink.u64(word));
    }
}

fn encode_touch<S: Sink>(sink: &mut S, touch: Touch) {
    sink.u64(match touch {
        Touch::NoRoom => 1,
        Touch::Lied => 2,
        Touch::ReadAstray => 3,
        Touch::WroteAstray => 4,
        Touch::Spared => 5,
        Touch::OutOfOrder => 6,
        Touch::Failed(error) => 16 + error as u64,
    });
}

fn encode_fault<S: Sink>(sink: &mut S, fault: &DiskFault) {
    let words = match *fault {
        DiskFault::Errors { on, error, times, outside_atlas } => {
            [1, on.bits(), error as u64, times.map_or(0, |times| times.saturating_add(1)), u64::from(outside_atlas)]
        }
        DiskFault::Full { free_bytes } => [2, free_bytes, 0, 0, 0],
        DiskFault::Lying { outside_atlas } => [3, u64::from(outside_atlas), 0, 0, 0],
        DiskFault::Misdirect { reads, writes, outside_atlas } => [4, reads, writes, u64::from(outside_atlas), 0],
        DiskFault::Reorder => [5, 0, 0, 0, 0],
        DiskFault::Rot { key, bits, within_ppm: (from, to), outside_atlas } => {
            [6, key, bits, u64::from(from) << 32 | u64::from(to), u64::from(outside_atlas)]
        }
        DiskFault::Wipe => [7, 0, 0, 0, 0],
    };
    words.into_iter().for_each(|word| sink.u64(word));
}

fn encode_dealt<S: Sink>(sink: &mut S, dealt: Dealt) {
    let words = match dealt {
        Dealt::Done => [1, 0, 0],
        Dealt::Nothing => [2, 0, 0],
        Dealt::Suppressed => [3, 0, 0],
        Dealt::Rotted { flipped, spared } => [4, flipped, spared],
    };
    words.into_iter().for_each(|word| sink.u64(word));
}
