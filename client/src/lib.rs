//! The client program without a window, and its command line.
