//! The binary `latchkey-portal`.

fn main() {}
