//! Links: when a message arrives, whether it does, and whether it does twice.
//!
//! Every directed pair has its own link, and every client one towards and one back from each
//! node. The fate of a message is a stateless draw from the link's key, the send time in slots of
//! 1 ms and the ordinal within the slot, so that no other message, cut or crash changes it. A
//! message that is lost or cut takes its ordinal all the same.
//!
//! A link is FIFO per lane, as a connection is: a message never overtakes an earlier one. Copies
//! that were duplicated or reordered leave the queue. A cut drops what is sent while it lasts *and*
//! what arrives while it lasts, as a packet filter does; what was in flight during a cut that was
//! shorter than the flight arrives. Messages in flight outlive their sender. A reset takes what is in flight with it.
//!
//! Not here: the queue of events and the processes at both ends ([`crate::world`]).

use squall_raft::process::Lane;

use crate::entropy::v1::{between, chance_ppm, mix};

const SLOT_NS: u64 = 1_000_000;

/// What a draw decides. Part of every recorded seed: never renumber.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Field {
    Latency = 1,
    Lost = 2,
    Duplicated = 3,
    Reordered = 4,
    Extra = 5,
    CopyLatency = 6,
    CopyExtra = 7,
}

/// How a link behaves.
///
/// ```
/// use squall_sim::network::LinkWeather;
///
/// let lossy = LinkWeather { loss_ppm: 20_000, ..LinkWeather::calm(1_000_000, 10_000_000) };
/// assert_eq!(lossy.duplicate_ppm, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkWeather {
    /// Shortest flight.
    pub latency_min_ns: u64,
    /// Longest flight; all in between are equally likely.
    pub latency_max_ns: u64,
    /// How many of a million messages vanish.
    pub loss_ppm: u32,
    /// How many of a million messages arrive a second time, later.
    pub duplicate_ppm: u32,
    /// How many of a million messages leave the queue and may be overtaken.
    pub reorder_ppm: u32,
    /// What reordered messages and second copies need at least beyond the latency.
    pub extra_min_ns: u64,
    /// What they need at most beyond it.
    pub extra_max_ns: u64,
}

impl LinkWeather {
    /// Nothing is lost, doubled or overtaken.
    #[must_use]
    pub const fn calm(latency_min_ns: u64, latency_max_ns: u64) -> Self {
        Self { latency_min_ns, latency_max_ns, loss_ppm: 0, duplicate_ppm: 0, reorder_ppm: 0, extra_min_ns: 0, extra_max_ns: 0 }
    }
}

/// What was drawn for a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// The link was cut when it was sent. Nothing else was drawn.
    pub cut: bool,
    /// It vanishes on the way.
    pub lost: bool,
    /// It leaves the queue: later messages may overtake it.
    pub reordered: bool,
    /// How long it flies (before it waits for earlier ones of its lane).
    pub delay_ns: u64,
    /// A second copy flies for so long.
    pub copy_delay_ns: Option<u64>,
}

impl Fate {
    /// Whether the message arrives at all, as far as the link knows at the start.
    #[must_use]
    pub const fn arrives(&self) -> bool {
        !self.cut && !self.lost
    }

    /// Whether it arrives once and in its turn.
    pub(crate) const fn is_plain(&self) -> bool {
        !(self.cut | self.lost | self.reordered) && self.copy_delay_ns.is_none()
    }
}

/// A message's way: its fate, when it is due, and bits to break ties with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage {
    pub(crate) fate: Fate,
    pub(crate) due_ns: u64,
    pub(crate) tie: u64,
    pub(crate) copy_due_ns: Option<u64>,
}

/// One direction between two ends.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    key: u64,
    weather: LinkWeather,
    /// How many cuts lie over it; overlapping ones add up.
    cuts: u32,
    slot: u64,
    ordinal: u64,
    /// When the last message in the queue of each lane is due.
    last_due_ns: [u64; 2],
    /// What was sent before the event of this number went down with its connection.
    lost_before: u64,
}

impl Link {
    pub(crate) fn new(key: u64, weather: LinkWeather) -> Self {
        Self { key, weather, cuts: 0, slot: 0, ordinal: 0, last_due_ns: [0; 2], lost_before: 0 }
    }

    pub(crate) fn set_weather(&mut self, weather: LinkWeather) {
        self.weather = weather;
    }

    /// Lays a cut over the link or takes one away. False if there was none to take.
    pub(crate) fn set_cut(&mut self, cut: bool) -> bool {
        let changed = if cut { self.cuts.checked_add(1) } else { self.cuts.checked_sub(1) };
        self.cuts = changed.unwrap_or(self.cuts);
        changed.is_some()
    }

    pub(crate) fn cuts(&self) -> u32 {
        self.cuts
    }

    #[inline]
    pub(crate) fn is_cut(&self) -> bool {
        self.cuts > 0
    }

    /// The connection is reset, which is the event of this number: a new one begins.
    pub(crate) fn reset(&mut self, number: u64) {
        self.lost_before = number;
        self.last_due_ns = [0; 2];
    }

    /// Whether what was sent under this number was lost with its connection.
    #[inline]
    pub(crate) fn went_down_with(&self, sent: u64) -> bool {
        sent < self.lost_before
    }

