//! The binary `latchkey`.

fn main() {}
