//! A smallest set that is enough, where more than enough is enough.
//!
//! The last one of the shortest list that is enough is needed; go on with those in front of it.
//! Each takes about as many questions as the list can be halved, so what is needed is
//! found among a hundred thousand, and it does not matter what is in front or behind.
//!
//! Not here: what it is that must be enough (`core`, `sources`).

use super::super::limits::Limits;

/// A search for a minimal set, with what it may spend.
pub(super) struct Search<'a, F> {
    /// Whether a set is enough; `None` if a limit was hit.
    suffices: F,
    limits: Limits<'a>,
    spent: u64,
    /// Whether some question was not answered.
    pub hit_limit: bool,
}

/// No single question may take more than this part of what all may take.
const SHARE: u64 = 16;

impl<'a, F> Search<'a, F> {
    pub(super) fn new(suffices: F, limits: Limits<'a>) -> Self {
        Self { suffices, limits, spent: 0, hit_limit: false }
    }
}

impl<F: Fn(&[usize], Limits<'_>, &mut u64) -> Option<bool>> Search<'_, F> {
    /// Adds to `core` the candidates without which it is not enough; with all of them it must be.
    pub(super) fn minimize(&mut self, core: &mut Vec<usize>, mut candidates: Vec<usize>) {
        while !self.asks(core, &[]) {
            if self.limits.configurations <= self.spent {
                self.hit_limit |= !candidates.is_empty();
                core.append(&mut candidates);
                return;
            }
            let many = self.shortest(core, &candidates);
            let Some(last) = many.checked_sub(1) else { return };
            core.push(candidates[last]);
            candidates.truncate(last);
        }
    }

    /// How many candidates are enough, and one less is not.
    fn shortest(&mut self, core: &[usize], candidates: &[usize]) -> usize {
        let (mut too_few, mut enough) = (0, 1);
        while enough < candidates.len() && !self.asks(core, &candidates[..enough]) {
            too_few = enough;
            enough *= 4;
        }
        enough = enough.min(candidates.len());
        while too_few + 1 < enough {
            let middle = usize::midpoint(too_few, enough);
            if self.asks(core, &candidates[..middle]) { enough = middle } else { too_few = middle }
        }
        enough
    }

    /// Whether these are enough, as far as it is known.
    fn asks(&mut self, core: &[usize], more: &[usize]) -> bool {
        let left = self.limits.configurations.saturating_sub(self.spent);
        let limits = Limits { configurations: left.min(self.limits.configurations / SHARE), ..self.limits };
        let answer = (self.suffices)(&[core, more].concat(), limits, &mut self.spent);
        self.hit_limit |= answer.is_none();
        answer.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out if exactly the sets that contain all of these are enough.
    fn minimize(needed: &[usize], candidates: usize, budget: u64) -> (Vec<usize>, bool) {
        let suffices = |set: &[usize], limits: Limits<'_>, spent: &mut u64| {
            *spent += 1;
            (limits.configurations > 0).then(|| needed.iter().all(|one| set.contains(one)))
        };
        let limits = Limits { configurations: budget, ..Limits::default() };
        let mut search = Search::new(suffices, limits);
        let mut core = vec![0];
        search.minimize(&mut core, (1..candidates).collect());
        core.sort_unstable();
        (core, !search.hit_limit)
    }

    #[test]
    fn what_is_needed_is_found_among_many() {
        assert_eq!(minimize(&[0], 1000, 1000), (vec![0], true));
        assert_eq!(minimize(&[0, 1], 2, 1000), (vec![0, 1], true));
        assert_eq!(minimize(&[0, 999], 1000, 1000), (vec![0, 999], true));
        assert_eq!(minimize(&[3, 500, 501, 502], 100_000, 1000), (vec![0, 3, 500, 501, 502], true));
    }

    #[test]
    fn beyond_the_limit_it_says_so_and_still_holds_what_is_needed() {
        for budget in [0, 16, 20] {
            let (core, is_minimal) = minimize(&[3, 70_000], 100_000, budget);
            assert!(!is_minimal && core.contains(&3) && core.contains(&70_000), "{budget}: {} operations", core.len());
        }
    }
}
