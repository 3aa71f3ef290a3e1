//! Key files: what is refused, and how keys follow one another.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use latchkey_card::profile::Profile;
use latchkey_card::rights::DataGroup;
use latchkey_crypto::secret::BeltKey;
use latchkey_crypto::x509::{Certificate, HolderIdentity, PersonalNumber};
use latchkey_fixtures::data_groups::IdentityAttribute;
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::TestPki;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::keys::{self, CabinetKeys, KeptKeys, Key, KeyFolderError, KeyId, KeySecret, KeyUse, OwnKeys as _};
use latchkey_portal::provider::jws::{Algorithm, FileKey};
use latchkey_portal::terminal::Attributes;
use latchkey_portal::terminal::personal_data::personal_number;
use proptest::prelude::*;

use super::cabinet_keys;
use crate::own_keys::settings;
use crate::process::set_mode;
use crate::support::{Card, NOW};

fn new(directory: &Path, seed: &str) -> KeyId {
    keys::make(&settings(directory), KeyUse::Cabinet, &mut Seeded::new(seed)).unwrap()
}

fn loaded(directory: &Path) -> Result<Vec<KeyId>, String> {
    let loaded = keys::load(&settings(directory), &[KeyUse::Cabinet]);
    loaded
        .map(|keys| keys.keys(KeyUse::Cabinet))
        .map_err(|fault| fault.to_string().replace(directory.to_str().unwrap(), "…"))
}

#[test]
fn a_new_key_is_the_newest_and_only_its_owners() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (new(directory.path(), "first"), new(directory.path(), "second"));
    assert_eq!((first.number(), second.number()), (1, 2));
    assert_eq!(loaded(directory.path()).unwrap(), [second, first]);
    let folder = directory.path().join("keys");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(format!("{first}.key")))), (0o700, 0o600));
}

#[test]
fn a_retired_key_is_not_read_and_its_number_not_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (new(directory.path(), "first"), new(directory.path(), "second"));
    let settings = settings(directory.path());
    assert!(matches!(keys::retire(&settings, second), Err(KeyFolderError::InUse(id)) if id == second));
    keys::retire(&settings, first).unwrap();
    assert!(matches!(keys::retire(&settings, first), Err(KeyFolderError::NoSuchKey(id)) if id == first));
    assert_eq!(loaded(directory.path()).unwrap(), [second]);
    fs::rename(
        directory.path().join(format!("keys/{second}.key")),
        directory.path().join(format!("keys/{second}.retired")),
    )
    .unwrap();
    assert_eq!(new(directory.path(), "third").number(), 3);
}

#[test]
fn keys_are_containers_where_there_is_a_password() {
    let directory = tempfile::tempdir().unwrap();
    let plain = new(directory.path(), "plain");
    let password = directory.path().join("keys.password");
    fs::write(&password, "correct horse\n").unwrap();
    set_mode(&password, 0o600);
    let sealed = new(directory.path(), "sealed");
    assert_eq!(loaded(directory.path()).unwrap(), [sealed, plain], "older keys stay usable");
    let octets = fs::read(directory.path().join(format!("keys/{sealed}.key"))).unwrap();
    assert!(octets.starts_with(&[0x30]) && octets.len() > 100, "{octets:02x?}");

    fs::write(&password, "another\n").unwrap();
    let told = loaded(directory.path()).unwrap_err();
    assert!(told.contains("the container does not open with this password"), "{told}");
    set_mode(&password, 0o640);
    let told = loaded(directory.path()).unwrap_err();
    assert!(told.contains("`keys.password` …/keys.password: is open to others than its owner (mode 640)"), "{told}");
    fs::remove_file(&password).unwrap();
    assert!(loaded(directory.path()).unwrap_err().contains("there is no keys.password"));
}

