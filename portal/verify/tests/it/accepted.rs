//! Sign-ins that are accepted, and what is told about them.

use latchkey_crypto::assertion::AssertionAlgorithm;
use latchkey_crypto::sha2::Sha2;
use latchkey_crypto::x509::PublicKey;
use latchkey_fixtures::data_groups::NameForms;
use latchkey_fixtures::pki::faults::Fault;
use latchkey_fixtures::pki::other_cards::OtherCardsPki;
use latchkey_fixtures::pki::{KeyKind, Person, TestKey};
use latchkey_fixtures::vectors::file;
use latchkey_verify::{
    Assurance, CLOCK_TOLERANCE, Grace, PendingChallenge, Purpose, Rejection, SignInPolicy, verify_sign_in,
};
use openssl::ecdsa::EcdsaSig;
use time::Duration;

use crate::cases::{BELT, CHALLENGE, NOW, ORIGIN, World, assertion, sign};
use crate::presentation::Presentation;

#[test]
fn a_good_sign_in_says_who_and_what_was_checked() {
    let world = World::new();
    let verified = world.good().verify().unwrap();
    assert_eq!(verified.identity().personal_number().as_str(), "PNOBY-3000000A000PB0");
    assert_eq!(verified.identity().name().to_string(), "ВЫДУМАННЫЙ ПРИМЕР ОБРАЗЦОВИЧ");
    assert_eq!(verified.identity().belarusian_name().unwrap().to_string(), "ВЫДУМАНЫ ПРЫКЛАД УЗОРАВІЧ");
    assert_eq!(verified.identity().latin_name(), Some("PRYKLAD VYDUMANY"));
    assert_eq!(verified.assurance(), Assurance::High);
    assert_eq!(verified.certificate().der(), world.certificate);

    let checks: Vec<_> = verified.checks().iter().map(|check| (check.name(), check.against())).collect();
    let names: Vec<_> = checks.iter().map(|(name, _)| *name).collect();
    let expected =
        ["challenge", "validity", "key-usage", "path", "signature", "revocation", "revocation", "policy", "identity"];
    assert_eq!(names, expected);
    let against = |position: usize| checks[position].1.as_str();
    assert_eq!(against(0), "challenge for sign-in of 2026-11-22T11:59:20Z, 40 s old");
    assert_eq!(against(4), "https://portal.example, bign-with-hbelt, bign-curve256v1");
    // Authorities are called by their common names.
    let (authority, root) = ("Тестовый республиканский удостоверяющий центр", "Тестовый корневой удостоверяющий центр");
    assert!(
        against(3).starts_with(&format!("{authority} < {root}; anchor's serial number 40E4D954")),
        "{}",
        against(3)
    );
    for (position, issuer) in [(5, authority), (6, root)] {
        assert!(against(position).contains(&format!(" of {issuer}: revocation list")), "{}", against(position));
        assert!(
            against(position).contains("revocation list number 0x01 of 2026-11-22T11:00:00Z"),
            "{}",
            against(position)
        );
    }
    assert_eq!(against(7), "1.2.112.1.2.1.1.1.3.1: high");
}

#[test]
fn the_policy_decides_the_assurance() {
    let world = World::new();
    let rows = [
        ("card-held key", world.good(), Assurance::High),
        ("key in a file", rejected_for_policy(&world, Fault::WrongPolicy), Assurance::Substantial),
        ("no policy", rejected_for_policy(&world, Fault::NoPolicy), Assurance::Low),
    ];
    for (name, presentation, reached) in rows {
        for required in [Assurance::Low, Assurance::Substantial, Assurance::High] {
            let minimum_assurance = required.to_string();
            let outcome = Presentation { minimum_assurance, ..presentation.clone() }.verify();
            match outcome {
                Ok(verified) => assert!(required <= reached && verified.assurance() == reached, "{name}, {required}"),
                Err(rejection) => {
                    assert!(required > reached, "{name}, {required}: {rejection}");
                    assert_eq!(rejection, Rejection::WrongPolicy { reached, required }, "{name}");
                }
            }
        }
    }
}

