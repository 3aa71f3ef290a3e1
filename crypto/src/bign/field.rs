//! The fields of STB 34.101.45-2013, table B.1–B.3: integers modulo p = 2^(64·N) − C with a small C.
//!
//! Variable time: for public data only. A number is kept in N limbs anywhere in [0, 2^(64·N)), so up to C numbers
//! have two forms; [`Element::canonical`] gives the one below p. What overflows N limbs folds back by
//! 2^(64·N) ≡ C (mod p).

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

    /// Half of the number: (x or x + p) / 2, whichever is even.
    #[inline(always)]
    fn half(&self) -> Self {
        if limbs::bit(&self.0, 0) {
            let (sum, carry) = limbs::add(&self.0, &Self::P);
            Self(limbs::shift_right_one(&sum, carry))
        } else {
            Self(limbs::shift_right_one(&self.0, false))
        }
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

    /// low + 2^(64·N)·high, folded twice: the first fold leaves less than C + 1 above N limbs, the second at most
    /// one bit, which can only meet a number so small that it does not overflow again.
    #[inline(always)]
    fn fold(low: &[u64; N], high: &[u64; N]) -> Self {
        let (sum, top) = limbs::mul_limb_add(high, C, low);
        let (sum, carry) = limbs::add_limb(&sum, top * C);
        Self(limbs::add_limb(&sum, if carry { C } else { 0 }).0)
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
        let (sum, carry) = limbs::add_limb(&sum, if carry { C } else { 0 });
        Self(limbs::add_limb(&sum, if carry { C } else { 0 }).0)
    }
}

impl<const N: usize, const C: u64> Sub for Element<N, C> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let (difference, borrow) = limbs::sub(&self.0, &other.0);
        let (difference, borrow) = limbs::sub_limb(&difference, if borrow { C } else { 0 });
        Self(limbs::sub_limb(&difference, if borrow { C } else { 0 }).0)
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
