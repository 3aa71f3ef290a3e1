//! Memory for digits that is kept out of swap space and wiped.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{InvalidPassword, MAX_DIGITS};

/// Memory pages of its own, since unlocking one secret would otherwise unlock its neighbours in the same page.
#[repr(align(4096))]
#[derive(Zeroize)]
struct Page([u8; MAX_DIGITS]);

/// Digits in locked memory. Fields drop in this order: the lock must end before its memory is given back.
pub struct LockedDigits {
    guard: Option<region::LockGuard>,
    page: Box<Page>,
    count: usize,
}

impl LockedDigits {
    /// Digits that were checked to be exactly `length`.
    pub(super) fn parse(octets: &[u8], length: usize) -> Result<Self, InvalidPassword> {
        let length = length.min(MAX_DIGITS);
        if octets.len() != length {
            return Err(InvalidPassword::Length { expected: length });
        }
        if !octets.iter().all(u8::is_ascii_digit) {
            return Err(InvalidPassword::NotDigits);
        }
        let mut digits = Self::empty();
        octets.iter().for_each(|octet| _ = digits.push(*octet));
        Ok(digits)
    }

    pub(super) fn empty() -> Self {
        let page = Box::new(Page([0; MAX_DIGITS]));
        let guard = region::lock(page.0.as_ptr(), MAX_DIGITS).ok();
        Self { guard, page, count: 0 }
    }

    /// Appends a digit that was checked. `false` if there are [`MAX_DIGITS`] already.
    pub(super) fn push(&mut self, digit: u8) -> bool {
        let Some(place) = self.page.0.get_mut(self.count) else { return false };
        *place = digit;
        self.count = self.count.saturating_add(1);
        true
    }

    pub(super) fn erase(&mut self) {
        self.count = self.count.saturating_sub(1);
        if let Some(place) = self.page.0.get_mut(self.count) {
            *place = 0;
        }
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) const fn is_locked(&self) -> bool {
        self.guard.is_some()
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.expose_for_card().ct_eq(other.expose_for_card()).into()
    }

    /// The ASCII digits, for the computation or command that carries them.
    pub(crate) fn expose_for_card(&self) -> &[u8] {
        self.page.0.get(..self.count).unwrap_or_default()
    }
}

impl fmt::Debug for LockedDigits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

impl Drop for LockedDigits {
    fn drop(&mut self) {
        self.page.zeroize();
    }
}