fn rejected_for_policy(world: &World, fault: Fault) -> Presentation {
    let faulty = world.pki.faulty_certificate(&world.person, fault).unwrap();
    let assertion = assertion(&faulty.certificate, BELT, &sign(&faulty.key, ORIGIN, CHALLENGE));
    Presentation { assertion, ..world.good() }
}

#[test]
fn times_at_the_edge_are_accepted() {
    let world = World::new();
    let issued = |ago: Duration| Presentation { challenge_issued_at: NOW - ago, ..world.good() };
    for (name, ago) in [
        ("now", Duration::ZERO),
        ("five minutes ago", Duration::minutes(5)),
        ("on a node whose clock runs ahead", -CLOCK_TOLERANCE),
    ] {
        assert!(issued(ago).verify().is_ok(), "{name}");
    }
}

#[test]
fn names_of_levels_and_purposes_are_read_back() {
    for level in [Assurance::Low, Assurance::Substantial, Assurance::High] {
        assert_eq!(level.name().parse(), Ok(level));
        assert_eq!(serde_json::to_value(level).unwrap(), level.name());
    }
    for purpose in [Purpose::SignIn, Purpose::Confirmation] {
        assert_eq!(purpose.name().parse(), Ok(purpose));
        assert_eq!(serde_json::to_value(purpose).unwrap(), purpose.name());
    }
    assert!(Assurance::Low < Assurance::Substantial && Assurance::Substantial < Assurance::High);
    assert!("High".parse::<Assurance>().is_err() && "".parse::<Purpose>().is_err());
}

/// The test set that OpenSSL made: a person of level 128 with the key that belongs to it.
#[test]
fn a_certificate_made_elsewhere_signs_in() {
    let key_info = file("pki/person.testkey.der");
    let key = latchkey_crypto::bign::PrivateKey::from_octets(key_info[key_info.len() - 32..].try_into().unwrap());
    let presentation = Presentation {
        anchor: file("pki/root.cert.der"),
        intermediates: vec![file("pki/sub.cert.der")],
        revocation_lists: vec![file("pki/root.crl.der"), file("pki/sub-fresh.crl.der")],
        assertion: assertion(&file("pki/person.cert.der"), BELT, &sign(&key.unwrap(), ORIGIN, CHALLENGE)),
        ..World::new().good()
    };
    let verified = presentation.verify().unwrap();
    assert_eq!(verified.identity().personal_number().as_str(), "PNOBY-0000000A000PB0");
    assert_eq!(verified.assurance(), Assurance::High);

    let stale = vec![file("pki/root.crl.der"), file("pki/sub-stale.crl.der")];
    let refused = Presentation { revocation_lists: stale, ..presentation }.verify().unwrap_err();
    assert_eq!(refused.code(), "revocation-stale");
}

/// Lists that should have been renewed so long ago, what is demanded, and what comes of it.
#[test]
fn grace_lasts_a_day_at_most_and_never_gives_high() {
    let world = World::new();
    let (of_root, next_update) = (world.good().revocation_lists[0].clone(), NOW - Duration::hours(23));
    let list = world.pki.authority().revocation_list_of(&[], NOW - Duration::days(9), next_update, 7).unwrap();
    let rows = [
        ("none", Grace::NONE, Duration::ZERO, "low", Err("revocation-stale")),
        ("a day, what serves", Grace::LONGEST, Duration::ZERO, "low", Ok(Assurance::Substantial)),
        ("a day, in its last hour", Grace::LONGEST, Duration::hours(1), "substantial", Ok(Assurance::Substantial)),
        (
            "a day, a second later",
            Grace::LONGEST,
            Duration::hours(1) + Duration::SECOND,
            "low",
            Err("revocation-stale"),
        ),
        ("a day, high is demanded", Grace::LONGEST, Duration::ZERO, "high", Err("revocation-stale")),
        ("an hour", Grace::new(Duration::HOUR).unwrap(), Duration::ZERO, "low", Err("revocation-stale")),
    ];
    for (name, grace, later, minimum, expected) in rows {
        let presentation = Presentation {
            minimum_assurance: minimum.to_owned(),
            revocation_lists: vec![of_root.clone(), list.clone()],
            ..world.good()
        };
        let policy = SignInPolicy { grace, ..presentation.policy() };
        let challenge = PendingChallenge { issued_at: NOW + later, ..presentation.pending_challenge() };
        let now = NOW + later;
        let verdict = verify_sign_in(&presentation.assertion, &challenge, &policy, &presentation.revocation(), now);
        match (&verdict, expected) {
            (Ok(verified), Ok(assurance)) => {
                assert_eq!(verified.assurance(), assurance, "{name}");
                let told: Vec<_> =
                    verified.checks().iter().filter(|check| check.name() == "revocation-in-grace").collect();
                assert!(
                    told.len() == 1 && told[0].against().contains("data that was current until 2"),
                    "{name}: {told:?}"
                );
            }
            (Err(rejection), Err(code)) => assert_eq!(rejection.code(), code, "{name}"),
            _ => panic!("{name}: {verdict:?}"),
        }
    }
    assert!(Grace::new(Duration::hours(25)).is_err() && Grace::new(-Duration::SECOND).is_err());
}

