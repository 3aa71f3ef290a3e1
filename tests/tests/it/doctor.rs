//! Diagnosis with a card in a real reader and its PIN.

use latchkey_tests::stage::{Cards, Portal, SampleSet, give_secrets, holder};
use serde_json::Value;

#[test]
fn with_the_pin_the_certificate_is_judged() {
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    let portal = Portal::start(&set).unwrap();
    for (id, certificate, revocation) in [
        ("hanna-vydumanaya", "good", "good"),
        ("uladzislau-praterminavany", "bad", "not-checked"),
        ("piotr-adklikany", "good", "bad"),
        ("kastus-zablakavany", "bad", "not-checked"),
    ] {
        cards.insert(id, 1).unwrap();
        let mut client = cards.client().unwrap();
        client.args(["--lang", "en", "doctor", "--json", "--pin", "--portal", &portal.address()]);
        for (option, file) in [
            ("--trust", "root.cert.der"),
            ("--trust", "authority.cert.der"),
            ("--crl", "root.crl.der"),
            ("--crl", "authority.crl.der"),
        ] {
            client.arg(option).arg(set.path().join("pki").join(file));
        }
        give_secrets(&mut client, &[holder(id).unwrap().pin]).unwrap();
        let output = client.output().unwrap();
        assert!(output.status.success(), "{id}: {}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let verdict = |name: &str| {
            let checks = answer["checks"].as_array().unwrap();
            checks.iter().find(|check| check["name"] == name).unwrap()["verdict"].as_str().unwrap().to_owned()
        };
        assert_eq!(verdict("certificate"), certificate, "{id}: {answer}");
        assert_eq!(verdict("revocation"), revocation, "{id}: {answer}");
        // The sample portal's certificate is of no authority that this computer knows.
        assert_eq!((verdict("tls").as_str(), verdict("portal").as_str()), ("bad", "not-checked"), "{answer}");
        cards.remove(1).unwrap();
    }
}
