//! What an authority signs.

use latchkey_crypto::bign::{PrivateKey, PublicKey};
use latchkey_crypto::cv::rights::{EidRights, EsignRights, Rights};
use latchkey_crypto::cv::{Certificate, CertificateBody, Date, Name, Period, Request};
use latchkey_crypto::tlv::{Cursor, Tag, Writer};
use latchkey_fixtures::cv::{CvPki, resigned};
use latchkey_fixtures::vectors::{Vector, file, vector};
use proptest::prelude::*;
use time::macros::date;

use super::{certificate, day, name, test_set};

fn date_of(vector: &Vector, key: &str) -> Date {
    Date::from_octets(vector.input(key).try_into().unwrap()).unwrap()
}

/// The published octets have a reserved bit of the eSign word, which is never written here: it is put in before signing.
#[test]
fn the_published_root_is_built_octet_for_octet() {
    let vector = vector("CVC built deterministically: root, key bign G.1");
    let key = PrivateKey::from_octets(&vector.input("d").try_into().unwrap()).unwrap();
    let word = vector.input("hat_esign");
    let body = CertificateBody {
        authority: name(&vector.text("authority")),
        holder: name(&vector.text("holder")),
        key: PublicKey::from_octets(&key.public_key()).unwrap(),
        rights: Rights {
            eid: EidRights::from_octets(vector.input("hat_eid").try_into().unwrap()),
            esign: EsignRights::from_octets(word.clone().try_into().unwrap()),
        },
        period: Period::new(date_of(&vector, "from"), date_of(&vector, "until")).unwrap(),
    };
    let with_reserved_bit = resigned(&body.sign(&key), &key, |fields| {
        let extension = &mut fields.last_mut().unwrap().value;
        let at = extension.len() - word.len();
        extension[at..].copy_from_slice(&word);
    });
    assert_eq!(with_reserved_bit, vector.output("der"));
}

#[test]
fn the_longest_certificate_has_the_published_size() {
    let limit = vector("CVC size limit");
    let of_level_256 = certificate(&file("cv/root.cert"));
    let longest = CertificateBody {
        authority: name(&limit.text("authority")),
        holder: name(&limit.text("holder")),
        rights: Rights::ALL,
        ..of_level_256.body().clone()
    };
    let contents = Writer::new().octets(&longest.to_octets()).object(Tag::new(0x5F37), &[of_level_256.signature()]);
    let octets = Certificate::parse_contents(&contents.finish()).unwrap().to_octets();
    assert_eq!(octets.len().to_string(), limit.outputs["max_len"].to_string());
    assert_eq!(Certificate::parse(&octets).unwrap().body(), &longest);
}

/// Whatever of the test set can be read is written again as it was, but for reserved bits and words that grant nothing.
#[test]
fn bodies_of_the_test_set_are_written_as_they_were() {
    let mut written = 0;
    for (file, octets) in test_set() {
        let Ok(read) = Certificate::parse(&octets) else { continue };
        let is_same = read.body().to_octets() == read.body_octets();
        let is_odd = ["terminal-reserved-rights-bit.cert", "terminal-zero-rights-written.cert"].contains(&file);
        assert_eq!(is_same, !is_odd, "{file}");
        written += 1;
    }
    assert_eq!(written, 26);
}

#[test]
fn words_that_grant_nothing_are_not_written() {
    let pki = CvPki::new("writing", date!(2026 - 11 - 21)).unwrap();
    let eid = Rights { eid: EidRights::CAN_ACCESS, esign: EsignRights::NONE };
    let esign = Rights { eid: EidRights::NONE, esign: EsignRights::TERMINAL_SIGNING };
    let rows = [("none", Rights::NONE, 0, 0), ("eID", eid, 1, 0), ("eSign", esign, 0, 1), ("both", Rights::ALL, 1, 1)];
    for (label, rights, eid, esign) in rows {
        let terminal = pki.terminal("980000000001", rights).unwrap().certificate;
        let octets = terminal.body_octets().to_vec();
        let mut fields = Cursor::new(&octets).expect(Tag::new(0x7F4E)).unwrap();
        let mut tags = Vec::new();
        while !fields.is_empty() {
            tags.push(fields.object().unwrap().tag.number());
        }
        let count = |wanted| tags.iter().filter(|tag| **tag == wanted).count();
        assert_eq!((count(0x7F4C), count(0x65)), (eid, esign), "{label}");
        assert_eq!(terminal.body().rights, rights, "{label}");
    }
}

#[test]
fn a_request_asks_and_proves_the_key() {
    let pki = CvPki::new("writing", date!(2026 - 11 - 21)).unwrap();
    let terminal = pki.terminal("980000000001", CvPki::authority_rights()).unwrap();
    let request = terminal.request("BYCA1901").unwrap().to_octets();
    let read = Request::parse(&request).unwrap();
    assert_eq!(read.body().authority, name("BYCA1901"));
    assert_eq!(read.body().key, terminal.certificate.body().key);
    assert!(Request::parse(&terminal.certificate.to_octets()).is_err());
    for place in 0..request.len() {
        let mut altered = request.clone();
        altered[place] ^= 1;
        assert!(Request::parse(&altered).is_err(), "octet {place}");
    }
}

fn any_name() -> impl Strategy<Value = Name> {
    "[A-Za-z0-9 '()+,./:=?-]{8,12}".prop_map(|text| name(&text))
}

fn any_day() -> impl Strategy<Value = Date> {
    (0_i32..36_525).prop_map(|days| {
        let first = date!(2000 - 01 - 01).to_julian_day();
        Date::try_from(time::Date::from_julian_day(first + days).unwrap()).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        authority in any_name(), holder in any_name(), key in 0_usize..3, eid: [u8; 5], esign: [u8; 2],
        (from, until) in (any_day(), any_day()),
    ) {
        let signer = PrivateKey::from_octets(&[7; 32]).unwrap();
        let keys = [file("cv/terminal.cert"), file("cv/sub.cert"), file("cv/root.cert")];
        let body = CertificateBody {
            authority,
            holder,
            key: certificate(&keys[key]).body().key.clone(),
            rights: Rights { eid: EidRights::from_octets(eid), esign: EsignRights::from_octets(esign) },
            period: Period::new(from.min(until), from.max(until)).unwrap(),
        };
        let signed = body.sign(&signer);
        let read = Certificate::parse(&signed.to_octets()).unwrap();
        prop_assert_eq!(&read, &signed);
        prop_assert_eq!(read.body(), &body);
        prop_assert_eq!(read.body_octets(), body.to_octets());
        prop_assert_eq!(Certificate::parse_contents(&signed.contents()).unwrap(), signed);
    }

    #[test]
    fn days_survive(day in any_day()) {
        prop_assert_eq!(Date::from_octets(day.octets()), Ok(day));
    }
}

/// The dates that the manifest writes as text.
#[test]
fn a_day_is_written_as_its_digits() {
    assert_eq!(day("261121").octets(), [2, 6, 1, 1, 2, 1]);
}
