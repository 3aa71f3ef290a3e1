//! Revocation lists that change on disk.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_crypto::x509::{REVOCATION_LIST_MAX_SIZE, RevocationListError, VerifiedRevocationList};
use latchkey_fixtures::pki::{Revocation, RevocationReason, TestPki};
use latchkey_portal::files::FileError;
use latchkey_portal::revocation::{ListFault, ListFile, ListRenewal, ListsOnDisk};
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use tokio::task::JoinSet;

use crate::process::{Installation, present};
use crate::support::{Card, NOW, ORIGIN, World, trust, write_lists};

fn load(directory: &Path, pki: &TestPki) -> ListsOnDisk {
    let files = ["root.crl.der", "authority.crl.der"].map(|name| ListFile::kept(directory.join(name))).into();
    ListsOnDisk::load(files, &trust(pki)).unwrap()
}

fn revoked_count(lists: &ListsOnDisk) -> usize {
    lists.current().lists().map(VerifiedRevocationList::revoked_count).sum()
}

fn revocation() -> Revocation {
    Revocation {
        serial_number: vec![0x12, 0x34],
        revoked_at: NOW - Duration::days(4),
        reason: RevocationReason::KeyCompromise,
    }
}

/// Of how many changed files the list was taken; none may be at fault.
fn taken(renewal: &ListRenewal) -> usize {
    assert!(renewal.faults.is_empty(), "{:?}", renewal.faults);
    renewal.taken.len()
}

/// Puts a new file in the place of an old one, as a fetcher should: never is only a part of it there.
fn replace(path: &Path, octets: &[u8]) {
    let new = path.with_extension("new");
    std::fs::write(&new, octets).unwrap();
    std::fs::rename(new, path).unwrap();
}

#[test]
fn a_changed_list_is_taken_into_use() {
    let directory = tempfile::tempdir().unwrap();
    let pki = TestPki::new("lists", NOW).unwrap();
    write_lists(directory.path(), &pki, &[], NOW);
    let lists = load(directory.path(), &pki);
    assert_eq!(revoked_count(&lists), 0);
    assert_eq!(taken(&lists.renew()), 0);
    let in_use = lists.current();
    let newer = pki.authority().revocation_list(&[revocation()], NOW + Duration::days(1), 2).unwrap();
    replace(&directory.path().join("authority.crl.der"), &newer);
    assert_eq!(taken(&lists.renew()), 1, "the other file has not changed and is not read");
    assert_eq!(taken(&lists.renew()), 0);
    assert_eq!((revoked_count(&lists), lists.current().lists().count()), (1, 2));
    assert_eq!(in_use.lists().map(VerifiedRevocationList::revoked_count).sum::<usize>(), 0, "a sign-in that has begun");
}

#[test]
fn what_is_not_usable_does_not_displace_what_is_in_use() {
    let pki = TestPki::new("lists", NOW).unwrap();
    let stranger = TestPki::new("stranger", NOW).unwrap();
    let later = NOW + Duration::days(1);
    let whole = pki.authority().revocation_list(&[], later, 6).unwrap();
    let of_stranger = stranger.authority().revocation_list(&[], later, 6).unwrap();
    let older = pki.authority().revocation_list(&[], NOW - Duration::SECOND, 6).unwrap();
    let of_lower_number = pki.authority().revocation_list(&[], later, 4).unwrap();
    let altered: Vec<u8> = whole.split_last().map(|(last, rest)| [rest, &[last ^ 1]].concat()).unwrap();
    let too_long = vec![0x30; REVOCATION_LIST_MAX_SIZE + 1];
    type IsFault = fn(&ListFault) -> bool;
    let rows: [(&str, Option<&[u8]>, IsFault); 9] = [
        ("half written", Some(&whole[..whole.len() / 2]), |fault| matches!(fault, ListFault::List(_))),
        ("emptied", Some(&[]), |fault| matches!(fault, ListFault::List(RevocationListError::Der(_)))),
        ("too long", Some(&too_long), |fault| matches!(fault, ListFault::File(FileError::TooLong(_)))),
        ("an altered signature", Some(&altered), |fault| matches!(fault, ListFault::NoAuthority)),
        ("by an authority of the same name", Some(&of_stranger), |fault| matches!(fault, ListFault::NoAuthority)),
        ("a second older than the one in use", Some(&older), |fault| matches!(fault, ListFault::Older)),
        ("of a lower number", Some(&of_lower_number), |fault| matches!(fault, ListFault::Older)),
        ("a certificate", Some(&pki.root().certificate().der), |fault| matches!(fault, ListFault::List(_))),
        ("removed", None, |fault| matches!(fault, ListFault::File(FileError::Unreadable(_)))),
    ];
    for (name, octets, is_fault) in rows {
        let directory = tempfile::tempdir().unwrap();
        write_lists(directory.path(), &pki, &[], NOW);
        let path = directory.path().join("authority.crl.der");
        std::fs::write(&path, pki.authority().revocation_list(&[revocation()], NOW, 5).unwrap()).unwrap();
        let lists = load(directory.path(), &pki);
        match octets {
            Some(octets) => replace(&path, octets),
            None => std::fs::remove_file(&path).unwrap(),
        }
        for attempt in ["first", "second"] {
            let ListRenewal { taken, faults } = lists.renew();
            let [error] = &faults[..] else { panic!("{name}, {attempt} attempt: {faults:?}") };
            assert!(is_fault(&error.fault), "{name}, {attempt} attempt: {error}");
            assert_eq!((&error.path, taken.len()), (&path, 0), "{name}");
        }
        assert_eq!(revoked_count(&lists), 1, "{name}");

        // Nor does it keep another file's list from being taken.
        let of_root = pki.root().revocation_list(&[revocation(), revocation()], later, 6).unwrap();
        replace(&directory.path().join("root.crl.der"), &of_root);
        let ListRenewal { taken: of_others, faults } = lists.renew();
        assert_eq!((of_others.len(), faults.len(), revoked_count(&lists)), (1, 1, 2), "{name}");

        replace(&path, &whole);
        assert_eq!(taken(&lists.renew()), 1, "{name}");
        assert_eq!(revoked_count(&lists), 1, "{name}");
    }
}

