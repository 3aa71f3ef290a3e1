//! The command line of the window. Short, since its other half is the command line `latchkey`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use latchkey_client::single_instance::Wish;
use latchkey_client::texts::Language;

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The help.
    Help,
    /// The version.
    Version,
    /// That the program runs.
    Running(Start),
}

/// How the program starts, or what a second start asks of the one that runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// Without a window.
    pub in_background: bool,
    /// The one that runs is to end.
    pub quits: bool,
    /// The administrator's file, where it is not the system's.
    pub managed: Option<PathBuf>,
    /// The language of this run.
    pub language: Option<Language>,
    /// The program starts itself anew, in place: what it left is on standard input.
    pub continues: bool,
    /// How long it rests before it starts anew, for tests, which do not wait as long as people.
    pub rest: Option<Duration>,
    /// What the holder followed: not read yet, but no option.
    pub link: Option<String>,
}

impl Start {
    /// The command line of the same start anew, in place.
    #[must_use]
    pub fn anew(&self, in_background: bool) -> Vec<OsString> {
        let mut arguments = vec!["--continue".into()];
        if in_background {
            arguments.push("--background".into());
        }
        if let Some(file) = &self.managed {
            arguments.extend(["--managed".into(), file.into()]);
        }
        if let Some(language) = self.language {
            arguments.extend(["--lang".into(), language.code().into()]);
        }
        if let Some(rest) = self.rest {
            arguments.extend(["--rest".into(), rest.as_secs().to_string().into()]);
        }
        arguments
    }

    /// What this start is for.
    #[must_use]
    pub fn wish(&self) -> Wish {
        match &self.link {
            _ if self.quits => Wish::Quit,
            Some(link) => Wish::Follow(link.clone()),
            None if self.in_background => Wish::Run,
            None => Wish::Show,
        }
    }
}

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misused {
    /// The argument.
    pub argument: String,
}

/// How links begin. Nothing else stands where an option could.
const LINK: &str = "latchkey:";

impl Wanted {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// [`Misused`].
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Misused> {
        let mut start = Start::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let misused = || Misused { argument: argument.to_string_lossy().into_owned() };
            let text = argument.to_str().ok_or_else(misused)?;
            match text {
                "--help" | "-h" => return Ok(Self::Help),
                "--version" | "-V" => return Ok(Self::Version),
                "--background" => start.in_background = true,
                "--continue" => start.continues = true,
                "--rest" => {
                    let seconds = arguments.next().ok_or_else(misused)?;
                    let seconds = seconds.to_str().and_then(|seconds| seconds.parse().ok()).ok_or_else(misused)?;
                    start.rest = Some(Duration::from_secs(seconds));
                }
                "--quit" => start.quits = true,
                "--managed" => start.managed = Some(arguments.next().ok_or_else(misused)?.into()),
                "--lang" => {
                    let code = arguments.next().ok_or_else(misused)?;
                    let language = code.to_str().and_then(Language::of_code);
                    start.language = Some(language.ok_or_else(misused)?);
                }
                _ if text.starts_with(LINK) && start.link.is_none() => start.link = Some(text.to_owned()),
                _ => return Err(misused()),
            }
        }
        Ok(Self::Running(start))
    }
}
