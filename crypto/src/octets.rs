//! Messages whose length their type fixes, taken apart and put together.

/// Copies the head and tail of a message of `HEAD` + `TAIL` octets.
pub(crate) fn split<const HEAD: usize, const TAIL: usize>(message: &[u8]) -> ([u8; HEAD], [u8; TAIL]) {
    let mut octets = message.iter().copied();
    let head = std::array::from_fn(|_| octets.next().unwrap_or_default());
    let tail = std::array::from_fn(|_| octets.next().unwrap_or_default());
    (head, tail)
}

/// Puts a message of `N` octets together.
pub(crate) fn join<const N: usize>(head: &[u8], tail: &[u8]) -> [u8; N] {
    let mut octets = head.iter().chain(tail).copied();
    std::array::from_fn(|_| octets.next().unwrap_or_default())
}
