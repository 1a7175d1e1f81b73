//! How many may connect, and how long those may stay who say nothing.

use squall_raft::server::Shutdown;

use crate::raw::{Raw, hello, hello_bytes};
use crate::setup::{HOUR, MS, Setup, client_env, connect, folder, get, in_time, no_task_is_left, read, register, until, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_is_hung_up_on_and_keeps_nobody_out() {
    let folder = folder("silent");
    let mut setup = Setup::single();
    setup.limits.strangers_max = 2;
    setup.limits.handshake_ns = 100 * MS;
    let server = setup.start(&folder.join("node")).await;
    let mut silent = Vec::new();
    for len in 0..10 {
        let mut raw = Raw::connect(server.address()).await;
        // Half a greeting is as little.
        raw.say(&hello_bytes(&hello(None))[..len]).await;
        silent.push(raw);
    }
    let client = connect(&client_env(&folder), 1, server.address());
    let session = register(&client).await;
    write(&client, session, 1, "key", b"value").await;
    for raw in &mut silent {
        raw.hear_the_end().await;
    }
    assert_eq!(server.stats().idle_closed, 10);
    // The client was greeted in time, and stays.
    assert_eq!(read(&client, "key").await.as_deref(), Some(&b"value"[..]));
    drop(client);
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_clients_than_there_is_room_for_are_hung_up_on() {
    let folder = folder("sessions");
    let mut setup = Setup::single();
    setup.limits.sessions_max = 2;
    let server = setup.start(&folder.join("node")).await;
    let first = Raw::greet(server.address(), None).await;
    let second = Raw::greet(server.address(), None).await;
    until("two sessions", || server.stats().sessions == 2).await;
    for refused in 1..=5 {
        Raw::greet(server.address(), None).await.hear_the_end().await;
        assert_eq!(server.stats().strangers_refused, refused);
    }
    drop(first);
    let client = connect(&client_env(&folder), 1, server.address());
    let session = register(&client).await;
    write(&client, session, 1, "key", b"value").await;
    drop((client, second));
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_falls_silent_is_hung_up_on() {
    let folder = folder("idle");
    let mut setup = Setup::single();
    setup.limits.session_idle_ns = 100 * MS;
    let server = setup.start(&folder.join("node")).await;
    let mut raw = Raw::greet(server.address(), None).await;
    raw.hear_the_end().await;
    assert_eq!(server.stats().idle_closed, 1);
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}

/// It pings, so it is not silent; without this it would wait for ever for answers that nobody sends any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_take_its_answers_is_hung_up_on() {
    let folder = folder("deaf");
    let mut setup = Setup::single();
    setup.limits.write_ns = 50 * MS;
    setup.limits.session_idle_ns = HOUR;
    let server = setup.start(&folder.join("node")).await;
    let client = connect(&client_env(&folder), 1, server.address());
    let session = register(&client).await;
    write(&client, session, 1, "large", &vec![7; 512 << 10]).await;
    let with_client = server.live_tasks();
    let mut deaf = Raw::greet(server.address(), None).await;
    // More than the system buffers, and no more requests than the server reads: it waits for more of them.
    for id in 0..100 {
        deaf.say(&crate::raw::request_bytes(id, &get("large"))).await;
    }
    until("a write that is given up", || server.stats().write_timeouts == 1).await;
    until("that its tasks are gone", || server.live_tasks() == with_client).await;
    assert_eq!(read(&client, "large").await.map(|value| value.len()), Some(512 << 10));
    drop((client, deaf));
    assert_eq!(in_time("a shutdown", server.shutdown()).await, Shutdown { drained: true, tasks_left: 0 });
    no_task_is_left().await;
}
