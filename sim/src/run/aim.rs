//! Whom a target means and which links a cut takes, at the moment when a fault begins.
//!
//! Not here: what befalls them ([`super::faults`]).

use super::cluster::Cluster;
use crate::entropy::Stream;
use crate::scenario::{Cut, Target};

/// Directed links: senders with receivers.
pub(super) type Links = Vec<(u64, u64)>;

/// One node that a target means now, drawn among those that fit.
fn resolve(target: &Target, cluster: &Cluster, stream: &mut Stream) -> Option<u64> {
    let fitting: Vec<u64> = cluster.ids().filter(|node| cluster.fits(target, *node)).collect();
    draw(&fitting, stream)
}

fn draw(from: &[u64], stream: &mut Stream) -> Option<u64> {
    let place = stream.below(from.len() as u64);
    from.get(usize::try_from(place).ok()?).copied()
}

/// Every node for `All`, else the one that [`resolve`] finds.
pub(super) fn resolve_many(target: &Target, cluster: &Cluster, stream: &mut Stream) -> Vec<u64> {
    match target {
        Target::All => cluster.ids().collect(),
        _ => resolve(target, cluster, stream).into_iter().collect(),
    }
}

/// The links of a cut, and the nodes that it is about.
pub(super) fn links_of(cut: &Cut, cluster: &Cluster, stream: &mut Stream) -> (Links, Vec<u64>) {
    match cut {
        Cut::Isolate(target) => {
            let nodes = resolve_many(target, cluster, stream);
            // Each for itself: two that are isolated together cannot talk to each other either.
            let rest = others(cluster, &nodes);
            let groups: Vec<Vec<u64>> = nodes.iter().map(|node| vec![*node]).chain([rest]).collect();
            (between(&groups), nodes)
        }
        Cut::Split { with, size } => split(with, stream.between(size.low, size.high), cluster, stream),
        Cut::Groups(groups) => (between(groups), groups.first().cloned().unwrap_or_default()),
        Cut::OneWay { from, to } => directed(from, to, cluster, stream),
    }
}

fn split(with: &Target, size: u64, cluster: &Cluster, stream: &mut Stream) -> (Links, Vec<u64>) {
    let Some(first) = resolve(with, cluster, stream) else {
        return (Vec::new(), Vec::new());
    };
    let mut side = vec![first];
    let mut rest = others(cluster, &side);
    while (side.len() as u64) < size
        && let Some(companion) = draw(&rest, stream)
    {
        side.push(companion);
        rest.retain(|node| *node != companion);
    }
    if rest.is_empty() {
        return (Vec::new(), Vec::new());
    }
    (between(&[side.clone(), rest]), side)
}

fn others(cluster: &Cluster, without: &[u64]) -> Vec<u64> {
    cluster.ids().filter(|node| !without.contains(node)).collect()
}

/// All links, in both directions, between nodes of different groups.
fn between(groups: &[Vec<u64>]) -> Links {
    let mut links = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        for other in groups.iter().enumerate().filter(|(j, _)| i != *j).flat_map(|(_, other)| other) {
            links.extend(group.iter().map(|node| (*node, *other)));
        }
    }
    links
}

/// Links from one end to the other. `Others` at one end means everybody but the other end.
pub(super) fn directed(from: &Target, to: &Target, cluster: &Cluster, stream: &mut Stream) -> (Links, Vec<u64>) {
    let mut senders = if *from == Target::Others { Vec::new() } else { resolve_many(from, cluster, stream) };
    let mut receivers = if *to == Target::Others { Vec::new() } else { resolve_many(to, cluster, stream) };
    let about = if *from == Target::Others { receivers.clone() } else { senders.clone() };
    if *from == Target::Others && !receivers.is_empty() {
        senders = others(cluster, &receivers);
    }
    if *to == Target::Others && !senders.is_empty() {
        receivers = others(cluster, &senders);
    }
    let links = senders.iter().flat_map(|from| receivers.iter().map(|to| (*from, *to))).filter(|(from, to)| from != to).collect();
    (links, about)
}
