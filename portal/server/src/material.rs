//! What the files that the configuration names contain: TLS identity, trusted authorities, revocation lists.

use std::path::PathBuf;
use std::sync::Arc;

use latchkey_crypto::cv::Date;
use latchkey_crypto::x509::{CERTIFICATE_MAX_SIZE, Certificate, TrustStore};
use time::OffsetDateTime;

use crate::audit::Audit;
use crate::configuration::{
    Configuration, Fault, KeySettings, Located, OutsideAccountSettings, ProviderSettings, RevocationSettings,
    TerminalSettings, TrustFiles,
};
use crate::files::read_limited;
use crate::keys::{self, CabinetKeys, KeyUse, OwnKeys};
use crate::outside_account::OutsideAccounts;
use crate::provider::ProviderMaterial;
use crate::provider::logout::Messenger;
use crate::provider::pending::SealKey;
use crate::provider::registered::RegisteredOnDisk;
use crate::provider::subject::SubjectKey;
use crate::revocation::{Fetching, ListFile, ListSource, ListsOnDisk, StatusService};
use crate::terminal::authority::Authority;
use crate::terminal::{Credentials, DocumentRegister, RecordKey, Tickets};
use crate::tls::TlsIdentity;

/// Everything that is read from files at the start.
pub struct Material {
    /// The server's side of TLS.
    pub tls: TlsIdentity,
    /// Whose certificates are accepted.
    pub trust: TrustStore,
    /// The revocation lists.
    pub revocation: Arc<ListsOnDisk>,
    /// What fetches them, if anything here does.
    pub fetching: Option<Fetching>,
    /// Who is asked about single certificates, if anybody.
    pub status_service: Option<StatusService>,
    /// Where events are written.
    pub audit: Audit,
    /// What names cabinets, if there are any.
    pub cabinets: Option<CabinetKeys>,
    /// Another provider whose accounts may sign in, if one may.
    pub outside_accounts: Option<OutsideAccounts>,
    /// What the terminal needs, if there is to be one.
    pub terminal: Option<TerminalMaterial>,
    /// What the provider needs, if there is to be one.
    pub provider: Option<ProviderMaterial>,
}

/// What the terminal needs from files.
pub struct TerminalMaterial {
    /// The server's side of TLS, if the terminal is called from elsewhere.
    pub tls: Option<TlsIdentity>,
    /// The key under which records are sealed.
    pub record_key: RecordKey,
    /// Certificates and key.
    pub credentials: Credentials,
    /// What has become of documents.
    pub register: DocumentRegister,
    /// Whose requests for tickets are taken, if tickets are issued.
    pub tickets: Option<Tickets>,
    /// Where certificates are asked for, if that goes over HTTP.
    pub authority: Option<Authority>,
}

impl Material {
    /// Reads and checks the files, as they stand at `now`.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names a file which cannot be used.
    pub fn load(configuration: &Configuration, now: OffsetDateTime) -> Result<Self, Fault> {
        let tls = TlsIdentity::load(configuration.tls.clone())?;
        let trust = trust_store(&configuration.trust)?;
        let revocation = Arc::new(lists(configuration, &trust)?);
        let fetching = fetching(configuration, &revocation)?;
        let service = configuration.revocation.status_service.as_ref();
        let status_service =
            service.map(|address| StatusService::new(address.value.clone()).map_err(|error| address.fault(error)));
        let cabinets =
            configuration.cabinet_keys().map(|keys| loaded(keys, KeyUse::Cabinet, CabinetKeys::new)).transpose()?;
        let terminal = configuration.terminal.as_ref();
        let terminal = terminal.map(|settings| TerminalMaterial::load(settings, now)).transpose()?;
        let provider = configuration.provider.as_ref().map(ProviderMaterial::load).transpose()?;
        let status_service = status_service.transpose()?;
        let outside_accounts = configuration.outside_account.as_ref().map(outside_accounts).transpose()?;
        let audit = Audit::open(configuration.audit_log.as_ref())?;
        Ok(Self {
            tls,
            trust,
            revocation,
            fetching,
            status_service,
            audit,
            cabinets,
            outside_accounts,
            terminal,
            provider,
        })
    }
}

