//! The card's passwords as typed by a holder: wiped on drop, unprintable, not cloneable, in locked memory.

mod locked;

use std::fmt;

use locked::LockedDigits;

/// The most digits a password of any profile has.
pub const MAX_DIGITS: usize = 16;

/// Which of the passwords that open a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasswordKind {
    /// Printed on the card; never blocks.
    Can,
    /// The holder's secret; three tries.
    Pin,
    /// Unblocks the PIN.
    Puk,
}

/// A password of the card.
pub trait Password: sealed::Holder + Sized {
    /// Takes `octets`, the ASCII digits as typed, over into locked memory. The caller's copy is the caller's to wipe.
    ///
    /// # Errors
    /// [`InvalidPassword`] unless they are exactly `length` digits, so that no try is spent on a slip that the card
    /// cannot accept.
    fn parse(octets: &[u8], length: usize) -> Result<Self, InvalidPassword>;
}

/// A password by which a channel to the card can be opened.
pub trait ChannelPassword: Password {
    /// Which password it is.
    const KIND: PasswordKind;
}

mod sealed {
    use super::locked::LockedDigits;

    /// Holds digits that only this crate can open: a trait's methods can be called through a bound on [`Password`]
    /// from anywhere, so none of them gives the digits themselves.
    ///
    /// [`Password`]: super::Password
    pub trait Holder {
        /// The digits, closed.
        fn digits(&self) -> &LockedDigits;

        /// A password of digits that were checked.
        fn of_digits(digits: LockedDigits) -> Self;
    }
}

pub(crate) use sealed::Holder;

/// Why typed octets are no password of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Another number of octets than the password has.
    #[error("the password has {expected} digits")]
    Length {
        /// How many digits it has.
        expected: usize,
    },
    /// Something else than the digits 0 to 9.
    #[error("the password has digits only")]
    NotDigits,
}

impl InvalidPassword {
    /// The stable code of the failure.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length { .. } => "password-length",
            Self::NotDigits => "password-not-digits",
        }
    }
}

macro_rules! password {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(LockedDigits);

        impl Password for $name {
            fn parse(octets: &[u8], length: usize) -> Result<Self, InvalidPassword> {
                LockedDigits::parse(octets, length).map(Self)
            }
        }

        impl sealed::Holder for $name {
            fn digits(&self) -> &LockedDigits {
                &self.0
            }

            fn of_digits(digits: LockedDigits) -> Self {
                Self(digits)
            }
        }

        impl $name {
            /// Whether the operating system promised to keep the digits out of swap space.
            #[must_use]
            pub const fn is_locked(&self) -> bool {
                self.0.is_locked()
            }

            /// Whether two entries are the same, compared in constant time.
            #[must_use]
            pub fn is_same_as(&self, other: &Self) -> bool {
                self.0.is_same_as(&other.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }
    };
}

password! {
    /// The PIN.
    Pin
}
password! {
    /// The card access number.
    Can
}
password! {
    /// The PUK.
    Puk
}
password! {
    /// The second PIN, which eSign wants before a signature on cards that have one. It opens no channel.
    Pin2
}

impl ChannelPassword for Pin {
    const KIND: PasswordKind = PasswordKind::Pin;
}

impl ChannelPassword for Can {
    const KIND: PasswordKind = PasswordKind::Can;
}

impl ChannelPassword for Puk {
    const KIND: PasswordKind = PasswordKind::Puk;
}

/// Digits on their way from a keyboard or descriptor to a password: in locked memory from the first to the last.
#[derive(Debug)]
pub struct DigitEntry(LockedDigits);

impl DigitEntry {
    /// No digit yet.
    #[must_use]
    pub fn new() -> Self {
        Self(LockedDigits::empty())
    }

    /// Appends a digit, given as ASCII. `false`, and nothing is appended, if it is none or there are
    /// [`MAX_DIGITS`] already.
    pub fn push(&mut self, octet: u8) -> bool {
        octet.is_ascii_digit() && self.0.push(octet)
    }

    /// Takes the last digit back.
    pub fn erase(&mut self) {
        self.0.erase();
    }

    /// How many digits there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.count()
    }

    /// The password that was entered; its digits stay where they are.
    ///
    /// # Errors
    /// [`InvalidPassword::Length`] unless there are exactly `length` digits.
    pub fn finish<P: Password>(self, length: usize) -> Result<P, InvalidPassword> {
        if self.count() == length {
            Ok(P::of_digits(self.0))
        } else {
            Err(InvalidPassword::Length { expected: length })
        }
    }
}

impl Default for DigitEntry {
    fn default() -> Self {
        Self::new()
    }
}
