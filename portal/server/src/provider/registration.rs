//! Adding a site to the file of registered sites.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use openssl::sha::sha256;
use rand_core::CryptoRng;
use toml::Value;

use super::clients::Registry;
use super::jws::Algorithm;
use crate::configuration::{Fault, REGISTRY_MAX_SIZE};
use crate::files::{FileError, read_limited};
use crate::token::Token;

/// A site as the operator describes it.
#[derive(Debug, Clone)]
pub struct Order {
    /// `client_id`.
    pub id: String,
    /// Its names in Belarusian, Russian and English.
    pub names: [String; 3],
    /// Where answers may be sent.
    pub redirect_uris: Vec<String>,
    /// Where the person may be sent after signing out.
    pub post_logout_redirect_uris: Vec<String>,
    /// What it may ask for, besides `openid`.
    pub scopes: Vec<String>,
    /// How it will prove who it is.
    pub authentication: OrderedAuthentication,
    /// By what its tickets are signed.
    pub algorithm: Algorithm,
    /// Whether it gets refresh tokens.
    pub refresh_tokens: bool,
    /// Whether it must send its requests ahead of its visitors.
    pub require_pushed_requests: bool,
    /// Whether it gets no tokens but those that are bound to a key of its own.
    pub dpop_bound_access_tokens: bool,
    /// Where it is told that a person has signed out.
    pub backchannel_logout_uri: Option<String>,
    /// Whether that may be an address that is not public.
    pub backchannel_logout_private: bool,
}

/// How a site will prove who it is.
#[derive(Debug, Clone)]
pub enum OrderedAuthentication {
    /// It cannot keep a secret.
    Public,
    /// By a secret, which is drawn.
    Secret,
    /// By statements that it signs; its public keys are in these files.
    Keys(Vec<PathBuf>),
}

/// Why a site was not added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        error: FileError,
    },
    /// The file would have a fault with the site added.
    #[error("{}: {fault}", path.display())]
    Fault {
        /// The file.
        path: PathBuf,
        /// What, and where.
        #[source]
        fault: Fault,
    },
}

/// Adds a site to the file, which is made if there is none. Gives the secret, if one was drawn: only its hash is written.
///
/// # Errors
/// [`RegistrationError`]. The file is as it was then.
pub fn add(file: &Path, order: &Order, random: &mut dyn CryptoRng) -> Result<Option<String>, RegistrationError> {
    let failed = |error: FileError| RegistrationError::File { path: file.to_owned(), error };
    let before = match read_limited(file, REGISTRY_MAX_SIZE) {
        Err(FileError::Unreadable(error)) if error.kind() == ErrorKind::NotFound => Vec::new(),
        read => read.map_err(failed)?,
    };
    let secret = match order.authentication {
        OrderedAuthentication::Secret => Some(Token::draw(random).expose_for_caller()),
        OrderedAuthentication::Public | OrderedAuthentication::Keys(_) => None,
    };
    let mut text = String::from_utf8_lossy(&before).into_owned();
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&order.entry(secret.as_deref()));
    let directory = file.parent().unwrap_or(Path::new(""));
    Registry::parse(&text, directory).map_err(|fault| RegistrationError::Fault { path: file.to_owned(), fault })?;
    // In its place at once, or not at all.
    let beside = file.with_extension("new");
    let write = || {
        fs::create_dir_all(directory)?;
        let mut new = File::create(&beside)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, file)
    };
    write().map_err(|error: std::io::Error| failed(error.into()))?;
    Ok(secret)
}

impl Order {
    fn entry(&self, secret: Option<&str>) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let texts = |texts: &[String]| Value::from(texts.to_vec()).to_string();
        let [belarusian, russian, english] = &self.names;
        let scopes: Vec<_> = std::iter::once("openid".to_owned()).chain(self.scopes.iter().cloned()).collect();
        let mut lines = vec![
            "[[client]]".to_owned(),
            format!("id = {}", text(&self.id)),
            format!("name = {{ be = {}, ru = {}, en = {} }}", text(belarusian), text(russian), text(english)),
            format!("redirect_uris = {}", texts(&self.redirect_uris)),
            format!("post_logout_redirect_uris = {}", texts(&self.post_logout_redirect_uris)),
            format!("scopes = {}", texts(&scopes)),
        ];
        match &self.authentication {
            OrderedAuthentication::Public => lines.push("authentication = \"public\"".to_owned()),
            OrderedAuthentication::Secret => {
                let hash = hex::encode(sha256(secret.unwrap_or_default().as_bytes()));
                lines.push("authentication = \"secret\"".to_owned());
                lines.push(format!("secret_sha256 = \"{hash}\""));
            }
            OrderedAuthentication::Keys(files) => {
                let files: Vec<_> = files.iter().map(|file| file.to_string_lossy().into_owned()).collect();
                lines.push("authentication = \"keys\"".to_owned());
                lines.push(format!("keys = {}", texts(&files)));
            }
        }
        lines.push(format!("algorithm = \"{}\"", self.algorithm.name()));
        lines.push(format!("refresh_tokens = {}", self.refresh_tokens));
        if self.require_pushed_requests {
            lines.push("require_pushed_requests = true".to_owned());
        }
        if self.dpop_bound_access_tokens {
            lines.push("dpop_bound_access_tokens = true".to_owned());
        }
        if let Some(address) = &self.backchannel_logout_uri {
            lines.push(format!("backchannel_logout_uri = {}", text(address)));
            lines.push(format!("backchannel_logout_private = {}", self.backchannel_logout_private));
        }
        lines.join("\n") + "\n"
    }
}
