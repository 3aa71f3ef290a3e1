//! The cases: a good sign-in, and what is done to it so that it is refused.

use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, ChallengeText, Origin, signed_hash};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::sha2::Sha2;
use latchkey_fixtures::data_groups::NameForms;
use latchkey_fixtures::der_edit::{Value, extensions, replace_extension, resigned};
use latchkey_fixtures::pki::faults::Fault;
use latchkey_fixtures::pki::{
    CARD_HELD_KEY_POLICY, Person, PersonOrder, Revocation, RevocationReason, SOFTWARE_KEY_POLICY, TestPki, Validity,
};
use latchkey_fixtures::vectors::file;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::presentation::Presentation;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);
pub(crate) const ORIGIN: &str = "https://portal.example";
const OTHER_ORIGIN: &str = "https://portal.example.evil.example";
pub(crate) const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_CHALLENGE: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHgA=";
pub(crate) const BELT: AssertionAlgorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);

/// The test PKI and one holder in it.
pub(crate) struct World {
    pub(crate) pki: TestPki,
    pub(crate) person: Person,
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Vec<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        let pki = TestPki::new("sign-ins", NOW).unwrap();
        let person = Person {
            family_name: NameForms::new("ВЫДУМАНЫ", "ВЫДУМАННЫЙ", "VYDUMANY"),
            given_name: NameForms::new("ПРЫКЛАД", "ПРИМЕР", "PRYKLAD"),
            patronymic: Some(NameForms::new("УЗОРАВІЧ", "ОБРАЗЦОВИЧ", "UZORAVICH")),
            personal_number: "3000000A000PB0".to_owned(),
        };
        let key = pki.key_of("holder");
        let order = PersonOrder::card_held(&person, &key.public_key(), "holder", around(-30, 700)).unwrap();
        let certificate = pki.authority().issue_to_person(&order).unwrap().der;
        Self { pki, person, key, certificate }
    }

    /// What a portal has and receives when everything is right.
    pub(crate) fn good(&self) -> Presentation {
        Presentation {
            now: NOW,
            origin: ORIGIN.to_owned(),
            challenge: CHALLENGE.to_owned(),
            challenge_issued_at: NOW - Duration::seconds(40),
            challenge_lifetime: Duration::minutes(5),
            challenge_purpose: "sign-in".to_owned(),
            minimum_assurance: "high".to_owned(),
            card_held_key_policy: CARD_HELD_KEY_POLICY.to_string(),
            other_key_policy: SOFTWARE_KEY_POLICY.to_string(),
            anchor: self.pki.root().certificate().der.clone(),
            intermediates: vec![self.pki.authority().certificate().der.clone()],
            revocation_lists: vec![
                self.pki.root_revocation_list(&[]).unwrap(),
                self.pki.authority_revocation_list(&[]).unwrap(),
            ],
            assertion: assertion(&self.certificate, BELT, &sign(&self.key, ORIGIN, CHALLENGE)),
        }
    }

    /// The holder's certificate, otherwise: ordered, then edited and signed anew.
    fn order(&self, change: impl FnOnce(&mut PersonOrder)) -> Vec<u8> {
        let mut order =
            PersonOrder::card_held(&self.person, &self.key.public_key(), "holder", around(-30, 700)).unwrap();
        change(&mut order);
        self.pki.authority().issue_to_person(&order).unwrap().der
    }

    fn edited(&self, edit: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
        resigned(&self.certificate, edit, |body| self.pki.authority().key().sign(body).unwrap())
    }

    fn with_certificate(&self, certificate: &[u8]) -> Presentation {
        let assertion = assertion(certificate, BELT, &sign(&self.key, ORIGIN, CHALLENGE));
        Presentation { assertion, ..self.good() }
    }

    fn with_signature(&self, signature: &[u8]) -> Presentation {
        Presentation { assertion: assertion(&self.certificate, BELT, signature), ..self.good() }
    }

    fn with_fault(&self, fault: Fault) -> Presentation {
        let faulty = self.pki.faulty_certificate(&self.person, fault).unwrap();
        let mut presentation = self.good();
        presentation.assertion = assertion(&faulty.certificate, BELT, &sign(&faulty.key, ORIGIN, CHALLENGE));
        presentation.revocation_lists[1] = faulty.revocation_list;
        // An unknown authority stays unknown; a person's certificate as an authority is the portal's own mistake.
        if fault == Fault::IssuerIsNoAuthority {
            presentation.intermediates = faulty.intermediates;
        }
        presentation
    }
}

