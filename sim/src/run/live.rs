//! Judges the clients' history while it grows, so that a violation is found near to where it happened.
//!
//! It is asked at quiet points, when no operation is in flight: nothing is open then, and the answer costs next to nothing.
//! What it finds illegal is judged again with all that is known, for the evidence; what it cannot decide is judged at the end.
//!
//! Not here: how a history is judged ([`squall_checkers::linearizability`]).

use squall_checkers::history::Outcome;
use squall_checkers::linearizability::{Limits, SoFar, Stream};
use squall_checkers::model::Model;

/// Configurations that one event may cost. Who needs more is judged at the end, with foresight.
const CONFIGURATIONS_MAX: u64 = 10_000;

/// A judge beside a run.
#[derive(Clone)]
pub struct Live<M: Model> {
    /// `None` once it cannot decide any more.
    stream: Option<Stream<M>>,
    /// Something has ended since it was asked.
    news: bool,
}

impl<M: Model + Clone> Live<M> {
    /// A judge who has seen nothing yet, and whose search may not be longer than that of the whole.
    pub(super) fn new(model: M, search_max: u64) -> Self {
        let limits = Limits { configurations: search_max.min(CONFIGURATIONS_MAX), ..Limits::default() };
        Self { stream: Some(Stream::new(model, limits)), news: false }
    }

    /// An operation begins. Ids are the run's: no two operations share one.
    pub(super) fn invoke(&mut self, id: u64, input: M::Input) {
        if let Some(stream) = &mut self.stream {
            stream.invoke(id, input).expect("a client has one operation at a time, each with an id of its own");
        }
    }

    /// An operation ends.
    pub(super) fn end(&mut self, id: u64, outcome: Outcome<M::Output>) {
        if let Some(stream) = &mut self.stream {
            stream.end(id, outcome).expect("it was invoked, and ends once");
            self.news = true;
        }
    }

    /// What is known, if it is: `Some(true)` if the history so far is linearizable.
    pub(super) fn verdict(&mut self) -> Option<bool> {
        self.news = false;
        match self.stream.as_ref()?.verdict() {
            SoFar::Ok => Some(true),
            SoFar::Illegal { .. } => Some(false),
            SoFar::Unknown { .. } => {
                self.give_up();
                None
            }
        }
    }

    /// Whether something has ended since it was asked last.
    pub(super) fn has_news(&self) -> bool {
        self.news
    }

    /// It is asked no more.
    pub(super) fn give_up(&mut self) {
        *self = Self { stream: None, news: false };
    }
}
