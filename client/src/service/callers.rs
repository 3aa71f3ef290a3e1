//! Whose program it is that calls: another user's has no business here.

use std::net::SocketAddr;

use super::proc_net;

/// Whose program is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// This user's.
    SameUser,
    /// Another user's, or one that has hung up already.
    OtherUser,
    /// The system does not tell.
    Untold,
}

/// Tells whose program calls.
pub trait Callers: Send + Sync {
    /// Whose program is at `remote` of the connection to us at `local`.
    fn caller(&self, local: SocketAddr, remote: SocketAddr) -> Caller;
}

/// As the operating system tells.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallersOfSystem;

impl Callers for CallersOfSystem {
    fn caller(&self, local: SocketAddr, remote: SocketAddr) -> Caller {
        let Some(sockets) = proc_net::sockets() else { return Caller::Untold };
        let (local, remote) = (canonical(local), canonical(remote));
        // The caller's end of the connection has our address as its remote one.
        let theirs = sockets.iter().find(|socket| socket.local == remote && socket.remote == local);
        match theirs {
            Some(socket) if socket.user == rustix::process::getuid().as_raw() => Caller::SameUser,
            Some(_) => Caller::OtherUser,
            // On one computer both ends of a connection are in the list as long as it is open.
            None if sockets.iter().any(|socket| socket.local == local && socket.remote == remote) => Caller::OtherUser,
            None => Caller::Untold,
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