/// Each row spoils the folder; the fault has the configuration's line and the file.
#[test]
fn a_key_that_cannot_be_trusted_is_refused() {
    type Row = (&'static str, fn(&Path, KeyId), &'static str);
    let rows: [Row; 9] = [
        (
            "key open to others",
            |folder, id| set_mode(&folder.join(format!("{id}.key")), 0o640),
            ".key: is open to others than its owner (mode 640)",
        ),
        ("folder open to others", |folder, _| set_mode(folder, 0o750), "…/keys: is open to others than its owner"),
        ("no folder", |folder, _| fs::remove_dir_all(folder).unwrap(), "…/keys: cannot be read: No such file"),
        (
            "no key",
            |folder, id| fs::remove_file(folder.join(format!("{id}.key"))).unwrap(),
            "…/keys: has no key for it; make one with `latchkey-portal keys new cabinet`",
        ),
        (
            "another key",
            |folder, id| fs::write(folder.join(format!("{id}.key")), "0".repeat(64)).unwrap(),
            ".key: holds another key than its name says",
        ),
        (
            "half a key",
            |folder, id| fs::write(folder.join(format!("{id}.key")), "0".repeat(32)).unwrap(),
            ".key: is not 64 hexadecimal digits",
        ),
        (
            "another name",
            |folder, id| fs::rename(folder.join(format!("{id}.key")), folder.join("mine.key")).unwrap(),
            "mine.key: is no name of a key",
        ),
        (
            "another number",
            |folder, id| {
                let text = id.to_string().replace("cabinet-1-", "cabinet-01-");
                fs::rename(folder.join(format!("{id}.key")), folder.join(format!("{text}.key"))).unwrap();
            },
            ".key: is no name of a key",
        ),
        (
            "the same number twice",
            |folder, _| {
                fs::write(folder.join("cabinet-1-00000000.key"), "0".repeat(64)).unwrap();
            },
            "have the same number",
        ),
    ];
    for (name, spoil, expected) in rows {
        let directory = tempfile::tempdir().unwrap();
        let id = new(directory.path(), "only");
        spoil(&directory.path().join("keys"), id);
        let told = loaded(directory.path()).unwrap_err();
        assert!(told.starts_with("line ") && told.contains("`keys.folder` "), "{name}: {told}");
        assert!(told.contains(expected), "{name}: {told}");
    }
}

/// Whatever the spelling and wherever the number was read, it is one cabinet; and another under another key.
#[test]
fn certificate_and_data_group_name_one_cabinet() {
    let directory = tempfile::tempdir().unwrap();
    let keys = cabinet_keys(directory.path(), 1);
    let pki = TestPki::new("names", NOW).unwrap();
    let card = Card::issue(&pki, |_| {});
    let certificate = Certificate::from_der(&card.certificate).unwrap();
    let of_certificate = HolderIdentity::of(&certificate).unwrap().personal_number().clone();
    let holder = &sample_holders()[0];
    let mut attributes = Attributes::default();
    let number =
        IdentityAttribute::PersonalNumber { country: "BY".to_owned(), number: holder.person.personal_number.clone() };
    let group = DataGroup::new(number.number()).unwrap();
    attributes.take(&Profile::standard(), group, &number.to_octets().unwrap()).unwrap();
    let of_group = personal_number(&attributes).unwrap().unwrap();
    let typed = PersonalNumber::parse(&format!(" {}\n", holder.person.personal_number.to_lowercase())).unwrap();
    let names = [&of_certificate, &of_group, &typed].map(|number| keys.names(number).unwrap());
    assert_eq!(names[0], names[1]);
    assert_eq!(names[0], names[2]);
    assert_ne!(names[0].newest.name, cabinet_keys(directory.path(), 1).names(&typed).unwrap().newest.name);
    let other = PersonalNumber::parse("3000000A000PB9").unwrap();
    assert_ne!(names[0].newest.name, keys.names(&other).unwrap().newest.name);
    assert_eq!(personal_number(&Attributes::default()).unwrap(), None);
}

#[test]
fn older_keys_give_older_names() {
    let directory = tempfile::tempdir().unwrap();
    let number = PersonalNumber::parse("3000000A000PB0").unwrap();
    let first = cabinet_keys(directory.path(), 1).names(&number).unwrap();
    let third = cabinet_keys(directory.path(), 2).names(&number).unwrap();
    assert_eq!((first.newest.key, third.newest.key), (1, 3));
    assert_eq!(third.older.len(), 2);
    assert_eq!(third.older[1], first.newest.name);
    assert_eq!(format!("{:?}", first.newest.name), "CabinetName(hidden)");
    assert!(CabinetKeys::new(Arc::new(KeptKeys::default())).is_none());
}

