//! Where the run's clients become clients of the driver: one connection to each node, which all of them use.
//!
//! Not here: what clients ask and when ([`crate::run::clients`]).

use std::sync::Arc;

use madsim::runtime::NodeHandle;
use squall_raft::config::Config;
use squall_raft::node::request::Request;
use squall_raft::server::client::{Client, Options};
use squall_raft::server::env::Env as _;
use tokio::sync::mpsc;

use super::env::{self, SimEnv};
use super::journal::Entry;
use crate::world::{ClientId, RequestHandle};

/// The longest pause between two attempts to connect.
const REDIAL_MAX_NS: u64 = 100_000_000;

/// The way to one node.
pub(super) struct Gateway {
    questions: mpsc::UnboundedSender<(ClientId, RequestHandle, Request)>,
}

impl Gateway {
    /// Begins to connect to a node.
    pub(super) fn open(clients: &NodeHandle, env: &SimEnv, node: usize, raft: &Config) -> Self {
        // Bounded by the run: each of its clients waits for an answer or a timeout before it asks again.
        let (questions, asked) = mpsc::unbounded_channel();
        let options = Options {
            redial_ns: (10_000_000, REDIAL_MAX_NS),
            patience_ns: raft.timing.election_timeout_max_ns,
            ..Options::new(raft.cluster, raft.me.node, env::address(node))
        };
        clients.spawn(pass_on(env.clone(), options, asked));
        Self { questions }
    }

    /// Asks. An answer comes through the journal, or none.
    pub(super) fn ask(&self, client: ClientId, handle: RequestHandle, request: Request) -> bool {
        self.questions.send((client, handle, request)).is_ok()
    }
}

async fn pass_on(env: SimEnv, options: Options, mut asked: mpsc::UnboundedReceiver<(ClientId, RequestHandle, Request)>) {
    let from = options.node;
    let connection = Arc::new(Client::new(env.clone(), options));
    while let Some((client, handle, request)) = asked.recv().await {
        let (connection, shared) = (Arc::clone(&connection), Arc::clone(&env.shared));
        env.spawn(async move {
            if let Ok(reply) = connection.call(request).await {
                shared.write(Entry::Reply { client, handle, from, reply });
            }
        });
    }
}
