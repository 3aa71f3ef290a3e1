//! Frames and the faults of whoever writes them.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most octets of a message: as many contents to sign as a page may send, in base64, and what goes with them.
pub const FRAME_MAX_SIZE: usize = 12 * 1024 * 1024;

/// Why what came over the wire is no message. Nothing after it can be trusted: the connection ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireFault {
    /// The operating system could not read or write.
    #[error("the pipe failed")]
    Pipe(#[from] io::Error),
    /// It ended within a message.
    #[error("the other side stopped within a message")]
    Truncated,
    /// A message longer than [`FRAME_MAX_SIZE`].
    #[error("a message has at most {FRAME_MAX_SIZE} octets, not {0}")]
    TooLong(u64),
    /// No message of this version.
    #[error("not a message: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A message, but not as it is written here.
    #[error("a message is spelt in another way than ours")]
    OtherSpelling,
    /// A part that is not of its kind.
    #[error("a message holds no {0}")]
    Part(&'static str),
    /// A request with a number that another one has.
    #[error("two requests have the number {0}")]
    RepeatedRequest(u64),
    /// More requests at once than anybody needs.
    #[error("there are too many requests at once")]
    TooManyRequests,
}

/// Writes one message.
pub(super) fn write(output: &mut impl Write, message: &impl Serialize) -> Result<(), WireFault> {
    let octets = serde_json::to_vec(message)?;
    let length = u32::try_from(octets.len()).ok().filter(|_| octets.len() <= FRAME_MAX_SIZE);
    let length = length.ok_or(WireFault::TooLong(octets.len() as u64))?;
    let mut frame = Vec::with_capacity(octets.len().saturating_add(4));
    frame.extend(length.to_be_bytes());
    frame.extend(octets);
    output.write_all(&frame)?;
    Ok(output.flush()?)
}

/// Reads one message; nothing if the other side has ended between two.
pub(super) fn read<T: DeserializeOwned + Serialize>(input: &mut impl Read) -> Result<Option<T>, WireFault> {
    let mut length = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut length)?;
    if length.is_empty() {
        return Ok(None);
    }
    let length = u32::from_be_bytes(length.try_into().map_err(|_| WireFault::Truncated)?);
    let size = usize::try_from(length).ok().filter(|size| *size <= FRAME_MAX_SIZE);
    let size = size.ok_or(WireFault::TooLong(length.into()))?;
    let mut octets = Vec::new();
    if input.by_ref().take(length.into()).read_to_end(&mut octets)? < size {
        return Err(WireFault::Truncated);
    }
    parse(&octets).map(Some)
}

/// The message of these octets, which are exactly those that [`write`] writes for it.
pub(super) fn parse<T: DeserializeOwned + Serialize>(octets: &[u8]) -> Result<T, WireFault> {
    let message = serde_json::from_slice(octets)?;
    if serde_json::to_vec(&message)? == octets { Ok(message) } else { Err(WireFault::OtherSpelling) }
}
