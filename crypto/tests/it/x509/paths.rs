//! Paths through authorities made for the purpose: policies, lengths, purposes, renewed and crossed authorities.

use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::x509::{Certificate, CertificatePath, CertificatePurpose, PathError, TrustStore};
use latchkey_crypto::{belt, x509::ObjectIdentifier};
use latchkey_fixtures::der_edit::{Value, extensions, resigned};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vectors::file;

use super::NOW;

const SERIAL_NUMBER: usize = 1;
const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const KEY: usize = 6;

const AUTHORITY: &[u8] = b"\x30\x03\x01\x01\xFF";
const AUTHORITY_OVER_NONE: &[u8] = b"\x30\x06\x01\x01\xFF\x02\x01\x00";
const AUTHORITY_OVER_ONE: &[u8] = b"\x30\x06\x01\x01\xFF\x02\x01\x01";
const SIGNS_CERTIFICATES: &[u8] = b"\x03\x02\x02\x04";
const SIGNS_LISTS: &[u8] = b"\x03\x02\x01\x02";
const SIGNS: &[u8] = b"\x03\x02\x07\x80";
const POLICY_1: &[u8] = b"\x30\x06\x30\x04\x06\x02\x2A\x01";
const POLICY_1_AND_2: &[u8] = b"\x30\x0C\x30\x04\x06\x02\x2A\x01\x30\x04\x06\x02\x2A\x02";
const POLICY_2: &[u8] = b"\x30\x06\x30\x04\x06\x02\x2A\x02";
const ANY_POLICY: &[u8] = b"\x30\x08\x30\x06\x06\x04\x55\x1D\x20\x00";
const FOR_CLIENTS: &[u8] = b"\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x02";
const FOR_TIME_STAMPS: &[u8] = b"\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x08";
const FOR_ANYTHING: &[u8] = b"\x30\x06\x06\x04\x55\x1D\x25\x00";

