//! Turns planned faults into actions on the world: when they begin, whom they hit, how they end.
//!
//! It decides and does nothing itself: times and events come in, [`Action`]s go out. Faults
//! may overlap: a node is up again when the last fault that holds it down has ended, and
//! weather is recomputed from the calm and everything that is in force.
//! Not here: whom a target means (`aim.rs`), carrying actions out ([`super::Run`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::aim::{Links, directed, links_of, resolve_many};
use super::cluster::Cluster;
use super::devices;
use super::orders::{Action, Alarm, AlarmKind, Orders};
use crate::disk::DiskFault;
use crate::entropy::{Entropy, Owner, Stream};
use crate::plan::{Ends, Fault, Network, When};
use crate::scenario::{Cut, Event, Means, Nanos, Range, What};

/// The faults of a plan while a run goes on.
#[derive(Clone, Debug)]
pub struct Faults {
    plan: Arc<Vec<Fault>>,
    entropy: Entropy,
    calm: Calm,
    phase_ends_ns: u64,
    counted: Vec<u64>,
    active: BTreeMap<u32, Active>,
    down: BTreeMap<u64, u32>,
    paused: BTreeMap<u64, u32>,
    took_effect: BTreeMap<&'static str, u64>,
    /// What the arena can never do.
    cannot: &'static [Means],
    inexpressible: BTreeMap<&'static str, u64>,
    flapped: BTreeSet<u32>,
    /// At which node the trigger of a fault fired.
    met: BTreeMap<u32, u64>,
}

/// What holds where no fault is in force.
#[derive(Clone, Debug)]
pub struct Calm {
    /// Weather of links.
    pub network: Network,
    /// Duration of syncs.
    pub fsync: Range<Nanos>,
    /// Rates of clocks, by node, where they are not true.
    pub rates_ppm: BTreeMap<u64, u32>,
}

#[derive(Clone, Debug)]
struct Active {
    hit: Hit,
    stream: Stream,
}

#[derive(Clone, Debug)]
enum Hit {
    Down(Vec<u64>),
    Paused(Vec<u64>),
    Links(Links),
    Flapping { links: Links, cut: bool, turns: u32 },
    Weather(Links),
    Disk(Vec<u64>),
    Storage(Vec<u64>),
    Clock(Vec<u64>),
    Nothing,
}

impl Faults {
    /// Faults before the first event; the alarms of those with a fixed time go out at once.
    #[must_use]
    pub fn new(plan: Arc<Vec<Fault>>, entropy: Entropy, calm: Calm, phase_ends_ns: u64, orders: &mut Orders) -> Self {
        for (fault, i) in plan.iter().zip(0..) {
            if let When::At(at) = fault.when {
                orders.alarms.push(Alarm { at_ns: at.0, what: AlarmKind::Begin(i) });
            }
        }
        let counted = vec![0; plan.len()];
        Self {
            plan,
            entropy,
            calm,
            phase_ends_ns,
            counted,
            active: BTreeMap::new(),
            down: BTreeMap::new(),
            paused: BTreeMap::new(),
            took_effect: BTreeMap::new(),
            cannot: &[],
            inexpressible: BTreeMap::new(),
            flapped: BTreeSet::new(),
            met: BTreeMap::new(),
        }
    }

    /// For an arena that can never do this: a fault that asks for nothing else is counted and not tried.
    #[must_use]
    pub fn without(mut self, cannot: &'static [Means]) -> Self {
        self.cannot = cannot;
        if cannot.contains(&Means::DiskOps) {
            // Whatever they would do: it is the trigger that cannot be.
            let never = self.plan.iter().filter(|fault| matches!(fault.when, When::DiskOp { .. })).count() as u64;
            if never > 0 {
                self.inexpressible.insert(Means::DiskOps.name(), never);
            }
        }
        self
    }

