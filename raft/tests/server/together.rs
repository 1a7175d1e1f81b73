//! Requests that have come when the node gets round to them are one batch.

use bytes::Bytes;
use squall_raft::node::request::{Reply, Request};
use squall_raft::server::Shutdown;
use squall_raft::server::codec::Incoming;

use crate::piped;
use crate::raw::{Raw, hello, hello_bytes, request_bytes};
use crate::setup::{Setup, folder, in_time, leads, no_task_is_left, put, value};

/// More than is said at once here.
const PIPE_BYTES: usize = 64 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_in_one_piece_is_proposed_in_batches_and_answered_one_by_one() {
    let mut setup = Setup::single();
    setup.limits.batch_requests_max = 8;
    let (server, mut outside) = piped::start(&setup, &folder("together"), PIPE_BYTES).await;
    outside.dialled.close();
    leads(&server, 1).await;
    let Reply::Registered { session } = in_time("a session", server.call(Request::Register)).await else {
        panic!("found another answer to a registration")
    };
    assert_eq!((server.stats().batches, server.stats().batches_full), (0, 0));
    let mut raw = Raw::on(outside.dial());
    raw.say(&hello_bytes(&hello(None))).await;
    assert!(matches!(raw.hear().await, Some(Incoming::Hello(_))));
    let requests: Vec<u8> = (1..=20_u8).flat_map(|n| request_bytes(n.into(), &put(session, n.into(), "key", &[n]))).collect();
    raw.say(&requests).await;
    let mut answered = Vec::new();
    for _ in 1..=20 {
        let Some(Incoming::Reply { id, reply }) = raw.hear().await else { panic!("found an end, expected an answer") };
        assert!(matches!(reply, Reply::Applied { .. }), "{reply:?}");
        answered.push(id);
    }
    assert!(answered.iter().copied().eq(1..=20), "{answered:?}");
    let stats = server.stats();
    assert!(stats.batches > 0, "found no batch, expected what came together to be handed over together");
    assert!(stats.batches_full > 0, "found no full batch, expected 20 requests to be more than 8");
    let last = in_time("an answer", server.call(crate::setup::get("key"))).await;
    assert_eq!(value(&last), Some(Bytes::from_static(&[20])));
    drop(raw);
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}
