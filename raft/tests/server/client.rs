//! The client library against servers that break, lie, or say nothing. The test plays the server.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::server::client::{Client, Lost, Options};
use squall_raft::server::codec::{self, Incoming, Limits};
use squall_raft::server::native::Native;
use squall_raft::server::wire::Hello;
use squall_raft::types::{BootNumber, ClusterId, NodeId};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::raw::{Raw, hello_bytes, member};
use crate::setup::{CLUSTER, client_env, folder, in_time, no_task_is_left};

/// What node 1 says to a client.
const GREETING: Hello = Hello {
    cluster: CLUSTER,
    from: Some(squall_raft::types::Peer { node: NodeId(1), incarnation: INCARNATION }),
    to: NodeId(0),
    boot: BootNumber(1),
};
const INCARNATION: squall_raft::types::Incarnation = squall_raft::types::Incarnation(0);

struct Pretender {
    listener: TcpListener,
    env: Native,
}

impl Pretender {
    async fn begin(test: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener, env: client_env(&folder(test)) }
    }

    fn options(&self) -> Options {
        Options::new(CLUSTER, NodeId(1), self.listener.local_addr().expect("an address").to_string())
    }

    fn client(&self) -> Client<Native> {
        Client::new(self.env.clone(), self.options())
    }

    /// Takes the client's next connection and hears whom it means.
    async fn accept(&self) -> Raw {
        let (stream, _) = in_time("a dial", self.listener.accept()).await.expect("a connection");
        let mut raw = Raw::on(stream);
        let Some(Incoming::Hello(hello)) = raw.hear().await else { panic!("found no greeting, expected one") };
        assert_eq!(hello, Hello { cluster: CLUSTER, from: None, to: NodeId(1), boot: BootNumber(0) });
        raw
    }

    async fn welcome(&self) -> Raw {
        let mut raw = self.accept().await;
        raw.say(&hello_bytes(&GREETING)).await;
        raw
    }
}

fn question(number: u8) -> Request {
    Request::Query { query: Bytes::from(vec![number]) }
}

async fn hear_request(raw: &mut Raw) -> (u64, Request) {
    match raw.hear().await {
        Some(Incoming::Request { id, request }) => (id, request),
        other => panic!("found {other:?}, expected a request"),
    }
}

async fn reply(raw: &mut Raw, id: u64) {
    let mut bytes = BytesMut::new();
    codec::encode_reply(id, &Reply::Forgotten, &Limits::default(), &mut bytes).expect("a short reply");
    raw.say(&bytes).await;
}

fn spawn(client: &Arc<Client<Native>>, number: u8) -> JoinHandle<Result<Reply, Lost>> {
    let client = Arc::clone(client);
    tokio::spawn(async move { client.call(question(number)).await })
}

#[tokio::test]
async fn what_was_asked_over_a_broken_connection_is_lost_and_the_next_one_serves() {
    let pretender = Pretender::begin("lost").await;
    let client = Arc::new(pretender.client());
    for round in 0..3 {
        let mut raw = pretender.welcome().await;
        // While there is no connection everything is lost at once, so this asks until there is one.
        let asking = tokio::spawn({
            let client = Arc::clone(&client);
            async move {
                loop {
                    match client.call(question(round)).await {
                        Err(Lost) => tokio::time::sleep(Duration::from_millis(1)).await,
                        Ok(reply) => return reply,
                    }
                }
            }
        });
        let (id, request) = hear_request(&mut raw).await;
        assert_eq!(request, question(round));
        reply(&mut raw, id).await;
        assert_eq!(in_time("an answer", asking).await.unwrap(), Reply::Forgotten);
        let lost = spawn(&client, round);
        hear_request(&mut raw).await;
        drop(raw);
        assert_eq!(in_time("the loss", lost).await.unwrap(), Err(Lost));
    }
    drop(client);
    no_task_is_left().await;
}

#[tokio::test]
async fn nobody_else_at_the_address_is_believed() {
    let pretender = Pretender::begin("believed").await;
    for wrong in [
        hello_bytes(&Hello { cluster: ClusterId(CLUSTER.0 + 1), ..GREETING }),
        hello_bytes(&Hello { from: Some(member(2)), ..GREETING }),
        hello_bytes(&Hello { from: None, ..GREETING }),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        {
            let mut bytes = BytesMut::new();
            codec::encode_ping(&mut bytes);
            bytes.to_vec()
        },
    ] {
        let client = Arc::new(pretender.client());
        let asked = spawn(&client, 1);
        let mut raw = pretender.accept().await;
        raw.say(&wrong).await;
        assert_eq!(raw.hear().await, None, "the request is not for whoever said {wrong:02x?}");
        assert_eq!(in_time("the loss", asked).await.unwrap(), Err(Lost));
        drop(client);
    }
    no_task_is_left().await;
}

