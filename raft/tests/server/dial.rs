//! A name may have several addresses, and a server listens at one of them.
//!
//! Not here: names that no machine resolves alike (`server/native.rs` tests the choice among given addresses).

use squall_raft::server::env::{Env as _, Listener as _};
use tokio::net::lookup_host;

use crate::setup::{client_env, folder, in_time, no_task_is_left};

/// Where `localhost` is `::1` before `127.0.0.1`, one of both refuses each time.
#[tokio::test]
async fn a_name_is_dialled_at_whichever_of_its_addresses_somebody_listens() {
    let env = client_env(&folder("dial"));
    let all: Vec<_> = in_time("a lookup", lookup_host("localhost:0")).await.expect("a name that all machines know").collect();
    let mut listened = 0;
    for address in all {
        // A machine may know the name of a family that it has no interface for.
        let Ok(listener) = env.listen(&address.to_string()).await else { continue };
        let (_, port) = listener.address().rsplit_once(':').map(|(ip, port)| (ip.to_owned(), port.to_owned())).expect("a port");
        let stream = in_time("a connection", env.dial(&format!("localhost:{port}"))).await.expect("a server that listens");
        assert_eq!(stream.peer_addr().expect("an address").to_string(), listener.address());
        listened += 1;
    }
    assert!(listened > 0);
    no_task_is_left().await;
}
