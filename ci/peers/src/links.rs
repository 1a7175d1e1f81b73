//! Links between nodes: the same weather that the rows give to Squall's world.
//!
//! A link is a queue, as a connection is: no message overtakes an earlier one, only second
//! copies come late and out of order. Where appends overtake one another raft-rs probes, and
//! several proposals share a message; the README says what that does to its figures.

/// How all links behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Shortest and longest flight; all in between are equally likely.
    pub latency_ns: (u64, u64),
    /// How many of a million messages vanish.
    pub loss_ppm: u64,
    /// How many of a million messages arrive a second time.
    pub duplicate_ppm: u64,
    /// What second copies need beyond the latency.
    pub extra_ns: (u64, u64),
}

const MS: u64 = 1_000_000;

impl Weather {
    /// Nothing is lost, nothing comes twice.
    pub const CALM: Self = Self { latency_ns: (MS, 10 * MS), loss_ppm: 0, duplicate_ppm: 0, extra_ns: (10 * MS, 400 * MS) };
    /// Two per cent are lost and two per cent come twice.
    pub const LOSSY: Self = Self { loss_ppm: 20_000, duplicate_ppm: 20_000, ..Self::CALM };
}

/// After how long a message arrives, if it does; and its second copy, if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// The first copy.
    pub after_ns: Option<u64>,
    /// The second copy.
    pub again_after_ns: Option<u64>,
}

/// All links of a cluster.
#[derive(Debug)]
pub struct Links {
    weather: Weather,
    random: SplitMix,
    nodes: usize,
    last_due_ns: Vec<u64>,
}

impl Links {
    /// Links between this many nodes.
    #[must_use]
    pub fn new(nodes: usize, weather: Weather, seed: u64) -> Self {
        Self { weather, random: SplitMix(seed), nodes, last_due_ns: vec![0; nodes * nodes] }
    }

    /// Decides what becomes of a message from one node to another, both counted from 0.
    pub fn send(&mut self, now_ns: u64, from: usize, to: usize) -> Fate {
        let weather = self.weather;
        if self.random.chance_ppm(weather.loss_ppm) {
            return Fate::default();
        }
        let last_ns = &mut self.last_due_ns[from * self.nodes + to];
        *last_ns = (now_ns + self.random.between(weather.latency_ns)).max(*last_ns + 1);
        let after_ns = Some(*last_ns - now_ns);
        let again = self.random.chance_ppm(weather.duplicate_ppm);
        let again_after_ns = again.then(|| self.random.between(weather.latency_ns) + self.random.between(weather.extra_ns));
        Fate { after_ns, again_after_ns }
    }

    /// A number below this one, from the stream that decides everything else.
    pub fn below(&mut self, end: u64) -> u64 {
        self.random.between((0, end - 1))
    }
}

/// SplitMix64: one multiplication chain per draw, cheaper than any cipher.
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, (low, high): (u64, u64)) -> u64 {
        let wide = u128::from(self.next()) * u128::from(high - low + 1);
        low + u64::try_from(wide >> 64).unwrap_or(0)
    }

    fn chance_ppm(&mut self, ppm: u64) -> bool {
        ppm > 0 && self.between((0, 999_999)) < ppm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_copies_keep_their_order_and_rates_are_met() {
        let mut links = Links::new(2, Weather::LOSSY, 7);
        let (mut last_ns, mut arrived, mut twice) = (0, 0, 0);
        for now_ns in (0..100_000).map(|n| n * MS / 10) {
            let fate = links.send(now_ns, 0, 1);
            if let Some(after_ns) = fate.after_ns {
                assert!(now_ns + after_ns > last_ns);
                assert!(after_ns >= MS);
                last_ns = now_ns + after_ns;
                arrived += 1;
            }
            twice += u64::from(fate.again_after_ns.is_some());
        }
        assert!((97_500..98_500).contains(&arrived), "{arrived}");
        assert!((1_700..2_300).contains(&twice), "{twice}");
    }
}
