//! The identification service: challenges, sessions, storage.
