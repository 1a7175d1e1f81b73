//! One object: which algorithm is asked, in which order, and what they found out.
//!
//! Not here: the algorithms.
//! Read next: `unique`, `decrease`, `search`, `depth`.

use super::limits::{Halt, Limit, Limits, Meter, PENDING_MAX};
use super::partition::Partition;
use super::search::Stop;
use super::states::Rules;
use super::steps::Cut;
use super::{decrease, depth, search, unique, witness};
use crate::model::Model;

/// A way to find an order of the operations on one object. Each is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Blocks and zones, in polynomial time. Only for histories in which each written value
    /// is unique, and it may decline even those if a compare-and-set failed.
    UniqueValues,
    /// Values of queues and elements of sets, taken out one by one, in polynomial time. Only for
    /// histories in which nothing is put in twice; its module says which others it declines.
    DecreaseAndConquer,
    /// All configurations that the events allow, from event to event.
    ConfigurationSets,
    /// One order after the other, with a memory of what was tried.
    DepthFirst,
}

/// What was found out about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// An order, as places of operations.
    Order(Vec<u32>),
    /// There is none; the place of the operation without which there would be one.
    Dead(u32),
    /// A limit was hit.
    Limit(Limit),
}

/// Asks the polynomial algorithms, then lets the searches compete.
pub(super) fn judge<M: Model>(model: &M, partition: &Partition<'_, M>, limits: Limits<'_>) -> Found {
    let polynomial = [Algorithm::UniqueValues, Algorithm::DecreaseAndConquer];
    let found = polynomial.into_iter().find_map(|algorithm| judge_by(algorithm, model, partition, limits));
    found.unwrap_or_else(|| {
        let found = search(model, partition, limits, None);
        found.expect("configuration sets judge every history")
    })
}

/// Asks one algorithm; `None` if it declines.
pub(super) fn judge_by<M: Model>(
    algorithm: Algorithm,
    model: &M,
    partition: &Partition<'_, M>,
    limits: Limits<'_>,
) -> Option<Found> {
    let judge = match algorithm {
        Algorithm::UniqueValues => unique::judge,
        Algorithm::DecreaseAndConquer => decrease::judge,
        Algorithm::ConfigurationSets | Algorithm::DepthFirst => return search(model, partition, limits, Some(algorithm)),
    };
    if let Err(limit) = Meter::new(limits).look(0) {
        return Some(Found::Limit(limit));
    }
    Some(proven(model, partition, judge(model, partition)?.map_err(Stop::Dead)))
}

/// Sets are as wide as they need to be; most histories fit into one word.
fn search<M: Model>(model: &M, partition: &Partition<'_, M>, limits: Limits<'_>, only: Option<Algorithm>) -> Option<Found> {
    let pending = partition.pending_max();
    let found = match pending {
        0..=64 => compete::<M, 1>(model, partition, limits, only),
        65..=128 => compete::<M, 2>(model, partition, limits, only),
        129..=512 => compete::<M, 8>(model, partition, limits, only),
        513..=PENDING_MAX => compete::<M, { PENDING_MAX / 64 }>(model, partition, limits, only),
        _ => Err(Stop::Halt(Halt::Limit(Limit::Pending(pending)))),
    };
    Some(proven(model, partition, found))
}

/// What each search may explore per operation before the other one gets its turn, at first.
const FIRST_TURN_EACH: u64 = 1;

/// How much longer each turn is than the one before.
const LONGER: u64 = 4;

/// Runs both searches in turns that grow, until one of them knows.
///
/// Configuration sets are surely better where there is no order, and depth first finds one of
/// many orders early. So neither costs more than a few times what the better one needs.
fn compete<M: Model, const W: usize>(
    model: &M,
    partition: &Partition<'_, M>,
    limits: Limits<'_>,
    only: Option<Algorithm>,
) -> Result<Vec<u32>, Stop> {
    let horizon = partition.horizon(model);
    let numbers = partition.numbers();
    let foresight = Rules { model, horizon: Some(&horizon) };
    let mut meter = Meter::new(limits);
    if only == Some(Algorithm::DepthFirst) {
        return depth::Depth::<M, W>::new(plain(model), partition, &numbers, &Cut::start(model.init())).run(&mut meter);
    }
    let mut sets = search::Sets::<M, W>::new(foresight, partition, &numbers);
    if only.is_some() {
        return sets.run(&mut meter);
    }
    let mut turn = FIRST_TURN_EACH * partition.ops.len() as u64;
    let mut depth: Option<(usize, depth::Depth<'_, '_, M, W>)> = None;
    loop {
        meter.pause_at = meter.spent().saturating_add(turn);
        match sets.run(&mut meter) {
            Err(Stop::Halt(Halt::Pause)) => {}
            found => return found,
        }
        // What the sets are done with need not be searched once more.
        depth.take_if(|(from, _)| *from < sets.cut.at);
        let begin = || (sets.cut.at, depth::Depth::new(plain(model), partition, &numbers, &sets.cut));
        let (_, depth) = depth.get_or_insert_with(begin);
        meter.pause_at = meter.spent().saturating_add(turn);
        match depth.run(&mut meter) {
            Err(Stop::Halt(Halt::Pause)) => {}
            found => return found.map(|order| [&sets.order[..], &order].concat()),
        }
        turn = turn.saturating_mul(LONGER);
    }
}

/// The rules without foresight.
fn plain<M: Model>(model: &M) -> Rules<'_, M> {
    Rules { model, horizon: None }
}

/// An order is believed only after it was replayed.
fn proven<M: Model>(model: &M, partition: &Partition<'_, M>, found: Result<Vec<u32>, Stop>) -> Found {
    match found {
        Err(Stop::Halt(Halt::Limit(limit))) => Found::Limit(limit),
        Err(Stop::Halt(Halt::Pause)) => unreachable!("the last search is not paused"),
        Err(Stop::Dead(operation)) => Found::Dead(operation),
        Ok(order) => {
            assert!(witness::verify(model, &partition.ops, &order), "an algorithm returned an order that is none");
            Found::Order(order)
        }
    }
}
