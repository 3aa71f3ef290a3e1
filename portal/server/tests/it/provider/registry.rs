//! The file of registered sites and the folder of keys: what is accepted, how each fault is pointed at, and how they are
//! taken anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use latchkey_portal::configuration::Configuration;
use latchkey_portal::files::Renewal;
use latchkey_portal::keys::{self, KeptKeys, Key, KeySecret, KeyUse};
use latchkey_portal::provider::ProviderMaterial;
use latchkey_portal::provider::clients::Registry;
use latchkey_portal::provider::jws::Algorithm;
use latchkey_portal::provider::jws::FileKey;
use latchkey_portal::provider::registered::RegisteredOnDisk;
use latchkey_portal::provider::ticket_keys::TicketKeys;
use proptest::prelude::*;

use super::world::{RSA_KEY, clients, configured, settings, write_files};
use crate::own_keys;
use crate::process::{Installation, set_mode};

fn parse(text: &str, directory: &Path) -> Result<Registry, String> {
    Registry::parse(text, directory).map_err(|fault| fault.to_string())
}

/// Each row replaces a line of the sound file; the fault names the line and the key.
#[test]
fn every_fault_of_the_registry_is_told_with_its_line_and_key() {
    let directory = tempfile::tempdir().unwrap();
    write_files(directory.path(), &clients());
    let folder = directory.path().join("provider");
    assert_eq!(parse(&clients(), &folder).unwrap().clients().count(), 3);
    assert_eq!(parse("", &folder).unwrap().clients().count(), 0, "nobody need be registered");
    let rows = [
        ("id = \"shop\"", "id = \"a shop\"", "`client.id` a client's name has 1 to 100 letters"),
        ("id = \"clinic\"", "id = \"shop\"", "`client.id` stands there twice"),
        ("id = \"shop\"", "id = 1", "`client.id` must be a string, not a whole number"),
        ("id = \"shop\"", "", "`client.id` is missing"),
        (
            "name = { be = \"Крама\"",
            "name = { be = \"\", ru = \"Магазин\", en = \"Shop\" }",
            "`client.name.be` must have 1 to 100 characters, not 0",
        ),
        ("redirect_uris = [\"https://shop", "redirect_uris = []", "`client.redirect_uris` must not be empty"),
        (
            "redirect_uris = [\"https://shop",
            "redirect_uris = [\"http://shop.example/back\"]",
            "`client.redirect_uris` must be an HTTPS address",
        ),
        (
            "redirect_uris = [\"https://shop",
            "redirect_uris = [\"https://shop.example/back#x\"]",
            "`client.redirect_uris` must be an HTTPS address",
        ),
        (
            "redirect_uris = [\"https://shop",
            "redirect_uris = [\"https://shop.example/\", \"https://other.example/\"]",
            "`client.redirect_uris` must be on the same host as the others",
        ),
        (
            "post_logout_redirect_uris = ",
            "post_logout_redirect_uris = [\"javascript:alert(1)\"]",
            "`client.post_logout_redirect_uris` must be an HTTPS address",
        ),
        ("scopes = [\"openid\", \"profile\", \"personal", "scopes = [\"profile\"]", "`client.scopes` must list openid"),
        (
            "scopes = [\"openid\", \"profile\", \"personal",
            "scopes = [\"openid\", \"email\"]",
            "`client.scopes` must be of openid",
        ),
        (
            "authentication = \"secret\"",
            "authentication = \"none\"",
            "`client.authentication` must be \"public\", \"secret\" or",
        ),
        ("secret_sha256 = ", "secret_sha256 = \"shop\"", "`client.secret_sha256` must be 64 hexadecimal digits"),
        ("secret_sha256 = ", "", "`client.secret_sha256` is missing"),
        ("keys = ", "keys = []", "`client.keys` must not be empty"),
        ("keys = ", "keys = [\"none.pem\"]", "`client.keys` "),
        ("keys = ", "keys = [\"clients.toml\"]", "`client.keys` "),
        ("algorithm = \"ES256\"", "algorithm = \"none\"", "`client.algorithm` must be \"ES256\" or \"RS256\""),
        (
            "refresh_tokens = ",
            "refresh_tokens = \"yes\"",
            "`client.refresh_tokens` must be true or false, not a string",
        ),
        ("refresh_tokens = ", "refresh = true", "`client.refresh` there is no such key"),
        (
            "refresh_tokens = ",
            "backchannel_logout_uri = \"http://shop.example/\"",
            "`client.backchannel_logout_uri` must be an HTTPS address",
        ),
        (
            "refresh_tokens = ",
            "backchannel_logout_uri = \"https://10.0.0.1/\"",
            "`client.backchannel_logout_uri` is not public, which backchannel_logout_private = true",
        ),
        (
            "refresh_tokens = ",
            "backchannel_logout_private = 1",
            "`client.backchannel_logout_private` must be true or false",
        ),
    ];
    for (line, replacement, expected) in rows {
        let mut is_replaced = false;
        let faulty: Vec<_> = clients()
            .lines()
            .map(|found| {
                let replace = !is_replaced && found.starts_with(line);
                is_replaced |= replace;
                if replace { replacement.to_owned() } else { found.to_owned() }
            })
            .collect();
        assert!(is_replaced, "{line}");
        let told = parse(&faulty.join("\n"), &folder).unwrap_err();
        let (place, told) = told.split_once(": ").unwrap();
        assert!(told.starts_with(expected), "{replacement}: {told}");
        let number: usize = place.strip_prefix("line ").unwrap().parse().unwrap();
        let at_fault = &faulty[number - 1];
        assert!(
            replacement.is_empty() || at_fault.starts_with(replacement),
            "{replacement}: line {number} is {at_fault}"
        );
    }
    for text in ["client = 1", "client = [1]", "[client]\nid = \"x\"", "other = 1"] {
        assert!(parse(text, &folder).unwrap_err().starts_with("line 1: "), "{text}");
    }
}

