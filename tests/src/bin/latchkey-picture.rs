//! Turns what a terminal showed (standard input, as `script` records it) into an SVG picture (standard output).
//!
//! It knows the few control sequences our own programs print: bold, dim, and the eight colours. Other sequences are
//! passed over.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};

const COLUMN_WIDTH: usize = 8;
const LINE_HEIGHT: usize = 19;
const MARGIN: usize = 16;
const FEWEST_COLUMNS: usize = 80;

fn main() -> io::Result<()> {
    let mut recorded = String::new();
    io::stdin().read_to_string(&mut recorded)?;
    io::stdout().write_all(picture(&recorded).as_bytes())
}

/// How a stretch of text looks.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    dim: bool,
    colour: Option<u8>,
}

impl Look {
    /// Applies the parameters of one "select graphic rendition" sequence (ECMA-48, clause 8.3.117).
    fn select(&mut self, parameters: &str) {
        for parameter in parameters.split(';') {
            match parameter.parse::<u8>().unwrap_or(0) {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                22 => (self.bold, self.dim) = (false, false),
                colour @ 30..=37 => self.colour = Some(colour),
                39 => self.colour = None,
                _ => {}
            }
        }
    }

    fn attributes(self) -> String {
        let fill = match self.colour {
            Some(31) => "#ff7b72",
            Some(32) => "#7ee787",
            Some(33) => "#e3b341",
            Some(34) => "#79c0ff",
            Some(35) => "#d2a8ff",
            Some(36) => "#76e3ea",
            _ if self.dim => "#8b949e",
            _ => "#e6edf3",
        };
        let weight = if self.bold { r#" font-weight="bold""# } else { "" };
        format!(r#"fill="{fill}"{weight}"#)
    }
}

type Line = Vec<(Look, String)>;

fn picture(recorded: &str) -> String {
    let lines = lines(recorded);
    let columns = lines.iter().map(columns).max().unwrap_or(0).max(FEWEST_COLUMNS);
    let width = columns * COLUMN_WIDTH + 2 * MARGIN;
    let height = lines.len() * LINE_HEIGHT + 2 * MARGIN;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="13">"##
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + (number + 1) * LINE_HEIGHT - 5;
        let _ = write!(svg, r#"<text x="{MARGIN}" y="{y}">"#);
        for (look, text) in line {
            let _ = write!(svg, "<tspan {}>{}</tspan>", look.attributes(), escaped(text));
        }
        svg.push_str("</text>\n");
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn columns(line: &Line) -> usize {
    line.iter().map(|(_, text)| text.chars().count()).sum()
}

fn lines(recorded: &str) -> Vec<Line> {
    let mut look = Look::default();
    let mut lines = vec![Line::new()];
    let mut characters = recorded.chars();
    while let Some(character) = characters.next() {
        let Some(line) = lines.last_mut() else { break };
        match character {
            '\n' => lines.push(Line::new()),
            '\r' => {}
            '\u{1b}' => {
                let sequence = control_sequence(&mut characters);
                if let Some(parameters) = sequence.strip_suffix('m') {
                    look.select(parameters);
                }
            }
            _ => match line.last_mut() {
                Some((last, text)) if *last == look => text.push(character),
                _ => line.push((look, character.to_string())),
            },
        }
    }
    while lines.last().is_some_and(|line| columns(line) == 0) {
        lines.pop();
    }
    lines
}

/// The rest of a control sequence: parameters and final character.
fn control_sequence(characters: &mut std::str::Chars<'_>) -> String {
    let mut sequence = String::new();
    if characters.next() != Some('[') {
        return sequence;
    }
    for character in characters.by_ref() {
        sequence.push(character);
        if ('\u{40}'..='\u{7e}').contains(&character) {
            break;
        }
    }
    sequence
}

/// As SVG text. Its spaces do not break: viewers run ordinary ones together.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn shows_text_with_its_look_and_passes_over_the_rest() {
        let svg = picture("plain \u{1b}[1;32m<ok>\u{1b}[0m\u{1b}[2K\r\nnext\n\n");
        assert!(svg.contains("plain\u{a0}</tspan>"), "{svg}");
        assert!(svg.contains(r##"fill="#7ee787" font-weight="bold">&lt;ok&gt;"##), "{svg}");
        assert_eq!(svg.matches("<text").count(), 2, "{svg}");
    }
}
