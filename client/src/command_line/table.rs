//! Names with values beside them, fitted to the terminal.

use crate::texts::printable;

/// Columns of an output that is no terminal, or one that does not say.
const COLUMNS: usize = 100;
/// Fewest columns that are written for; narrower terminals break the lines themselves.
const COLUMNS_MIN: usize = 60;
/// Fewest columns for values beside their names; with less room they stand below.
const VALUE_MIN: usize = 30;
const MARGIN: usize = 2;

/// How many columns standard output has, as far as lines are fitted to it.
pub(super) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    match size.map(|size| usize::from(size.ws_col)) {
        Ok(columns @ 1..) => columns.max(COLUMNS_MIN),
        Ok(0) | Err(_) => COLUMNS,
    }
}

/// Rows with their values under each other; a value that is longer than its line goes on below itself.
pub(super) fn table(rows: &[(String, String)], columns: usize) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    // The name, its colon and a space.
    let beside = width.saturating_add(MARGIN).saturating_add(2);
    let is_beside = columns.saturating_sub(beside) >= VALUE_MIN;
    let indent = if is_beside { beside } else { MARGIN.saturating_mul(2) };
    let mut lines = Vec::new();
    for (name, value) in rows {
        let mut start = format!("{:MARGIN$}{}:", "", printable(name));
        if !is_beside {
            lines.push(std::mem::take(&mut start));
        }
        for part in wrapped(&printable(value), columns.saturating_sub(indent)) {
            let gap = indent.saturating_sub(start.chars().count());
            lines.push(format!("{start}{:gap$}{part}", ""));
            start.clear();
        }
    }
    lines.join("\n")
}

/// The text in lines of at most `width` characters, broken between words, and within one only if it is longer than a
/// line. At least one line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0_usize;
    for word in text.split_whitespace() {
        let room = if length == 0 { width } else { width.saturating_sub(length).saturating_sub(1) };
        if word.chars().count() <= room && length > 0 {
            line.push(' ');
            length = length.saturating_add(1);
        } else if length > 0 {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        for character in word.chars() {
            if length >= width && length > 0 {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            line.push(character);
            length = length.saturating_add(1);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_stand_under_each_other_and_go_on_below_themselves() {
        let rows = rows(&[
            ("подпись карты", "https://portal.example, bign-with-hbelt, bign-curve256v1"),
            ("кем выдан", "Удостоверяющий центр"),
            ("пусто", ""),
        ]);
        let expected = [
            "  подпись карты: https://portal.example, bign-with-hbelt,",
            "                 bign-curve256v1",
            "  кем выдан:     Удостоверяющий центр",
            "  пусто:         ",
        ];
        assert_eq!(table(&rows, 60), expected.join("\n"));
    }

    #[test]
    fn without_room_beside_the_names_values_stand_below() {
        let rows = rows(&[("какой уровень доверия даёт сертификат", "1.2.112.1.2.1.1.1.3.1: high"), ("до", "завтра")]);
        let expected =
            ["  какой уровень доверия даёт сертификат:", "    1.2.112.1.2.1.1.1.3.1: high", "  до:", "    завтра"];
        assert_eq!(table(&rows, 60), expected.join("\n"));
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_and_no_character_is_lost() {
        let values = ["", "a", &"long".repeat(100), &"слово ".repeat(80), "a \u{1b}[2J b\nc", &" x".repeat(300)];
        for value in values {
            for columns in 60..140 {
                let shown = table(&rows(&[("a name", value), ("another", "b")]), columns);
                assert!(shown.lines().all(|line| line.chars().count() <= columns), "{columns}:\n{shown}");
                assert!(!shown.contains('\u{1b}'), "{shown:?}");
                let letters = |text: &str| text.chars().filter(|character| character.is_alphanumeric()).count();
                let names = letters("a name another b");
                assert_eq!(letters(&shown), letters(value) + names, "{columns}:\n{shown}");
            }
        }
    }
}
