//! Sums aG + eQ with tables. Variable time: for public data only.
//!
//! The challenge e = s0 + 2^ℓ has only ℓ + 1 bits, the multiple a of G has 2ℓ. With a = a0 + 2^ℓ·a1 and tables for
//! both G and 2^ℓ·G, three numbers of about ℓ bits share ℓ + 1 doublings.

use std::sync::LazyLock;

use super::curve::{CURVE_256, CURVE_384, CURVE_512, Curve};
use super::point::{Affine, Jacobian, Multiple};
use super::scalar::{Digits, Scalars};

/// Width of the digits of a0 and a1: 1/(width + 1) of them need an addition.
const BASE_WIDTH: u32 = 10;
const BASE_ENTRIES: usize = 1 << (BASE_WIDTH - 2);
/// Width of the challenge's digits. The key's table is made anew for each verification, so it is small.
const KEY_WIDTH: u32 = 5;
/// As many odd multiples of the key as its digits need.
const KEY_ENTRIES: usize = 1 << (KEY_WIDTH - 2);

/// Odd multiples of G and of 2^ℓ·G.
pub(super) struct BaseTables<const N: usize, const C: u64> {
    low: Vec<Affine<N, C>>,
    high: Vec<Affine<N, C>>,
}

/// Made at the first verification, in about a millisecond.
pub(super) static TABLES_256: LazyLock<BaseTables<4, 189>> = LazyLock::new(|| BaseTables::new(&CURVE_256));
pub(super) static TABLES_384: LazyLock<BaseTables<6, 317>> = LazyLock::new(|| BaseTables::new(&CURVE_384));
pub(super) static TABLES_512: LazyLock<BaseTables<8, 569>> = LazyLock::new(|| BaseTables::new(&CURVE_512));

impl<const N: usize, const C: u64> BaseTables<N, C> {
    fn new(curve: &Curve<N, C>) -> Self {
        let low = Jacobian::from(*curve.g());
        let high = (0..32 * N).fold(low, |point, _| point.double());
        let [low, high] = [low, high].map(|point| {
            let multiples: Vec<_> = point.odd_multiples().take(BASE_ENTRIES).collect();
            Jacobian::all_to_affine(&multiples)
        });
        Self { low, high }
    }

    /// aG + eQ: the right side of the verification equation.
    pub(super) fn sum(&self, scalars: &Scalars<N>, q: &Affine<N, C>) -> Jacobian<N, C> {
        let level = 32 * N;
        let low = Digits::of_bits(scalars.base_multiple(), 0..level, BASE_WIDTH);
        let high = Digits::of_bits(scalars.base_multiple(), level..2 * level, BASE_WIDTH);
        let challenge = Digits::of_bits(scalars.challenge(), 0..level + 1, KEY_WIDTH);
        let multiples: Vec<_> = Jacobian::from(*q).odd_multiples().take(KEY_ENTRIES).map(Multiple::new).collect();
        let mut sum = Jacobian::INFINITY;
        for ((low, high), challenge) in low.iter().zip(high.iter()).zip(challenge.iter()).take(level + 2).rev() {
            sum = sum.double();
            if let Some(multiple) = odd_multiple(&multiples, challenge) {
                sum = sum.add(&if challenge < 0 { multiple.negative() } else { *multiple });
            }
            for (digit, table) in [(low, &self.low), (high, &self.high)] {
                if let Some(multiple) = odd_multiple(table, digit) {
                    sum = sum.add_affine(&if digit < 0 { multiple.negative() } else { *multiple });
                }
            }
        }
        sum
    }
}

/// The table's entry for a digit, regardless of its sign; none for zero.
fn odd_multiple<T>(table: &[T], digit: i16) -> Option<&T> {
    if digit == 0 { None } else { table.get(usize::from(digit.unsigned_abs() / 2)) }
}
