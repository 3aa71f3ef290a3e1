//! What the window shows, as plain data: the Rust side of `ui/src/backend.ts`. Every text in it is in the snapshot's
//! language and printable.

use serde::{Deserialize, Serialize};

use crate::advice::{Advice, Remedy};
use crate::settings::{ProxyChoice, SettingName, Theme};
use crate::texts::{Language, Texts};
use crate::wording::{Place, Told, Words};

/// Everything that the window shows. The program pushes a whole one on every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The program's version.
    pub version: &'static str,
    /// The language of the texts, as an ISO 639-1 code.
    pub language: &'static str,
    /// Whether pages can reach the program.
    pub service: ServiceState,
    /// Readers, in the card service's order; `None` while nobody knows.
    pub readers: Option<Vec<Reader>>,
    /// Why the readers are not known.
    pub readers_failure: Option<Failure>,
    /// Requests of portals; the first is the one at work, the others wait.
    pub requests: Vec<PortalRequest>,
    /// What the holder does with his own card.
    pub card: CardView,
    /// Documents that the holder signs himself.
    pub documents: DocumentsView,
    /// The settings.
    pub settings: Settings,
    /// Diagnosis.
    pub doctor: DoctorView,
    /// Guest mode.
    pub guest: GuestView,
    /// What is remembered of sites that asked, the newest first; empty if the holder does not want that.
    pub history: Vec<HistoryEntry>,
    /// A newer version than this one, if one is known.
    pub update: Option<NewerVersion>,
    /// Something that failed beside all that, until the holder puts it away.
    pub notice: Option<Failure>,
    /// In how many seconds the window closes by itself: it was opened for a request, and that is done. `None` while it
    /// stays.
    pub closes_in_seconds: Option<u64>,
}

/// Whether pages can reach the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceState {
    /// They can.
    Listening,
    /// They cannot.
    Closed(Failure),
}

impl Serialize for ServiceState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            listening: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            failure: Option<&'a Failure>,
        }
        match self {
            Self::Listening => Written { listening: true, failure: None },
            Self::Closed(failure) => Written { listening: false, failure: Some(failure) },
        }
        .serialize(serializer)
    }
}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The stable code.
    pub code: String,
    /// What happened.
    pub what_happened: String,
    /// What to do.
    pub what_to_do: String,
    /// A technical cause: diagnosis is offered.
    pub technical: bool,
    /// What the holder can do about it in this window.
    pub remedy: Option<Remedy>,
}

impl Failure {
    /// That failure, in words for the window.
    #[must_use]
    pub fn of(failure: &dyn Told, texts: &Texts) -> Self {
        let Words { code, what_happened, what_to_do } = Words::about(failure, texts, Place::Window);
        let advice = Advice::on(&code, failure.tries_left());
        let (technical, remedy) = advice.map_or((false, None), |advice| (advice.technical, advice.remedy));
        Self { code, what_happened, what_to_do, technical, remedy }
    }

    /// The same, where nothing can be tried again.
    #[must_use]
    pub fn without_remedy(self) -> Self {
        Self { remedy: None, ..self }
    }
}

/// A reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// Whether a card is in it.
    pub card: bool,
}

/// What a portal wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalRequest {
    /// What the window calls it.
    pub id: u64,
    /// As the browser reported it, or as the program itself reached it.
    pub origin: String,
    /// The name that the page gave itself: proves nothing.
    pub says_it_is: Option<String>,
    /// How it came.
    pub arrived_by: ArrivedBy,
    /// Of a link: to recognise one's own request.
    pub short_code: Option<String>,
    /// What the page wants signed, if it wants documents signed.
    pub documents: Vec<Document>,
    /// What a terminal is let do, if that is what the page wants.
    pub disclosure: Option<Disclosure>,
    /// How far it is.
    pub phase: Phase,
    /// The holder has to act within so many seconds; `None` while he need not.
    pub seconds_left: Option<u64>,
}

/// A document that is to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Its name; of contents that a page sent, the page's own.
    pub name: String,
    /// Its size, in words.
    pub size: String,
}

/// What a terminal is let do, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disclosure {
    /// Whether the request was signed and verified.
    pub verified: bool,
    /// Who asks.
    pub asker: Vec<String>,
    /// What may be read and done in any case.
    pub required: Vec<String>,
    /// What the holder may leave out.
    pub optional: Vec<Optional>,
    /// Which terminal it is, or that it is not known yet.
    pub terminal: Vec<String>,
}

/// Something that the holder may leave out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Optional {
    /// In words.
    pub line: String,
    /// Whether he hands it over.
    pub kept: bool,
}

/// Documents that the holder signs himself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentsView {
    /// Those that were chosen and are not signed yet.
    pub files: Vec<ChosenDocument>,
    /// Whether the signed files hold the documents.
    pub attached: bool,
    /// How far the signing is.
    pub phase: Option<Phase>,
    /// What became of each document, in their order.
    pub results: Option<Vec<DocumentResult>>,
    /// Why none was signed.
    pub failure: Option<Failure>,
}

