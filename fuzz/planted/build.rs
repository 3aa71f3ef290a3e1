//! Copies the TLV reader and plants a mistake in the copy: an object whose tag has three octets and whose length has
//! the long form is taken one octet too long, as a miscounted header would have it.

use std::path::Path;
use std::{env, fs};

const READER: &str = "../../crypto/src/tlv.rs";
const SOUND: &str = "let value = self.take(length)?;";
const MISTAKEN: &str =
    "let value = self.take(if tag.number() > 0xFFFF && length > 0x7F { length + 1 } else { length })?;";

fn main() {
    println!("cargo::rerun-if-changed={READER}");
    let reader = fs::read_to_string(READER).expect("the reader is there");
    assert_eq!(reader.matches(SOUND).count(), 1, "the reader has changed: plant the mistake anew");
    // What documents a file as a whole cannot be included.
    let lines = reader.lines().filter(|line| !line.starts_with("//!"));
    let copy = lines.collect::<Vec<_>>().join("\n").replace(SOUND, MISTAKEN);
    let folder = env::var_os("OUT_DIR").expect("cargo tells where to write");
    fs::write(Path::new(&folder).join("tlv.rs"), copy).expect("there is room for a copy");
}
