//! Laws of the private arithmetic, against OpenSSL's big numbers and `bignp256`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

use bignp256::elliptic_curve::PrimeField;
use bignp256::elliptic_curve::group::Group;
use bignp256::{ProjectivePoint, Scalar};
use openssl::bn::{BigNum, BigNumContext};
use proptest::prelude::*;

use super::curve::{CURVE_256, CURVE_384, CURVE_512, Curve};
use super::field::Element;
use super::limbs;
use super::point::{Affine, Jacobian, Multiple};
use super::scalar::{Digits, Scalars};
use super::tables::{TABLES_256, TABLES_384, TABLES_512};

/// Limbs that are often at the ends of their range, where carries run.
fn limb() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), 0_u64..1_000, (u64::MAX - 1_000)..=u64::MAX]
}

fn number<const N: usize>() -> impl Strategy<Value = [u64; N]> {
    proptest::collection::vec(limb(), N).prop_map(|limbs| limbs.try_into().unwrap())
}

fn big<const N: usize>(limbs: &[u64; N]) -> BigNum {
    let octets: Vec<u8> = limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    BigNum::from_slice(&octets).unwrap()
}

/// 2^(64·N) − C.
fn prime<const N: usize, const C: u64>() -> BigNum {
    let mut p = BigNum::new().unwrap();
    p.set_bit(i32::try_from(64 * N).unwrap()).unwrap();
    p.sub_word(u32::try_from(C).unwrap()).unwrap();
    p
}

fn field_laws<const N: usize, const C: u64>(a: [u64; N], b: [u64; N]) {
    let mut context = BigNumContext::new().unwrap();
    let p = prime::<N, C>();
    let (x, y) = (Element::<N, C>::from_limbs(a), Element::<N, C>::from_limbs(b));
    let (big_x, big_y) = (big(&a), big(&b));
    let mut expected = BigNum::new().unwrap();
    let check = |what: &str, found: Element<N, C>, expected: &BigNum| {
        assert_eq!(big(&found.canonical()), *expected, "{what} of {a:X?} and {b:X?}");
    };
    expected.mod_mul(&big_x, &big_y, &p, &mut context).unwrap();
    check("product", x * y, &expected);
    expected.mod_sqr(&big_x, &p, &mut context).unwrap();
    check("square", x.square(), &expected);
    expected.mod_add(&big_x, &big_y, &p, &mut context).unwrap();
    check("sum", x + y, &expected);
    expected.mod_sub(&big_x, &big_y, &p, &mut context).unwrap();
    check("difference", x - y, &expected);
    expected.mod_add(&big_x, &big_x, &p, &mut context).unwrap();
    check("double", x.double(), &expected);
    expected.nnmod(&big_x, &p, &mut context).unwrap();
    check("canonical form", x, &expected);
    assert_eq!(x.is_zero(), expected.num_bits() == 0);
    assert!(((x - y) + (y - x)).is_zero() && (x + -x).is_zero());
    assert_eq!(x.three_halves().double(), x.double() + x);
    if !x.is_zero() {
        let mut inverse = BigNum::new().unwrap();
        inverse.mod_inverse(&big_x, &p, &mut context).unwrap();
        check("inverse", x.inverse(), &inverse);
    }
    assert_eq!(Element::<N, C>::from_octets(&x.to_octets()), Some(x));
}

/// Both digits' rules, and that they make the number again.
fn digits_make_the_number<const N: usize>(number: [u64; N], start: usize, width: u32) {
    let digits = Digits::of_bits(&number, start..64 * N, width);
    let mut sum = BigNum::new().unwrap();
    let mut last_nonzero = None;
    for (position, digit) in digits.iter().enumerate().filter(|(_, digit)| *digit != 0) {
        assert!(digit % 2 != 0 && u32::from(digit.unsigned_abs()) < 1 << (width - 1));
        assert!(last_nonzero.is_none_or(|last| position - last >= width as usize));
        last_nonzero = Some(position);
        let mut term = BigNum::new().unwrap();
        let mut shifted = BigNum::new().unwrap();
        term.set_bit(0).unwrap();
        term.mul_word(u32::from(digit.unsigned_abs())).unwrap();
        shifted.lshift(&term, i32::try_from(position).unwrap()).unwrap();
        sum = if digit < 0 { &sum - &shifted } else { &sum + &shifted };
    }
    let mut expected = BigNum::new().unwrap();
    expected.rshift(&big(&number), i32::try_from(start).unwrap()).unwrap();
    assert_eq!(sum, expected);
}

/// n·P by doubling and adding alone.
fn times<const N: usize, const C: u64>(n: &[u64; N], point: &Affine<N, C>) -> Jacobian<N, C> {
    (0..64 * N).rev().fold(Jacobian::INFINITY, |sum, position| {
        let doubled = sum.double();
        if limbs::bit(n, position) { doubled.add_affine(point) } else { doubled }
    })
}

