//! A module in place of the terminal's key files: it does what it is asked, and gives no key out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use latchkey_card::profile::Profile;
use latchkey_crypto::bauth::{BauthError, TerminalKey};
use latchkey_crypto::belt;
use latchkey_crypto::bign::{PUBLIC_KEY_SIZE, PrivateKey, SIGNATURE_SIZE};
use latchkey_crypto::cms::SignedMessage;
use latchkey_crypto::secret::SecretOctets;
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::TestPki;
use latchkey_portal::configuration::{CredentialFiles, Fault, TicketFiles};
use latchkey_portal::keys::KeyUnavailable;
use latchkey_portal::terminal::{SigningKey, TerminalKeys};
use serde_json::json;

use super::credentials::{configured, terminal, write};
use super::tickets::{OPERATOR, established, read, request, signed, tickets_section, with_tickets};
use super::world::{World, octets};

/// What is in the module, and how it is used.
struct Module {
    certificate: PrivateKey,
    tickets: PrivateKey,
    agreements: AtomicU32,
    signatures: AtomicU32,
    is_gone: AtomicBool,
}

/// What a program has of a key in it.
struct Handle(Arc<Module>);

/// The module, as the terminal is given it.
struct Slot(Arc<Module>);

impl Module {
    fn new(pki: &TestPki) -> Arc<Self> {
        Arc::new(Self {
            certificate: terminal(&pki.cv_pki().unwrap()).key,
            tickets: pki.key_of(OPERATOR),
            agreements: AtomicU32::new(0),
            signatures: AtomicU32::new(0),
            is_gone: AtomicBool::new(false),
        })
    }

    fn used(&self) -> (u32, u32) {
        (self.agreements.load(Ordering::Relaxed), self.signatures.load(Ordering::Relaxed))
    }
}

impl TerminalKeys for Slot {
    fn of_certificate(&self, _: &CredentialFiles) -> Result<Box<dyn TerminalKey>, Fault> {
        Ok(Box::new(Handle(Arc::clone(&self.0))))
    }

    fn of_tickets(&self, _: &TicketFiles) -> Result<Box<dyn SigningKey>, Fault> {
        Ok(Box::new(Handle(Arc::clone(&self.0))))
    }
}

impl TerminalKey for Handle {
    fn shared_x(&self, point: &[u8; PUBLIC_KEY_SIZE]) -> Result<SecretOctets<32>, BauthError> {
        if self.0.is_gone.load(Ordering::Relaxed) {
            return Err(BauthError::KeyUnavailable);
        }
        self.0.agreements.fetch_add(1, Ordering::Relaxed);
        self.0.certificate.shared_x(point)
    }

    fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE] {
        self.0.certificate.public_key()
    }
}

impl SigningKey for Handle {
    fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE] {
        self.0.tickets.public_key()
    }

    fn sign_hash(&self, hash: &[u8; belt::HASH_SIZE]) -> Result<[u8; SIGNATURE_SIZE], KeyUnavailable> {
        if self.0.is_gone.load(Ordering::Relaxed) {
            return Err(KeyUnavailable);
        }
        self.0.signatures.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.tickets.sign_hash(hash))
    }
}

/// A card and the terminal authenticate each other, and a ticket is signed; the files have no keys.
#[tokio::test]
async fn a_module_that_gives_no_key_out_serves_as_well() {
    let mut module = None;
    let text = format!("{}\n{}", configured(), tickets_section());
    let prepare = |directory: &std::path::Path, cv: &latchkey_fixtures::cv::CvPki| {
        with_tickets(directory, cv);
        for file in ["terminal.sk", "tickets.sk"] {
            write(directory, file, b"in the module", 0o600);
        }
    };
    let world =
        World::with_keys(&text, prepare, |pki| Arc::new(Slot(Arc::clone(module.insert(Module::new(pki)))))).await;
    let module = module.unwrap();
    let message = signed(&world.pki, &request());
    let holder = &sample_holders()[0];
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = established(&world, &mut card, &profile, holder, &message, &[4, 5, 7]).await;
    assert_eq!(module.used(), (1, 0));
    read(&mut session).await;
    let ticket = octets(&session.ask_at("/latchkey/v1/tickets/issue", json!({})).await["ticket"]);
    assert!(SignedMessage::read(ticket.as_slice(), |_| Ok(())).is_ok());
    assert_eq!(module.used(), (1, 1));

    // Pulled out before the ticket: nobody is told more than that the service has a fault.
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = established(&world, &mut card, &profile, holder, &message, &[4, 5, 7]).await;
    read(&mut session).await;
    module.is_gone.store(true, Ordering::Relaxed);
    let refused = session.post_at("/latchkey/v1/tickets/issue", json!({})).await;
    assert_eq!(refused.refusal(), (500, "internal-error".to_owned()));
    assert_eq!(module.used(), (2, 1));
}
