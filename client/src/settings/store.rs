//! The settings as the program holds them: the holder's file, looked at again whenever somebody has changed it, under
//! the administrator's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use latchkey_crypto::assertion::Origin;
use time::OffsetDateTime;

use super::file::{self, Contents, FILE_MAX_SIZE};
use super::sites::{Word, Words};
use super::{Autostart, Managed, RememberedSite, Setting, SettingName, Settings, SettingsFailure, SiteState};
use crate::desk::{Sites, Standing};

/// The holder's settings under the administrator's.
///
/// Several programs may hold the same file: each change is made to what the file says then, under a lock.
pub struct SettingsStore {
    path: PathBuf,
    managed: Arc<Managed>,
    autostart: Option<Autostart>,
    clock: Box<dyn Fn() -> OffsetDateTime + Send + Sync>,
    held: Mutex<Held>,
}

struct Held {
    stamp: Option<Stamp>,
    contents: Contents,
    failure: Option<SettingsFailure>,
    /// What could not be written down: this run of the program remembers it all the same.
    unwritten: Words,
    /// What a guest said about sites: forgotten when the guest goes, and nobody else's.
    guest: Option<Words>,
}

/// By what a changed file is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

impl SettingsStore {
    /// The settings of the file at `path`, which need not exist. `clock` tells the time.
    pub fn new(
        path: PathBuf,
        managed: Arc<Managed>,
        clock: impl Fn() -> OffsetDateTime + Send + Sync + 'static,
    ) -> Self {
        let held = Held {
            stamp: None,
            contents: Contents::default(),
            failure: None,
            unwritten: Words::default(),
            guest: None,
        };
        let store = Self { path, managed, autostart: None, clock: Box::new(clock), held: Mutex::new(held) };
        store.held().look_again(&store.path);
        store
    }

    /// The same, which also keeps the desktop's list of what starts with the session as the settings say.
    #[must_use]
    pub fn with_autostart(self, autostart: Autostart) -> Self {
        Self { autostart: Some(autostart), ..self }
    }

