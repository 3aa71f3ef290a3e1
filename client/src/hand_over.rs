//! What a program hands over to itself when it starts anew in place: sockets that go on listening, that it is the one
//! that runs, and what must not be forgotten. It lies in a socket that leads nowhere else, in one message; file
//! descriptors go with it and are nobody's beside.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use latchkey_crypto::assertion::Origin;
use rustix::cmsg_space;
use rustix::net::sockopt::{socket_domain, socket_peercred, socket_type};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

use crate::service::{
    Memory, Purposes, REMEMBERED_REQUESTS, REQUEST_WAITS, RequestId, SelectedRequest, UsedName, WAITING_REQUESTS,
    WaitingRequest,
};

/// What is handed over.
#[derive(Debug, Default)]
pub struct HandOver {
    /// The sockets of the local service, if it has any.
    pub sockets: Vec<TcpListener>,
    /// What the local service remembers.
    pub memory: Memory,
    /// The socket and the lock of the one program that runs, where there is a place for them.
    pub instance: Option<(UnixListener, File)>,
}

/// What is said of it in words: what the file descriptors beside it are, and the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// How many sockets of the local service there are.
    pub sockets: usize,
    /// Whether socket and lock of the one program follow.
    pub instance: bool,
    /// What the local service remembers.
    pub memory: Memory,
}

/// Longest letter, in octets: as much as is remembered at most fits.
pub const LETTER_MAX_SIZE: usize = 64 * 1024;
/// Of the letter. Another edition is one of a program that was replaced meanwhile.
const EDITION: u32 = 3;
/// Most file descriptors: two sockets of the service, socket and lock of the one program.
const DESCRIPTORS_MAX: usize = 4;

impl HandOver {
    /// Puts everything where the program finds it that is given the result.
    ///
    /// # Errors
    /// The operating system's, also if it is more than [`LETTER_MAX_SIZE`].
    pub fn put(self) -> io::Result<OwnedFd> {
        let Self { sockets, memory, instance } = self;
        let letter = Letter { sockets: sockets.len(), instance: instance.is_some(), memory };
        let mut descriptors: Vec<OwnedFd> = sockets.into_iter().map(OwnedFd::from).collect();
        if let Some((listener, lock)) = instance {
            descriptors.extend([listener.into(), lock.into()]);
        }
        let (near, far) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        send(&near, &letter.to_octets()?, &descriptors)?;
        Ok(far)
    }

    /// Takes what this same process put there before it was started anew. `None` for anything else.
    #[must_use]
    pub fn take(from: impl AsFd) -> Option<Self> {
        let from = from.as_fd();
        if !is_our_own(from) {
            return None;
        }
        let (octets, descriptors) = receive(from)?;
        let Letter { sockets, instance, memory } = Letter::parse(&octets)?;
        if descriptors.len() != sockets.checked_add(if instance { 2 } else { 0 })? {
            return None;
        }
        let mut descriptors = descriptors.into_iter();
        let sockets = descriptors.by_ref().take(sockets).map(TcpListener::from).collect();
        let instance = descriptors.next().zip(descriptors.next());
        let instance = instance.map(|(listener, lock)| (UnixListener::from(listener), File::from(lock)));
        Some(Self { sockets, memory, instance })
    }
}

impl Letter {
    /// As it is written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn to_octets(&self) -> io::Result<Vec<u8>> {
        let Self { sockets, instance, memory: Memory { used, waiting } } = self;
        let written = Written {
            edition: EDITION,
            sockets: *sockets,
            instance: *instance,
            used: used.iter().map(Name::of).collect(),
            waiting: waiting.iter().map(Waiting::of).collect(),
        };
        Ok(serde_json::to_vec(&written)?)
    }

    /// Reads one. `None` for what is none of this edition, and for more than can be remembered.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let Written { edition, sockets, instance, used, waiting } = serde_json::from_slice(octets).ok()?;
        if edition != EDITION || used.len() > REMEMBERED_REQUESTS || waiting.len() > WAITING_REQUESTS {
            return None;
        }
        let used = used.into_iter().map(Name::read).collect::<Option<_>>()?;
        let waiting = waiting.into_iter().map(Waiting::read).collect::<Option<_>>()?;
        Some(Self { sockets, instance, memory: Memory { used, waiting } })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    edition: u32,
    sockets: usize,
    instance: bool,
    used: Vec<Name>,
    waiting: Vec<Waiting>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    site: String,
    request: String,
    step: u32,
    card_removed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    by: String,
    signer: String,
    origins: Vec<String>,
    hash: [u8; 32],
    purpose: Option<Purposes>,
    milliseconds_left: u32,
}

impl Name {
    fn of(used: &UsedName) -> Self {
        Self {
            site: used.site.to_string(),
            request: used.request.as_str().to_owned(),
            step: used.step,
            card_removed: used.card_removed,
        }
    }

    fn read(self) -> Option<UsedName> {
        let site = Origin::parse(&self.site).or_else(|_| Origin::parse_on_loopback(&self.site)).ok()?;
        let request = RequestId::parse(&self.request).ok()?;
        Some(UsedName { site, request, step: self.step, card_removed: self.card_removed })
    }
}

impl Waiting {
    fn of(WaitingRequest { by, request, left }: &WaitingRequest) -> Self {
        Self {
            by: by.to_string(),
            signer: request.signer.clone(),
            origins: request.origins.iter().map(ToString::to_string).collect(),
            hash: request.hash,
            purpose: request.purpose.clone(),
            milliseconds_left: u32::try_from(left.as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// A request's sites are HTTPS sites, like those of every request that was verified.
    fn read(self) -> Option<WaitingRequest> {
        let Self { by, signer, origins, hash, purpose, milliseconds_left } = self;
        let by = Origin::parse(&by).ok()?;
        let origins = origins.iter().map(|text| Origin::parse(text).ok()).collect::<Option<Vec<_>>>()?;
        let is_its_own = origins.contains(&by);
        let request = SelectedRequest { signer, origins, hash, purpose };
        let left = Duration::from_millis(milliseconds_left.into());
        (is_its_own && request.is_within_limits() && left <= REQUEST_WAITS).then_some(WaitingRequest {
            by,
            request,
            left,
        })
    }
}

/// Whether it is a socket whose other end this process had itself: its number stays when it is started anew.
fn is_our_own(socket: BorrowedFd<'_>) -> bool {
    socket_domain(socket).is_ok_and(|domain| domain == AddressFamily::UNIX)
        && socket_type(socket).is_ok_and(|kind| kind == SocketType::SEQPACKET)
        && socket_peercred(socket).is_ok_and(|peer| peer.pid == rustix::process::getpid())
}

fn send(to: &OwnedFd, letter: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
    if letter.len() > LETTER_MAX_SIZE || descriptors.len() > DESCRIPTORS_MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut with = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() && !with.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(to, &[IoSlice::new(letter)], &mut with, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    Ok(())
}

fn receive(from: BorrowedFd<'_>) -> Option<(Vec<u8>, Vec<OwnedFd>)> {
    let mut octets = vec![0; LETTER_MAX_SIZE];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let came = recvmsg(from, &mut [IoSliceMut::new(&mut octets)], &mut with, flags).ok()?;
    let mut descriptors = Vec::new();
    for message in with.drain() {
        match message {
            RecvAncillaryMessage::ScmRights(rights) => descriptors.extend(rights),
            _ => return None,
        }
    }
    if came.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return None;
    }
    octets.truncate(came.bytes);
    Some((octets, descriptors))
}
