//! Which arenas there are, by name, and what each can do.
//!
//! The command line, records and campaigns know arenas by these names only; where a run is started, a kind becomes a
//! type ([`crate::campaign::single`]).

use std::fmt;

use squall_checkers::violation::Need;
use squall_raft::applier::kv::Kv;
use squall_raft::node::Node;

use super::Arena as _;
#[cfg(madsim)]
use super::madsim::Madsim;
use crate::scenario::Means;
use crate::world::World;

/// An arena, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArenaKind {
    /// State machines in a discrete-event loop.
    #[default]
    World,
    /// The driver and the transport of production on a simulated executor.
    Madsim,
}

impl ArenaKind {
    /// All of them, built in or not.
    pub const ALL: [Self; 2] = [Self::World, Self::Madsim];

    /// The stable name: recorded seeds and the command line use it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::World => "world",
            Self::Madsim => "madsim",
        }
    }

    /// The arena of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether this build has it.
    ///
    /// # Errors
    /// How to build it in.
    pub const fn built(self) -> Result<(), NotBuilt> {
        match self {
            Self::World => Ok(()),
            Self::Madsim if cfg!(madsim) => Ok(()),
            Self::Madsim => Err(NotBuilt(self)),
        }
    }

    /// What its observers are told.
    #[must_use]
    pub const fn provides(self) -> &'static [Need] {
        match self {
            Self::World => World::<Node<Kv>>::PROVIDES,
            #[cfg(madsim)]
            Self::Madsim => Madsim::<Kv>::PROVIDES,
            #[cfg(not(madsim))]
            Self::Madsim => &[],
        }
    }

    /// What it can never do.
    #[must_use]
    pub const fn cannot(self) -> &'static [Means] {
        match self {
            Self::World => World::<Node<Kv>>::CANNOT,
            #[cfg(madsim)]
            Self::Madsim => Madsim::<Kv>::CANNOT,
            #[cfg(not(madsim))]
            Self::Madsim => &[],
        }
    }
}

impl fmt::Display for ArenaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// This build has no such arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the arena {0} is not in this build: build with --cfg {0}, which .cargo/config.toml of the workspace sets under \
     build.rustflags; a RUSTFLAGS in the environment replaces those silently, so unset it or add --cfg {0} to it"
)]
pub struct NotBuilt(pub ArenaKind);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_arena() {
        for kind in ArenaKind::ALL {
            assert_eq!(ArenaKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ArenaKind::from_name("moon"), None);
    }

    /// The workspace sets the cfg for every build. If it got lost, or an outer RUSTFLAGS took it away, this says so.
    #[test]
    fn every_arena_is_in_this_build() {
        for kind in ArenaKind::ALL {
            assert_eq!(kind.built(), Ok(()), "{}", NotBuilt(kind));
        }
    }

    #[test]
    fn what_is_not_built_says_how_to_build_it() {
        let text = NotBuilt(ArenaKind::Madsim).to_string();
        assert!(["--cfg madsim", ".cargo/config.toml", "RUSTFLAGS"].iter().all(|word| text.contains(word)), "{text}");
    }

    #[test]
    fn every_checker_runs_in_every_arena_but_those_of_streams_which_the_world_has_not() {
        use squall_checkers::violation::Property;
        let missing = |kind: ArenaKind| Property::judged_by(kind.provides()).1;
        assert_eq!(missing(ArenaKind::World), [Property::Transport, Property::Bounded]);
        assert_eq!(missing(ArenaKind::Madsim), []);
    }
}