    /// What holds now.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::of(self.managed.fixed(), &self.held_now().contents.choices, self.managed.defaults())
    }

    /// Which settings the administrator has fixed.
    #[must_use]
    pub fn fixed(&self) -> BTreeSet<SettingName> {
        SettingName::ALL.into_iter().filter(|name| self.managed.fixed().has(*name)).collect()
    }

    /// What the administrator has set.
    #[must_use]
    pub const fn managed(&self) -> &Arc<Managed> {
        &self.managed
    }

    /// Where the holder's settings are written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with the holder's file. The program's defaults hold in place of what cannot be understood.
    #[must_use]
    pub fn failure(&self) -> Option<SettingsFailure> {
        self.held_now().failure.clone()
    }

    /// Changes a setting.
    ///
    /// # Errors
    /// [`SettingsFailure::Fixed`] or [`SettingsFailure::Unwritable`].
    pub fn change(&self, setting: &Setting) -> Result<(), SettingsFailure> {
        if self.managed.fixed().has(setting.name()) {
            return Err(SettingsFailure::Fixed { name: setting.name().key() });
        }
        if let (Setting::Autostart(wanted), Some(autostart)) = (setting, &self.autostart) {
            autostart.set(*wanted)?;
        }
        self.rewrite(|text, _| file::with_setting(text, setting))
    }

    /// Brings the desktop's list of what starts with the session in step with the settings, which an administrator or an
    /// editor may have changed.
    ///
    /// # Errors
    /// [`SettingsFailure::Unwritable`].
    pub fn keep_autostart(&self) -> Result<(), SettingsFailure> {
        self.autostart.as_ref().map_or(Ok(()), |autostart| autostart.set(self.settings().autostart))
    }

    /// The sites that something is known about: the administrator's first, then in the order of their names.
    #[must_use]
    pub fn sites(&self) -> Vec<RememberedSite> {
        let now = (self.clock)();
        let managed =
            self.managed.sites().map(|(origin, state)| RememberedSite { origin: origin.clone(), state, since: None });
        let mut words = self.held_now().words();
        words.drop_what_is_over(now);
        let own = words.iter().filter(|(origin, ..)| !self.managed.is_forbidden(origin));
        let own = own.map(|(origin, word, since)| {
            let state = match word {
                Word::Allowed => SiteState::Allowed,
                Word::Refused => SiteState::RefusedToday,
            };
            RememberedSite { origin: origin.clone(), state, since: Some(since) }
        });
        // A site that both have a word about is shown with the holder's own.
        let of_managed = managed
            .filter(|site| site.state == SiteState::ForbiddenByAdministrator || words.at(&site.origin, now).is_none());
        let mut sites: Vec<_> = of_managed.chain(own).collect();
        for (_, origin, since) in words.terminals() {
            if sites.iter().all(|site| site.origin != *origin) {
                let (origin, since) = (origin.clone(), Some(since));
                sites.push(RememberedSite { origin, state: SiteState::HasTerminal, since });
            }
        }
        sites
    }

    /// What is known about one site. The administrator's prohibition goes before everything; that he named a site does
    /// not answer for the holder.
    #[must_use]
    pub fn site(&self, origin: &Origin) -> Option<SiteState> {
        if self.managed.is_forbidden(origin) {
            return Some(SiteState::ForbiddenByAdministrator);
        }
        let now = (self.clock)();
        match self.held_now().words().at(origin, now) {
            Some((Word::Allowed, _)) => Some(SiteState::Allowed),
            Some((Word::Refused, _)) => Some(SiteState::RefusedToday),
            None => self.managed.is_named(origin).then_some(SiteState::AllowedByAdministrator),
        }
    }

    /// The holder agreed to hand over what this site asks for.
    ///
    /// # Errors
    /// [`SettingsFailure::Unwritable`]: it will be asked about again.
    pub fn allow_site(&self, origin: &Origin) -> Result<(), SettingsFailure> {
        self.say(origin, Word::Allowed)
    }

    /// The holder refused this site.
    ///
    /// # Errors
    /// [`SettingsFailure::Unwritable`]: this run of the program remembers it all the same.
    pub fn refuse_site(&self, origin: &Origin) -> Result<(), SettingsFailure> {
        self.say(origin, Word::Refused)
    }

    /// Whether something that the holder said about sites is known to this run of the program alone, and still counts.
    #[must_use]
    pub fn remembers_unwritten(&self) -> bool {
        let now = (self.clock)();
        let mut held = self.held();
        held.unwritten.drop_what_is_over(now);
        !held.unwritten.is_empty()
    }

    /// Forgets what the holder said about a site.
    ///
    /// # Errors
    /// [`SettingsFailure::SiteUnknown`] if he said nothing; [`SettingsFailure::Unwritable`].
    pub fn forget_site(&self, origin: &Origin) -> Result<(), SettingsFailure> {
        let unknown = || SettingsFailure::SiteUnknown { origin: origin.to_string() };
        if let Some(words) = &mut self.held().guest {
            return if words.forget(origin) { Ok(()) } else { Err(unknown()) };
        }
        let was_unwritten = self.held().unwritten.forget(origin);
        if !self.held_now().contents.words.clone().forget(origin) {
            return if was_unwritten { Ok(()) } else { Err(unknown()) };
        }
        self.rewrite(|text, contents| {
            contents.words.forget(origin);
            file::with_words(text, &contents.words)
        })
    }

    /// From now on nothing that is said about sites is written down, and nothing that was written counts.
    pub fn begin_guest(&self) {
        self.held().guest = Some(Words::default());
    }

    /// Forgets everything that was said about sites since [`Self::begin_guest`].
    pub fn end_guest(&self) {
        self.held().guest = None;
    }

    /// The holder let a terminal in that this site drives: for other sites it is another's from now on, until he forgets
    /// the site.
    ///
    /// # Errors
    /// [`SettingsFailure::Unwritable`]: this run of the program remembers it all the same.
    pub fn let_in(&self, terminal: &str, origin: &Origin) -> Result<(), SettingsFailure> {
        let now = (self.clock)();
        if let Some(words) = &mut self.held().guest {
            words.let_in(terminal, origin.clone(), now);
            return Ok(());
        }
        if self.held_now().words().terminals().any(|(known, ..)| known == terminal) {
            return Ok(());
        }
        let written = self.rewrite(|text, contents| {
            contents.words.let_in(terminal, origin.clone(), now);
            file::with_words(text, &contents.words)
        });
        if written.is_err() {
            self.held().unwritten.let_in(terminal, origin.clone(), now);
        }
        written
    }

    fn say(&self, origin: &Origin, word: Word) -> Result<(), SettingsFailure> {
        let now = (self.clock)();
        if let Some(words) = &mut self.held().guest {
            words.say(origin.clone(), word, now);
            return Ok(());
        }
        let written = self.rewrite(|text, contents| {
            contents.words.drop_what_is_over(now);
            contents.words.say(origin.clone(), word, now);
            file::with_words(text, &contents.words)
        });
        if written.is_err() {
            self.held().unwritten.say(origin.clone(), word, now);
        }
        written
    }

    /// Changes what the file says at this moment. A file that is no TOML is put aside and begun anew.
    fn rewrite(&self, change: impl Fn(&str, &mut Contents) -> Option<String>) -> Result<(), SettingsFailure> {
        let unwritable = |reason: String| SettingsFailure::Unwritable { path: self.path.clone(), reason };
        let failed = |error: std::io::Error| unwritable(error.to_string());
        let mut held = self.held();
        let _lock = lock(&self.path).map_err(failed)?;
        let text = file::read(&self.path, &[our_user()], FILE_MAX_SIZE).map_err(unwritable)?.unwrap_or_default();
        let mut contents = Contents::parse(&text);
        let faults = contents.faults.len();
        let changed = change(&text, &mut contents);
        // What cannot be understood is not lost with the change.
        if changed.as_ref().is_none_or(|changed| Contents::parse(changed).faults.len() < faults) {
            let aside = file::set_aside(&self.path).map_err(failed)?;
            tracing::warn!(file = %aside.display(), "the damaged settings file was put aside");
        }
        let changed = changed.or_else(|| change("", &mut Contents::default()));
        let changed = changed.ok_or_else(|| unwritable("the change cannot be written".to_owned()))?;
        file::write(&self.path, &changed).map_err(failed)?;
        held.stamp = None;
        held.look_again(&self.path);
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file says now.
    fn held_now(&self) -> MutexGuard<'_, Held> {
        let mut held = self.held();
        held.look_again(&self.path);
        held
    }
}

