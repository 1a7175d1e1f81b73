//! The other end of a connection, by hand: says whatever bytes a test wants to.

use bytes::BytesMut;
use squall_raft::node::request::Request;
use squall_raft::server::codec::{self, Incoming, Limits, Receiver};
use squall_raft::server::wire::Hello;
use squall_raft::types::{BootNumber, NodeId, Peer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::setup::{CLUSTER, in_time};

pub struct Raw<T = TcpStream> {
    pub stream: T,
    receiver: Receiver,
}

/// Node 2 to node 1 or a client to node 1.
pub fn hello(from: Option<u64>) -> Hello {
    let boot = BootNumber(u32::from(from.is_some()));
    Hello { cluster: CLUSTER, from: from.map(member), to: NodeId(1), boot }
}

pub fn member(node: u64) -> Peer {
    Peer { node: NodeId(node), ..Peer::default() }
}

pub fn hello_bytes(hello: &Hello) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    codec::encode_hello(hello, &mut bytes);
    bytes.to_vec()
}

pub fn request_bytes(id: u64, request: &Request) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    codec::encode_request(id, request, &Limits::default(), &mut bytes).expect("a short request");
    bytes.to_vec()
}

impl Raw {
    pub async fn connect(address: &str) -> Self {
        Self::on(in_time("a connection", TcpStream::connect(address)).await.expect("a server that listens"))
    }

    /// Connects and greets as a member or a client; the server answers.
    pub async fn greet(address: &str, from: Option<u64>) -> Self {
        let mut raw = Self::connect(address).await;
        raw.say(&hello_bytes(&hello(from))).await;
        let Some(Incoming::Hello(answer)) = raw.hear().await else { panic!("found no greeting, expected one") };
        assert_eq!((answer.cluster, answer.from, answer.to), (CLUSTER, Some(member(1)), NodeId(from.unwrap_or(0))));
        raw
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Raw<T> {
    pub fn on(stream: T) -> Self {
        Self { stream, receiver: Receiver::new(Limits::default()) }
    }

    /// Sends bytes. The other end may have hung up already, which the test sees when it hears.
    pub async fn say(&mut self, bytes: &[u8]) {
        let _ = in_time("that bytes are taken", self.stream.write_all(bytes)).await;
    }

    /// The next thing that is said; `None` if the other end hung up.
    pub async fn hear(&mut self) -> Option<Incoming> {
        in_time("a word", async {
            loop {
                if let Some(incoming) = self.receiver.next().expect("frames of ours") {
                    return Some(incoming);
                }
                if !matches!(self.stream.read_buf(self.receiver.buffer()).await, Ok(read) if read > 0) {
                    return None;
                }
            }
        })
        .await
    }

    /// Hears until the other end hangs up.
    pub async fn hear_the_end(&mut self) {
        while self.hear().await.is_some() {}
    }

    /// Says that nothing more will come.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}
