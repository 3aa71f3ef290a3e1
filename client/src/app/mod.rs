//! The program behind the window, without a window: what it shows, and what the holder can do in it.

pub mod snapshot;
