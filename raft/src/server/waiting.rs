//! Requests that wait for the node: what comes while it is busy is handed over together.
//!
//! Nobody waits for a batch to fill up: whoever brings requests takes the lock of the node as soon as it can get
//! it, and then hands over whatever has come in the meantime, its own or not. So batches are as large as the node is
//! busy. What waits is bounded by the places for its answers, which are reserved before.
//!
//! Not here: what the node makes of a batch ([`crate::node`]).

use std::collections::VecDeque;
use std::sync::Mutex;

use super::engine::ReplyTo;
use super::limits::Limits;
use super::tasks::lock;
use crate::node::request::Request;

/// One request and where its answer goes.
pub(super) type Asked = (Request, ReplyTo);

/// The queue, oldest first.
#[derive(Default)]
pub(super) struct Waiting(Mutex<VecDeque<Asked>>);

impl Waiting {
    /// Adds one; whoever does must take a batch afterwards.
    pub(super) fn push(&self, asked: Asked) {
        lock(&self.0).push_back(asked);
    }

    /// Takes the next batch, and says whether it leaves any behind.
    pub(super) fn take(&self, limits: &Limits) -> (Vec<Asked>, bool) {
        let mut waiting = lock(&self.0);
        let mut bytes = 0;
        let fits = |(request, _): &&Asked| {
            let is_first = bytes == 0;
            bytes = payload_bytes(request).saturating_add(bytes).max(1);
            is_first || bytes <= limits.batch_bytes_max
        };
        let count = waiting.iter().take(limits.batch_requests_max).take_while(fits).count();
        let batch = waiting.drain(..count).collect();
        (batch, !waiting.is_empty())
    }
}

const fn payload_bytes(request: &Request) -> u64 {
    match request {
        Request::Command { command, .. } => command.len() as u64,
        Request::Query { query } => query.len() as u64,
        Request::Register | Request::Campaign => 0,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::oneshot;

    use super::*;
    use crate::config::Config;
    use crate::membership::Configuration;
    use crate::types::{ClusterId, NodeId};

    fn query(bytes: usize) -> Asked {
        (Request::Query { query: Bytes::from(vec![0; bytes]) }, ReplyTo::Caller(oneshot::channel().0))
    }

    #[test]
    fn a_batch_obeys_both_limits_and_is_never_empty() {
        let members = Configuration::of_voters([NodeId(1)]).expect("one voter");
        let config = Config::new(ClusterId(7), NodeId(1), members);
        let limits = Limits { batch_requests_max: 3, batch_bytes_max: 10, ..Limits::for_config(&config) };
        let waiting = Waiting::default();
        [4, 6, 1, 0, 0, 0, 0, 11, 10, 1].into_iter().for_each(|bytes| waiting.push(query(bytes)));
        let mut batches = Vec::new();
        loop {
            let (batch, more) = waiting.take(&limits);
            batches.push(batch.iter().map(|(request, _)| payload_bytes(request)).collect::<Vec<_>>());
            if !more {
                break;
            }
        }
        assert_eq!(batches, [vec![4, 6], vec![1, 0, 0], vec![0, 0], vec![11], vec![10], vec![1]]);
        assert_eq!(waiting.take(&limits).0.len(), 0);
    }
}
