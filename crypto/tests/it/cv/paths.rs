//! Path rules beyond the test set, with a test authority.

use latchkey_crypto::bign::{Level, SignatureError};
use latchkey_crypto::cv::rights::{DataGroup, EidRights, EsignRights, Rights};
use latchkey_crypto::cv::{
    Certificate, CertificateBody, CertificateFault, Date, PathError, Period, Role, TrustAnchor, TrustAnchors,
};
use latchkey_crypto::tlv::TlvErrorKind;
use latchkey_fixtures::cv::{Certified, CvPki, Fault};
use latchkey_fixtures::vectors::{file, vector};
use time::Duration;
use time::macros::date;

use super::{certificate, day, name, octets_of, today};

const TODAY: time::Date = date!(2026 - 11 - 21);

fn pki() -> CvPki {
    CvPki::new("paths", TODAY).unwrap()
}

fn after(days: i64) -> Date {
    Date::try_from(TODAY + Duration::days(days)).unwrap()
}

fn anchor(root: &Certified) -> TrustAnchor {
    TrustAnchor::of_root(root.certificate.clone()).unwrap()
}

fn anchors(pki: &CvPki) -> TrustAnchors {
    TrustAnchors::new(vec![anchor(pki.root())])
}

/// Some rights in both applications, among those that the authority has.
fn some_rights() -> Rights {
    let eid = EidRights::read(DataGroup::new(3).unwrap()) | EidRights::CAN_ACCESS;
    Rights { eid, esign: EsignRights::TERMINAL_SIGNING }
}

fn signed(by: &Certified, edit: impl FnOnce(&mut CertificateBody), from: &Certificate) -> Certificate {
    let mut body = from.body().clone();
    edit(&mut body);
    body.sign(&by.key)
}

#[test]
fn each_fault_is_refused_for_its_reason() {
    let pki = pki();
    for fault in Fault::ALL {
        let faulty = pki.faulty_terminal(fault, some_rights()).unwrap();
        let verdict =
            Certificate::parse(&faulty.octets).map_err(|error| format!("{:?}", error.fault)).and_then(|terminal| {
                let path = [faulty.authorities.as_slice(), &[terminal]].concat();
                anchors(&pki).terminal(&path, today()).map_err(|error| format!("{error:?}"))
            });
        let reason = verdict.unwrap_err();
        let expected = match fault {
            Fault::Expired => "Expired { holder: Name(\"980000000001\"), until: Date(2026-11-20) }",
            Fault::NotYetInForce => "NotYetInForce { holder: Name(\"980000000001\"), from: Date(2026-11-22) }",
            Fault::AuthorityExpired => "Expired { holder: Name(\"BYCA1900\"), until: Date(2026-11-20) }",
            Fault::BeginsBeforeIssuer => {
                "BeginsOutsideIssuersPeriod { holder: Name(\"980000000001\"), from: Date(2026-01-24) }"
            }
            Fault::OtherIssuerNamed => {
                "OtherIssuer { holder: Name(\"980000000001\"), authority: Name(\"BYCA1901\"), issuer: Name(\"BYCA1900\") }"
            }
            Fault::UnknownRoot => "UnknownAuthority { authority: Name(\"BYCA0999\") }",
            Fault::ForgedRoot => "Signature { holder: Name(\"BYCA1900\"), error: Mismatch }",
            Fault::IssuedByTerminal => "WrongRole { holder: Name(\"980000000009\"), role: CardOrTerminal }",
            Fault::NamedLikeAuthority => "WrongRole { holder: Name(\"BYCA1902\"), role: Subordinate }",
            Fault::LevelAboveIssuer => "LevelAboveIssuer { holder: Name(\"980000000001\"), level: L192, issuer: L128 }",
            Fault::AlteredSignature | Fault::AlteredRights | Fault::AlteredDate => {
                "Signature { holder: Name(\"980000000001\"), error: Mismatch }"
            }
            Fault::OtherVersion => "Version",
            Fault::NameTooShort => "Name(Length(7))",
            Fault::NoSuchDay => "Date(NoSuchDay)",
            Fault::AsciiDate => "Date(Digit(50))",
            Fault::EndsBeforeItBegins => "EndsBeforeItBegins",
            Fault::KeyNotOnCurve => "Key(NotOnCurve)",
            Fault::RightsOfOtherApplication => "RightsApplication",
            Fault::TrailingOctet => "Objects(Trailing)",
            Fault::Cut => "Objects(Truncated)",
        };
        assert_eq!(reason, expected, "{fault:?}");
    }
}