#[test]
fn no_authoritys_list_goes_away_because_files_are_mixed_up() {
    let directory = tempfile::tempdir().unwrap();
    let pki = TestPki::new("lists", NOW).unwrap();
    write_lists(directory.path(), &pki, &[revocation()], NOW);
    let lists = load(directory.path(), &pki);
    let of_root = pki.root().revocation_list(&[], NOW, 1).unwrap();
    replace(&directory.path().join("authority.crl.der"), &of_root);
    assert_eq!(taken(&lists.renew()), 1);
    assert_eq!((lists.current().lists().count(), revoked_count(&lists)), (2, 1));
}

/// The new list's file is read up to its middle, and no further until people have signed in meanwhile.
#[tokio::test]
async fn nobody_waits_while_a_list_is_read() {
    let world = World::new().await;
    let card = world.card();
    let revoked = Revocation { serial_number: card.serial_number.clone(), ..revocation() };
    let list = world.pki.authority().revocation_list(&[revoked], NOW, 2).unwrap();
    let path = world.directory().join("authority.crl.der");
    std::fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let portal = Arc::clone(&world.portal);
    let renewal = std::thread::spawn(move || portal.renew_revocation());
    // Opening it waits for the reader.
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    let (first, second) = list.split_at(list.len() / 2);
    file.write_all(first).unwrap();
    for _ in 0..3 {
        assert_eq!(world.browser().sign_in(&card).await.status, StatusCode::OK);
    }
    assert!(!renewal.is_finished());
    file.write_all(second).unwrap();
    drop(file);
    renewal.join().unwrap();
    assert_eq!(world.browser().sign_in(&card).await.refusal(), (422, "certificate-revoked".to_owned()));
}

/// The service as it is run: lists as long as a country's take each other's place while people sign in without a pause.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_million_entries_take_each_others_place_while_people_sign_in() {
    const ENTRIES: u32 = 500_000;
    let installation = Installation::new();
    let mut service = installation.start();
    let (now, authority) = (present(), installation.pki.authority());
    let holder = Arc::new(installation.card());
    let loser = Arc::new(Card::issue(&installation.pki, |order| order.label = "loser".to_owned()));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut visitors = JoinSet::new();
    for card in [&holder, &loser] {
        let (card, is_over) = (Arc::clone(card), Arc::clone(&is_over));
        let (client, url) = (installation.client(), service.url(""));
        visitors.spawn(async move {
            let mut verdicts = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                verdicts.push(sign_in(&client, &url, &card).await);
            }
            verdicts
        });
    }
    let path = installation.directory.path().join("pki/authority.crl.der");
    let lost =
        Revocation { serial_number: loser.serial_number.clone(), revoked_at: now - Duration::HOUR, ..revocation() };
    let without = authority.long_revocation_list(&[], ENTRIES, now, 2).unwrap();
    let with = authority.long_revocation_list(&[lost], ENTRIES, now, 3).unwrap();
    for (octets, entries) in [(&without, ENTRIES), (&with, ENTRIES + 1)] {
        replace(&path, octets);
        service.signal("HUP");
        assert_eq!(service.wait_for("a changed revocation list is in use")["entries"], entries);
    }
    // Older by its number: the loser's card stays refused.
    replace(&path, &without);
    service.signal("HUP");
    let told = service.wait_for("a changed revocation list is not usable; the former one stays in use");
    assert!(told["error"].as_str().unwrap().ends_with("the list is older than the one in use"), "{told}");
    is_over.store(true, Ordering::Relaxed);
    let verdicts = visitors.join_all().await;
    let (accepted, refused) = ("accepted".to_owned(), "certificate-revoked".to_owned());
    for verdicts in &verdicts {
        let changes = verdicts.iter().position(|verdict| *verdict == refused).unwrap_or(verdicts.len());
        assert!(changes > 0 && verdicts[..changes].iter().all(|verdict| *verdict == accepted), "{verdicts:?}");
        assert!(verdicts[changes..].iter().all(|verdict| *verdict == refused), "{verdicts:?}");
    }
    let (client, url) = (installation.client(), service.url(""));
    assert_eq!(sign_in(&client, &url, &holder).await, accepted);
    assert_eq!(sign_in(&client, &url, &loser).await, refused);
    // Two lists of 16 MB, the octets of one, and room to bring entries in order; besides what any service needs.
    let most = service.most_memory();
    assert!(most < 150, "{most} MB");
}

/// `accepted`, or the code of the refusal.
pub(crate) async fn sign_in(client: &reqwest::Client, url: &str, card: &Card) -> String {
    let issued = client.post(format!("{url}/api/v1/challenges")).json(&json!({})).send().await.unwrap();
    let issued: Value = issued.json().await.unwrap();
    let assertion = card.sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let present = client.post(format!("{url}{}", issued["assertionPath"].as_str().unwrap()));
    let answer = present.header("content-type", "application/json").body(assertion).send().await.unwrap();
    let status = answer.status();
    let answer: Value = answer.json().await.unwrap();
    if status == StatusCode::OK {
        "accepted".to_owned()
    } else {
        answer["code"].as_str().unwrap_or_default().to_owned()
    }
}