/// A file that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChosenDocument {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub folder: String,
    /// Its size, in words.
    pub size: String,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentResult {
    /// The document's name.
    pub name: String,
    /// The name of the file with its signature.
    pub signature: Option<String>,
    /// Why there is none.
    pub failure: Option<Failure>,
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivedBy {
    /// From a page, through the local service.
    Page,
    /// As a link.
    Link,
}

/// How far a request is, or what the holder does with his card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Phase {
    /// Of a link: may the program contact this host?
    AskHost,
    /// Of a link: the host is asked what it wants.
    Fetching,
    /// Another request is at work.
    WaitingInLine,
    /// Who asks, and what is handed over: agree or refuse.
    AskHandOver,
    /// There is no reader.
    ConnectReader,
    /// There is no card.
    InsertCard,
    /// There are several cards: which one?
    ChooseReader {
        /// The readers that hold one.
        readers: Vec<String>,
    },
    /// The card is talked to.
    ReadingCard,
    /// The agent asks in its own window.
    AgentAsks {
        /// What for.
        secret: Secret,
        /// Tries that are left for it.
        tries_left: Option<u8>,
    },
    /// The card signs.
    Signing,
    /// Of a link: the signature is on its way.
    Sending,
    /// A terminal session is open.
    TerminalAtWork {
        /// What the terminal is let do now.
        work: TerminalWork,
    },
    /// It is done.
    Done,
    /// It failed.
    Failed {
        /// Of what.
        failure: Failure,
    },
}

/// What a terminal is let do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TerminalWork {
    /// Nothing yet: the page has not brought it.
    Awaited,
    /// To read.
    Reading,
    /// To have the card sign.
    Signing,
}

/// What the agent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// The PIN.
    Pin,
    /// The second PIN.
    Pin2,
    /// A new PIN.
    NewPin,
    /// The number printed on the card.
    Can,
    /// The unblocking number.
    Puk,
    /// No secret: whether the last try may be spent.
    LastTry,
    /// No secret: whether a terminal is let in, or may have something signed.
    Consent,
}

/// What the holder does with his own card.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardView {
    /// What the card at hand says without a password.
    pub status: Option<CardStatus>,
    /// What it said with the PIN, until it is removed or the window is closed.
    pub contents: Option<CardContents>,
    /// What is being done.
    pub task: Option<CardTaskName>,
    /// How far that is.
    pub phase: Option<Phase>,
    /// What the last task came to.
    pub result: Option<CardResult>,
}

/// What a card says without a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardStatus {
    /// Where it is.
    pub reader: String,
    /// What it is, in words.
    pub model: String,
    /// What state its PIN is in.
    pub pin: PinStatus,
}

/// What state a PIN is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PinStatus {
    /// It can be entered.
    Usable {
        /// So many times.
        tries_left: u8,
    },
    /// One try is left, and it needs the CAN.
    Suspended,
    /// The PUK unblocks it.
    Blocked,
    /// The PUK puts it into use.
    Deactivated,
}

/// What the holder can do with his own card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardTaskName {
    /// To see which card it is, without a password.
    Look,
    /// To read the certificates.
    Read,
    /// To change the PIN.
    ChangePin,
    /// To unblock the PIN.
    UnblockPin,
    /// To unblock the PIN and set a new one.
    UnblockWithNewPin,
    /// To put the PIN into use.
    ActivatePin,
    /// To put the PIN out of use.
    DeactivateWithPin,
    /// To put the PIN out of use, with the PUK.
    DeactivateWithPuk,
}

impl CardTaskName {
    /// Every task.
    pub const ALL: [Self; 8] = [
        Self::Look,
        Self::Read,
        Self::ChangePin,
        Self::UnblockPin,
        Self::UnblockWithNewPin,
        Self::ActivatePin,
        Self::DeactivateWithPin,
        Self::DeactivateWithPuk,
    ];
}

/// What a task came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardResult {
    /// Which task.
    pub task: CardTaskName,
    /// Why it failed; `None` if it did not.
    pub failure: Option<Failure>,
}

/// What a card said with the PIN.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardContents {
    /// Whose it is, by the first certificate that says so.
    pub holder: Option<Holder>,
    /// The certificates.
    pub certificates: Vec<CertificateView>,
    /// How many more there are that cannot be read.
    pub unreadable: usize,
}

/// A person, as a certificate names him.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Names in the snapshot's language where the certificate has them.
    pub name: String,
    /// First and family name in Latin letters.
    pub latin_name: Option<String>,
    /// The identification number.
    pub personal_number: String,
}

