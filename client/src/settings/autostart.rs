//! What starts with the holder's session, by the XDG autostart specification.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::SettingsFailure;

/// The entry in the desktop's list of what starts with a session.
#[derive(Debug, Clone)]
pub struct Autostart {
    folder: PathBuf,
    program: PathBuf,
}

impl Autostart {
    /// The entry in `folder` that starts `program` without its window.
    #[must_use]
    pub const fn new(folder: PathBuf, program: PathBuf) -> Self {
        Self { folder, program }
    }

    /// Where the entry is.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("latchkey.desktop")
    }

    /// Whether the program will start with the next session.
    #[must_use]
    pub fn is_set(&self) -> bool {
        fs::read_to_string(self.file()).is_ok_and(|entry| !entry.lines().any(|line| line.trim() == "Hidden=true"))
    }

    /// Makes or removes the entry.
    ///
    /// # Errors
    /// [`SettingsFailure::Unwritable`].
    pub fn set(&self, wanted: bool) -> Result<(), SettingsFailure> {
        let written = if wanted { self.write() } else { self.remove() };
        written.map_err(|error| SettingsFailure::Unwritable { path: self.file(), reason: error.to_string() })
    }

    fn write(&self) -> std::io::Result<()> {
        let entry = entry(&self.program)?;
        if fs::read_to_string(self.file()).is_ok_and(|written| written == entry) {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix(".latchkey-").tempfile_in(&self.folder)?;
        file.write_all(entry.as_bytes())?;
        file.persist(self.file())?;
        Ok(())
    }

    fn remove(&self) -> std::io::Result<()> {
        match fs::remove_file(self.file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The entry's text. The program's path is quoted as the desktop entry specification wants it.
fn entry(program: &Path) -> std::io::Result<String> {
    let path = program.to_str().filter(|path| !path.chars().any(char::is_control));
    let path = path.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidFilename))?;
    let mut quoted = String::new();
    for character in path.chars() {
        match character {
            '"' | '`' | '$' => quoted.extend(["\\\\", &character.to_string()]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            _ => quoted.push(character),
        }
    }
    // Without the program, whoever removed it, the entry counts for nothing.
    let tried = path.replace('\\', "\\\\");
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=Latchkey\nTryExec={tried}\nExec=\"{quoted}\" --background\n\
         Icon=latchkey\nNoDisplay=true\nX-GNOME-Autostart-enabled=true\n"
    ))
}
