//! Key containers: STB 34.101.78-2019.

use latchkey_crypto::bign::{Level, PrivateKey, PublicKey};
use latchkey_crypto::container::{self, ContainerError, Content, FEWEST_ITERATIONS, MOST_ITERATIONS, Password, Share};
use latchkey_crypto::secret::SecretOctets;
use latchkey_fixtures::random::{Recorded, Seeded};
use latchkey_fixtures::vectors::{Vector, file, series, vector};
use proptest::prelude::*;
use serde::Deserialize;
use zeroize::Zeroizing;

fn password(text: &str) -> Password {
    Password::new(Zeroizing::new(text.to_owned()))
}

/// The private key or share inside, whatever its level.
fn exposed(content: &Content) -> Vec<u8> {
    match content {
        Content::PrivateKey(key) => key.expose_octets().to_vec(),
        Content::PrivateKey192(key) => key.expose().to_vec(),
        Content::PrivateKey256(key) => key.expose().to_vec(),
        Content::Share(share) => share.expose().to_vec(),
    }
}

fn private_key(octets: &[u8]) -> Content {
    Content::PrivateKey(PrivateKey::from_octets(octets.try_into().unwrap()).unwrap())
}

/// Makes the entry's container anew, octet for octet, and opens it.
fn remake(vector: &Vector, password_text: &str, content: &Content) {
    let iterations = vector.text("iterations").parse().unwrap();
    let mut salt = Recorded::new(vector.input("salt"));
    let sealed = container::seal(content, &password(password_text), iterations, &mut salt).unwrap();
    assert_eq!(sealed, vector.output("epki"), "{}", vector.name);
    assert_eq!(exposed(&container::open(&sealed, &password(password_text)).unwrap()), exposed(content));
}

#[test]
fn containers_are_made_as_elsewhere() {
    let plain = vector("BPKI private key container l=128");
    remake(&plain, &plain.text("password_ascii"), &private_key(&plain.input("d")));
    let cyrillic = vector("BPKI private key container l=128, Cyrillic password, 10000 iterations");
    assert_eq!(cyrillic.text("password_utf8").as_bytes(), cyrillic.input("password"));
    remake(&cyrillic, &cyrillic.text("password_utf8"), &private_key(&cyrillic.input("d")));
    let share = vector("BPKI share container l=128");
    let content = Content::Share(Share::from_octets(&share.input("share")).unwrap());
    remake(&share, &share.text("password_ascii"), &content);
}

#[test]
fn containers_of_the_model_certificates_open() {
    for vector in series("private key container") {
        let opened = container::open(&vector.input("epki_der"), &password(&vector.text("password_ascii"))).unwrap();
        assert_eq!(exposed(&opened), vector.output("d"), "{}", vector.name);
    }
}

#[derive(Deserialize)]
struct Manifest {
    keys: Vec<ManifestKey>,
}

#[derive(Deserialize)]
struct ManifestKey {
    file: String,
    password: String,
    level: usize,
    d: String,
    #[serde(rename = "Q")]
    q: String,
}

#[test]
fn containers_of_every_level_open() {
    let manifest: Manifest = serde_json::from_slice(&file("cv/cv.json")).unwrap();
    let containers = [
        ("card.sk", file("cv/card.sk")),
        ("highterm.sk", file("cv/highterm.sk")),
        ("lowca.sk", file("cv/lowca.sk")),
        ("oldsub.sk", file("cv/oldsub.sk")),
        ("root.sk", file("cv/root.sk")),
        ("root2.sk", file("cv/root2.sk")),
        ("sub.sk", file("cv/sub.sk")),
        ("terminal.sk", file("cv/terminal.sk")),
        ("terminal2.sk", file("cv/terminal2.sk")),
    ];
    for (name, container) in containers {
        let row = manifest.keys.iter().find(|row| row.file == name).unwrap();
        let content = container::open(&container, &password(&row.password)).unwrap();
        let level = match &content {
            Content::PrivateKey(_) => Level::L128,
            Content::PrivateKey192(_) => Level::L192,
            Content::PrivateKey256(_) => Level::L256,
            Content::Share(_) => panic!("{name} holds a share"),
        };
        let public_key = PublicKey::from_octets(&hex::decode(&row.q).unwrap()).unwrap();
        assert_eq!((level.bits(), public_key.level()), (row.level, level), "{name}");
        assert_eq!(exposed(&content), hex::decode(&row.d).unwrap(), "{name}");
        if let Content::PrivateKey(key) = &content {
            assert_eq!(key.public_key(), public_key.octets(), "{name}");
        }
    }
}

#[test]
fn a_wrong_password_is_told_from_a_broken_file() {
    let container = file("cv/terminal.sk");
    let opened = container::open(&container, &password("test-only-another"));
    assert_eq!(opened.err(), Some(ContainerError::WrongPassword));
    for kept in 0..container.len() {
        let refused = container::open(&container[..kept], &password("test-only-terminal")).err().unwrap();
        assert_eq!(refused.code(), "container-malformed", "{kept} octets");
    }
    let trailing = [container.as_slice(), &[0]].concat();
    let refused = container::open(&trailing, &password("test-only-terminal")).err().unwrap();
    assert_eq!(refused.code(), "container-malformed");
}

/// Replaces the first occurrence of some octets by as many others.
fn replaced(mut octets: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = octets.windows(from.len()).position(|window| window == from).unwrap();
    octets[at..at + from.len()].copy_from_slice(to);
    octets
}

