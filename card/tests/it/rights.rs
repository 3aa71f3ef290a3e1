//! What each flow asks for, and no more.

use std::num::NonZeroU8;

use latchkey_card::rights::{Authority, EsignRights};

#[test]
fn each_flow_asks_for_exactly_what_it_needs() {
    let seven = NonZeroU8::new(7).unwrap();
    assert_eq!(Authority::NOTHING, Authority { eid: None, esign: None, signatures: None });
    let rows = [
        ("sign in", Authority::SIGN_IN, [0x80, 0x00], Some(1)),
        ("sign seven documents", Authority::signing(seven), [0x80, 0x00], Some(7)),
        ("read certificates", Authority::READ_CERTIFICATES, [0x80, 0x00], None),
        ("read the name", Authority::READ_NAME, [0x20, 0x00], None),
        ("unwrap a key", Authority::UNWRAP_KEY, [0x80, 0x00], None),
        ("change the PIN", Authority::CHANGE_PIN, [0x00, 0x80], None),
        ("unblock the PIN", Authority::UNBLOCK_PIN, [0x01, 0x00], None),
        ("activate the PIN", Authority::ACTIVATE_PIN, [0x00, 0x40], None),
    ];
    for (name, authority, esign, signatures) in rows {
        assert_eq!(authority.eid, None, "{name}");
        assert_eq!(authority.esign.map(EsignRights::octets), Some(esign), "{name}");
        assert_eq!(authority.signatures.map(NonZeroU8::get), signatures, "{name}");
    }
}