proptest! {
    /// Whatever the file says, it is accepted or its fault is told with a line of it.
    #[test]
    fn an_altered_registry_is_accepted_or_told_apart(at in 0..1400_usize, with in "[\\PC\n]{0,3}", cut in 0..40_usize) {
        let sound = clients();
        let (at, end) = (at.min(sound.len()), (at + cut).min(sound.len()));
        prop_assume!(sound.is_char_boundary(at) && sound.is_char_boundary(end));
        let altered = format!("{}{with}{}", &sound[..at], &sound[end..]);
        if let Err(fault) = Registry::parse(&altered, Path::new("/nowhere")) {
            prop_assert!((1..=altered.lines().count() + 1).contains(&fault.line), "{}", fault);
        }
    }
}

#[test]
fn no_prefix_of_a_registry_gives_a_site_more() {
    let whole = clients();
    for kept in (0..whole.len()).filter(|kept| whole.is_char_boundary(*kept)) {
        if let Ok(registry) = Registry::parse(&whole[..kept], Path::new("/nowhere")) {
            assert!(registry.clients().all(|client| client.id.as_str() == "shop"), "{kept}");
        }
    }
}

/// The newest of each algorithm signs; the others are published until they are retired.
#[test]
fn keys_are_rotated_by_files() {
    let directory = tempfile::tempdir().unwrap();
    let of = KeyUse::Ticket(Algorithm::Es256);
    let made = own_keys::make(directory.path(), &[of, of]);
    let read = || TicketKeys::of(&own_keys::loaded(directory.path(), &KeyUse::OF_TICKETS)).unwrap();
    let loaded = own_keys::loaded(directory.path(), &KeyUse::OF_TICKETS);
    let names: Vec<_> = made.iter().map(|id| loaded.public(id).unwrap().id().to_owned()).collect();
    let keys = read();
    let signs = |keys: &TicketKeys, algorithm| keys.signing(algorithm).map(|key| key.public().id().to_owned());
    assert_eq!(signs(&keys, Algorithm::Es256).as_ref(), Some(&names[1]));
    assert_eq!(signs(&keys, Algorithm::Rs256), None);
    assert_eq!(keys.public().map(|key| key.id()).collect::<Vec<_>>(), [&names[0], &names[1]]);
    let settings = own_keys::settings(directory.path());
    assert!(keys::retire(&settings, made[1]).is_err(), "the newest stays");
    keys::retire(&settings, made[0]).unwrap();
    assert_eq!(read().public().map(|key| key.id()).collect::<Vec<_>>(), [&names[1]]);
    let many: KeptKeys = (1..=33).map(|number| Key::new(of, number, drawn())).collect();
    assert!(TicketKeys::of(&(Arc::new(many) as _)).is_none(), "what every site fetches has an end");
}

fn drawn() -> KeySecret {
    KeySecret::Signing(Box::new(FileKey::draw(Algorithm::Es256).unwrap()))
}

