//! Decides whether an assertion is valid, for this site, now.