#[test]
fn other_parameters_are_refused_before_the_work() {
    let container = file("cv/terminal.sk");
    let pbkdf2 = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
    let pbes2 = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D];
    let iterations = [0x02, 0x02, 0x27, 0x10];
    let rows: [(&str, &[u8], &[u8], ContainerError); 7] = [
        (
            "PBES1 in place of PBES2",
            &pbes2,
            &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x03],
            ContainerError::OtherAlgorithms,
        ),
        (
            "another derivation",
            &pbkdf2,
            &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0E],
            ContainerError::OtherAlgorithms,
        ),
        ("hmac of another hash", &[0x65, 0x2F, 0x0C], &[0x65, 0x2F, 0x0D], ContainerError::OtherAlgorithms),
        ("keywrap128", &[0x65, 0x1F, 0x49], &[0x65, 0x1F, 0x47], ContainerError::OtherAlgorithms),
        ("one iteration too few", &iterations, &[0x02, 0x02, 0x27, 0x0F], ContainerError::Iterations(9_999)),
        ("a negative count", &iterations, &[0x02, 0x02, 0x87, 0x10], ContainerError::Malformed { offset: Some(45) }),
        (
            "a count that is not DER",
            &iterations,
            &[0x02, 0x02, 0x00, 0x10],
            ContainerError::Malformed { offset: Some(45) },
        ),
    ];
    for (row, from, to, expected) in rows {
        let refused = container::open(&replaced(container.clone(), from, to), &password("test-only-terminal"));
        assert_eq!(refused.err().map(|error| error.code()), Some(expected.code()), "{row}");
    }
}

#[test]
fn a_hostile_iteration_count_costs_nothing() {
    let mut random = Seeded::new("hostile");
    let content = private_key(&[1; 32]);
    for count in [0, FEWEST_ITERATIONS - 1, MOST_ITERATIONS + 1, u32::MAX] {
        let refused = container::seal(&content, &password("p"), count, &mut random);
        assert_eq!(refused, Err(ContainerError::Iterations(count)));
    }
    // A count of 2^31 − 1 has four octets in place of two.
    let container = file("cv/terminal.sk");
    let at = container.windows(4).position(|window| window == [0x02, 0x02, 0x27, 0x10]).unwrap();
    let mut hostile = [&container[..at], &[0x02, 0x04, 0x7F, 0xFF, 0xFF, 0xFF], &container[at + 4..]].concat();
    // The lengths of the sequences around it: EncryptedPrivateKeyInfo, Encryption, its parameters, Derivation, its parameters.
    for place in [2, 4, 17, 19, 32] {
        hostile[place] += 2;
    }
    let refused = container::open(&hostile, &password("test-only-terminal"));
    assert_eq!(refused.err(), Some(ContainerError::Iterations(0x7FFF_FFFF)));
}

#[test]
fn keys_out_of_range_are_no_content() {
    let mut random = Seeded::new("out of range");
    let order192 = vector("bign-curve384v1 parameters (little-endian octets)").output("q");
    let order256 = vector("bign-curve512v1 parameters (little-endian octets)").output("q");
    let mut below192 = order192.clone();
    below192[0] -= 1;
    let rows: [(&str, Content, bool); 5] = [
        ("zero at level 192", Content::PrivateKey192(SecretOctets::new([0; 48])), false),
        ("zero at level 256", Content::PrivateKey256(SecretOctets::new([0; 64])), false),
        ("q at level 192", Content::PrivateKey192(SecretOctets::new(order192.try_into().unwrap())), false),
        ("q at level 256", Content::PrivateKey256(SecretOctets::new(order256.try_into().unwrap())), false),
        ("q - 1 at level 192", Content::PrivateKey192(SecretOctets::new(below192.try_into().unwrap())), true),
    ];
    for (row, content, accepted) in rows {
        let sealed = container::seal(&content, &password("p"), FEWEST_ITERATIONS, &mut random).unwrap();
        let opened = container::open(&sealed, &password("p"));
        if accepted {
            assert_eq!(exposed(&opened.unwrap()), exposed(&content), "{row}");
        } else {
            assert_eq!(opened.err(), Some(ContainerError::OtherContent), "{row}");
        }
    }
}

#[test]
fn shares_are_numbered() {
    for (row, octets, level) in [
        ("level 128", vec![1; 17], Some(Level::L128)),
        ("level 192", vec![16; 25], Some(Level::L192)),
        ("level 256", vec![3; 33], Some(Level::L256)),
        ("number 0", [vec![0], vec![9; 16]].concat(), None),
        ("number 17", [vec![17], vec![9; 16]].concat(), None),
        ("no octets", vec![], None),
        ("an odd length", vec![1; 18], None),
    ] {
        assert_eq!(Share::from_octets(&octets).map(|share| share.level()), level, "{row}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let printed = [
        format!("{:?}", password("secret words")),
        format!("{:?}", private_key(&[1; 32])),
        format!("{:?}", Content::PrivateKey192(SecretOctets::new([1; 48]))),
        format!("{:?}", Content::Share(Share::from_octets(&[1; 17]).unwrap())),
    ];
    let expected = ["hidden", "PrivateKey(hidden)", "PrivateKey192(hidden)", "Share(hidden)"];
    assert_eq!(printed, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_altered_container_does_not_open(place: prop::sample::Index, change in 1_u8..) {
        let mut container = file("cv/terminal.sk");
        *place.get_mut(&mut container) ^= change;
        let refused = container::open(&container, &password("test-only-terminal"));
        prop_assert!(refused.is_err());
    }
}
