//! Whatever octets come: an answer, no panic, and nothing that others would read in another way.

use std::io::{self, Read};
use std::sync::LazyLock;

use latchkey_crypto::cms::{CmsError, SignedMessage};
use latchkey_fixtures::vectors::file;
use openssl::cms::CmsContentInfo;
use proptest::prelude::*;

use super::build::attached;
use super::{judge, read};

fn messages() -> &'static [Vec<u8>] {
    static MESSAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        vec![
            file("pki/cms-attached.der"),
            file("pki/cms-cades-bes.der"),
            file("pki/cms-attached-indefinite.ber"),
            file("pki/cms-no-signed-attributes.der"),
            attached(b"contents"),
        ]
    });
    &MESSAGES
}

/// Gives one octet at a time.
struct Dripping<'a>(&'a [u8]);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn every_truncation_is_refused() {
    for whole in messages() {
        for kept in 0..whole.len() {
            assert!(read(&whole[..kept]).is_err(), "the first {kept} octets were accepted");
        }
        assert!(read(&[whole.as_slice(), &[0]].concat()).is_err(), "an octet behind was accepted");
    }
}

#[test]
fn a_message_is_the_same_in_whatever_pieces_it_arrives() {
    for whole in messages() {
        let mut contents = Vec::new();
        let message = SignedMessage::read(Dripping(whole), |octets| {
            contents.extend_from_slice(octets);
            Ok(())
        });
        let (in_one, contents_in_one) = read(whole).unwrap();
        assert_eq!(format!("{:?}", message.unwrap()), format!("{in_one:?}"));
        assert_eq!(contents, contents_in_one);
    }
}

#[test]
fn faults_of_source_and_destination_are_told_as_such() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let whole = file("pki/cms-attached.der");
    let source = SignedMessage::read(whole[..80].chain(Broken), |_| Ok(()));
    assert!(matches!(source, Err(CmsError::Read(_))), "{source:?}");
    let destination = SignedMessage::read(whole.as_slice(), |_| Err(io::Error::other("full")));
    assert!(matches!(destination, Err(CmsError::Read(_))), "{destination:?}");
}

/// Each is well formed for a lax reader: name and how the message is changed.
#[test]
fn what_two_readers_could_take_differently_is_refused() {
    let whole = file("pki/cms-attached.der");
    let in_pieces = file("pki/cms-attached-indefinite.ber");
    let replaced = |octets: &[u8], at: usize, with: &[u8]| [&octets[..at], with, &octets[at + with.len()..]].concat();
    let rows = [
        // Offsets as `openssl asn1parse` tells them.
        ("a length with a leading zero", [&[0x30, 0x83, 0x00][..], &whole[2..]].concat()),
        ("version 0", replaced(&whole, 25, &[0])),
        ("version 6", replaced(&whole, 25, &[6])),
        ("another kind of contents", replaced(&whole, 55, &[7])),
        ("a piece that is in pieces", replaced(&in_pieces, 54, &[0x24])),
        ("a piece of no stated length", replaced(&in_pieces, 55, &[0x80])),
        ("an end with a length", replaced(&in_pieces, 132, &[1])),
        ("signer version 3 with a serial number", replaced(&whole, 948, &[3])),
        ("a second content-type", replaced(&whole, 1177, &[3])),
    ];
    for (name, octets) in rows {
        assert!(read(&octets).is_err(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_altered_message_is_refused_or_read_and_never_trusted_more(
        which in any::<prop::sample::Index>(),
        position in any::<prop::sample::Index>(),
        octet: u8,
    ) {
        let original = which.get(messages());
        let mut octets = original.clone();
        let position = position.index(octets.len());
        octets[position] = octet;
        let Ok((message, contents)) = read(&octets) else { return Ok(()) };
        let judged = judge(&octets, None);
        if octets != *original && judged.is_ok() {
            // What the signature does not cover: digest algorithms beside it, version, certificates nobody needs.
            let (_, original_contents) = read(original).unwrap();
            prop_assert_eq!(contents, original_contents);
        }
        if message.certificates().len() == 2 {
            prop_assert!(CmsContentInfo::from_der(&octets).is_ok(), "OpenSSL refuses what was accepted");
        }
    }

    #[test]
    fn random_octets_do_not_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&octets).is_err());
    }
}