#[test]
fn rights_are_what_every_certificate_grants() {
    let pki = pki();
    let terminal = pki.terminal("980000000001", Rights::ALL).unwrap().certificate;
    let authority = pki.authority().certificate.clone();
    let trusted = anchors(&pki).terminal(&[authority, terminal.clone()], today()).unwrap();
    assert_eq!(trusted.rights(), CvPki::authority_rights());
    assert_eq!(trusted.certificate(), &terminal);
    assert!(Rights::ALL.contains(trusted.rights()) && !trusted.rights().contains(Rights::ALL));
    let half = Rights { eid: EidRights::ALL, esign: EsignRights::NONE };
    assert!(!half.contains(Rights::ALL) && !Rights { eid: EidRights::NONE, ..Rights::ALL }.contains(half));
    // A root with less than everything narrows the path like any other.
    let narrow = signed(pki.root(), |body| body.rights = some_rights(), &pki.root().certificate);
    let narrow = TrustAnchors::new(vec![TrustAnchor::of_root(narrow).unwrap()]);
    let path = [pki.authority().certificate.clone(), terminal];
    assert_eq!(narrow.terminal(&path, today()).unwrap().rights(), some_rights());
}

#[test]
fn a_card_straight_below_the_root_or_below_an_authority_is_accepted() {
    let pki = pki();
    let card = pki.card("990000000001").unwrap().certificate;
    let trusted = anchors(&pki).card(&[pki.authority().certificate.clone(), card.clone()], today()).unwrap();
    assert_eq!(trusted.certificate(), &card);
    let model = |text: &str| certificate(&vector(text).output("der"));
    let root = TrustAnchor::of_root(model("CV certificate ca0000.cert")).unwrap();
    let anchors = TrustAnchors::new(vec![root.clone()]);
    let card = model("CV certificate ct.cert");
    assert!(anchors.card(std::slice::from_ref(&card), day("261121")).is_ok());
    // The model terminal is in force for three days.
    let path = [model("CV certificate ca1000.cert"), model("CV certificate term.cert")];
    let rights = anchors.terminal(&path, day("250703")).unwrap().rights();
    assert_eq!((rights.eid.octets(), rights.esign.octets()), ([0x00, 0x3C, 0x6F, 0x5B, 0x10], [0xF2, 0x00]));
    assert!(matches!(anchors.terminal(&path, day("250704")), Err(PathError::Expired { .. })));
    // The model's link leads to the next root.
    let link = model("CV certificate ca0001.link");
    let next = root.linked(&link, day("300101")).unwrap();
    assert_eq!(next.as_authority().certificate(), &link);
    assert_eq!(next.as_authority().rights(), Rights::ALL);
}

