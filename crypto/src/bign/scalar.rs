//! The two numbers of the verification equation and their signed digits. Variable time: for public data only.

use std::ops::Range;

use super::limbs;

/// The scalars of clause 7.1.4, step 5. They can be made of a signature and a hash value only.
pub(super) struct Scalars<const N: usize> {
    base_multiple: [u64; N],
    challenge: [u64; N],
}

impl<const N: usize> Scalars<N> {
    /// Reads s0 of ℓ bits, s1 and H of 2ℓ bits, little-endian. `None` if s1 is not below q.
    pub(super) fn new(s0: &[u8], s1: &[u8], hash: &[u8], q: &[u64; N]) -> Option<Self> {
        let s1 = limbs::from_octets(s1);
        let (_, below_q) = limbs::sub(&s1, q);
        let challenge = limbs::with_bit(limbs::from_octets(s0), 32 * N);
        below_q.then(|| Self { base_multiple: sum_modulo(&s1, &limbs::from_octets(hash), q), challenge })
    }

    /// (s1 + H) mod q, the multiple of G.
    pub(super) const fn base_multiple(&self) -> &[u64; N] {
        &self.base_multiple
    }

    /// s0 + 2^ℓ, the multiple of Q.
    pub(super) const fn challenge(&self) -> &[u64; N] {
        &self.challenge
    }
}

/// (a + b) mod q. Two subtractions at most, since q is above half of 2^(64·N).
fn sum_modulo<const N: usize>(a: &[u64; N], b: &[u64; N], q: &[u64; N]) -> [u64; N] {
    let (mut sum, mut carry) = limbs::add(a, b);
    loop {
        let (reduced, borrow) = limbs::sub(&sum, q);
        if borrow && !carry {
            return sum;
        }
        carry = carry && !borrow;
        sum = reduced;
    }
}

/// A number as signed digits, least significant first: each digit is zero or odd and below 2^(width − 1) in absolute
/// value, and of `width` digits in a row at most one is not zero (width-w non-adjacent form).
pub(super) struct Digits([i16; Digits::COUNT]);

impl Digits {
    /// ℓ + 1 bits and the carry out of them, for the highest ℓ.
    pub(super) const COUNT: usize = 258;

    /// The digits of the number that these bits of `number` make.
    pub(super) fn of_bits<const N: usize>(number: &[u64; N], bits: Range<usize>, width: u32) -> Self {
        let mut digits = [0; Self::COUNT];
        let mut carry = 0;
        let mut skip = 0;
        for (digit, position) in digits.iter_mut().zip(bits.start..=bits.end) {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let length = (width as usize).min(bits.end - position);
            let window = limbs::bits(number, position, length) + carry;
            if window & 1 == 0 {
                continue;
            }
            carry = window >> (width - 1);
            *digit = window - (carry << width);
            skip = width - 1;
        }
        Self(digits)
    }

    /// The digits, least significant first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = i16> + ExactSizeIterator {
        self.0.iter().copied()
    }
}