/// Cards of other kinds: ECDSA and RSA keys, with the algorithm that their key prescribes and with others.
#[test]
fn other_cards_sign_in_with_the_algorithm_of_their_key() {
    let pki = OtherCardsPki::new(NOW).unwrap();
    let name = |latin: &str| NameForms::new("", "", latin);
    let person = Person {
        family_name: name("INVENTED"),
        given_name: name("EXAMPLE"),
        patronymic: None,
        personal_number: "38001010000".to_owned(),
    };
    let ecdsa = AssertionAlgorithm::Ecdsa;
    let rows = [
        ("P-256", KeyKind::P256, ecdsa(Sha2::Sha256), ecdsa(Sha2::Sha384)),
        ("P-384", KeyKind::P384, ecdsa(Sha2::Sha384), ecdsa(Sha2::Sha256)),
        ("RSA 2048 bits", KeyKind::Rsa2048, AssertionAlgorithm::RsaPkcs1(Sha2::Sha256), BELT),
    ];
    for (key_name, kind, right, wrong) in rows {
        let card = pki.issue(&person, kind).unwrap();
        let with = |algorithm: AssertionAlgorithm| Presentation {
            anchor: pki.authority().certificate().der.clone(),
            intermediates: Vec::new(),
            revocation_lists: vec![pki.revocation_list(&[]).unwrap()],
            assertion: assertion(&card.certificate.der, algorithm, &other_signature(&card.key, right)),
            ..World::new().good()
        };
        let verified = with(right).verify().unwrap_or_else(|rejection| panic!("{key_name}: {rejection}"));
        assert_eq!(verified.certificate().public_key().to_string(), key_name);
        assert_eq!(verified.identity().personal_number().as_str(), "PNOXX-38001010000", "{key_name}");
        assert_eq!(verified.identity().name().to_string(), "INVENTED EXAMPLE", "{key_name}");
        assert_eq!(with(wrong).verify().unwrap_err().code(), "algorithm-mismatch", "{key_name}");
        let other_site = Presentation { origin: "https://other.example".to_owned(), ..with(right) };
        assert_eq!(other_site.verify().unwrap_err().code(), "signature-invalid", "{key_name}");
        if matches!(verified.certificate().public_key(), PublicKey::Rsa(_)) {
            let other_padding = with(AssertionAlgorithm::RsaPss(Sha2::Sha256));
            assert_eq!(other_padding.verify().unwrap_err().code(), "signature-invalid");
        }
    }
}

/// The card hashes H(origin) ‖ H(challenge) and signs; ECDSA gives r ‖ s.
fn other_signature(key: &TestKey, algorithm: AssertionAlgorithm) -> Vec<u8> {
    let hashed = [ORIGIN, CHALLENGE].map(|text| algorithm.hash(&[text.as_bytes()])).concat();
    let signature = key.sign(&hashed).unwrap();
    let AssertionAlgorithm::Ecdsa(sha) = algorithm else { return signature };
    let size = i32::try_from(sha.size()).unwrap();
    let parsed = EcdsaSig::from_der(&signature).unwrap();
    [parsed.r().to_vec_padded(size).unwrap(), parsed.s().to_vec_padded(size).unwrap()].concat()
}
