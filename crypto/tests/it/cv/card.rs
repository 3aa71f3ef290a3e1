//! What a card makes of certificates: no clock, one certificate after another.

use latchkey_crypto::cv::rights::Rights;
use latchkey_crypto::cv::{
    Accepted, CardTrust, Certificate, Date, PathError, Period, Role, TrustAnchor, TrustAnchors, TrustedAuthority,
};
use latchkey_fixtures::cv::{CvPki, Fault};
use time::macros::date;

use super::{certificate, day, name, octets_of};

const TODAY: time::Date = date!(2026 - 11 - 21);

fn anchor(octets: &[u8]) -> TrustAnchor {
    TrustAnchor::of_root(certificate(octets)).unwrap()
}

/// A card of the standard test set that has last seen this day.
fn card(estimate: &str) -> CardTrust {
    CardTrust::new(TrustAnchors::new(vec![anchor(&octets_of("root.cert"))]), day(estimate))
}

fn authority(accepted: Accepted) -> TrustedAuthority {
    match accepted {
        Accepted::Authority(authority) => authority,
        other => panic!("{other:?}"),
    }
}

/// Presents files one after another; each accepted one changes what the card keeps.
fn present(mut card: CardTrust, files: &[&str]) -> (CardTrust, Result<Accepted, PathError>) {
    let mut issuer = None;
    let mut last = Err(PathError::Empty);
    for file in files {
        match card.judge(issuer.as_ref(), &certificate(&octets_of(file))) {
            Ok((kept, accepted)) => {
                card = kept;
                issuer = match &accepted {
                    Accepted::Authority(authority) => Some(authority.clone()),
                    Accepted::Link | Accepted::Terminal(_) => None,
                };
                last = Ok(accepted);
            }
            Err(error) => return (card, Err(error)),
        }
    }
    (card, last)
}

#[test]
fn the_estimate_is_the_latest_first_day_accepted() {
    let rows = [
        ("a new card", "260101", "261120"),
        ("a card that knows the day", "261121", "261121"),
        ("a card that saw the last day", "261123", "261123"),
    ];
    for (label, before, afterwards) in rows {
        let (kept, accepted) = present(card(before), &["sub.cert", "terminal.cert"]);
        let Ok(Accepted::Terminal(terminal)) = accepted else { panic!("{label}: {accepted:?}") };
        assert_eq!(hex::encode(terminal.rights().eid.octets()), "00336f7b10", "{label}");
        assert_eq!(kept.estimate(), day(afterwards), "{label}");
        assert_eq!(kept.anchors(), card(before).anchors(), "{label}");
    }
}

/// The card has no clock: what has expired since passes until something newer was seen.
#[test]
fn an_expired_terminal_passes_until_the_estimate_moves() {
    let (kept, accepted) = present(card("260101"), &["sub.cert", "terminal-expired.cert"]);
    assert!(matches!(accepted, Ok(Accepted::Terminal(_))), "{accepted:?}");
    assert_eq!(kept.estimate(), day("261103"));
    let (kept, _) = present(kept, &["sub.cert", "terminal.cert"]);
    assert_eq!(kept.estimate(), day("261120"));
    let (kept, accepted) = present(kept, &["sub.cert", "terminal-expired.cert"]);
    let expired = PathError::Expired { holder: name("780000000001"), until: day("261106") };
    assert_eq!(accepted, Err(expired));
    // A certificate of the future is as good as any, and drags the estimate along.
    let (kept, accepted) = present(kept, &["sub.cert", "terminal-future.cert"]);
    assert!(accepted.is_ok());
    assert_eq!(kept.estimate(), day("261201"));
    let (_, accepted) = present(kept, &["sub.cert", "terminal.cert"]);
    assert_eq!(accepted, Err(PathError::Expired { holder: name("780000000001"), until: day("261123") }));
}

#[test]
fn a_refusal_changes_nothing() {
    let faulty = [
        "terminal-bad-signature.cert",
        "terminal-altered-date.cert",
        "terminal-wrong-issuer-name.cert",
        "terminal-starts-before-issuer.cert",
        "root2-bad.link",
        "root2.link",
    ];
    for file in faulty {
        let (kept, accepted) = present(card("260101"), &["sub.cert", file]);
        assert!(accepted.is_err(), "{file}");
        assert_eq!(kept.estimate(), day("261102"), "{file}");
    }
    let (kept, accepted) = present(card("260101"), &["root2-bad.link"]);
    assert!(matches!(accepted, Err(PathError::Signature { .. })), "{accepted:?}");
    assert_eq!(kept, card("260101"));
}

