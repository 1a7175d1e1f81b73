//! The first words on a connection: who calls, whom, and in which cluster.
//!
//! Not here: whether the one who is called agrees.

use crate::types::{BootNumber, ClusterId, NodeId, Peer};

use super::message::PeerMirror;
use super::{WireError, narrow, present};

/// Sent first by both sides. Nothing else is believed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The cluster that the sender means.
    pub cluster: ClusterId,
    /// The sender in its present life; a client has no name.
    pub from: Option<Peer>,
    /// Whom the sender means to have reached.
    pub to: NodeId,
    /// The sender's boot; 0 for a client.
    pub boot: BootNumber,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(in crate::server) struct HelloMirror {
    #[prost(fixed64, optional, tag = "1")]
    cluster: Option<u64>,
    #[prost(message, optional, tag = "2")]
    from: Option<PeerMirror>,
    #[prost(uint64, optional, tag = "3")]
    to: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    boot: Option<u64>,
}

impl From<&Hello> for HelloMirror {
    fn from(hello: &Hello) -> Self {
        Self {
            cluster: Some(hello.cluster.0),
            from: hello.from.map(PeerMirror::from),
            to: Some(hello.to.0),
            boot: Some(hello.boot.0.into()),
        }
    }
}

impl TryFrom<HelloMirror> for Hello {
    type Error = WireError;

    fn try_from(mirror: HelloMirror) -> Result<Self, WireError> {
        Ok(Self {
            cluster: ClusterId(present("hello.cluster", mirror.cluster)?),
            from: mirror.from.map(|peer| peer.read(["hello.from.node", "hello.from.incarnation"])).transpose()?,
            to: NodeId(present("hello.to", mirror.to)?),
            boot: BootNumber(narrow("hello.boot", mirror.boot)?),
        })
    }
}
