//! What the program is told when it is started: how its window looks.

use std::ops::RangeInclusive;
use std::time::Duration;

use latchkey_agent::wire::Theme;
use latchkey_texts::Language;

/// How the window looks and what it offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    /// Whether digits can be pressed on the screen.
    pub(crate) pad: bool,
    /// How long a question waits for its holder's next action.
    pub(crate) patience: Duration,
}

/// An argument that there is not, or that lacks its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("usage: latchkey-agent [--lang be|ru|en] [--theme system|light|dark|contrast] [--pad] [--patience SECONDS]")]
pub(crate) struct UnknownArgument;

impl Arguments {
    /// Reads the arguments after the program's name. `locale` is the system's.
    pub(crate) fn parse(
        mut arguments: impl Iterator<Item = String>,
        locale: Option<&str>,
    ) -> Result<Self, UnknownArgument> {
        let language = Language::of_locale(locale.unwrap_or_default());
        let mut parsed = Self { language, theme: Theme::System, pad: false, patience: PATIENCE };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(UnknownArgument);
            match argument.as_str() {
                "--lang" => parsed.language = Language::of_code(&value()?).ok_or(UnknownArgument)?,
                "--theme" => parsed.theme = Theme::of_code(&value()?).ok_or(UnknownArgument)?,
                "--pad" => parsed.pad = true,
                "--patience" => parsed.patience = patience(&value()?)?,
                _ => return Err(UnknownArgument),
            }
        }
        Ok(parsed)
    }
}

fn patience(seconds: &str) -> Result<Duration, UnknownArgument> {
    let seconds = seconds.parse().ok().filter(|seconds| PATIENCE_RANGE.contains(seconds));
    seconds.map(Duration::from_secs).ok_or(UnknownArgument)
}

/// Long enough to find a letter with a PUK, too short to leave a question open on a computer that others use.
const PATIENCE: Duration = Duration::from_secs(120);
/// Seconds that can be asked for: up to an hour for who needs it.
const PATIENCE_RANGE: RangeInclusive<u64> = 2..=3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, UnknownArgument> {
        Arguments::parse(line.split_whitespace().map(str::to_owned), Some("be_BY.UTF-8"))
    }

    #[test]
    fn arguments_are_understood_or_refused() {
        let usual = Arguments { language: Language::Belarusian, theme: Theme::System, pad: false, patience: PATIENCE };
        let rows = [
            ("", Ok(usual)),
            ("--lang ru", Ok(Arguments { language: Language::Russian, ..usual })),
            ("--theme dark --pad", Ok(Arguments { theme: Theme::Dark, pad: true, ..usual })),
            ("--patience 600", Ok(Arguments { patience: Duration::from_secs(600), ..usual })),
            ("--patience 0", Err(UnknownArgument)),
            ("--patience 99999999999999999999", Err(UnknownArgument)),
            ("--lang", Err(UnknownArgument)),
            ("--lang pl", Err(UnknownArgument)),
            ("--theme pink", Err(UnknownArgument)),
            ("--pin 123456", Err(UnknownArgument)),
            ("latchkey:sign-in", Err(UnknownArgument)),
        ];
        for (line, expected) in rows {
            assert_eq!(parse(line), expected, "{line}");
        }
    }
}