/// Extensions by the last number of 2.5.29; critical ones as RFC 5280 wants them.
type Extensions<'a> = &'a [(u8, &'a [u8])];

struct Issuer(&'static str);

impl Issuer {
    fn key(&self) -> PrivateKey {
        PrivateKey::generate(&mut Seeded::new(self.0))
    }

    fn issue(&self, subject: &'static str, with: Extensions<'_>) -> Certificate {
        self.issue_until(subject, with, b"491231235959Z")
    }

    fn issue_until(&self, subject: &'static str, with: Extensions<'_>, until: &[u8]) -> Certificate {
        let edit = |body: &mut Vec<Value>| {
            body[SERIAL_NUMBER] = Value::Primitive(0x02, vec![1]);
            body[ISSUER] = name(self.0);
            body[VALIDITY].members()[1] = Value::Primitive(0x17, until.to_vec());
            body[SUBJECT] = name(subject);
            let key = [vec![0], Issuer(subject).key().public_key().to_vec()].concat();
            *body[KEY].members()[1].octets() = key;
            *extensions(body) = with.iter().map(|(number, octets)| extension(*number, octets)).collect();
        };
        let sign = |body: &[u8]| self.key().sign_hash(&belt::hash(&[body])).to_vec();
        Certificate::from_der(&resigned(&file("pki/sub.cert.der"), edit, sign)).unwrap()
    }
}

fn name(common_name: &str) -> Value {
    let kind = Value::Primitive(0x06, b"\x55\x04\x03".to_vec());
    let pair = vec![kind, Value::Primitive(0x0C, common_name.as_bytes().to_vec())];
    Value::Constructed(0x30, vec![Value::Constructed(0x31, vec![Value::Constructed(0x30, pair)])])
}

fn extension(number: u8, octets: &[u8]) -> Value {
    let mut fields = vec![Value::Primitive(0x06, vec![0x55, 0x1D, number])];
    if matches!(number, 15 | 19) {
        fields.push(Value::Primitive(0x01, vec![0xFF]));
    }
    fields.push(Value::Primitive(0x04, octets.to_vec()));
    Value::Constructed(0x30, fields)
}

fn root(with: &[u8]) -> Certificate {
    Issuer("root").issue("root", &[(19, with), (15, SIGNS_CERTIFICATES)])
}

fn build(leaf: &Certificate, anchors: Vec<Certificate>, between: Vec<Certificate>) -> Result<Vec<String>, PathError> {
    let trust = TrustStore::new(anchors, between).unwrap();
    let path = CertificatePath::build(leaf, &trust, CertificatePurpose::SIGN_IN, NOW)?;
    Ok(path.authorities().iter().map(|authority| authority.subject().to_string()).collect())
}

#[test]
fn policies_hold_if_every_authority_may_use_them() {
    let policy = |text: &str| text.parse::<ObjectIdentifier>().unwrap();
    let (one, two) = (policy("1.2.1"), policy("1.2.2"));
    type Row = (&'static str, &'static [u8], Option<&'static [u8]>, Vec<ObjectIdentifier>);
    let rows: [Row; 8] = [
        ("the same", POLICY_1, Some(POLICY_1), vec![one.clone()]),
        ("one of two", POLICY_1_AND_2, Some(POLICY_2), vec![two.clone()]),
        ("both", POLICY_1_AND_2, Some(POLICY_1_AND_2), vec![one.clone(), two]),
        ("another", POLICY_1, Some(POLICY_2), vec![]),
        ("an authority for any", POLICY_1, Some(ANY_POLICY), vec![one.clone()]),
        ("an authority that states none", POLICY_1, None, vec![one]),
        ("a holder under any", ANY_POLICY, Some(POLICY_1), vec![]),
        ("both any", ANY_POLICY, Some(ANY_POLICY), vec![]),
    ];
    for (name, of_leaf, of_authority, expected) in rows {
        let mut with: Vec<(u8, &[u8])> = vec![(19, AUTHORITY), (15, SIGNS_CERTIFICATES)];
        with.extend(of_authority.map(|octets| (32, octets)));
        let authority = Issuer("root").issue("authority", &with);
        let leaf = Issuer("authority").issue("leaf", &[(15, SIGNS), (32, of_leaf)]);
        let trust = TrustStore::new(vec![root(AUTHORITY)], vec![authority]).unwrap();
        let path = CertificatePath::build(&leaf, &trust, CertificatePurpose::SIGN_IN, NOW).unwrap();
        assert_eq!(path.policies(), expected, "{name}");
    }
}

#[test]
fn path_lengths_are_kept() {
    let leaf = Issuer("lower").issue("leaf", &[(15, SIGNS)]);
    let rows = [
        ("no limits", AUTHORITY, AUTHORITY, AUTHORITY, true),
        ("lowest over none", AUTHORITY, AUTHORITY, AUTHORITY_OVER_NONE, true),
        ("upper over one", AUTHORITY, AUTHORITY_OVER_ONE, AUTHORITY_OVER_NONE, true),
        ("upper over none", AUTHORITY, AUTHORITY_OVER_NONE, AUTHORITY_OVER_NONE, false),
        ("root over one", AUTHORITY_OVER_ONE, AUTHORITY, AUTHORITY, false),
        ("root over none", AUTHORITY_OVER_NONE, AUTHORITY, AUTHORITY, false),
    ];
    for (name, of_root, of_upper, of_lower, is_accepted) in rows {
        let upper = Issuer("root").issue("upper", &[(19, of_upper), (15, SIGNS_CERTIFICATES)]);
        let lower = Issuer("upper").issue("lower", &[(19, of_lower), (15, SIGNS_CERTIFICATES)]);
        let outcome = build(&leaf, vec![root(of_root)], vec![lower, upper]);
        let expected = ["lower", "upper", "root"].map(|name| format!("CN={name}")).to_vec();
        assert_eq!(outcome, if is_accepted { Ok(expected) } else { Err(PathError::TooLong) }, "{name}");
    }
}

#[test]
fn authorities_need_the_right_to_issue() {
    let leaf = Issuer("authority").issue("leaf", &[(15, SIGNS)]);
    let rows: [(&str, Extensions<'_>, Option<PathError>); 7] = [
        ("all is stated", &[(19, AUTHORITY), (15, SIGNS_CERTIFICATES)], None),
        ("key use is not stated", &[(19, AUTHORITY)], None),
        ("for clients", &[(19, AUTHORITY), (37, FOR_CLIENTS)], None),
        ("for anything", &[(19, AUTHORITY), (37, FOR_ANYTHING)], None),
        ("no constraints", &[(15, SIGNS_CERTIFICATES)], Some(PathError::IssuerNotAuthority)),
        ("only lists", &[(19, AUTHORITY), (15, SIGNS_LISTS)], Some(PathError::IssuerNotAuthority)),
        ("for time stamps", &[(19, AUTHORITY), (37, FOR_TIME_STAMPS)], Some(PathError::WrongExtendedKeyUsage)),
    ];
    for (name, with, error) in rows {
        let authority = Issuer("root").issue("authority", with);
        assert_eq!(build(&leaf, vec![root(AUTHORITY)], vec![authority]).err(), error, "{name}");
    }
    let expired = Issuer("root").issue_until("authority", &[(19, AUTHORITY)], b"261121000000Z");
    assert_eq!(build(&leaf, vec![root(AUTHORITY)], vec![expired]).err(), Some(PathError::IssuerNotValidNow));
}

#[test]
fn an_anchor_is_checked_like_any_authority() {
    let leaf = Issuer("root").issue("leaf", &[(15, SIGNS)]);
    let expired = || Issuer("root").issue_until("root", &[(19, AUTHORITY)], b"261121000000Z");
    assert_eq!(build(&leaf, vec![expired()], vec![]), Err(PathError::IssuerNotValidNow));
    // In force up to its last second.
    let until = |time: &[u8]| Issuer("root").issue_until("root", &[(19, AUTHORITY)], time);
    assert!(build(&leaf, vec![until(b"261122120000Z")], vec![]).is_ok());
    assert_eq!(build(&leaf, vec![until(b"261122115959Z")], vec![]), Err(PathError::IssuerNotValidNow));
    // The same name and key again in a renewed certificate, in either order.
    let renewed = || root(AUTHORITY);
    assert!(build(&leaf, vec![expired(), renewed()], vec![]).is_ok());
    assert!(build(&leaf, vec![renewed(), expired()], vec![]).is_ok());
    // Another authority of the same name.
    let namesake = Issuer("impostor").issue("root", &[(19, AUTHORITY), (15, SIGNS_CERTIFICATES)]);
    let other_key = Issuer("other").issue("leaf", &[(15, SIGNS)]);
    assert_eq!(build(&other_key, vec![renewed()], vec![namesake]), Err(PathError::UnknownIssuer));
    let rows: [(&str, Extensions<'_>); 2] =
        [("no constraints", &[(15, SIGNS_CERTIFICATES)]), ("lists only", &[(19, AUTHORITY), (15, SIGNS_LISTS)])];
    for (name, with) in rows {
        assert!(TrustStore::new(vec![Issuer("root").issue("root", with)], vec![]).is_err(), "{name}");
    }
}

/// Authorities that certify one another: the search ends, and finds the way up if there is one.
#[test]
fn crossed_authorities_do_not_trap_the_search() {
    let with: Extensions<'_> = &[(19, AUTHORITY), (15, SIGNS_CERTIFICATES)];
    let leaf = Issuer("one").issue("leaf", &[(15, SIGNS)]);
    let circle =
        vec![Issuer("two").issue("one", with), Issuer("three").issue("two", with), Issuer("one").issue("three", with)];
    assert_eq!(build(&leaf, vec![root(AUTHORITY)], circle.clone()), Err(PathError::UnknownIssuer));
    let exit = [circle, vec![Issuer("root").issue("three", with)]].concat();
    let expected = ["one", "two", "three", "root"].map(|name| format!("CN={name}")).to_vec();
    assert_eq!(build(&leaf, vec![root(AUTHORITY)], exit), Ok(expected));
}

#[test]
fn a_signature_by_another_key_is_found_out_anywhere() {
    let with: Extensions<'_> = &[(19, AUTHORITY), (15, SIGNS_CERTIFICATES)];
    let forged = |issuer: &'static str, subject: &'static str, with: Extensions<'_>| {
        let right = Issuer(issuer).issue(subject, with);
        let sign = |body: &[u8]| Issuer("forger").key().sign_hash(&belt::hash(&[body])).to_vec();
        Certificate::from_der(&resigned(right.der(), |_| {}, sign)).unwrap()
    };
    let authority = Issuer("root").issue("authority", with);
    let forged_leaf = forged("authority", "leaf", &[(15, SIGNS)]);
    assert_eq!(build(&forged_leaf, vec![root(AUTHORITY)], vec![authority]), Err(PathError::SignatureInvalid));
    let leaf = Issuer("authority").issue("leaf", &[(15, SIGNS)]);
    let forged_authority = forged("root", "authority", with);
    assert_eq!(build(&leaf, vec![root(AUTHORITY)], vec![forged_authority]), Err(PathError::SignatureInvalid));
    assert!(TrustStore::new(vec![forged("root", "root", with)], vec![]).is_err());
}