impl Sites for SettingsStore {
    fn standing(&self, origin: &Origin) -> Standing {
        match self.site(origin) {
            None | Some(SiteState::AllowedByAdministrator | SiteState::HasTerminal) => Standing::Unknown,
            Some(SiteState::Allowed) => Standing::Allowed,
            Some(SiteState::RefusedToday) => Standing::RefusedToday,
            Some(SiteState::ForbiddenByAdministrator) => Standing::Forbidden,
        }
    }

    fn is_developers(&self, origin: &Origin) -> bool {
        self.managed.developer_origins().iter().any(|listed| listed.as_str() == origin.as_str())
    }

    fn refused(&self, origin: &Origin) {
        if let Err(error) = self.refuse_site(origin) {
            tracing::warn!(%error, "the refusal holds for this run only");
        }
    }

    fn agreed(&self, origin: &Origin) {
        if let Err(error) = self.allow_site(origin) {
            tracing::warn!(%error, "the site will be asked about again");
        }
    }

    fn terminals(&self) -> BTreeMap<String, Origin> {
        let words = self.held_now().words();
        words.terminals().map(|(terminal, origin, _)| (terminal.to_owned(), origin.clone())).collect()
    }

    fn let_in(&self, terminal: &str, origin: &Origin) {
        if let Err(error) = Self::let_in(self, terminal, origin) {
            tracing::warn!(%error, "whose terminal it is holds for this run only");
        }
    }
}

impl Held {
    fn look_again(&mut self, path: &Path) {
        let stamp = Stamp::of(path);
        if stamp.is_some() && stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        (self.contents, self.failure) = match file::read(path, &[our_user()], FILE_MAX_SIZE) {
            Ok(text) => {
                let contents = text.map(|text| Contents::parse(&text)).unwrap_or_default();
                let fault = contents.faults.first().cloned();
                let failure = fault.map(|fault| SettingsFailure::Damaged { path: path.to_owned(), fault });
                (contents, failure)
            }
            Err(reason) => (Contents::default(), Some(SettingsFailure::Unreadable { path: path.to_owned(), reason })),
        };
    }

    /// What counts of what was said about sites.
    fn words(&self) -> Words {
        self.guest.clone().unwrap_or_else(|| self.contents.words.clone().and(&self.unwritten))
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { inode: metadata.ino(), size: metadata.len(), modified: metadata.modified().ok() })
    }
}

/// Lets one program at a time change the file. Held as long as the value lives.
fn lock(path: &Path) -> std::io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    file::make_folder(folder)?;
    let lock = File::options().create(true).truncate(false).write(true).open(path.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

pub(super) fn our_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
