//! The file of registered sites: read with the line of every fault, and added to.

use std::path::{Path, PathBuf};

use super::document::{Fault, Located, Table};
use super::{path, portal_name, some};
use crate::files::read_limited;
use crate::provider::clients::{Client, ClientAuthentication, ClientId, RedirectUri, Registry};
use crate::provider::jws::{Algorithm, VerificationKey};
use crate::provider::logout::LogoutAddress;
use crate::provider::scope::{SCOPE_NAMES, Scopes};

/// Most octets of the file: some ten thousand sites.
pub const REGISTRY_MAX_SIZE: usize = 8 * 1024 * 1024;
/// Most octets of the file with a site's public key.
const KEY_MAX_SIZE: usize = 16 * 1024;

impl Registry {
    /// Reads the sites from the file's text. Paths in it are meant from `directory`. Reads the files with their keys.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that is wrong, with its line and key.
    pub fn parse(text: &str, directory: &Path) -> Result<Self, Fault> {
        let mut root = Table::root(text)?;
        let mut clients = Vec::new();
        for table in root.tables("client")? {
            let (id, client) = client(table, directory)?;
            if clients.iter().any(|known: &Client| known.id == client.id) {
                return Err(id.fault("stands there twice"));
            }
            clients.push(client);
        }
        root.end()?;
        Ok(Self::new(clients))
    }
}

fn client(mut table: Table<'_>, directory: &Path) -> Result<(Located<ClientId>, Client), Fault> {
    let id = table.string("id")?.parse(|id| ClientId::parse(&id))?;
    let mut names = table.table("name")?;
    let name = |names: &mut Table<'_>, language| names.string(language).and_then(portal_name);
    let client = Client {
        id: id.value.clone(),
        names: [name(&mut names, "be")?, name(&mut names, "ru")?, name(&mut names, "en")?],
        redirect_uris: redirect_uris(&mut table)?,
        post_logout_redirect_uris: addresses(table.optional_strings("post_logout_redirect_uris")?)?,
        scopes: scopes(&mut table)?,
        authentication: authentication(&mut table, directory)?,
        algorithm: match table.optional_string("algorithm")? {
            Some(name) => name.parse(|name| name.parse::<Algorithm>())?.value,
            None => Algorithm::Rs256,
        },
        may_refresh: table.truth("refresh_tokens", false)?,
        must_push: table.truth("require_pushed_requests", false)?,
        must_bind: table.truth("dpop_bound_access_tokens", false)?,
        logout: logout(&mut table)?,
    };
    names.end()?;
    table.end()?;
    Ok((id, client))
}

/// All on one host: a person has one subject there.
fn redirect_uris(table: &mut Table<'_>) -> Result<Vec<RedirectUri>, Fault> {
    let texts = some(table.strings("redirect_uris")?)?;
    let mut addresses: Vec<RedirectUri> = Vec::new();
    for text in texts {
        let address = text.clone().parse(|text| RedirectUri::parse(&text))?.value;
        if addresses.first().is_some_and(|first| first.host() != address.host()) {
            return Err(text.fault("must be on the same host as the others"));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

fn addresses(texts: Option<Located<Vec<Located<String>>>>) -> Result<Vec<RedirectUri>, Fault> {
    let texts = texts.map(|texts| texts.value).unwrap_or_default();
    texts.into_iter().map(|text| Ok(text.parse(|text| RedirectUri::parse(&text))?.value)).collect()
}

fn logout(table: &mut Table<'_>) -> Result<Option<LogoutAddress>, Fault> {
    let may_be_private = table.truth("backchannel_logout_private", false)?;
    let address = table.optional_string("backchannel_logout_uri")?;
    let parsed = address.map(|address| address.parse(|address| LogoutAddress::parse(&address, may_be_private)));
    Ok(parsed.transpose()?.map(|address| address.value))
}

fn scopes(table: &mut Table<'_>) -> Result<Scopes, Fault> {
    let mut scopes = Scopes::default();
    let listed = table.strings("scopes")?;
    for name in &listed.value {
        if !SCOPE_NAMES.contains(&name.value.as_str()) {
            return Err(name.fault(format!("must be of {}, not {}", SCOPE_NAMES.join(", "), name.value)));
        }
        scopes = scopes.with(&name.value);
    }
    if scopes.openid { Ok(scopes) } else { Err(listed.fault("must list openid")) }
}

fn authentication(table: &mut Table<'_>, directory: &Path) -> Result<ClientAuthentication, Fault> {
    let kind = table.string("authentication")?;
    match kind.value.as_str() {
        "public" => Ok(ClientAuthentication::Public),
        "secret" => {
            let hash = table.string("secret_sha256")?.parse(|text| {
                let mut hash = [0; 32];
                hex::decode_to_slice(text, &mut hash).map(|()| hash).map_err(|_| "must be 64 hexadecimal digits")
            })?;
            Ok(ClientAuthentication::Secret(hash.value))
        }
        "keys" => {
            let files = some(table.strings("keys")?)?;
            let keys = files.into_iter().map(|file| key(&path(file, directory)?)).collect::<Result<_, _>>()?;
            Ok(ClientAuthentication::Keys(keys))
        }
        other => Err(kind.fault(format!("must be \"public\", \"secret\" or \"keys\", not \"{other}\""))),
    }
}

fn key(file: &Located<PathBuf>) -> Result<VerificationKey, Fault> {
    let pem = read_limited(&file.value, KEY_MAX_SIZE).map_err(|error| file.file_fault(error))?;
    VerificationKey::from_pem(&pem).map_err(|error| file.file_fault(error))
}
