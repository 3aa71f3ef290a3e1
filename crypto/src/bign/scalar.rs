//! The two numbers of the verification equation. Variable time: for public data only.

use super::limbs;

/// (s1 + H) mod q: the multiple of G (clause 7.1.4, step 5). H may be q or more.
pub(super) fn base_multiple<const N: usize>(s1: &[u64; N], hash: &[u64; N], q: &[u64; N]) -> [u64; N] {
    let (mut sum, mut carry) = limbs::add(s1, hash);
    loop {
        let (reduced, borrow) = limbs::sub(&sum, q);
        if borrow && !carry {
            return sum;
        }
        carry = carry && !borrow;
        sum = reduced;
    }
}