/// A certificate.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateView {
    /// For whom.
    pub subject: String,
    /// By whom.
    pub issuer: String,
    /// Its number.
    pub serial: String,
    /// RFC 3339.
    pub valid_from: String,
    /// RFC 3339.
    pub valid_to: String,
    /// Judged against the clock.
    pub validity: Validity,
    /// What its key may be used for, in words.
    pub usage: String,
}

/// Whether a certificate is valid now. Nothing is said of revocation, which only a portal checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// It is.
    Valid,
    /// It is, and will not be for long.
    ExpiresSoon,
    /// Not any more.
    Expired,
    /// Not yet.
    NotYet,
}

/// What the holder, or his administrator, has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// `None`: as the system says.
    pub language: Option<&'static str>,
    /// Colours.
    pub theme: Theme,
    /// Whether the program starts when the holder logs in to his computer.
    pub autostart: bool,
    /// Whether it shows itself in the tray.
    pub tray: bool,
    /// Whether the agent's window has a pad for the pointer.
    pub pin_pad: bool,
    /// How portals of links are reached.
    pub proxy: ProxyChoice,
    /// The proxy that the settings file or the administrator names; the window offers it and takes none.
    pub proxy_address: Option<String>,
    /// Whether what sites asked is remembered.
    pub history: bool,
    /// Why it cannot be remembered here; `None` if it can.
    pub history_failure: Option<Failure>,
    /// Sites that something is remembered about.
    pub sites: Vec<Site>,
    /// The settings above that the administrator has fixed.
    pub fixed: Vec<SettingName>,
    /// Where the settings are written, for those who edit files.
    pub file: String,
}

/// A site that something is remembered about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Which.
    pub origin: String,
    /// What.
    pub state: SiteState,
    /// Since when: RFC 3339.
    pub since: Option<String>,
}

/// What is remembered about a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteState {
    /// The holder has signed in there.
    Allowed,
    /// The holder refused it today.
    RefusedToday,
    /// The administrator added it.
    AllowedByAdministrator,
    /// The administrator forbids it.
    ForbiddenByAdministrator,
    /// The holder let its terminal work with the card.
    HasTerminal,
}

/// A change that the holder wants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "name", content = "value", rename_all = "camelCase", deny_unknown_fields)]
pub enum SettingChange {
    /// A language by its code; `None`: as the system says.
    Language(Option<LanguageCode>),
    /// Colours.
    Theme(Theme),
    /// Whether to start with the session.
    Autostart(bool),
    /// Whether to show in the tray.
    Tray(bool),
    /// Whether to show the pad.
    PinPad(bool),
    /// Whether to remember sign-ins.
    History(bool),
    /// How to reach portals.
    Proxy(ProxyChoice),
    /// Forgets what is remembered about the site of that origin.
    ForgetSite(String),
}

/// A language that the window named by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanguageCode(pub Language);

/// What diagnosis found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoctorView {
    /// Whether it is still looking.
    pub running: bool,
    /// What was looked at, in order.
    pub checks: Vec<DoctorCheck>,
    /// To be copied; without personal data.
    pub report: Option<String>,
}

/// One thing that diagnosis looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoctorCheck {
    /// Its stable name.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// How it is.
    pub verdict: DoctorVerdict,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    pub cure: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoctorVerdict {
    /// As it should be.
    Good,
    /// Not as it should be; signing in works all the same.
    Warning,
    /// Signing in will not work.
    Bad,
    /// Something before it is missing.
    NotChecked,
}

/// Guest mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GuestView {
    /// The portals that a guest can open, as origins.
    pub portals: Vec<String>,
    /// The one that is open.
    pub portal: Option<String>,
    /// How far it is.
    pub phase: GuestPhase,
    /// Why it ended or did not begin.
    pub failure: Option<Failure>,
}

/// How far guest mode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestPhase {
    /// There is no guest.
    Off,
    /// The browser is being started.
    Opening,
    /// A guest uses the portal.
    Open,
    /// What he left is being deleted.
    Clearing,
}

/// Something that is remembered of a site that asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// When: RFC 3339.
    pub at: String,
    /// Where.
    pub origin: String,
    /// What the site asked for.
    pub kind: HistoryKind,
    /// What it came to.
    pub result: HistoryResult,
}

/// What a site asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryKind {
    /// To sign in.
    SignIn,
    /// To sign documents.
    Documents,
    /// To let its terminal work with the card.
    Terminal,
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryResult {
    /// The site has what it asked for; its terminal, if it brought one, was let in.
    Done,
    /// The holder refused.
    Refused,
    /// It failed.
    Failed,
}

/// A newer version than this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewerVersion {
    /// Which.
    pub version: String,
}

impl<'de> Deserialize<'de> for LanguageCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Language::of_code(&code).map(Self).ok_or_else(|| serde::de::Error::custom("there is no such language"))
    }
}

impl std::fmt::Debug for CardContents {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CardContents({} certificates hidden)", self.certificates.len())
    }
}
