//! Where the holder's files are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The holder's folders, by the XDG base directory specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    config: PathBuf,
    state: PathBuf,
    runtime: PathBuf,
}

impl Places {
    /// The folders that these variables of the environment name. `None` without a home.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        // The specification wants relative paths ignored.
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        let below_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let state = absolute("XDG_STATE_HOME").or_else(|| below_home(".local/state"))?;
        Some(Self {
            config: absolute("XDG_CONFIG_HOME").or_else(|| below_home(".config"))?,
            runtime: absolute("XDG_RUNTIME_DIR").unwrap_or_else(|| state.clone()),
            state,
        })
    }

    /// The folders of this process' environment.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// The holder's settings.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.config.join("latchkey/settings.toml")
    }

    /// Where desktops look for what starts with a session.
    #[must_use]
    pub fn autostart_folder(&self) -> PathBuf {
        self.config.join("autostart")
    }

    /// What the program notes down for itself.
    #[must_use]
    pub fn state_folder(&self) -> PathBuf {
        self.state.join("latchkey")
    }

    /// What lasts no longer than the holder's session, where the system has a place for it.
    #[must_use]
    pub fn runtime_folder(&self) -> PathBuf {
        self.runtime.join("latchkey")
    }

    /// Where the desktop keeps the holder's choice of programs.
    #[must_use]
    pub fn config_folder(&self) -> &Path {
        &self.config
    }
}