#[test]
fn paths_have_one_shape() {
    let pki = pki();
    let authority = pki.authority().certificate.clone();
    let terminal = pki.terminal("980000000001", some_rights()).unwrap().certificate;
    let second = pki.authority();
    let nested = signed(second, |body| body.holder = name("BYCA1999"), &authority);
    let nested = signed(second, |body| body.authority = name("BYCA1900"), &nested);
    let root = pki.root().certificate.clone();
    let wrong = |holder: &str, role| PathError::WrongRole { holder: name(holder), role };
    let rows = [
        ("nothing", vec![], PathError::Empty),
        ("two authorities", vec![authority.clone(), nested.clone(), terminal.clone()], PathError::TooLong),
        ("four", vec![authority.clone(), authority.clone(), authority.clone(), terminal.clone()], PathError::TooLong),
        ("an authority at the end", vec![authority.clone()], wrong("BYCA1900", Role::Subordinate)),
        ("the root itself", vec![root.clone()], wrong("BYCA0900", Role::Root)),
        ("the root as a link to itself", vec![root.clone(), terminal.clone()], wrong("BYCA0900", Role::Root)),
        (
            "a terminal as issuer",
            vec![terminal.clone(), terminal.clone()],
            PathError::UnknownAuthority { authority: name("BYCA1900") },
        ),
    ];
    for (label, path, expected) in rows {
        assert_eq!(anchors(&pki).terminal(&path, today()).unwrap_err(), expected, "{label}");
        assert_eq!(anchors(&pki).card(&path, today()).unwrap_err(), expected, "{label}, as a card");
    }
    // An authority below an authority is refused step by step too.
    let accepted = anchor(pki.root()).as_authority().authority(&authority, today()).unwrap();
    assert_eq!(accepted.authority(&nested, today()).unwrap_err(), wrong("BYCA1999", Role::Subordinate));
}

#[test]
fn a_root_speaks_of_itself_and_is_named_like_one() {
    let pki = pki();
    let other_name = signed(
        pki.root(),
        |body| {
            body.authority = name("980000000001");
            body.holder = name("980000000001");
        },
        &pki.root().certificate,
    );
    let expected = PathError::WrongRole { holder: name("980000000001"), role: Role::CardOrTerminal };
    assert_eq!(TrustAnchor::of_root(other_name), Err(expected));
    let by_other = signed(pki.authority(), |_| {}, &pki.root().certificate);
    let expected = PathError::Signature { holder: name("BYCA0900"), error: SignatureError::Mismatch };
    assert_eq!(TrustAnchor::of_root(by_other), Err(expected));
    let expected = PathError::NotSelfIssued { holder: name("BYCA1900"), authority: name("BYCA0900") };
    assert_eq!(TrustAnchor::of_root(pki.authority().certificate.clone()), Err(expected));
}

#[test]
fn every_certificate_of_a_path_is_in_force() {
    let pki = pki();
    let terminal = pki.terminal("980000000001", some_rights()).unwrap().certificate;
    // One certificate each ends first: a period that is the terminal's own ends on the next day.
    let long = Period::new(terminal.body().period.from(), after(9000)).unwrap();
    let terminal = signed(pki.authority(), |body| body.period = long, &terminal);
    let path = [pki.authority().certificate.clone(), terminal];
    let verdict = |days| anchors(&pki).terminal(&path, after(days)).map(|_| ());
    let expired = |holder: &str, days| Err(PathError::Expired { holder: name(holder), until: after(days) });
    let early = |holder: &str, days| Err(PathError::NotYetInForce { holder: name(holder), from: after(days) });
    let rows = [
        (-701, early("BYCA0900", -700)),
        (-301, early("BYCA1900", -300)),
        (-2, early("980000000001", -1)),
        (-1, Ok(())),
        (1500, Ok(())),
        (1501, expired("BYCA1900", 1500)),
        (3000, expired("BYCA1900", 1500)),
        (3001, expired("BYCA0900", 3000)),
    ];
    for (days, expected) in rows {
        assert_eq!(verdict(days), expected, "{days} days from today");
    }
}

#[test]
fn a_certificate_begins_within_its_issuers_period() {
    let pki = pki();
    let terminal = pki.terminal("980000000001", some_rights()).unwrap().certificate;
    let accepted = anchor(pki.root()).as_authority().authority(&pki.authority().certificate, today()).unwrap();
    let verdict = |days: i64, on: i64| {
        let period = Period::new(after(days), after(days + 4000)).unwrap();
        let terminal = signed(pki.authority(), |body| body.period = period, &terminal);
        accepted.terminal(&terminal, after(on)).map(|_| ())
    };
    let outside = |days| Err(PathError::BeginsOutsideIssuersPeriod { holder: name("980000000001"), from: after(days) });
    assert_eq!(verdict(-301, 0), outside(-301));
    assert_eq!(verdict(-300, 0), Ok(()));
    assert_eq!(verdict(1500, 1500), Ok(()));
    assert_eq!(verdict(1501, 1500), outside(1501));
}

