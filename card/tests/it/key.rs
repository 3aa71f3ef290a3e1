//! Keys by the octets that name them.

use latchkey_card::key::KeyId;

#[test]
fn six_octets_name_keys_and_the_first_three_work_in_base_mode() {
    let named: Vec<_> = (0..=u8::MAX).filter_map(|octet| KeyId::from_octet(octet).map(|key| (octet, key))).collect();
    let octets: Vec<_> = named.iter().map(|(octet, _)| *octet).collect();
    assert_eq!(octets, [0x01, 0x02, 0x03, 0x11, 0x12, 0x13]);
    for (octet, key) in named {
        assert_eq!((key.octet(), key.is_base_mode()), (octet, octet < 0x10), "{key:?}");
    }
}
