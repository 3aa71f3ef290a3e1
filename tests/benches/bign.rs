//! Bign verification against the crate `bignp256`, OpenSSL's ECDSA on P-256, and the same equation on OpenSSL's generic
//! curve arithmetic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that panics has nothing to measure")]

use std::process::ExitCode;

use bignp256::ecdsa::signature::hazmat::PrehashVerifier;
use latchkey_crypto::belt;
use latchkey_crypto::bign::{Level, PrivateKey, PublicKey};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vectors::{Vector, vector};
use latchkey_tests::benchmark::{Benchmark, Contender, Peer};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;

const UNIT: &str = "verifications/s";

fn main() -> ExitCode {
    let mut benchmark = match Benchmark::from_arguments() {
        Ok(benchmark) => benchmark,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    level_128(&mut benchmark);
    higher_level(
        &mut benchmark,
        "Bign verification at level 192",
        ["bign-verify-192", "openssl-generic-192", "bign-verify-192-vs-openssl-generic"],
        &vector("bign-curve384v1 parameters (little-endian octets)"),
        &vector("bign-verify l=192 VALID: base of the invalid cases"),
    );
    higher_level(
        &mut benchmark,
        "Bign verification at level 256",
        ["bign-verify-256", "openssl-generic-256", "bign-verify-256-vs-openssl-generic"],
        &vector("bign-curve512v1 parameters (little-endian octets)"),
        &vector("bign-verify l=256 VALID: base of the invalid cases"),
    );
    benchmark.finish()
}

fn level_128(benchmark: &mut Benchmark) {
    let hash = belt::hash(&[b"a message"]);
    let private_key = PrivateKey::generate(&mut Seeded::new("benchmark"));
    let signature = private_key.sign_hash(&hash);
    let public_key = PublicKey::from_octets(&private_key.public_key()).unwrap();
    let other_key = bignp256::ecdsa::VerifyingKey::from_bytes(&private_key.public_key()).unwrap();
    let other_signature = bignp256::ecdsa::Signature::from_bytes(&signature).unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ecdsa_key = EcKey::generate(&group).unwrap();
    let ecdsa_signature = EcdsaSig::sign(&hash, &ecdsa_key).unwrap();
    benchmark.compare(
        "Bign verification at level 128",
        UNIT,
        Contender::new("bign-verify-128", || public_key.verify(HashAlgorithm::BeltHash, &hash, &signature).unwrap()),
        vec![
            Peer {
                ratio: "bign-verify-vs-bignp256",
                who: "bignp256, the same verification",
                at_least: 5.0,
                contender: Contender::new("bignp256-verify", || {
                    other_key.verify_prehash(&hash, &other_signature).unwrap();
                }),
            },
            Peer {
                ratio: "bign-verify-vs-openssl-p256",
                who: "OpenSSL, ECDSA on P-256",
                at_least: 0.9,
                contender: Contender::new("openssl-p256-verify", || {
                    assert!(ecdsa_signature.verify(&hash, &ecdsa_key).unwrap());
                }),
            },
        ],
    );
}

fn higher_level(
    benchmark: &mut Benchmark,
    title: &str,
    [ours, theirs, ratio]: [&'static str; 3],
    parameters: &Vector,
    signed: &Vector,
) {
    let (octets, hash, signature) = (signed.input("Q"), signed.input("hash"), signed.input("sig"));
    let public_key = PublicKey::from_octets(&octets).unwrap();
    let algorithm = if public_key.level() == Level::L192 { HashAlgorithm::Bash384 } else { HashAlgorithm::Bash512 };
    let generic = Generic::new(parameters, algorithm, &octets);
    benchmark.compare(
        title,
        UNIT,
        Contender::new(ours, || public_key.verify(algorithm, &hash, &signature).unwrap()),
        vec![Peer {
            ratio,
            who: "OpenSSL, the same equation on its generic curve arithmetic",
            at_least: 0.9,
            contender: Contender::new(theirs, || assert!(generic.verify(&hash, &signature))),
        }],
    );
}

/// Bign verification on OpenSSL's arithmetic for curves that it does not know.
struct Generic {
    group: EcGroup,
    order: BigNum,
    key: EcPoint,
    algorithm: HashAlgorithm,
}

impl Generic {
    fn new(parameters: &Vector, algorithm: HashAlgorithm, key: &[u8]) -> Self {
        let mut context = BigNumContext::new().unwrap();
        let [p, a, b, order, y] = ["p", "a", "b", "q", "yG"].map(|name| number(&parameters.output(name)));
        let mut group = EcGroup::from_components(p, a, b, &mut context).unwrap();
        let point = |x: &BigNum, y: &BigNum, context: &mut BigNumContext| {
            let mut point = EcPoint::new(&group).unwrap();
            point.set_affine_coordinates_gfp(&group, x, y, context).unwrap();
            point
        };
        let g = point(&BigNum::new().unwrap(), &y, &mut context);
        let (x, y) = key.split_at(key.len() / 2);
        let key = point(&number(x), &number(y), &mut context);
        let one = BigNum::from_u32(1).unwrap();
        let set = |group: &mut EcGroup| group.set_generator(g, order.to_owned().unwrap(), one).unwrap();
        set(&mut group);
        Self { group, order, key, algorithm }
    }

    fn verify(&self, hash: &[u8], signature: &[u8]) -> bool {
        let mut context = BigNumContext::new().unwrap();
        let (s0, s1) = signature.split_at(hash.len() / 2);
        let mut base_multiple = BigNum::new().unwrap();
        base_multiple.mod_add(&number(s1), &number(hash), &self.order, &mut context).unwrap();
        let challenge = number(&[s0, &[1]].concat());
        let mut sum = EcPoint::new(&self.group).unwrap();
        sum.mul_full(&self.group, &base_multiple, &self.key, &challenge, &mut context).unwrap();
        let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
        sum.affine_coordinates_gfp(&self.group, &mut x, &mut y, &mut context).unwrap();
        let mut x = x.to_vec_padded(i32::try_from(hash.len()).unwrap()).unwrap();
        x.reverse();
        belt::hash(&[self.algorithm.oid_der(), &x, hash]).starts_with(s0)
    }
}

/// The number that little-endian octets stand for.
fn number(octets: &[u8]) -> BigNum {
    let reversed: Vec<u8> = octets.iter().rev().copied().collect();
    BigNum::from_slice(&reversed).unwrap()
}
