//! CV certificates.

mod rights;
