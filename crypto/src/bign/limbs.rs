//! Numbers as arrays of 64-bit limbs, least significant first. Loops over array indices that the compiler unrolls;
//! everything else in this crate iterates.
#![expect(clippy::indexing_slicing, reason = "every index is bounded by the const generic")]
#![expect(clippy::needless_range_loop, reason = "the numbers of several arrays advance together")]

/// The number that little-endian octets stand for. Octets beyond the array's size are left out, missing ones are zero.
pub(super) fn from_octets<const N: usize>(octets: &[u8]) -> [u64; N] {
    let mut limbs = [0; N];
    let mut index = 0;
    while index < octets.len() && index < 8 * N {
        limbs[index / 8] |= (octets[index] as u64) << (8 * (index % 8));
        index += 1;
    }
    limbs
}

/// The little-endian octets of a number: 8·N of them.
pub(super) fn to_octets<const N: usize>(limbs: &[u64; N]) -> Vec<u8> {
    limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}

/// a + b and the carry.
#[inline(always)]
pub(super) fn add<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let mut sum = [0; N];
    let mut carry = false;
    for i in 0..N {
        (sum[i], carry) = a[i].carrying_add(b[i], carry);
    }
    (sum, carry)
}

/// a + b and the carry, for a b of one limb.
#[inline(always)]
pub(super) fn add_limb<const N: usize>(a: &[u64; N], b: u64) -> ([u64; N], bool) {
    let mut sum = *a;
    let mut carry;
    (sum[0], carry) = a[0].overflowing_add(b);
    for i in 1..N {
        (sum[i], carry) = a[i].carrying_add(0, carry);
    }
    (sum, carry)
}

/// a + b in the lowest limb only, and the carry out of it.
#[inline(always)]
pub(super) fn add_to_lowest<const N: usize>(mut a: [u64; N], b: u64) -> ([u64; N], bool) {
    let carry;
    (a[0], carry) = a[0].overflowing_add(b);
    (a, carry)
}

/// a − b in the lowest limb only, and the borrow out of it.
#[inline(always)]
pub(super) fn sub_from_lowest<const N: usize>(mut a: [u64; N], b: u64) -> ([u64; N], bool) {
    let borrow;
    (a[0], borrow) = a[0].overflowing_sub(b);
    (a, borrow)
}

/// a − b and the borrow.
#[inline(always)]
pub(super) fn sub<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let mut difference = [0; N];
    let mut borrow = false;
    for i in 0..N {
        (difference[i], borrow) = a[i].borrowing_sub(b[i], borrow);
    }
    (difference, borrow)
}

/// a − b and the borrow, for a b of one limb.
#[inline(always)]
pub(super) fn sub_limb<const N: usize>(a: &[u64; N], b: u64) -> ([u64; N], bool) {
    let mut difference = *a;
    let mut borrow;
    (difference[0], borrow) = a[0].overflowing_sub(b);
    for i in 1..N {
        (difference[i], borrow) = a[i].borrowing_sub(0, borrow);
    }
    (difference, borrow)
}

/// a·b + addend, as N limbs and the limb above them. All products come first: one chain of additions with carry then
/// takes their low halves, another the high ones.
#[inline(always)]
pub(super) fn mul_limb_add<const N: usize>(a: &[u64; N], b: u64, addend: &[u64; N]) -> ([u64; N], u64) {
    let mut low = [0; N];
    let mut high = [0; N];
    for i in 0..N {
        (low[i], high[i]) = a[i].carrying_mul(b, 0);
    }
    let (mut sum, carry) = add(&low, addend);
    let mut carry_of_high = false;
    for i in 1..N {
        (sum[i], carry_of_high) = sum[i].carrying_add(high[i - 1], carry_of_high);
    }
    (sum, high[N - 1] + carry as u64 + carry_of_high as u64)
}

/// a·b: the low and the high half. Row by row; the row under work slides up one limb each time.
#[inline(always)]
pub(super) fn mul<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], [u64; N]) {
    let mut low = [0; N];
    let mut high = [0; N];
    for i in 0..N {
        let (row, top) = mul_limb_add(a, b[i], &high);
        low[i] = row[0];
        high[..N - 1].copy_from_slice(&row[1..]);
        high[N - 1] = top;
    }
    (low, high)
}

/// a²: the low and the high half. Each product of two different limbs is made once and doubled.
#[inline(always)]
pub(super) fn square<const N: usize>(a: &[u64; N]) -> ([u64; N], [u64; N]) {
    let mut wide = [[0; N]; 2];
    for i in 0..N {
        let mut carry = 0;
        for j in i + 1..N {
            let k = i + j;
            (wide[k / N][k % N], carry) = a[i].carrying_mul_add(a[j], wide[k / N][k % N], carry);
        }
        wide[1][i] = carry;
    }
    let mut shifted_out = 0;
    let mut carry = false;
    for i in 0..N {
        let (low, high) = a[i].carrying_mul(a[i], 0);
        let (even, odd) = (2 * i, 2 * i + 1);
        let doubled = wide[even / N][even % N] << 1 | shifted_out;
        shifted_out = wide[even / N][even % N] >> 63;
        (wide[even / N][even % N], carry) = doubled.carrying_add(low, carry);
        let doubled = wide[odd / N][odd % N] << 1 | shifted_out;
        shifted_out = wide[odd / N][odd % N] >> 63;
        (wide[odd / N][odd % N], carry) = doubled.carrying_add(high, carry);
    }
    let [low, high] = wide;
    (low, high)
}

/// Whether bit number `position` is set. Bits above the number are not.
#[inline(always)]
pub(super) fn bit<const N: usize>(a: &[u64; N], position: usize) -> bool {
    position < 64 * N && (a[position / 64] >> (position % 64)) & 1 == 1
}

/// The number that `length` bits from `position` on make; bits above the number are zero. `length` is 15 at most.
#[expect(clippy::cast_possible_truncation, reason = "15 bits at most are left")]
#[inline(always)]
pub(super) fn bits<const N: usize>(a: &[u64; N], position: usize, length: usize) -> i16 {
    let (index, offset) = (position / 64, position % 64);
    let low = if index < N { a[index] >> offset } else { 0 };
    let high = if index + 1 < N { a[index + 1] << 1 << (63 - offset) } else { 0 };
    ((low | high) & ((1 << length) - 1)) as i16
}

/// a / 2 with `top` as the new highest bit.
#[inline(always)]
pub(super) fn shift_right_one<const N: usize>(a: &[u64; N], top: bool) -> [u64; N] {
    let mut shifted = [0; N];
    for i in 0..N - 1 {
        shifted[i] = (a[i] >> 1) | (a[i + 1] << 63);
    }
    shifted[N - 1] = (a[N - 1] >> 1) | ((top as u64) << 63);
    shifted
}

/// The number with bit `position` set.
pub(super) fn with_bit<const N: usize>(mut a: [u64; N], position: usize) -> [u64; N] {
    a[position / 64] |= 1 << (position % 64);
    a
}

/// `lowest` below limbs that are all `others`.
pub(super) const fn with_lowest<const N: usize>(others: u64, lowest: u64) -> [u64; N] {
    let mut limbs = [others; N];
    limbs[0] = lowest;
    limbs
}