    /// Decides what becomes of a message that is sent now.
    #[inline(always)]
    pub(crate) fn send(&mut self, now_ns: u64, lane: Lane) -> Passage {
        let draw = self.next_draw(now_ns);
        if self.is_cut() {
            let fate = Fate { cut: true, ..Fate::default() };
            return Passage { fate, due_ns: now_ns, tie: 0, copy_due_ns: None };
        }
        let latency = draw.bits(Field::Latency);
        let mut fate = Fate { delay_ns: self.latency_ns(latency), ..Fate::default() };
        if self.weather.loss_ppm > 0 {
            fate.lost = chance_ppm(draw.bits(Field::Lost), self.weather.loss_ppm);
        }
        if !fate.lost {
            self.disturb(&draw, &mut fate);
        }
        let copy_due_ns = fate.copy_delay_ns.map(|delay_ns| now_ns.saturating_add(delay_ns));
        // The lowest bits of the latency draw are independent of the latency, which is made of the highest.
        Passage { fate, due_ns: self.due_ns(now_ns, lane, &fate), tie: latency, copy_due_ns }
    }

    #[inline]
    fn next_draw(&mut self, now_ns: u64) -> Draw {
        let slot = now_ns / SLOT_NS;
        self.ordinal = if slot == self.slot { self.ordinal + 1 } else { 0 };
        self.slot = slot;
        Draw { key: self.key, slot, ordinal: self.ordinal }
    }

    fn latency_ns(&self, bits: u64) -> u64 {
        between(bits, self.weather.latency_min_ns, self.weather.latency_max_ns)
    }

    fn extra_ns(&self, bits: u64) -> u64 {
        between(bits, self.weather.extra_min_ns, self.weather.extra_max_ns)
    }

    #[inline(always)]
    fn disturb(&self, draw: &Draw, fate: &mut Fate) {
        let weather = &self.weather;
        if weather.reorder_ppm > 0 && chance_ppm(draw.bits(Field::Reordered), weather.reorder_ppm) {
            fate.reordered = true;
            fate.delay_ns = fate.delay_ns.saturating_add(self.extra_ns(draw.bits(Field::Extra)));
        }
        if weather.duplicate_ppm > 0 && chance_ppm(draw.bits(Field::Duplicated), weather.duplicate_ppm) {
            let latency_ns = self.latency_ns(draw.bits(Field::CopyLatency));
            fate.copy_delay_ns = Some(latency_ns.saturating_add(self.extra_ns(draw.bits(Field::CopyExtra))));
        }
    }

    #[inline]
    fn due_ns(&mut self, now_ns: u64, lane: Lane, fate: &Fate) -> u64 {
        let due_ns = now_ns.saturating_add(fate.delay_ns);
        if fate.reordered || !fate.arrives() {
            return due_ns;
        }
        let last_ns = &mut self.last_due_ns[lane as usize];
        // Strictly after the one before: at the same instant a tie-break would decide.
        *last_ns = due_ns.max(last_ns.saturating_add(1));
        *last_ns
    }
}

struct Draw {
    key: u64,
    slot: u64,
    ordinal: u64,
}

impl Draw {
    #[inline]
    fn bits(&self, field: Field) -> u64 {
        mix(self.key, self.slot, self.ordinal, 0, field as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_lane_is_a_queue_and_lanes_are_independent() {
        let mut link = Link::new(7, LinkWeather::calm(MS, 10 * MS));
        let mut last = [0; 2];
        let mut bulk_overtook = false;
        for n in 0..1000 {
            let lane = if n % 3 == 0 { Lane::Bulk } else { Lane::Control };
            let due_ns = link.send(n * 10_000, lane).due_ns;
            assert!(due_ns > last[lane as usize]);
            bulk_overtook |= lane == Lane::Bulk && due_ns < last[Lane::Control as usize];
            last[lane as usize] = due_ns;
        }
        assert!(bulk_overtook);
    }

    #[test]
    fn rates_are_what_was_asked_for() {
        let weather = LinkWeather { loss_ppm: 20_000, duplicate_ppm: 30_000, reorder_ppm: 40_000, ..LinkWeather::calm(1, 2) };
        let mut link = Link::new(3, weather);
        let fates: Vec<Fate> = (0..100_000).map(|n| link.send(n * 300_000, Lane::Bulk).fate).collect();
        let share = |which: fn(&Fate) -> bool| fates.iter().filter(|fate| which(fate)).count();
        assert!((1_800..2_200).contains(&share(|fate| fate.lost)));
        assert!((2_700..3_200).contains(&share(|fate| fate.copy_delay_ns.is_some())));
        assert!((3_600..4_200).contains(&share(|fate| fate.reordered)));
    }

    #[test]
    fn overlapping_cuts_add_up() {
        let mut link = Link::new(3, LinkWeather::calm(1, 2));
        assert!(!link.set_cut(false));
        assert!(link.set_cut(true) && link.set_cut(true) && link.set_cut(false));
        assert!(link.is_cut());
        assert!(link.set_cut(false) && !link.is_cut());
    }
}
