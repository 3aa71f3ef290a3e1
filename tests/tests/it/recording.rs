//! What recordings of a card tell.

/// How many commands a card was sent, from a recording of everything that was said to it. BPACE, whose messages are not in
/// it, has two.
pub(crate) fn commands_in(recording: &str) -> usize {
    let begins = |line: &str| match line.split(' ').next() {
        Some(">" | ">>" | "~") => 1,
        Some("*") if line.starts_with("* bpace") => 2,
        _ => 0,
    };
    recording.lines().map(begins).sum()
}
