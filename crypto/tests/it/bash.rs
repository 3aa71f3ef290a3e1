//! Bash: STB 34.101.77-2020.

use bash_hash::{BashHash256, Digest};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::vectors::series;

#[test]
fn hashes_of_the_signature_levels() {
    let entries = [
        (HashAlgorithm::Bash384, series("bash384 of beltH")),
        (HashAlgorithm::Bash384, series("bash384 random")),
        (HashAlgorithm::Bash512, series("bash512 of beltH")),
        (HashAlgorithm::Bash512, series("bash512 random")),
    ];
    for (algorithm, vectors) in entries {
        for vector in vectors {
            let data = vector.input("data");
            let (head, tail) = data.split_at(data.len() / 2);
            let hash = algorithm.hash(&[head, tail]);
            assert_eq!(hash.len(), algorithm.size());
            assert_eq!(hash, vector.output("hash"), "{}", vector.name);
        }
    }
}

/// No signature uses bash256; the entries check the crate that the other two sizes come from.
#[test]
fn hash_of_256_bits() {
    for vector in series("bash256 of beltH").into_iter().chain(series("bash256 random")) {
        let hash = BashHash256::digest(vector.input("data"));
        assert_eq!(hash.to_vec(), vector.output("hash"), "{}", vector.name);
    }
}
