//! Where the run's clients become clients of the driver: one connection to each node, which all of them use.
//!
//! Not here: what clients ask and when ([`crate::run::clients`]).

use std::sync::Arc;

use madsim::runtime::{NodeHandle, Runtime};
use squall_raft::config::Config;
use squall_raft::node::request::Request;
use squall_raft::server::client::{Client, Options};
use squall_raft::types::NodeId;

use super::env::{self, SimEnv};
use super::journal::Entry;
use super::shared::Shared;
use crate::world::{ClientId, RequestHandle};

/// The longest pause between two attempts to connect.
const REDIAL_MAX_NS: u64 = 100_000_000;

/// The way to one node.
pub(super) struct Gateway {
    node: NodeId,
    connection: Arc<Client<SimEnv>>,
    shared: Arc<Shared>,
    clients: NodeHandle,
}

impl Gateway {
    /// Begins to connect to a node.
    pub(super) fn open(runtime: &Runtime, clients: &NodeHandle, env: &SimEnv, machine: usize, raft: &Config) -> Self {
        let node = raft.me.node;
        let options = Options {
            redial_ns: (10_000_000, REDIAL_MAX_NS),
            patience_ns: raft.timing.election_timeout_max_ns,
            ..Options::new(raft.cluster, node, env::address(machine))
        };
        let of_client = env.clone();
        let opened = clients.spawn(async move { Arc::new(Client::new(of_client, options)) });
        let connection = runtime.block_on(opened).expect("nobody aborts it");
        Self { node, connection, shared: Arc::clone(&env.shared), clients: clients.clone() }
    }

    /// Asks. An answer comes through the journal, or none.
    pub(super) fn ask(&self, client: ClientId, handle: RequestHandle, request: Request) {
        let (from, connection, shared) = (self.node, Arc::clone(&self.connection), Arc::clone(&self.shared));
        // Not awaited by anyone. Bounded by the run: each of its clients waits before it asks again.
        self.clients.spawn(async move {
            if let Ok(reply) = connection.call(request).await {
                shared.write(Entry::Reply { client, handle, from, reply });
            }
        });
    }
}
