//! Bugs of the algorithms, planted to measure what the tests of the checker are worth.
//!
//! With the feature `mutants` one of them can be active in a thread, for as long as a guard lives.
//! Without it all of them are asleep for good, and the compiler removes them.
//! Not here: mistakes in models and histories (`tests/linearizability/planted.rs`).

/// Names the bugs once, for the enum and for the list of all.
macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident,)+) => {
        /// A planted bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        #[cfg(feature = "mutants")]
        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$bug,)+];
        }
    };
}

bugs! {
    /// Partitioning: all operations are about the first key that was seen.
    KeysAreOne,
    /// Partitioning: of simultaneous events returns come first.
    ReturnsComeFirst,
    /// Partitioning: what has no answer had no effect.
    UnknownMeansNever,
    /// Partitioning: operations are equal if their inputs are, whatever they were answered.
    EqualWhateverTheAnswer,
    /// States: a remembered step holds for every state.
    StepsForgetTheirState,
    /// Greedy reads: a write that changes nothing now takes effect like a read.
    WritesSettleAsReads,
    /// Greedy reads: whatever is possible now settles, though it changes something.
    SettlesThoughItChanges,
    /// Greedy reads: what an operation hides becomes free without it.
    HidesWhatItDoesNotAbsorb,
    /// Dominance: what must still be done does not count.
    DominanceForgetsWhatMust,
    /// Dominance: what may still be done does not count.
    DominanceForgetsWhatMay,
    /// Dominance: fewer inert operations are better than more.
    FewerInertDominate,
    /// Pruning: what must take effect and leads to nothing is dropped, though it hides something.
    WhatLeadsOnForgetsTheHidden,
    /// Masks: a free operation stands in for an equal one that must take effect.
    FreeStandsInForMust,
    /// Masks: a configuration in which the returning operation became free ends there.
    FreedTargetEnds,
    /// Masks: who leaves a slot stays in the sets of the others.
    VacatedSlotStaysInMasks,
    /// Masks: of several words only the first one is compared.
    OnlyTheFirstWord,
    /// Foresight: a value fades one return too early.
    FadesTooEarly,
    /// Foresight: an operation is inert one return too early.
    InertTooEarly,
    /// Foresight: a compare-and-set of unknown outcome does not need what it expects.
    HorizonForgetsUnknownCas,
    /// Foresight: an append is inert as soon as nobody sees a value that begins with it.
    HorizonForgetsAppends,
    /// Orders: what became free and was not taken later has no place.
    FreedHasNoPlace,
    /// Orders: steps forget what was before them when others are forgotten.
    PrunedStepsForgetTheirWay,
    /// Cuts: what is pending for ever is forgotten.
    CutsForgetTheUnknown,
    /// Cuts: the first of several states is the one.
    CutsThoughUncertain,
    /// Cuts: a return is counted that has not come yet.
    CutCountsAReturn,
    /// Searches in turn: an event during which one was paused is skipped.
    PauseSkipsAnEvent,
    /// Depth first: the memory of what was tried forgets the state.
    MemoryForgetsTheState,
    /// Depth first: the memory of what was tried forgets what took effect early.
    MemoryForgetsWhatIsDone,
    /// Depth first: of interchangeable operations the one that returns last is taken first.
    LastReturnFirst,
    /// Depth first: an order that was given up stays in the next one.
    DeadEndsStay,
    /// Unique values: a value may be written twice.
    TwiceIsUnique,
    /// Unique values: an append may follow two different values.
    AppendsFollowTwoValues,
    /// Unique values: the order inside of a block does not matter.
    BlocksHaveNoOrder,
    /// Unique values: blocks that wait for each other in a circle are fine.
    CirclesAreBlocks,
    /// Unique values: zones may overlap.
    ZonesOverlap,
    /// Unique values: a block may happen within a zone.
    BlocksWithinZones,
    /// Unique values: a compare-and-set that was refused may overtake another one.
    RefusedOvertake,
    /// Unique values: a compare-and-set may be refused after it returned.
    RefusedTooLate,
    /// Unique values: the blame does not ask whether what was refused had a place before.
    BlameForgetsRefused,
    /// Unique values: a block moves behind blocks that it must precede, to make way.
    BlocksMoveBack,
    /// Unique values: a block moves ahead of blocks that must precede it, to make way.
    BlocksMoveAhead,
    /// Queues: a value may be enqueued twice.
    EnqueuedTwiceIsOnce,
    /// Queues: a value may leave twice.
    DequeuedTwiceIsOnce,
    /// Queues: what nobody dequeued was never there.
    WhatStaysNeverCame,
    /// Queues: a dequeue may find nothing while something is there.
    EmptyWithValuesInside,
    /// Queues: the order of enqueues does not matter.
    EnqueuesInAnyOrder,
    /// Queues: a dequeue of unknown outcome may happen before it was invoked.
    UnknownDequeueBeforeItsTime,
    /// Sets: an element may be seen before its add was invoked.
    SeenBeforeItsAdd,
    /// Sets: an element may be taken out twice.
    TakenOutTwice,
    /// Sets: an add does not wait for who did not see the element.
    AbsenceIsForgotten,
    /// Sets: a read need not have seen less than one that saw more.
    ReadsThatSawMoreAreForgotten,
    /// Sets: removals do not matter to reads of the whole set.
    RemovalsWithReads,
    /// Streams: what is in flight has failed.
    InFlightHasFailed,
    /// Streams: what returns first is known to return last.
    ReturnsInReverse,
    /// Streams: states get new numbers, but configurations keep the old ones.
    KeptStatesAreMixedUp,
    /// Witness: real time does not matter.
    WitnessIgnoresTime,
    /// Witness: of one position reads come first.
    WitnessReadsFirst,
    /// Witness: what was answered may have had no effect.
    WitnessLeavesOutAnswered,
}

#[cfg(not(feature = "mutants"))]
impl Bug {
    /// Never.
    #[inline]
    pub(crate) const fn is_planted(self) -> bool {
        false
    }
}

#[cfg(feature = "mutants")]
pub use planting::Planted;

#[cfg(feature = "mutants")]
mod planting {
    use super::Bug;
    use std::cell::Cell;

    std::thread_local! {
        // Each test runs in a thread of its own, and the guard leaves nothing behind.
        static ACTIVE: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    impl Bug {
        /// Whether this thread has it now.
        pub(crate) fn is_planted(self) -> bool {
            ACTIVE.get() == Some(self)
        }

        /// Plants it in this thread, in place of another one.
        pub fn plant(self) -> Planted {
            ACTIVE.set(Some(self));
            Planted(())
        }
    }

    /// While it lives there is a bug in this thread.
    #[derive(Debug)]
    #[must_use = "the bug is gone with it"]
    pub struct Planted(());

    impl Drop for Planted {
        fn drop(&mut self) {
            ACTIVE.set(None);
        }
    }
}
