//! Belt and what is built on it, against STB 34.101.31-2020, annex A, and entries computed with bee2.

use belt_block::belt_wblock_dec;
use latchkey_crypto::belt::{self, BLOCK_SIZE, KeywrapError};
use latchkey_crypto::secret::BeltKey;
use latchkey_fixtures::vectors::{Vector, series, vector};
use proptest::prelude::*;

fn key(vector: &Vector) -> BeltKey {
    BeltKey::new(vector.input("key").try_into().unwrap())
}

fn blocks(octets: &[u8], each: impl Fn(&[u8; BLOCK_SIZE]) -> [u8; BLOCK_SIZE]) -> Vec<u8> {
    octets.chunks(BLOCK_SIZE).flat_map(|block| each(block.try_into().unwrap())).collect()
}

fn words<const WORDS: usize>(octets: &[u8]) -> [u32; WORDS] {
    let words: Vec<_> = octets.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    words.try_into().unwrap()
}

#[test]
fn one_block() {
    let encrypted = vector("belt-block encrypt A.1");
    let block = encrypted.input("block").try_into().unwrap();
    assert_eq!(belt::encrypt_block(&key(&encrypted), &block).to_vec(), encrypted.output("ct"));
    let decrypted = vector("belt-block decrypt A.4");
    let block = decrypted.input("block").try_into().unwrap();
    assert_eq!(belt::decrypt_block(&key(&decrypted), &block).to_vec(), decrypted.output("pt"));
}

#[test]
fn whole_blocks_one_by_one() {
    let encrypted = vector("belt-ecb encrypt A.9-1");
    let key_of = key(&encrypted);
    let ciphertext = blocks(&encrypted.input("data"), |block| belt::encrypt_block(&key_of, block));
    assert_eq!(ciphertext, encrypted.output("ct"));
    let decrypted = vector("belt-ecb decrypt A.10-1");
    let key_of = key(&decrypted);
    let plaintext = blocks(&decrypted.input("data"), |block| belt::decrypt_block(&key_of, block));
    assert_eq!(plaintext, decrypted.output("pt"));
}

#[test]
fn wide_blocks() {
    let whole = vector("belt-wblock encrypt A.6-1");
    let mut block: [u8; 48] = whole.input("data").try_into().unwrap();
    belt::wide_block_encrypt(&key(&whole), &mut block);
    assert_eq!(block.to_vec(), whole.output("ct"));
    let cut = vector("belt-wblock encrypt A.6-2");
    let mut block: [u8; 47] = cut.input("data").try_into().unwrap();
    belt::wide_block_encrypt(&key(&cut), &mut block);
    assert_eq!(block.to_vec(), cut.output("ct"));
    for vector in series("belt-wblock decrypt A.7") {
        let mut block = vector.input("data");
        belt_wblock_dec(&mut block, &words(key(&vector).expose())).unwrap();
        assert_eq!(block, vector.output("pt"), "{}", vector.name);
    }
}

#[test]
fn compression() {
    let vector = vector("belt-compress A.8");
    let halves: [u32; 8] = words(&vector.input("X1X2 (bytes 0..31)"));
    let (x1, x2) = halves.split_at(4);
    let x34 = words(&vector.input("X3X4 (bytes 32..63)"));
    let (s, y) = belt_hash::block_api::belt_compress(x1.try_into().unwrap(), x2.try_into().unwrap(), x34);
    assert_eq!(s.map(u32::to_le_bytes).as_flattened(), vector.output("S"));
    assert_eq!(y.map(u32::to_le_bytes).as_flattened(), vector.output("Y"));
}

#[test]
fn feedback_mode() {
    let encrypted = [vector("belt-cfb encrypt A.13")].into_iter().chain(series("belt-cfb encrypt random"));
    for vector in encrypted {
        let mut data = vector.input("data");
        let iv = vector.input("iv").try_into().unwrap();
        belt::cfb_encrypt(&key(&vector), &iv, &mut data);
        assert_eq!(data, vector.output("ct"), "{}", vector.name);
        belt::cfb_decrypt(&key(&vector), &iv, &mut data);
        assert_eq!(data, vector.input("data"), "{}", vector.name);
    }
    let decrypted = vector("belt-cfb decrypt A.14");
    let mut data = decrypted.input("data");
    belt::cfb_decrypt(&key(&decrypted), &decrypted.input("iv").try_into().unwrap(), &mut data);
    assert_eq!(data, decrypted.output("pt"));
}

#[test]
fn authentication_code() {
    for vector in series("belt-mac A.17").into_iter().chain(series("belt-mac random")) {
        let (key, data, mac) = (key(&vector), vector.input("data"), vector.output("mac"));
        let (head, tail) = data.split_at(data.len() / 3);
        assert_eq!(belt::mac(&key, &[head, tail]).to_vec(), mac, "{}", vector.name);
        assert!(belt::mac_is(&key, &[&data], &mac));
        for kept in 0..mac.len() {
            assert!(!belt::mac_is(&key, &[&data], &mac[..kept]), "{}: {kept} octets", vector.name);
        }
    }
}