    /// How many faults of each kind the arena cannot express.
    #[must_use]
    pub const fn inexpressible(&self) -> &BTreeMap<&'static str, u64> {
        &self.inexpressible
    }

    /// How many faults of each kind took effect.
    #[must_use]
    pub const fn took_effect(&self) -> &BTreeMap<&'static str, u64> {
        &self.took_effect
    }

    /// Whether one fault has cut and restored its links at least twice.
    #[must_use]
    pub fn has_flapped(&self) -> bool {
        !self.flapped.is_empty()
    }

    /// Whether any fault waits for events.
    #[must_use]
    pub fn waits_for_events(&self) -> bool {
        self.plan.iter().any(|fault| matches!(fault.when, When::On { .. }))
    }

    /// Something happened at a node: faults that waited for it are due.
    pub fn on_event(&mut self, now_ns: u64, event: Event, node: u64, cluster: &Cluster, orders: &mut Orders) {
        let plan = Arc::clone(&self.plan);
        for (fault, i) in plan.iter().zip(0u32..) {
            let When::On { event: wanted, who, nth, plus, after } = &fault.when else {
                continue;
            };
            if *wanted != event || now_ns < after.0 || !cluster.fits(who, node) {
                continue;
            }
            let counted = &mut self.counted[i as usize];
            *counted += 1;
            if *counted == *nth {
                self.met.insert(i, node);
                orders.alarms.push(Alarm { at_ns: now_ns.saturating_add(plus.0), what: AlarmKind::Begin(i) });
            }
        }
    }

    /// The number behind `done` of the next disk operation of a boot that any fault waits for.
    #[must_use]
    pub fn next_disk_op(&self, done: u64) -> Option<u64> {
        let waiting = self.plan.iter().zip(0..).filter(|(_, i)| !self.met.contains_key(i));
        let nth = |(fault, _): (&Fault, u32)| if let When::DiskOp { nth, .. } = fault.when { Some(nth) } else { None };
        waiting.filter_map(nth).filter(|nth| *nth > done).min()
    }

    /// A disk operation is about to complete: faults that waited for it begin now.
    pub fn on_disk_op(&mut self, now_ns: u64, node: u64, count: u64, cluster: &Cluster, orders: &mut Orders) {
        let plan = Arc::clone(&self.plan);
        for (fault, i) in plan.iter().zip(0u32..) {
            let When::DiskOp { who, nth, after, executed } = &fault.when else {
                continue;
            };
            if self.holds_down(node) {
                break; // One has ended the process; what else waits for such an operation waits for the next boot's.
            }
            if *nth != count || now_ns < after.0 || self.met.contains_key(&i) || !cluster.fits(who, node) {
                continue;
            }
            self.met.insert(i, node);
            orders.actions.extend(executed.map(|executed| Action::DecideCrash { node, executed }));
            self.begin(now_ns, i, cluster, orders);
        }
    }

    /// An alarm rang.
    pub fn on_alarm(&mut self, now_ns: u64, what: AlarmKind, cluster: &Cluster, orders: &mut Orders) {
        match what {
            AlarmKind::Begin(i) => self.begin(now_ns, i, cluster, orders),
            AlarmKind::End(i) => self.end(i, orders),
            AlarmKind::Flap(i) => self.flap(now_ns, i, orders),
        }
    }

    /// The phase is over: what is in force ends, unless it never does, and nothing begins any more.
    pub fn heal(&mut self, orders: &mut Orders) {
        self.phase_ends_ns = 0;
        let passing = |i: &u32| self.plan.get(*i as usize).is_none_or(|fault| fault.ends != Ends::Never);
        let ending: Vec<u32> = self.active.keys().copied().filter(passing).collect();
        for i in ending {
            self.end(i, orders);
        }
    }

    /// From now on this holds where no fault is in force.
    pub fn calm_down(&mut self, calm: Calm) {
        self.calm = calm;
    }

    /// Whether anything is in force.
    #[must_use]
    pub fn any_in_force(&self) -> bool {
        !self.active.is_empty()
    }

    /// Whether a fault in force keeps a node's process down.
    #[must_use]
    pub fn holds_down(&self, node: u64) -> bool {
        self.down.contains_key(&node)
    }

    /// Whether a fault in force may damage a node's disk for ever.
    #[must_use]
    pub fn may_damage(&self, node: u64) -> bool {
        self.in_force().any(|(what, hit)| match (what, hit) {
            (What::Misdirect { writes, .. }, Hit::Storage(nodes)) => writes.high > 0 && nodes.contains(&node),
            _ => false,
        })
    }

    /// Whether a node runs, and its disk works, as far as the faults in force go.
    #[must_use]
    pub fn is_well(&self, node: u64) -> bool {
        !self.active.values().any(|active| match &active.hit {
            Hit::Down(nodes) | Hit::Paused(nodes) | Hit::Disk(nodes) | Hit::Storage(nodes) => nodes.contains(&node),
            _ => false,
        })
    }

    /// Whether no cut in force lies between two nodes, in either direction. One that comes and goes is a cut.
    #[must_use]
    pub fn are_linked(&self, one: u64, other: u64) -> bool {
        !self.active.values().any(|active| match &active.hit {
            Hit::Links(links) | Hit::Flapping { links, .. } => links.contains(&(one, other)) || links.contains(&(other, one)),
            _ => false,
        })
    }

    fn begin(&mut self, now_ns: u64, i: u32, cluster: &Cluster, orders: &mut Orders) {
        let plan = Arc::clone(&self.plan);
        let Some(fault) = plan.get(i as usize).filter(|_| now_ns < self.phase_ends_ns) else {
            return;
        };
        let ends_ns = match fault.ends {
            Ends::WithPhase => self.phase_ends_ns,
            Ends::After(span) => now_ns.saturating_add(span.0).min(self.phase_ends_ns),
            Ends::At(at) => at.0.min(self.phase_ends_ns),
            Ends::Never => u64::MAX,
        };
        if ends_ns <= now_ns && !fault.what.is_instant() {
            return;
        }
        if fault.what.asks_for().iter().all(|means| self.cannot.contains(means)) {
            *self.inexpressible.entry(fault.what.kind()).or_default() += 1;
            return;
        }
        let mut stream = self.entropy.stream(Owner::Target, fault.key());
        let what = self.met.get(&i).map_or_else(|| fault.what.clone(), |node| fault.what.met(*node));
        let (hit, nodes) = match devices::of(fault) {
            Some(disk) => self.strike_disk((i, fault, disk), &what, cluster, &mut stream, orders),
            None => self.strike(&what, cluster, &mut stream, orders),
        };
        if matches!(hit, Hit::Nothing) && nodes.is_empty() {
            return;
        }
        *self.took_effect.entry(fault.what.kind()).or_default() += 1;
        orders.began.push((i, nodes));
        if let (Hit::Flapping { .. }, What::Flap { down, .. }) = (&hit, &fault.what) {
            let turn_ns = stream.between(down.low.0, down.high.0);
            orders.alarms.push(Alarm { at_ns: now_ns.saturating_add(turn_ns), what: AlarmKind::Flap(i) });
        }
        let is_weather = matches!(hit, Hit::Weather(_) | Hit::Disk(_) | Hit::Clock(_));
        let changed = hit.clone();
        self.active.insert(i, Active { hit, stream });
        if is_weather {
            self.recompute(&changed, orders);
        }
        if !fault.what.is_instant() && fault.ends != Ends::Never {
            orders.alarms.push(Alarm { at_ns: ends_ns, what: AlarmKind::End(i) });
        }
    }

    /// As [`Self::strike`], for what goes wrong with a disk.
    fn strike_disk(
        &mut self,
        (i, fault, disk): (u32, &Fault, DiskFault),
        what: &What,
        cluster: &Cluster,
        stream: &mut Stream,
        orders: &mut Orders,
    ) -> (Hit, Vec<u64>) {
        let Some(who) = what.disk_of() else { return (Hit::Nothing, Vec::new()) };
        let nodes = resolve_many(who, cluster, stream);
        for &node in &nodes {
            if disk == DiskFault::Wipe {
                *self.down.entry(node).or_default() += 1;
                orders.actions.push(Action::PowerLoss(node));
            }
            orders.actions.push(Action::Inflict { node, fault: i, what: disk, outside_atlas: fault.outside_atlas });
        }
        let hit = match disk {
            _ if nodes.is_empty() || fault.what.is_instant() => Hit::Nothing,
            DiskFault::Wipe => Hit::Down(nodes.clone()),
            _ => Hit::Storage(nodes.clone()),
        };
        (hit, nodes)
    }

    /// Resolves the target and orders what happens at once.
    fn strike(&mut self, what: &What, cluster: &Cluster, stream: &mut Stream, orders: &mut Orders) -> (Hit, Vec<u64>) {
        match what {
            What::Kill(target) | What::PowerLoss(target) => {
                let nodes = resolve_many(target, cluster, stream);
                for &node in &nodes {
                    *self.down.entry(node).or_default() += 1;
                    let is_kill = matches!(what, What::Kill(_));
                    orders.actions.push(if is_kill { Action::Kill(node) } else { Action::PowerLoss(node) });
                }
                (if nodes.is_empty() { Hit::Nothing } else { Hit::Down(nodes.clone()) }, nodes)
            }
            What::Pause(target) => {
                let nodes = resolve_many(target, cluster, stream);
                for &node in &nodes {
                    let held = self.paused.entry(node).or_default();
                    *held += 1;
                    if *held == 1 {
                        orders.actions.push(Action::Pause(node));
                    }
                }
                (if nodes.is_empty() { Hit::Nothing } else { Hit::Paused(nodes.clone()) }, nodes)
            }
            What::Cut(cut) => match self.cut(cut, cluster, stream, orders) {
                Some((links, nodes)) => (Hit::Links(links), nodes),
                None => (Hit::Nothing, Vec::new()),
            },
            What::Flap { cut, .. } => match self.cut(cut, cluster, stream, orders) {
                Some((links, nodes)) => (Hit::Flapping { links, cut: true, turns: 0 }, nodes),
                None => (Hit::Nothing, Vec::new()),
            },
            What::Link { from, to, .. } => {
                let (links, nodes) = directed(from, to, cluster, stream);
                if links.is_empty() { (Hit::Nothing, Vec::new()) } else { (Hit::Weather(links), nodes) }
            }
            What::Reset { from, to } => {
                let (links, nodes) = directed(from, to, cluster, stream);
                // A connection carries both directions, so that `All` to `All` names each twice.
                let pairs: BTreeSet<_> = links.iter().map(|&(from, to)| (from.min(to), from.max(to))).collect();
                orders.actions.extend(pairs.into_iter().map(|(one, other)| Action::Reset { one, other }));
                (Hit::Nothing, if links.is_empty() { Vec::new() } else { nodes })
            }
            What::SlowFsync { who, .. } | What::StallDisk(who) => {
                let nodes = resolve_many(who, cluster, stream);
                (if nodes.is_empty() { Hit::Nothing } else { Hit::Disk(nodes.clone()) }, nodes)
            }
            // Those of disks were struck before.
            What::DiskErrors { .. }
            | What::FullDisk { .. }
            | What::LyingFsync(_)
            | What::BitRot { .. }
            | What::Misdirect { .. }
            | What::WipeDisk(_)
            | What::ReorderDisk(_) => (Hit::Nothing, Vec::new()),
            What::ClockRate { who, .. } => {
                let nodes = resolve_many(who, cluster, stream);
                (if nodes.is_empty() { Hit::Nothing } else { Hit::Clock(nodes.clone()) }, nodes)
            }
            What::Campaign(target) => {
                let nodes = resolve_many(target, cluster, stream);
                orders.actions.extend(nodes.iter().map(|node| Action::Campaign(*node)));
                (Hit::Nothing, nodes)
            }
            What::ClockJump { who, by } => {
                let nodes = resolve_many(who, cluster, stream);
                for node in &nodes {
                    let by_ns = stream.between(by.low.0, by.high.0);
                    orders.actions.push(Action::ClockJump { node: *node, by_ns });
                }
                (Hit::Nothing, nodes)
            }
        }
    }

    fn cut(&self, cut: &Cut, cluster: &Cluster, stream: &mut Stream, orders: &mut Orders) -> Option<(Links, Vec<u64>)> {
        let (links, nodes) = links_of(cut, cluster, stream);
        if links.is_empty() {
            return None;
        }
        orders.actions.extend(links.iter().map(|&(from, to)| Action::Cut { from, to }));
        Some((links, nodes))
    }

    fn end(&mut self, i: u32, orders: &mut Orders) {
        let Some(Active { hit, .. }) = self.active.remove(&i) else {
            return;
        };
        match &hit {
            Hit::Down(nodes) => {
                let free = nodes.iter().filter(|node| release(&mut self.down, **node));
                orders.actions.extend(free.map(|node| Action::Start(*node)));
            }
            Hit::Paused(nodes) => {
                let free = nodes.iter().filter(|node| release(&mut self.paused, **node));
                orders.actions.extend(free.map(|node| Action::Resume(*node)));
            }
            Hit::Links(links) | Hit::Flapping { links, cut: true, .. } => mend(links, orders),
            Hit::Weather(_) | Hit::Disk(_) | Hit::Clock(_) => self.recompute(&hit, orders),
            Hit::Storage(nodes) => {
                orders.actions.extend(nodes.iter().map(|node| Action::Relieve { node: *node, fault: i }));
            }
            Hit::Flapping { .. } | Hit::Nothing => {}
        }
    }

    fn flap(&mut self, now_ns: u64, i: u32, orders: &mut Orders) {
        let plan = Arc::clone(&self.plan);
        let Some(What::Flap { down, up, .. }) = plan.get(i as usize).map(|fault| &fault.what) else {
            return;
        };
        let Some(Active { hit: Hit::Flapping { links, cut, turns }, stream }) = self.active.get_mut(&i) else {
            return;
        };
        *cut = !*cut;
        *turns += 1;
        if *turns >= 3 {
            self.flapped.insert(i);
        }
        let lasts = if *cut { down } else { up };
        if *cut {
            orders.actions.extend(links.iter().map(|&(from, to)| Action::Cut { from, to }));
        } else {
            mend(links, orders);
        }
        let turn_ns = stream.between(lasts.low.0, lasts.high.0);
        orders.alarms.push(Alarm { at_ns: now_ns.saturating_add(turn_ns.max(1)), what: AlarmKind::Flap(i) });
    }

    /// Orders the weather that now holds wherever one fault began or ended.
    fn recompute(&self, changed: &Hit, orders: &mut Orders) {
        match changed {
            Hit::Weather(links) => {
                for &(from, to) in links {
                    orders.actions.push(Action::LinkWeather { from, to, weather: self.link_weather(from, to) });
                }
            }
            Hit::Disk(nodes) => {
                for &node in nodes {
                    orders.actions.push(Action::Disk { node, fsync: self.fsync(node), stalled: self.is_stalled(node) });
                }
            }
            Hit::Clock(nodes) => {
                for &node in nodes {
                    orders.actions.push(Action::ClockRate { node, rate_ppm: self.rate_ppm(node) });
                }
            }
            _ => {}
        }
    }

    fn in_force(&self) -> impl Iterator<Item = (&What, &Hit)> {
        self.active.iter().filter_map(|(i, active)| Some((&self.plan.get(*i as usize)?.what, &active.hit)))
    }

    /// The weather of a directed link.
    #[must_use]
    pub fn link_weather(&self, from: u64, to: u64) -> Network {
        let mut weather = self.calm.network;
        for (what, hit) in self.in_force() {
            let (What::Link { latency, loss_ppm, duplicate_ppm, reorder_ppm, .. }, Hit::Weather(links)) = (what, hit) else {
                continue;
            };
            if links.contains(&(from, to)) {
                weather.latency = latency.unwrap_or(weather.latency);
                weather.loss_ppm = loss_ppm.map_or(weather.loss_ppm, |range| range.low);
                weather.duplicate_ppm = duplicate_ppm.map_or(weather.duplicate_ppm, |range| range.low);
                weather.reorder_ppm = reorder_ppm.map_or(weather.reorder_ppm, |range| range.low);
            }
        }
        weather
    }

    fn fsync(&self, node: u64) -> Range<Nanos> {
        self.in_force().fold(self.calm.fsync, |calm, (what, hit)| match (what, hit) {
            (What::SlowFsync { fsync, .. }, Hit::Disk(nodes)) if nodes.contains(&node) => *fsync,
            _ => calm,
        })
    }

    fn is_stalled(&self, node: u64) -> bool {
        self.in_force().any(|(what, hit)| matches!((what, hit), (What::StallDisk(_), Hit::Disk(nodes)) if nodes.contains(&node)))
    }

    /// The rate of a node's clock.
    #[must_use]
    pub fn rate_ppm(&self, node: u64) -> u32 {
        let calm = self.calm.rates_ppm.get(&node).copied().unwrap_or(1_000_000);
        self.in_force().fold(calm, |calm, (what, hit)| match (what, hit) {
            (What::ClockRate { rate_ppm, .. }, Hit::Clock(nodes)) if nodes.contains(&node) => rate_ppm.low,
            _ => calm,
        })
    }
}

/// Counts one holder less; true if it was the last.
fn release(held: &mut BTreeMap<u64, u32>, node: u64) -> bool {
    let Some(count) = held.get_mut(&node) else {
        return false;
    };
    *count -= 1;
    let free = *count == 0;
    if free {
        held.remove(&node);
    }
    free
}

fn mend(links: &[(u64, u64)], orders: &mut Orders) {
    orders.actions.extend(links.iter().map(|&(from, to)| Action::Mend { from, to }));
}

#[cfg(test)]
mod tests;
