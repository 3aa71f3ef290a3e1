//! Whatever is sent, an answer comes back, and a changed assertion never signs in.

use latchkey_verify::verify_sign_in;
use proptest::prelude::*;

use crate::cases::{NOW, World};

#[test]
fn every_truncation_is_refused() {
    let good = World::new().good();
    let (challenge, policy, revocation) = (good.pending_challenge(), good.policy(), good.revocation());
    for kept in 0..good.assertion.len() {
        let outcome = verify_sign_in(&good.assertion[..kept], &challenge, &policy, &revocation, NOW);
        assert!(outcome.is_err(), "the first {kept} octets were accepted");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One octet anywhere in certificate or signature: another person, key, signature or nothing at all.
    #[test]
    fn an_altered_certificate_or_signature_does_not_sign_in(
        position in any::<prop::sample::Index>(),
        flip in 1_u8..,
        in_certificate: bool,
    ) {
        let world = World::new();
        let good = world.good();
        let assertion = latchkey_crypto::assertion::Assertion::parse(&good.assertion).unwrap();
        let mut certificate = assertion.unverified_certificate().to_vec();
        let mut signature = assertion.signature().to_vec();
        let altered = if in_certificate { &mut certificate } else { &mut signature };
        let position = position.index(altered.len());
        altered[position] ^= flip;
        let altered = crate::cases::assertion(&certificate, assertion.algorithm(), &signature);
        let outcome =
            verify_sign_in(&altered, &good.pending_challenge(), &good.policy(), &good.revocation(), NOW);
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn altered_text_does_not_panic(position in any::<prop::sample::Index>(), octet: u8) {
        let good = World::new().good();
        let mut json = good.assertion.clone();
        let position = position.index(json.len());
        json[position] = octet;
        let outcome = verify_sign_in(&json, &good.pending_challenge(), &good.policy(), &good.revocation(), NOW);
        // Letters of the version may change: nothing is decided by it.
        if let Ok(verified) = outcome {
            prop_assert_eq!(verified.certificate().der(), World::new().certificate);
        }
    }
}