/// Every case: the file's name, which states the fault, the code, and what is presented.
pub(crate) fn cases() -> Vec<(&'static str, &'static str, Presentation)> {
    let world = World::new();
    [assertion_cases(&world), challenge_cases(&world), certificate_cases(&world), path_cases(&world)]
        .into_iter()
        .chain([signature_cases(&world), revocation_cases(&world), policy_cases(&world)])
        .flatten()
        .collect()
}

type Cases = Vec<(&'static str, &'static str, Presentation)>;

fn assertion_cases(world: &World) -> Cases {
    let good = world.good();
    let text = String::from_utf8(good.assertion.clone()).unwrap();
    let with = |json: String| Presentation { assertion: json.into_bytes(), ..good.clone() };
    vec![
        ("assertion_empty", "malformed-assertion", with(String::new())),
        ("assertion_cut", "malformed-assertion", with(text[..text.len() - 1].to_owned())),
        ("assertion_with_unknown_field", "malformed-assertion", with(text.replacen('{', r#"{"high":"true","#, 1))),
        (
            "assertion_with_two_algorithms",
            "malformed-assertion",
            with(text.replacen('{', r#"{"algorithm":"ES256","#, 1)),
        ),
        (
            "assertion_without_version",
            "malformed-assertion",
            with(text.replacen(r#""appVersion":"#, r#""version":"#, 1)),
        ),
        ("format_of_later_version", "unsupported-format", with(text.replace("web-eid:1.0", "web-eid:2.0"))),
        ("algorithm_none", "unsupported-algorithm", with(text.replace("bign-with-hbelt", "none"))),
    ]
}

fn challenge_cases(world: &World) -> Cases {
    let good = world.good();
    let issued = |ago: Duration| Presentation { challenge_issued_at: NOW - ago, ..good.clone() };
    vec![
        (
            "challenge_for_confirmation",
            "challenge-of-other-purpose",
            Presentation { challenge_purpose: "confirmation".to_owned(), ..good.clone() },
        ),
        ("challenge_too_old_by_a_second", "challenge-expired", issued(Duration::seconds(301))),
        (
            "challenge_older_than_any_may_be",
            "challenge-expired",
            Presentation { challenge_lifetime: Duration::hours(1), ..issued(Duration::seconds(301)) },
        ),
        (
            "challenge_with_short_lifetime",
            "challenge-expired",
            Presentation { challenge_lifetime: Duration::seconds(30), ..good.clone() },
        ),
        ("challenge_of_six_seconds_ahead", "challenge-from-the-future", issued(Duration::seconds(-6))),
    ]
}

fn certificate_cases(world: &World) -> Cases {
    const SUBJECT: usize = 5;
    const KEY: usize = 6;
    let with = |certificate: Vec<u8>| world.with_certificate(&certificate);
    let malformed = "certificate-malformed";
    vec![
        ("certificate_with_octet_behind", malformed, with([world.certificate.as_slice(), &[0]].concat())),
        ("certificate_cut", malformed, with(world.certificate[..world.certificate.len() - 1].to_vec())),
        ("certificate_with_long_length", malformed, with([&[0x30, 0x83, 0x00][..], &world.certificate[2..]].concat())),
        (
            "certificate_with_extension_twice",
            malformed,
            with(world.edited(|body| {
                let usage = extensions(body)[1].clone();
                extensions(body).push(usage);
            })),
        ),
        (
            "certificate_with_two_family_names",
            malformed,
            with(world.edited(|body| {
                let family_name = body[SUBJECT].members()[1].clone();
                body[SUBJECT].members().push(family_name);
            })),
        ),
        (
            "certificate_with_criticality_false_written_out",
            malformed,
            with(world.edited(|body| extensions(body)[2].members().insert(1, Value::Primitive(0x01, vec![0])))),
        ),
        (
            "certificate_of_version_1",
            malformed,
            with(world.edited(|body| {
                body.remove(0);
                body.pop();
            })),
        ),
        (
            "certificate_with_negative_serial_number",
            malformed,
            with(world.edited(|body| body[1] = Value::Primitive(0x02, vec![0x80]))),
        ),
        (
            "certificate_with_unknown_critical_extension",
            "certificate-extension-unknown",
            with(file("pki/person-critical.cert.der")),
        ),
        (
            "key_on_unknown_curve",
            "certificate-key-unsupported",
            with(world.edited(|body| *body[KEY].members()[0].members()[1].octets().last_mut().unwrap() = 9)),
        ),
        (
            "key_off_the_curve",
            "certificate-key-unsupported",
            with(world.edited(|body| body[KEY].members()[1].octets()[1] ^= 1)),
        ),
        (
            "certificate_of_the_authority",
            "certificate-of-authority",
            with(world.pki.authority().certificate().der.clone()),
        ),
        ("certificate_expired", "certificate-expired", world.with_fault(Fault::Expired)),
        ("certificate_not_yet_valid", "certificate-not-yet-valid", world.with_fault(Fault::NotYetValid)),
        ("key_for_encipherment_only", "wrong-key-usage", world.with_fault(Fault::WrongKeyUsage)),
        (
            "key_usage_missing",
            "wrong-key-usage",
            with(world.edited(|body| {
                extensions(body).remove(1);
            })),
        ),
        (
            "certificate_for_code_signing_only",
            "wrong-extended-key-usage",
            with(world.edited(|body| replace_extension(body, 37, b"\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x03"))),
        ),
        (
            "number_of_another_country",
            "number-of-other-country",
            with(world.edited(|body| {
                let mut set = |attribute: usize, text: &[u8]| {
                    let pair = &mut body[SUBJECT].members()[attribute].members()[0];
                    *pair.members()[1].octets() = text.to_vec();
                };
                set(0, b"PRYKLAD VYDUMANY");
                set(4, b"PNOXX-3000000");
            })),
        ),
        ("certificate_of_an_organisation", "holder-unidentified", {
            let certificate = world.pki.operator_certificate().unwrap().der;
            let signature = sign(&world.pki.key_of("operator"), ORIGIN, CHALLENGE);
            Presentation {
                assertion: assertion(&certificate, BELT, &signature),
                minimum_assurance: "substantial".to_owned(),
                ..world.good()
            }
        }),
    ]
}

fn path_cases(world: &World) -> Cases {
    let good = world.good();
    let root_key = |body: &[u8]| world.pki.root().key().sign(body).unwrap();
    let root_without_authorities =
        resigned(&good.anchor, |body| replace_extension(body, 19, b"\x30\x06\x01\x01\xFF\x02\x01\x00"), root_key);
    let authority_for_time_stamps = resigned(
        &good.intermediates[0],
        |body| {
            let purposes =
                Value::read(b"\x30\x13\x06\x03\x55\x1D\x25\x04\x0C\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x08");
            extensions(body).push(purposes);
        },
        root_key,
    );
    let long_lived = world.order(|order| order.validity = around(-30, 3000));
    let later = NOW + Duration::days(2500);
    vec![
        ("issuer_unknown", "unknown-issuer", world.with_fault(Fault::UnknownIssuer)),
        (
            "intermediate_not_configured",
            "unknown-issuer",
            Presentation { intermediates: Vec::new(), revocation_lists: Vec::new(), ..good.clone() },
        ),
        ("certificate_signature_altered", "certificate-signature-invalid", world.with_fault(Fault::AlteredSignature)),
        ("holder_name_altered", "certificate-signature-invalid", world.with_fault(Fault::AlteredName)),
        ("issued_by_a_person", "issuer-not-authority", world.with_fault(Fault::IssuerIsNoAuthority)),
        (
            "authority_expired",
            "issuer-not-valid-now",
            Presentation {
                now: later,
                challenge_issued_at: later - Duration::seconds(40),
                ..world.with_certificate(&long_lived)
            },
        ),
        (
            "root_that_allows_no_authority_below",
            "path-too-long",
            Presentation { anchor: root_without_authorities, ..good.clone() },
        ),
        (
            "authority_for_time_stamps_only",
            "wrong-extended-key-usage",
            Presentation { intermediates: vec![authority_for_time_stamps], ..good },
        ),
    ]
}

fn signature_cases(world: &World) -> Cases {
    let good = world.good();
    let signature = sign(&world.key, ORIGIN, CHALLENGE);
    let named =
        |algorithm| Presentation { assertion: assertion(&world.certificate, algorithm, &signature), ..good.clone() };
    let invalid = |name, signature: &[u8]| (name, "signature-invalid", world.with_signature(signature));
    let altered = |position: usize| {
        let mut altered = signature.clone();
        altered[position] ^= 1;
        altered
    };
    let swapped = {
        let (of_origin, of_challenge) = (BELT.hash(&[ORIGIN.as_bytes()]), BELT.hash(&[CHALLENGE.as_bytes()]));
        world.key.sign_hash(&BELT.hash(&[&of_challenge, &of_origin]).try_into().unwrap()).to_vec()
    };
    let bare = world.key.sign_hash(&BELT.hash(&[CHALLENGE.as_bytes()]).try_into().unwrap()).to_vec();
    vec![
        ("algorithm_of_higher_level", "algorithm-mismatch", named(AssertionAlgorithm::Bign(HashAlgorithm::Bash384))),
        ("algorithm_of_other_kind_of_card", "algorithm-mismatch", named(AssertionAlgorithm::Ecdsa(Sha2::Sha256))),
        invalid("signature_for_another_site", &sign(&world.key, OTHER_ORIGIN, CHALLENGE)),
        invalid("signature_for_another_port", &sign(&world.key, "https://portal.example:8443", CHALLENGE)),
        invalid("signature_over_another_challenge", &sign(&world.key, ORIGIN, OTHER_CHALLENGE)),
        invalid("signature_by_another_card", &sign(&world.pki.key_of("somebody else"), ORIGIN, CHALLENGE)),
        invalid("signature_over_challenge_and_origin_swapped", &swapped),
        invalid("signature_over_challenge_alone", &bare),
        invalid("signature_first_part_altered", &altered(0)),
        invalid("signature_second_part_altered", &altered(47)),
        invalid("signature_cut", &signature[..47]),
        invalid("signature_with_octet_behind", &[signature.as_slice(), &[0]].concat()),
        invalid("signature_all_zero", &[0; 48]),
    ]
}

fn revocation_cases(world: &World) -> Cases {
    let good = world.good();
    let with = |lists: Vec<Vec<u8>>| Presentation { revocation_lists: lists, ..good.clone() };
    let of_root = good.revocation_lists[0].clone();
    let of_authority = good.revocation_lists[1].clone();
    let made = |this_update: OffsetDateTime, days| {
        let next_update = this_update + Duration::days(days);
        world.pki.authority().revocation_list_of(&[], this_update, next_update, 7).unwrap()
    };
    let authority_revoked = Revocation {
        serial_number: world.pki.authority().certificate().serial_number.clone(),
        revoked_at: NOW - Duration::days(2),
        reason: RevocationReason::KeyCompromise,
    };
    let root_list = world.pki.root_revocation_list(&[authority_revoked]).unwrap();
    vec![
        ("certificate_revoked", "certificate-revoked", world.with_fault(Fault::Revoked)),
        ("authority_revoked", "issuer-revoked", with(vec![root_list, of_authority.clone()])),
        ("no_revocation_list", "revocation-unknown", with(Vec::new())),
        ("no_revocation_list_of_the_authority", "revocation-unknown", with(vec![of_root.clone()])),
        ("no_revocation_list_of_the_root", "revocation-unknown", with(vec![of_authority])),
        ("revocation_list_stale", "revocation-stale", with(vec![of_root.clone(), made(NOW - Duration::days(31), 30)])),
        (
            "revocation_list_from_the_future",
            "revocation-from-the-future",
            with(vec![of_root, made(NOW + Duration::hours(1), 30)]),
        ),
    ]
}

fn policy_cases(world: &World) -> Cases {
    const UNKNOWN_TO_AUTHORITY: &str = "1.2.112.1.2.1.1.1.3.9";
    let beyond_authority = world.order(|order| order.policies = vec![UNKNOWN_TO_AUTHORITY.parse().unwrap()]);
    vec![
        ("policy_of_keys_in_files", "wrong-policy", world.with_fault(Fault::WrongPolicy)),
        ("no_policy", "wrong-policy", world.with_fault(Fault::NoPolicy)),
        (
            "policy_that_the_authority_may_not_use",
            "wrong-policy",
            Presentation {
                card_held_key_policy: UNKNOWN_TO_AUTHORITY.to_owned(),
                ..world.with_certificate(&beyond_authority)
            },
        ),
    ]
}

pub(crate) fn sign(key: &PrivateKey, origin: &str, challenge: &str) -> Vec<u8> {
    let (origin, challenge) = (Origin::parse(origin).unwrap(), ChallengeText::parse(challenge).unwrap());
    key.sign_hash(&signed_hash(BELT, &origin, &challenge).try_into().unwrap()).to_vec()
}

pub(crate) fn assertion(certificate: &[u8], algorithm: AssertionAlgorithm, signature: &[u8]) -> Vec<u8> {
    let version = "https://latchkey.example/releases/0.1.0".to_owned();
    let assertion = Assertion::new(certificate.to_vec(), algorithm, signature.to_vec(), version).unwrap();
    assertion.to_json().into_bytes()
}

fn around(from: i32, until: i32) -> Validity {
    Validity::days_around(NOW, from, until)
}