#[test]
fn a_key_is_hidden_and_its_name_has_one_spelling() {
    let secret = KeySecret::Mac(BeltKey::new([7; 32]));
    let id = KeyId::of(KeyUse::Cabinet, 12, &secret);
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!(format!("{:?}", Key { id, secret }).contains("secret: hidden"));
    let check = id.to_string().rsplit('-').next().unwrap().to_owned();
    for wrong in [
        format!("cabinet-012-{check}"),
        format!("cabinet-+12-{check}"),
        format!("cabinet-0-{check}"),
        format!("cabinet-12-{}", check.to_uppercase() + "A"),
        format!("cabinet-12-{check}0"),
        format!("cabinets-12-{check}"),
        format!("cabinet-4294967296-{check}"),
        "cabinet-12".to_owned(),
        String::new(),
    ] {
        assert!(wrong.parse::<KeyId>().is_err(), "{wrong}");
    }
}

/// Keys that an earlier version had in files elsewhere, or that something else has made.
#[test]
fn keys_are_taken_over_from_other_files() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let file = directory.path().join("given");
    let take = |of, octets: &[u8], mode| {
        fs::write(&file, octets).unwrap();
        set_mode(&file, mode);
        let taken = keys::take(&settings, of, &file, &mut Seeded::new("salt"));
        taken.map_err(|error| error.to_string().replace(directory.path().to_str().unwrap(), "…"))
    };
    let digits = "51".repeat(32);
    let subject = take(KeyUse::Subject, format!("{digits}\n").as_bytes(), 0o600).unwrap();
    assert_eq!(subject, Key::new(KeyUse::Subject, 1, KeySecret::Mac(BeltKey::new([0x51; 32]))).id);
    assert!(file.exists(), "the file stays");
    let told = take(KeyUse::Subject, digits.as_bytes(), 0o600).unwrap_err();
    assert!(told.contains("every site would take everybody for somebody else"), "{told}");
    assert!(matches!(keys::make(&settings, KeyUse::Subject, &mut Seeded::new("x")), Err(KeyFolderError::OnlyOne)));

    let key = FileKey::draw(Algorithm::Es256).unwrap();
    let pem = key.to_pem(None).unwrap();
    let ticket = take(KeyUse::Ticket(Algorithm::Es256), &pem, 0o600).unwrap();
    let of_tickets = keys::load(&settings, &KeyUse::OF_TICKETS).unwrap();
    assert!(of_tickets.public(&ticket).is_some() && of_tickets.sign(&ticket, b"input").is_ok());
    assert!(of_tickets.mac(&ticket, &[b"input"]).is_err(), "a key serves one use");

    for (of, octets, mode, expected) in [
        (KeyUse::Ticket(Algorithm::Rs256), pem.as_slice(), 0o600, "that is no key for ticket-rs256: is not for RS256"),
        (KeyUse::Seal, b"51", 0o600, "that is no key for seal: is not 64 hexadecimal digits"),
        (KeyUse::Seal, digits.as_bytes(), 0o640, "that is no key for seal: …/given: is open to others"),
    ] {
        let told = take(of, octets, mode).unwrap_err();
        assert!(told.starts_with(expected), "{told}");
    }
}

/// With a password every kind of key is encrypted, and opens with it alone.
#[test]
fn every_kind_of_key_is_encrypted_where_there_is_a_password() {
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("keys.password");
    fs::write(&password, "correct horse\n").unwrap();
    set_mode(&password, 0o600);
    for of in KeyUse::ALL.into_iter().filter(|of| *of != KeyUse::Ticket(Algorithm::Rs256)) {
        let id = keys::make(&settings(directory.path()), of, &mut Seeded::new(of.name())).unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(keys::load(&settings(directory.path()), &[of]).unwrap().keys(of), [id]);
        let octets = fs::read(directory.path().join(format!("keys/{id}.key"))).unwrap();
        let is_sealed = octets.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || octets.starts_with(&[0x30]);
        assert!(is_sealed, "{id}");
        fs::write(&password, "another\n").unwrap();
        assert!(keys::load(&settings(directory.path()), &[of]).is_err(), "{id}");
        fs::write(&password, "correct horse\n").unwrap();
    }
}

proptest! {
    #[test]
    fn no_text_is_read_as_another_keys_name(text in "(cabinet-)?[0-9a-f-]{0,24}") {
        if let Ok(id) = text.parse::<KeyId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn every_key_file_is_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let directory = tempfile::tempdir().unwrap();
        let id = new(directory.path(), "only");
        fs::write(directory.path().join(format!("keys/{id}.key")), octets).unwrap();
        prop_assert!(loaded(directory.path()).is_err());
    }
}
