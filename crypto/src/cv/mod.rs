//! Card-verifiable (CV) certificates: STB 34.101.79-2019.

pub mod rights;