fn group_laws<const N: usize, const C: u64>(curve: &Curve<N, C>, n: [u64; N]) {
    let g = curve.g();
    let infinity = Jacobian::<N, C>::INFINITY;
    let point = times(&n, g).to_affine().unwrap();
    let negative = point.negative();
    let jacobian = times(&n, g);
    assert!(infinity.double().is_infinity());
    assert!(jacobian.add_affine(&negative).is_infinity());
    assert!(jacobian.add(&Multiple::new(Jacobian::from(negative))).is_infinity());
    assert!(infinity.to_affine().is_none());
    for twice in [
        jacobian.double(),
        jacobian.add_affine(&point),
        jacobian.add(&Multiple::new(jacobian)),
        infinity.add_affine(&point).add_affine(&point),
        infinity.add(&Multiple::new(jacobian)).add_affine(&point),
    ] {
        assert_eq!(twice.to_affine(), times(&n, g).double().to_affine());
    }
    let four = jacobian.double().double();
    assert_eq!(
        four.add(&Multiple::new(jacobian).negative()).to_affine(),
        jacobian.double().add_affine(&point).to_affine()
    );
    let odd: Vec<_> = jacobian.odd_multiples().take(5).collect();
    let mut expected = jacobian;
    for (multiple, affine) in odd.iter().zip(Jacobian::all_to_affine(&odd)) {
        assert_eq!(multiple.to_affine(), expected.to_affine());
        assert_eq!(Some(affine), expected.to_affine());
        expected = expected.add_affine(&point).add_affine(&point);
    }
    assert!(times(curve.q(), g).is_infinity());
}

/// Where carries and borrows run on beyond the lowest limb: around 0 and p, and at the end of N limbs.
fn field_laws_at_the_ends<const N: usize, const C: u64>() {
    let ends: Vec<[u64; N]> = [0, 1, 2, C - 1, C, C + 1]
        .into_iter()
        .flat_map(|small| [limbs::with_lowest(0, small), limbs::with_lowest(u64::MAX, u64::MAX - small)])
        .collect();
    for a in &ends {
        for b in &ends {
            field_laws::<N, C>(*a, *b);
        }
    }
}

#[test]
fn fields_at_the_ends() {
    field_laws_at_the_ends::<4, 189>();
    field_laws_at_the_ends::<6, 317>();
    field_laws_at_the_ends::<8, 569>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn field_of_256_bits(a in number::<4>(), b in number::<4>()) {
        field_laws::<4, 189>(a, b);
    }

    #[test]
    fn field_of_384_bits(a in number::<6>(), b in number::<6>()) {
        field_laws::<6, 317>(a, b);
    }

    #[test]
    fn field_of_512_bits(a in number::<8>(), b in number::<8>()) {
        field_laws::<8, 569>(a, b);
    }

    #[test]
    fn signed_digits(a in number::<4>(), b in number::<8>(), start in 0_usize..256, width in 2_u32..12) {
        digits_make_the_number(a, start, width);
        digits_make_the_number(b, 255 + start % 2, width);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn groups_of_every_level(a in 1_u64.., b in number::<4>(), c in number::<8>()) {
        group_laws(&CURVE_256, [a, b[1], b[2], b[3] >> 1]);
        group_laws(&CURVE_384, [a, b[0], b[1], b[2], b[3], 1]);
        group_laws(&CURVE_512, [a, c[1], c[2], c[3], c[4], c[5], c[6], c[7] >> 1]);
    }

    #[test]
    fn points_are_those_of_the_other_implementation(octets: [u8; 32]) {
        let mut octets = octets;
        octets[31] >>= 1;
        let scalar = Scalar::from_repr(octets.into()).unwrap();
        prop_assume!(!bool::from(scalar.is_zero()));
        let other = bignp256::PublicKey::from_affine((ProjectivePoint::generator() * scalar).to_affine()).unwrap();
        let ours = times(&limbs::from_octets(&octets), CURVE_256.g()).to_affine().unwrap();
        let encoded = [ours.x().to_octets(), ours.y().to_octets()].concat();
        prop_assert_eq!(encoded, other.to_bytes().to_vec());
    }

    #[test]
    fn sums_with_tables_are_sums(s0: [u8; 32], s1 in number::<8>(), hash: [u8; 64], n in 1_u64..) {
        let s1: Vec<u8> = limbs::to_octets(&s1);
        macro_rules! check {
            ($curve:expr, $tables:expr, $octets:expr) => {
                let mut s1 = s1[..$octets].to_vec();
                s1[$octets - 1] >>= 1;
                let scalars = Scalars::new(&s0[..$octets / 2], &s1, &hash[..$octets], $curve.q()).unwrap();
                let key = times(&limbs::with_lowest(0, n), $curve.g()).to_affine().unwrap();
                let found = $tables.sum(&scalars, &key);
                let mut expected = times(scalars.base_multiple(), $curve.g());
                if let Some(point) = times(scalars.challenge(), &key).to_affine() {
                    expected = expected.add_affine(&point);
                }
                prop_assert_eq!(found.to_affine(), expected.to_affine());
            };
        }
        check!(CURVE_256, TABLES_256, 32);
        check!(CURVE_384, TABLES_384, 48);
        check!(CURVE_512, TABLES_512, 64);
    }
}