#[tokio::test]
async fn garbage_from_a_server_is_the_end_of_its_connection() {
    let pretender = Pretender::begin("garbage").await;
    for garbage in [vec![0xa5; 50], hello_bytes(&GREETING)] {
        let client = Arc::new(pretender.client());
        let asked = spawn(&client, 1);
        let mut raw = pretender.welcome().await;
        let (id, _) = hear_request(&mut raw).await;
        // An answer that nobody waits for is no reason to hang up.
        reply(&mut raw, id + 1_000).await;
        raw.say(&garbage).await;
        assert_eq!(in_time("the loss", asked).await.unwrap(), Err(Lost));
        assert_eq!(raw.hear().await, None);
    }
    no_task_is_left().await;
}

#[tokio::test]
async fn what_no_server_would_take_is_refused_before_it_is_sent() {
    let pretender = Pretender::begin("too-long").await;
    let client = Arc::new(pretender.client());
    let large = Request::Query { query: Bytes::from(vec![0; Limits::default().message_bytes_max as usize]) };
    let refused = tokio::spawn({
        let client = Arc::clone(&client);
        async move { client.call(large).await }
    });
    let mut raw = pretender.welcome().await;
    assert_eq!(in_time("an answer", refused).await.unwrap(), Ok(Reply::Refused(Refused::TooLarge)));
    let asked = spawn(&client, 1);
    let (id, _) = hear_request(&mut raw).await;
    reply(&mut raw, id).await;
    assert_eq!(in_time("an answer", asked).await.unwrap(), Ok(Reply::Forgotten));
    drop((client, raw));
    no_task_is_left().await;
}

/// A server that never answers: callers wait, or give up and make room for others. Nothing piles up.
#[tokio::test]
async fn no_more_requests_wait_than_may() {
    let pretender = Pretender::begin("bounded").await;
    let client = Arc::new(Client::new(pretender.env.clone(), Options { requests_max: 4, ..pretender.options() }));
    let mut asked: Vec<_> = (0..12).map(|number| spawn(&client, number)).collect();
    let mut raw = pretender.welcome().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(hear_request(&mut raw).await.0);
    }
    let more = tokio::time::timeout(Duration::from_millis(100), raw.hear()).await;
    assert!(more.is_err(), "found {more:?}, expected that the others wait");
    // An answer makes room for one ..
    reply(&mut raw, ids[0]).await;
    hear_request(&mut raw).await;
    // .. and so does whoever gives up.
    asked.retain(|caller| !caller.is_finished());
    for caller in asked {
        caller.abort();
    }
    let asked: Vec<_> = (20..24).map(|number| spawn(&client, number)).collect();
    let mut answered = 0;
    while answered < 4 {
        let (id, request) = hear_request(&mut raw).await;
        if (20..24).any(|number| request == question(number)) {
            reply(&mut raw, id).await;
            answered += 1;
        }
    }
    for caller in asked {
        assert_eq!(in_time("an answer", caller).await.unwrap(), Ok(Reply::Forgotten));
    }
    drop((client, raw));
    no_task_is_left().await;
}

#[tokio::test]
async fn a_dropped_client_leaves_no_task_whatever_it_was_doing() {
    let pretender = Pretender::begin("dropped").await;
    // Never polled, dialling, greeting, serving, and between two dials.
    drop(pretender.client());
    no_task_is_left().await;
    let client = pretender.client();
    let greeting = pretender.accept().await;
    drop(client);
    no_task_is_left().await;
    drop(greeting);
    let client = Arc::new(pretender.client());
    let asked = spawn(&client, 1);
    let mut serving = pretender.welcome().await;
    hear_request(&mut serving).await;
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    drop(client);
    no_task_is_left().await;
    assert_eq!(serving.hear().await, None);
    let client = pretender.client();
    drop(pretender.accept().await);
    assert_eq!(in_time("the loss", client.call(question(1))).await, Err(Lost));
    drop(client);
    no_task_is_left().await;
}
