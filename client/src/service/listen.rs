//! The sockets of the service: 127.0.0.1 and ::1, never another address.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use rustix::net::SocketType;
use rustix::net::sockopt::{socket_acceptconn, socket_type};

use super::ServiceFailure;
use super::proc_net;

/// Sockets that listen. Nobody else can take the port any more.
#[derive(Debug)]
pub struct Listeners {
    port: u16,
    pub(super) sockets: Vec<TcpListener>,
}

impl Listeners {
    /// Takes the port at both addresses of this computer; 0 takes one that is free. Without IPv6 there is one address.
    ///
    /// # Errors
    /// [`ServiceFailure::PortTaken`], [`ServiceFailure::NotStarted`].
    pub fn bind(port: u16) -> Result<Self, ServiceFailure> {
        let refused = |port: u16, error: &io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ServiceFailure::PortTaken { port, owner: proc_net::owner_of_port(port) },
            _ => ServiceFailure::NotStarted { port, reason: error.to_string() },
        };
        let mut last = None;
        // A port that the system gave at one address may be taken at the other.
        for _ in 0..if port == 0 { FREE_PORT_TRIES } else { 1 } {
            let first = listen((Ipv4Addr::LOCALHOST, port).into()).map_err(|error| refused(port, &error))?;
            let port = first.local_addr().map_err(|error| refused(port, &error))?.port();
            match listen((Ipv6Addr::LOCALHOST, port).into()) {
                Ok(second) => return Ok(Self { port, sockets: vec![first, second] }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = Some(refused(port, &error)),
                Err(error) => {
                    tracing::info!(%error, "there is no IPv6 on this computer");
                    return Ok(Self { port, sockets: vec![first] });
                }
            }
        }
        Err(last.unwrap_or(ServiceFailure::PortTaken { port, owner: None }))
    }

    /// Goes on with sockets that listen already, if they are what [`Self::bind`] would take for this port: at 127.0.0.1,
    /// and at ::1 if there is a second.
    #[must_use]
    pub fn of(sockets: Vec<TcpListener>, port: u16) -> Option<Self> {
        let addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
        let is_one_of_ours = |(socket, address): (&TcpListener, &SocketAddr)| {
            socket_type(socket).is_ok_and(|kind| kind == SocketType::STREAM)
                && socket_acceptconn(socket).is_ok_and(|listens| listens)
                && socket.local_addr().is_ok_and(|local| local == *address)
                && socket.set_nonblocking(true).is_ok()
        };
        let are_ours = port != 0
            && (1..=addresses.len()).contains(&sockets.len())
            && sockets.iter().zip(&addresses).all(is_one_of_ours);
        are_ours.then_some(Self { port, sockets })
    }

    /// The sockets, to be handed over.
    #[must_use]
    pub fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

const FREE_PORT_TRIES: usize = 16;

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