fn lists(configuration: &Configuration, trust: &TrustStore) -> Result<ListsOnDisk, Fault> {
    let files = &configuration.trust.revocation_lists;
    let list_file = |(file, address): (&Located<PathBuf>, &Option<_>)| match address {
        Some(_) => ListFile::fetched(file.value.clone()),
        None => ListFile::kept(file.value.clone()),
    };
    let list_files = files.iter().zip(&configuration.revocation.addresses).map(list_file).collect();
    ListsOnDisk::load(list_files, trust).map_err(|error| {
        let at_fault = files.iter().find(|file| file.value == error.path);
        at_fault.map_or_else(|| Fault::without_place(&error), |file| file.fault(&error))
    })
}

fn fetching(configuration: &Configuration, lists: &Arc<ListsOnDisk>) -> Result<Option<Fetching>, Fault> {
    let RevocationSettings { addresses, fetch_interval, fetch_limit, .. } = &configuration.revocation;
    let Some(first) = addresses.iter().flatten().next() else { return Ok(None) };
    let places = configuration.trust.revocation_lists.iter().zip(addresses);
    let sources = places.filter_map(|(file, address)| {
        Some(ListSource { address: address.as_ref()?.value.clone(), file: file.value.clone() })
    });
    Fetching::new(sources.collect(), *fetch_interval, *fetch_limit, Arc::clone(lists))
        .map(Some)
        .map_err(|error| first.fault(error))
}

impl TerminalMaterial {
    fn load(settings: &TerminalSettings, now: OffsetDateTime) -> Result<Self, Fault> {
        let TerminalSettings { tls, keys, credentials, documents, .. } = settings;
        let key = loaded(keys, KeyUse::Record, RecordKey::new)?;
        let today = Date::try_from(now.date()).map_err(|error| credentials.certificate.file_fault(error))?;
        Ok(Self {
            tls: tls.clone().map(TlsIdentity::load).transpose()?,
            record_key: key,
            credentials: Credentials::load(credentials.clone(), today)?,
            register: DocumentRegister::load(documents.clone())?,
            tickets: settings.tickets.as_ref().map(Tickets::load).transpose()?,
            authority: settings.authority.as_ref().map(Authority::new).transpose()?,
        })
    }
}

impl ProviderMaterial {
    /// Reads and checks the files of the provider.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names a file which cannot be used.
    pub fn load(settings: &ProviderSettings) -> Result<Self, Fault> {
        Ok(Self {
            registered: RegisteredOnDisk::load(settings)?,
            subject_key: loaded(&settings.keys, KeyUse::Subject, SubjectKey::new)?,
            seal_key: loaded(&settings.keys, KeyUse::Seal, SealKey::new)?,
            messenger: Messenger::load(settings.tls_authorities.as_ref())?,
        })
    }
}

fn outside_accounts(settings: &OutsideAccountSettings) -> Result<OutsideAccounts, Fault> {
    let keys = keys::load(&settings.keys, &[KeyUse::Seal])?;
    OutsideAccounts::load(settings, Arc::new(keys))
}

/// What is done with the keys for a use, of which there is one at least.
fn loaded<K>(settings: &KeySettings, of: KeyUse, what: fn(Arc<dyn OwnKeys>) -> Option<K>) -> Result<K, Fault> {
    let keys = keys::load(settings, &[of])?;
    what(Arc::new(keys)).ok_or_else(|| settings.folder.file_fault("has no key"))
}

fn trust_store(files: &TrustFiles) -> Result<TrustStore, Fault> {
    let intermediates = files.intermediates.iter().map(certificate).collect::<Result<_, _>>()?;
    // One by one first, so that the file at fault is known.
    for file in &files.anchors {
        TrustStore::new(vec![certificate(file)?], Vec::new()).map_err(|error| file.file_fault(error))?;
    }
    let anchors = files.anchors.iter().map(certificate).collect::<Result<_, _>>()?;
    TrustStore::new(anchors, intermediates).map_err(|error| Fault::without_place(&error))
}

fn certificate(file: &Located<PathBuf>) -> Result<Certificate, Fault> {
    let octets = read_limited(&file.value, CERTIFICATE_MAX_SIZE).map_err(|error| file.file_fault(error))?;
    let certificate = Certificate::from_der(&octets).map_err(|error| file.file_fault(error))?;
    if certificate.is_authority() { Ok(certificate) } else { Err(file.file_fault("is no certificate of an authority")) }
}
