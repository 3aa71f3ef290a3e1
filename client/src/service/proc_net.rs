//! What the system tells of sockets: whose they are. Linux has it in `/proc`; elsewhere nothing is told.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A program that listens at a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortOwner {
    /// Its name.
    pub program: String,
    /// Its process.
    pub process: u32,
}

/// One socket of the system's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) state: u8,
    pub(super) user: u32,
    pub(super) inode: u64,
}

const LISTENS: u8 = 0x0A;

/// All TCP sockets of this computer. `None` where the system does not tell.
pub(super) fn sockets() -> Option<Vec<Socket>> {
    let lists = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts: Vec<_> = lists.iter().filter_map(|list| fs::read_to_string(list).ok()).collect();
    if texts.is_empty() { None } else { Some(texts.iter().flat_map(|text| text.lines().filter_map(parse)).collect()) }
}

/// The program that listens at that port of this computer, if the system shows it to this user.
pub(super) fn owner_of_port(port: u16) -> Option<PortOwner> {
    let listens = |socket: &Socket| socket.state == LISTENS && socket.local.port() == port;
    let inodes: Vec<_> = sockets()?.into_iter().filter(listens).map(|socket| socket.inode).collect();
    let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.into_iter().find_map(|process: u32| {
        let folder = Path::new("/proc").join(process.to_string());
        let has_it = inodes.iter().any(|inode| holds(&folder, *inode));
        let name = || fs::read_to_string(folder.join("comm")).ok();
        if has_it { Some(PortOwner { program: name()?.trim_end().to_owned(), process }) } else { None }
    })
}

fn holds(process: &Path, inode: u64) -> bool {
    let wanted = format!("socket:[{inode}]");
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors
        .filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok())
        .any(|target| target.as_os_str().as_bytes() == wanted.as_bytes())
}

/// A line of `/proc/net/tcp` or `/proc/net/tcp6`. `None` for its heading and for what the kernel does not write.
pub(super) fn parse(line: &str) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let remote = address(fields.next()?)?;
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let mut fields = fields.skip(3);
    let user = fields.next()?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(Socket { local, remote, state, user, inode })
}

/// An address as the kernel writes it: words in the machine's order, and the port. An IPv4 address inside an IPv6 one
/// is the IPv4 address.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut octets = Vec::with_capacity(16);
    for at in (0..host.len()).step_by(8) {
        let word = u32::from_str_radix(host.get(at..at.checked_add(8)?)?, 16).ok()?;
        octets.extend(word.to_ne_bytes());
    }
    let host = match <[u8; 4]>::try_from(octets.as_slice()) {
        Ok(octets) => IpAddr::V4(Ipv4Addr::from(octets)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?)).to_canonical(),
    };
    Some(SocketAddr::new(host, port))
}