#[test]
fn hash() {
    for vector in series("belt-hash A.23").into_iter().chain(series("belt-hash random")) {
        let data = vector.input("data");
        let (head, tail) = data.split_at(data.len() / 2);
        assert_eq!(belt::hash(&[head, tail]).to_vec(), vector.output("hash"), "{}", vector.name);
    }
}

#[test]
fn key_wrapping() {
    let wrapped = [vector("belt-kwp (keywrap) wrap A.21"), vector("belt-keywrap of private key under PBKDF2 key E.5")];
    for vector in wrapped.into_iter().chain(series("belt-kwp (keywrap) wrap random")) {
        let kek = BeltKey::new(vector.input("kek").try_into().unwrap());
        let header = vector.input("header").try_into().unwrap();
        let token = belt::keywrap(&vector.input("key"), &header, &kek).unwrap();
        assert_eq!(token, vector.output("token"), "{}", vector.name);
        assert_eq!(*belt::keyunwrap(&token, &header, &kek).unwrap(), vector.input("key"), "{}", vector.name);
    }
    let opened = vector("belt-kwp (keywrap) unwrap A.22");
    let kek = BeltKey::new(opened.input("kek").try_into().unwrap());
    let header = opened.output("header").try_into().unwrap();
    assert_eq!(*belt::keyunwrap(&opened.input("token"), &header, &kek).unwrap(), opened.output("key"));
}

#[test]
fn short_keys_and_cut_tokens_are_refused() {
    let kek = BeltKey::new([7; 32]);
    assert_eq!(belt::keywrap(&[0; 15], &[0; 16], &kek).err(), Some(KeywrapError::TooShort));
    let token = belt::keywrap(&[0; 20], &[0; 16], &kek).unwrap();
    for kept in 0..token.len() {
        let expected = if kept < 32 { KeywrapError::TooShort } else { KeywrapError::Integrity };
        assert_eq!(belt::keyunwrap(&token[..kept], &[0; 16], &kek).err(), Some(expected), "{kept} octets");
    }
}

#[test]
fn key_replication() {
    for vector in series("belt-keyrep A.28").into_iter().chain(series("belt-keyrep random")) {
        let key = key(&vector);
        let (level, header) = (vector.input("level").try_into().unwrap(), vector.input("header").try_into().unwrap());
        let derived = match vector.text("m_bits").as_str() {
            "128" => belt::keyrep_128(&key, &level, &header).expose().to_vec(),
            "192" => belt::keyrep_192(&key, &level, &header).expose().to_vec(),
            "256" => belt::keyrep(&key, &level, &header).expose().to_vec(),
            other => panic!("{}: {other} bits", vector.name),
        };
        assert_eq!(derived, vector.output("key"), "{}", vector.name);
    }
}

#[test]
fn keyed_hash() {
    for vector in series("hmac-belt B.1") {
        let data = vector.input("data");
        let (head, tail) = data.split_at(data.len() / 2);
        assert_eq!(belt::hmac(&vector.input("key"), &[head, tail]).to_vec(), vector.output("mac"), "{}", vector.name);
    }
}

#[test]
fn key_from_a_password() {
    for vector in [vector("belt PBKDF2 E.5"), vector("belt PBKDF2 zed/2048"), vector("belt PBKDF2 zed/10000")] {
        let password = vector.text("password_ascii");
        let iterations = vector.text("iterations").parse().unwrap();
        let key = belt::pbkdf2(password.as_bytes(), &vector.input("salt"), iterations);
        assert_eq!(key.expose().to_vec(), vector.output("key"), "{}", vector.name);
    }
}

#[test]
fn the_hashed_strings_of_the_bash_entries_begin_the_substitution_table() {
    let table = vector("belt-H substitution table").output("H");
    for vector in series("bash256 of").into_iter().chain(series("bash384 of")).chain(series("bash512 of")) {
        assert!(table.starts_with(&vector.input("data")), "{}", vector.name);
    }
}

proptest! {
    #[test]
    fn feedback_mode_is_undone(
        key: [u8; 32],
        iv: [u8; 16],
        data in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut octets = data.clone();
        belt::cfb_encrypt(&BeltKey::new(key), &iv, &mut octets);
        belt::cfb_decrypt(&BeltKey::new(key), &iv, &mut octets);
        prop_assert_eq!(octets, data);
    }

    #[test]
    fn an_altered_token_does_not_open(
        kek: [u8; 32],
        header: [u8; 16],
        key in proptest::collection::vec(any::<u8>(), 16..80),
        place: prop::sample::Index,
        change in 1_u8..,
    ) {
        let kek = BeltKey::new(kek);
        let mut token = belt::keywrap(&key, &header, &kek).unwrap();
        prop_assert_eq!(&*belt::keyunwrap(&token, &header, &kek).unwrap(), &key);
        *place.get_mut(&mut token) ^= change;
        prop_assert_eq!(belt::keyunwrap(&token, &header, &kek).err(), Some(KeywrapError::Integrity));
    }
}