/// The same key under an issuer of the same, of a lower and of a higher level.
#[test]
fn a_key_is_of_no_higher_level_than_its_issuers() {
    let rows = [
        (Level::L256, octets_of("root.cert"), octets_of("sub.cert"), true),
        (Level::L256, octets_of("root.cert"), octets_of("root2.link"), true),
        (Level::L128, octets_of("lowca.cert"), octets_of("terminal-level-above-issuer.cert"), false),
    ];
    let root = TrustAnchor::of_root(certificate(&file("cv/root.cert"))).unwrap();
    for (level, issuer, subject, fits) in rows {
        let (issuer, subject) = (certificate(&issuer), certificate(&subject));
        assert_eq!(issuer.body().key.level(), level);
        assert_eq!(subject.body().key.level() <= level, fits);
        let verdict = match subject.body().holder.role() {
            Role::Root => root.linked(&subject, today()).map(|_| ()),
            Role::Subordinate => root.as_authority().authority(&subject, today()).map(|_| ()),
            Role::CardOrTerminal => {
                let issuer = root.as_authority().authority(&issuer, today()).unwrap();
                issuer.terminal(&subject, today()).map(|_| ())
            }
        };
        assert_eq!(verdict.is_ok(), fits);
    }
}

#[test]
fn a_link_leads_to_the_next_root_and_grants_no_more_than_the_old_one() {
    let pki = pki();
    let next = pki.next_root().unwrap();
    let link = pki.root().link(&next);
    let terminal = {
        let body = pki.terminal("980000000001", Rights::ALL).unwrap().certificate;
        signed(&next, |body| body.authority = name("BYCA0901"), &body)
    };
    let authority = signed(
        &next,
        |body| {
            body.authority = name("BYCA0901");
            body.period = Period::new(after(-1), after(100)).unwrap();
        },
        &pki.authority().certificate,
    );
    let below = pki.terminal("980000000002", Rights::ALL).unwrap().certificate;
    let old = anchors(&pki);
    assert_eq!(old.terminal(&[link.clone(), terminal.clone()], today()).unwrap().rights(), Rights::ALL);
    let long = [link.clone(), authority, below];
    assert_eq!(old.terminal(&long, today()).unwrap().rights(), CvPki::authority_rights());
    assert_eq!(
        old.terminal(std::slice::from_ref(&terminal), today()),
        Err(PathError::UnknownAuthority { authority: name("BYCA0901") })
    );
    // Whoever trusts the old root a little trusts the new one no more than that.
    let narrow = signed(pki.root(), |body| body.rights = some_rights(), &pki.root().certificate);
    let narrow = TrustAnchor::of_root(narrow).unwrap();
    let linked = narrow.linked(&link, today()).unwrap();
    assert_eq!(linked.as_authority().rights(), some_rights());
    let linked = TrustAnchors::new(vec![linked]);
    assert_eq!(linked.terminal(std::slice::from_ref(&terminal), today()).unwrap().rights(), some_rights());
    assert!(linked.find(&name("BYCA0901")).is_some() && linked.find(&name("BYCA0900")).is_none());
    // On the day of the link both roots are in force.
    let late = after(3001);
    let expired = PathError::Expired { holder: name("BYCA0900"), until: after(3000) };
    assert_eq!(anchor(pki.root()).linked(&link, late), Err(expired));
    // A link of a link is a link, and an authority's certificate is none.
    let wrong = PathError::WrongRole { holder: name("BYCA1900"), role: Role::Subordinate };
    assert_eq!(anchor(pki.root()).linked(&pki.authority().certificate, today()), Err(wrong));
}

/// Rules of reading are kept apart from rules of paths: a cut path element never reaches them.
#[test]
fn a_cut_certificate_is_refused_when_read() {
    let octets = octets_of("terminal-cut.cert");
    let fault = Certificate::parse(&octets).unwrap_err().fault;
    assert_eq!(fault, CertificateFault::Objects(TlvErrorKind::Truncated));
}