#[test]
fn a_link_replaces_the_root_for_good() {
    let (kept, accepted) = present(card("260101"), &["root2.link"]);
    assert_eq!(accepted, Ok(Accepted::Link));
    assert_eq!(kept.estimate(), day("261110"));
    assert!(kept.anchors().find(&name("BYCA0778")).is_some());
    assert!(kept.anchors().find(&name("BYCA0777")).is_none());
    let (_, accepted) = present(kept.clone(), &["terminal2.cert"]);
    let Ok(Accepted::Terminal(terminal)) = accepted else { panic!("{accepted:?}") };
    assert_eq!(hex::encode(terminal.rights().esign.octets()), "4000");
    // The old root is gone, and its link with it.
    let unknown = PathError::UnknownAuthority { authority: name("BYCA0777") };
    assert_eq!(present(kept.clone(), &["sub.cert"]).1, Err(unknown.clone()));
    assert_eq!(present(kept, &["root2.link"]).1, Err(unknown));
    // Another root stays.
    let pki = CvPki::new("card", TODAY).unwrap();
    let other = anchor(&pki.root().certificate.to_octets());
    let two = CardTrust::new(TrustAnchors::new(vec![anchor(&octets_of("root.cert")), other]), day("260101"));
    let (kept, _) = present(two, &["root2.link"]);
    assert!(kept.anchors().find(&name("BYCA0900")).is_some() && kept.anchors().find(&name("BYCA0777")).is_none());
}

#[test]
fn certificates_come_in_their_order() {
    let wrong = |holder: &str, role| Err(PathError::WrongRole { holder: name(holder), role });
    let rows: [(&str, &[&str], Result<(), PathError>); 5] = [
        ("a link below an authority", &["sub.cert", "root2.link"], wrong("BYCA0778", Role::Root)),
        ("the root again", &["root.cert"], wrong("BYCA0777", Role::Root)),
        ("an authority below an authority", &["sub.cert", "lowca.cert"], wrong("BYCA1775", Role::Subordinate)),
        (
            "a terminal without its authority",
            &["terminal.cert"],
            Err(PathError::UnknownAuthority { authority: name("BYCA1777") }),
        ),
        (
            "a terminal of another authority",
            &["lowca.cert", "terminal.cert"],
            Err(PathError::OtherIssuer {
                holder: name("780000000001"),
                authority: name("BYCA1777"),
                issuer: name("BYCA1775"),
            }),
        ),
    ];
    for (label, files, expected) in rows {
        assert_eq!(present(card("261121"), files).1.map(|_| ()), expected, "{label}");
    }
}

/// What a card can see of the faults: all but the dates before which it thinks itself to be.
#[test]
fn faulty_terminals_are_refused() {
    let pki = CvPki::new("card", TODAY).unwrap();
    let root = anchor(&pki.root().certificate.to_octets());
    let trust = CardTrust::new(TrustAnchors::new(vec![root]), Date::try_from(TODAY).unwrap());
    let mut rights = CvPki::authority_rights();
    rights.esign = Rights::ALL.esign;
    for fault in Fault::ALL {
        let faulty = pki.faulty_terminal(fault, rights).unwrap();
        let verdict = trust.judge(None, &faulty.authorities[0]).and_then(|(trust, accepted)| match accepted {
            Accepted::Authority(issuer) => Ok((trust, issuer)),
            _ => Err(PathError::TooLong),
        });
        let accepted = verdict.is_ok_and(|(trust, issuer)| {
            Certificate::parse(&faulty.octets).is_ok_and(|terminal| trust.judge(Some(&issuer), &terminal).is_ok())
        });
        assert_eq!(accepted, fault == Fault::NotYetInForce, "{fault:?}");
    }
}

/// A root that ends moves nothing: below it nothing is accepted any more.
#[test]
fn nothing_is_accepted_below_a_root_that_has_ended() {
    let pki = CvPki::new("card", TODAY).unwrap();
    let mut body = pki.root().certificate.body().clone();
    body.period = Period::new(body.period.from(), day("261120")).unwrap();
    let root = TrustAnchor::of_root(body.sign(&pki.root().key)).unwrap();
    let trust = CardTrust::new(TrustAnchors::new(vec![root]), day("261121"));
    let refused = trust.judge(None, &pki.authority().certificate).unwrap_err();
    assert_eq!(refused, PathError::Expired { holder: name("BYCA0900"), until: day("261120") });
    let before = CardTrust::new(trust.anchors().clone(), day("261120"));
    assert_eq!(
        authority(before.judge(None, &pki.authority().certificate).unwrap().1).rights(),
        CvPki::authority_rights()
    );
}