#[test]
fn changed_sites_and_keys_are_taken_or_the_former_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    write_files(directory.path(), &clients());
    let registered = RegisteredOnDisk::load(&settings(directory.path())).unwrap();
    assert_eq!(registered.renew().unwrap(), Renewal::Unchanged);
    let file = directory.path().join("provider/clients.toml");
    std::fs::write(&file, "[[client]]\n").unwrap();
    let fault = registered.renew().unwrap_err().to_string();
    assert!(fault.contains("`provider.clients`") && fault.contains("line 1: `client.id` is missing"), "{fault}");
    assert!(registered.current().registry.client("shop").is_some());
    std::fs::write(&file, clients().replace("\"shop\"", "\"market\"")).unwrap();
    assert_eq!(registered.renew().unwrap(), Renewal::Taken);
    assert!(registered.current().registry.client("shop").is_none());
    assert!(registered.current().registry.client("market").is_some());
    let made = own_keys::make(directory.path(), &[KeyUse::Ticket(Algorithm::Es256)]);
    assert_eq!(registered.renew().unwrap(), Renewal::Taken);
    let current = registered.current();
    let loaded = own_keys::loaded(directory.path(), &KeyUse::OF_TICKETS);
    let signing = current.keys.signing(Algorithm::Es256).unwrap().public();
    assert_eq!(signing.id(), loaded.public(&made[0]).unwrap().id());
    std::fs::remove_file(key_file(directory.path(), "ticket-rs256")).unwrap();
    let fault = registered.renew().unwrap_err().to_string();
    assert!(fault.contains("has no key for RS256, by which a site wants its tickets"), "{fault}");
}

/// Each row spoils one file; the fault names the key of the configuration.
#[test]
fn a_file_of_the_provider_that_cannot_be_used_is_named() {
    type Spoil = fn(&Path);
    let rows: [(&str, Spoil); 9] = [
        ("`provider.clients`", |it| std::fs::remove_file(it.join("provider/clients.toml")).unwrap()),
        ("`provider.clients`", |it| std::fs::write(it.join("provider/clients.toml"), [0xFF, 0xFE]).unwrap()),
        ("`keys.folder`", |it| std::fs::remove_dir_all(it.join("keys")).unwrap()),
        ("`keys.folder`", |it| set_mode(&key_file(it, "ticket-rs256"), 0o604)),
        ("`keys.folder`", |it| set_mode(&key_file(it, "subject"), 0o640)),
        ("`keys.folder`", |it| std::fs::write(key_file(it, "subject"), "short").unwrap()),
        ("`keys.folder`", |it| std::fs::remove_file(key_file(it, "seal")).unwrap()),
        ("`provider.tls_authorities`", |it| std::fs::remove_file(it.join("provider/sites-tls.pem")).unwrap()),
        ("`provider.tls_authorities`", |it| std::fs::write(it.join("provider/sites-tls.pem"), "none").unwrap()),
    ];
    for (key, spoil) in rows {
        let directory = tempfile::tempdir().unwrap();
        write_files(directory.path(), &clients());
        spoil(directory.path());
        let Err(fault) = ProviderMaterial::load(&settings(directory.path())) else { panic!("{key} was accepted") };
        assert!(fault.to_string().contains(key), "{fault}");
    }
    let fault = |text: &str| Configuration::parse(text, Path::new("/etc/latchkey")).unwrap_err().to_string();
    let text = configured();
    let without: Vec<_> = text.lines().filter(|line| !line.starts_with("clients = ")).collect();
    assert!(fault(&without.join("\n")).ends_with("`provider.clients` is missing"));
    let without = text.replace("\n[keys]", "\n#[keys]").replace("\nfolder = ", "\n#folder = ");
    assert!(fault(&without).ends_with("`provider` needs the section [keys]"));
    for (key, of) in [("ticket_keys", "ticket-es256"), ("subject_key", "subject"), ("seal_key", "seal")] {
        let told = fault(&format!("{text}\n{key} = \"old.key\"\n"));
        let expected =
            format!("`provider.{key}` is in keys.folder now: `latchkey-portal keys take {of} FILE` puts it there");
        assert!(told.ends_with(&expected), "{told}");
    }
}

/// The file of the one key for that use.
fn key_file(directory: &Path, of: &str) -> PathBuf {
    let mut files = std::fs::read_dir(directory.join("keys")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(of)).unwrap()
}

