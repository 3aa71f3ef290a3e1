//! The fields of STB 34.101.45-2013, tables B.1–B.3: integers modulo p = 2^(64·N) − C with a small C.
//!
//! Variable time: for public data only. A number is kept in N limbs anywhere in [0, 2^(64·N)), so up to C numbers
//! have two forms; [`Element::canonical`] gives the one below p. What overflows N limbs folds back by
//! 2^(64·N) ≡ C (mod p).

use std::hint::cold_path;
use std::ops::{Add, Mul, Neg, Sub};

use super::limbs;

/// An integer modulo 2^(64·N) − C.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<const N: usize, const C: u64>([u64; N]);

impl<const N: usize, const C: u64> Element<N, C> {
    pub(super) const ZERO: Self = Self([0; N]);
    pub(super) const ONE: Self = Self::small(1);

    /// p, which is also the second form of zero.
    const P: [u64; N] = limbs::with_lowest(u64::MAX, u64::MAX - (C - 1));

    pub(super) const fn small(number: u64) -> Self {
        Self(limbs::with_lowest(0, number))
    }

    pub(super) const fn from_limbs(limbs: [u64; N]) -> Self {
        Self(limbs)
    }

    /// Reads 8·N octets, little-endian. `None` unless there are that many and the number is below p.
    pub(super) fn from_octets(octets: &[u8]) -> Option<Self> {
        let number = limbs::from_octets(octets);
        let (_, below_p) = limbs::sub(&number, &Self::P);
        (octets.len() == 8 * N && below_p).then_some(Self(number))
    }

    /// The 8·N octets of the number below p, little-endian.
    pub(super) fn to_octets(self) -> Vec<u8> {
        limbs::to_octets(&self.canonical())
    }

    /// The limbs of the number below p.
    pub(super) fn canonical(&self) -> [u64; N] {
        let (reduced, below_p) = limbs::sub(&self.0, &Self::P);
        if below_p { self.0 } else { reduced }
    }

    #[inline(always)]
    pub(super) fn is_zero(&self) -> bool {
        self.0 == [0; N] || self.0 == Self::P
    }

    #[inline(always)]
    pub(super) fn square(&self) -> Self {
        let (low, high) = limbs::square(&self.0);
        Self::fold(&low, &high)
    }

    #[inline(always)]
    pub(super) fn double(&self) -> Self {
        *self + *self
    }

    /// 3/2 of the number.
    #[inline(always)]
    pub(super) fn three_halves(&self) -> Self {
        *self + self.half()
    }

    /// Half of the number: x/2, or (x + p)/2 = (x − C + 2^(64·N))/2 for an odd x.
    #[inline(always)]
    fn half(&self) -> Self {
        let odd = limbs::bit(&self.0, 0);
        let (even, borrow) = limbs::sub_from_lowest(self.0, if odd { C } else { 0 });
        if !borrow {
            return Self(limbs::shift_right_one(&even, odd));
        }
        cold_path();
        let (even, borrow) = limbs::sub_limb(&self.0, C);
        Self(limbs::shift_right_one(&even, !borrow))
    }

    /// 1/x = x^(p − 2); zero for zero. All but the lowest 16 bits of p − 2 are ones.
    pub(super) fn inverse(&self) -> Self {
        let low_bits = (1 << 16) - (C + 2);
        let mut power = self.power_of_ones(64 * N - 16);
        for position in (0..16).rev() {
            power = power.square();
            if (low_bits >> position) & 1 == 1 {
                power = power * *self;
            }
        }
        power
    }

    /// x^(2^count − 1), an exponent of `count` ones: twice as many ones with each step.
    fn power_of_ones(&self, count: usize) -> Self {
        if count <= 1 {
            return *self;
        }
        let half = self.power_of_ones(count / 2);
        let mut power = half;
        for _ in 0..count / 2 {
            power = power.square();
        }
        power = power * half;
        if count % 2 == 1 { power.square() * *self } else { power }
    }

    /// limbs + 2^(64·N)·overflow for an overflow of C at most. What folds back is so small that it hardly ever carries
    /// beyond the lowest limb; a second overflow leaves a number too small for a third.
    #[inline(always)]
    fn with_overflow(limbs: [u64; N], overflow: u64) -> Self {
        let (sum, carry) = limbs::add_to_lowest(limbs, overflow * C);
        if !carry {
            return Self(sum);
        }
        cold_path();
        let (sum, carry) = limbs::add_limb(&limbs, overflow * C);
        Self(limbs::add_limb(&sum, if carry { C } else { 0 }).0)
    }

    /// limbs − 2^(64·N) if there was a borrow.
    #[inline(always)]
    fn with_borrow(limbs: [u64; N], borrow: bool) -> Self {
        let (difference, borrow_again) = limbs::sub_from_lowest(limbs, if borrow { C } else { 0 });
        if !borrow_again {
            return Self(difference);
        }
        cold_path();
        let (difference, borrow) = limbs::sub_limb(&limbs, C);
        Self(limbs::sub_limb(&difference, if borrow { C } else { 0 }).0)
    }

    /// low + 2^(64·N)·high.
    #[inline(always)]
    fn fold(low: &[u64; N], high: &[u64; N]) -> Self {
        let (sum, overflow) = limbs::mul_limb_add(high, C, low);
        Self::with_overflow(sum, overflow)
    }
}

impl<const N: usize, const C: u64> PartialEq for Element<N, C> {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl<const N: usize, const C: u64> Eq for Element<N, C> {}

impl<const N: usize, const C: u64> Add for Element<N, C> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let (sum, carry) = limbs::add(&self.0, &other.0);
        Self::with_overflow(sum, carry.into())
    }
}

impl<const N: usize, const C: u64> Sub for Element<N, C> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let (difference, borrow) = limbs::sub(&self.0, &other.0);
        Self::with_borrow(difference, borrow)
    }
}

impl<const N: usize, const C: u64> Neg for Element<N, C> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl<const N: usize, const C: u64> Mul for Element<N, C> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let (low, high) = limbs::mul(&self.0, &other.0);
        Self::fold(&low, &high)
    }
}
