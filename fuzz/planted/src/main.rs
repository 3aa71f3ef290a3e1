//! The target `tlv` over the copy: objects within objects, each written again as it was read.
#![no_main]

#[allow(dead_code, missing_docs, reason = "a copy, of which only the walk is used")]
mod tlv {
    include!(concat!(env!("OUT_DIR"), "/tlv.rs"));
}

use tlv::{Cursor, Writer};

fn walk(mut cursor: Cursor<'_>, depth: usize) {
    while let Ok(object) = cursor.object() {
        let written = Writer::new().object(object.tag, &[object.value.rest()]).finish();
        assert_eq!(written, object.whole, "an object has one encoding");
        if depth < 8 {
            walk(object.value, depth + 1);
        }
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| walk(Cursor::new(data), 0));