/// The commands of an operator, from nothing to a site that is registered.
#[test]
fn an_operator_makes_keys_and_registers_sites_by_command() {
    let installation = Installation::new();
    let folder = installation.directory.path();
    let file = folder.join("portal.toml");
    let configuration = own_keys::with_folder(&std::fs::read_to_string(&file).unwrap());
    let provider =
        configured().split_once("[provider]\n").unwrap().1.replace("tls_authorities = ", "#tls_authorities = ");
    std::fs::write(&file, format!("{configuration}\n[provider]\n{provider}")).unwrap();
    let run = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"));
        command.args(&arguments[..2]).arg("--config").arg(&file).args(&arguments[2..]).output().unwrap()
    };
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();

    std::fs::create_dir(folder.join("provider")).unwrap();
    for of in ["subject", "seal", "ticket-es256", "ticket-rs256"] {
        let made = run(&["keys", "new", of]);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
        assert!(text(&made.stdout).starts_with(&format!("{of}-1-")), "{}", text(&made.stdout));
    }
    assert_eq!(run(&["keys", "new", "subject"]).status.code(), Some(7), "there is only ever one");
    std::fs::write(folder.join("old-seal.key"), "5E".repeat(32)).unwrap();
    set_mode(&folder.join("old-seal.key"), 0o600);
    let taken = run(&["keys", "take", "seal", folder.join("old-seal.key").to_str().unwrap()]);
    assert!(text(&taken.stdout).starts_with("seal-2-"), "{}", text(&taken.stderr));
    let add = |id| {
        [
            "clients",
            "add",
            "--id",
            id,
            "--name-be",
            "Крама",
            "--name-ru",
            "Магазин",
            "--name-en",
            "Shop \"1\"",
            "--redirect-uri",
            "https://shop.example/back",
            "--scope",
            "profile",
        ]
    };
    let added = run(&add("shop"));
    assert_eq!(added.status.code(), Some(0), "{}", text(&added.stderr));
    let secret = text(&added.stdout).split("client_secret: ").nth(1).unwrap().trim().to_owned();
    assert_eq!(secret.len(), 43);
    assert!(!std::fs::read_to_string(folder.join("provider/clients.toml")).unwrap().contains(&secret));
    let noted = text(&added.stderr);
    assert!(noted.contains("\"client\":\"shop\",\"command\":\"clients add\",\"outcome\":\"done\""), "{noted}");
    assert!(!noted.contains(&secret), "{noted}");
    std::fs::write(
        folder.join("clinic.pem"),
        openssl::pkey::PKey::private_key_from_pem(&RSA_KEY).unwrap().public_key_to_pem().unwrap(),
    )
    .unwrap();
    let key = folder.join("clinic.pem");
    let with_key =
        [&add("clinic")[..], &["--key", key.to_str().unwrap(), "--algorithm", "ES256", "--refresh-tokens"]].concat();
    let told = ["--backchannel-logout-uri", "https://10.0.0.1/told"];
    let refused = run(&[&with_key[..], &told].concat());
    assert!(text(&refused.stderr).contains("is not public"), "{}", text(&refused.stderr));
    let with_key = [&with_key[..], &told, &["--backchannel-logout-private"]].concat();
    assert_eq!(text(&run(&with_key).stdout), "clinic: added\n");
    assert_eq!(text(&run(&[&add("app")[..], &["--public"]].concat()).stdout), "app: added\n");
    let held = ["--require-pushed-requests", "--dpop-bound-access-tokens"];
    assert_eq!(run(&[&add("bank")[..], &held].concat()).status.code(), Some(0));
    let registry = std::fs::read_to_string(folder.join("provider/clients.toml")).unwrap();
    let registry = parse(&registry, &folder.join("provider")).unwrap();
    let bank = registry.client("bank").unwrap();
    assert!(bank.must_push && bank.must_bind && !registry.client("app").unwrap().must_push);
    let twice = run(&add("shop"));
    assert_eq!(twice.status.code(), Some(7));
    assert!(text(&twice.stderr).contains("`client.id` stands there twice"), "{}", text(&twice.stderr));

    let checked = run(&["clients", "check"]);
    let listed = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    let expected = [
        "app: Shop \"1\"; openid profile; public; RS256; https://shop.example/back",
        "bank: Shop \"1\"; openid profile; secret; RS256; https://shop.example/back",
        "clinic: Shop \"1\"; openid profile; keys; ES256; https://shop.example/back",
        "shop: Shop \"1\"; openid profile; secret; RS256; https://shop.example/back",
    ];
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
    let sound = installation.command("check").output().unwrap();
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stderr));
    let without = Installation::new();
    let file = without.directory.path().join("portal.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"));
    let refused = command.args(["clients", "check", "--config"]).arg(&file).output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("`provider` is missing"), "{}", text(&refused.stderr));
}
