//! Where cards are: PC/SC readers, insertion and removal.
