//! Key agreement and secure messaging with a card, per exchange, against what other ID cards compute: PACE with ECDH on
//! P-256, and ICAO secure messaging with AES-128.
#![allow(clippy::unwrap_used, reason = "a benchmark that panics has nothing to measure")]

use std::process::ExitCode;

use latchkey_card::apdu::{Command, Header, Response, StatusWord};
use latchkey_card::profile::Edition;
use latchkey_card::secure_messaging::{CardSecureMessaging, ClientSecureMessaging};
use latchkey_crypto::bpace::{CardWaiting, ClientStart, SessionKey, password_key};
use latchkey_fixtures::random::Seeded;
use latchkey_tests::benchmark::{Benchmark, Contender, Peer};
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode};

/// Octets of certificate that one protected READ BINARY brings.
const BLOCK: usize = 224;

fn main() -> ExitCode {
    let mut benchmark = match Benchmark::from_arguments() {
        Ok(benchmark) => benchmark,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    key_agreement(&mut benchmark);
    secure_messaging(&mut benchmark);
    benchmark.finish()
}

fn key_agreement(benchmark: &mut Benchmark) {
    let mut random = Seeded::new("benchmark");
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    benchmark.compare(
        "BPACE, both sides in full",
        "key agreements/s",
        Contender::new("bpace", || bpace(&mut random)),
        vec![Peer {
            ratio: "bpace-vs-pace-ecdh-p256",
            who: "OpenSSL, the curve work of PACE on P-256: two Diffie-Hellman runs a side",
            at_least: 0.0,
            contender: Contender::new("pace-ecdh-p256", || {
                for _ in 0..2 {
                    let (card, client) = (ephemeral(&group), ephemeral(&group));
                    assert_eq!(shared(&card, &client), shared(&client, &card));
                }
            }),
        }],
    );
}

fn bpace(random: &mut Seeded) -> SessionKey {
    let (client, m1) = ClientStart::new(password_key(b"271828"), random);
    let (card, m2) = CardWaiting::receive_m1(&password_key(b"271828"), &m1, random).unwrap();
    let (client, m3) = client.receive_m2(&m2, b"hello", random).unwrap();
    let (m4, _) = card.receive_m3(&m3, b"hello").unwrap();
    client.receive_m4(&m4).unwrap()
}

fn ephemeral(group: &EcGroup) -> PKey<Private> {
    PKey::from_ec_key(EcKey::generate(group).unwrap()).unwrap()
}

fn shared(own: &PKey<Private>, other: &PKey<Private>) -> Vec<u8> {
    let mut deriver = Deriver::new(own).unwrap();
    deriver.set_peer(other).unwrap();
    deriver.derive_to_vec().unwrap()
}

fn secure_messaging(benchmark: &mut Benchmark) {
    let mac_key = PKey::cmac(&Cipher::aes_128_cbc(), &[7; 16]).unwrap();
    benchmark.compare(
        "Secure messaging, one READ BINARY of 224 octets on both sides",
        "exchanges/s",
        Contender::new("secure-messaging-exchange", exchange),
        vec![Peer {
            ratio: "secure-messaging-vs-aes-128",
            who: "OpenSSL, AES-128-CBC and CMAC over the same octets",
            at_least: 0.0,
            contender: Contender::new("aes-128-exchange", || aes_exchange(&mac_key)),
        }],
    );
}

fn exchange() -> Response {
    let key = SessionKey::new([0x5A; 32]);
    let command = Command::new(Header::new(0x00, 0xB0, 0x00, 0x00)).expecting(224).unwrap();
    let client = ClientSecureMessaging::new(&key, Edition::Errata2020);
    let card = CardSecureMessaging::new(&key, Edition::Errata2020);
    let (protected, awaited) = client.protect(&command).unwrap();
    let (_, due) = card.unprotect(&protected.to_octets()).unwrap();
    let (answer, _) = due.protect(&Response::new(vec![0x30; BLOCK], StatusWord::SUCCESS));
    awaited.unprotect(&answer).unwrap().0
}

/// Encrypts and decrypts one block of data and makes the four MACs of an exchange.
fn aes_exchange(mac_key: &PKey<Private>) -> Vec<u8> {
    let encrypted = aes(Mode::Encrypt, &[0x30; BLOCK]);
    for octets in [&[0x97; 32][..], &[0x97; 32], &encrypted, &encrypted] {
        let mut signer = Signer::new_without_digest(mac_key).unwrap();
        assert_eq!(signer.sign_oneshot_to_vec(octets).unwrap().len(), 16);
    }
    aes(Mode::Decrypt, &encrypted)
}

fn aes(mode: Mode, octets: &[u8]) -> Vec<u8> {
    let mut crypter = Crypter::new(Cipher::aes_128_cbc(), mode, &[9; 16], Some(&[0; 16])).unwrap();
    crypter.pad(false);
    let mut output = vec![0; octets.len() + 16];
    let written = crypter.update(octets, &mut output).unwrap();
    output.truncate(written);
    output
}
