//! Revocation lists that change on disk.

use std::path::Path;

use latchkey_fixtures::pki::{Revocation, RevocationReason, TestPki};
use latchkey_portal::files::Renewal;
use latchkey_portal::revocation::{ListFault, ListsOnDisk};
use time::Duration;

use crate::support::{NOW, trust, write_lists};

fn load(directory: &Path, pki: &TestPki) -> ListsOnDisk {
    let files = ["root.crl.der", "authority.crl.der"].map(|name| directory.join(name)).to_vec();
    ListsOnDisk::load(files, &trust(pki)).unwrap()
}

fn revoked_count(lists: &ListsOnDisk) -> usize {
    lists.current().lists().map(latchkey_crypto::x509::VerifiedRevocationList::revoked_count).sum()
}

fn revocation() -> Revocation {
    Revocation {
        serial_number: vec![0x12, 0x34],
        revoked_at: NOW - Duration::days(4),
        reason: RevocationReason::KeyCompromise,
    }
}

#[test]
fn a_changed_list_is_taken_into_use() {
    let directory = tempfile::tempdir().unwrap();
    let pki = TestPki::new("lists", NOW).unwrap();
    write_lists(directory.path(), &pki, &[], NOW);
    let lists = load(directory.path(), &pki);
    assert_eq!(revoked_count(&lists), 0);
    assert_eq!(lists.renew().unwrap(), Renewal::Unchanged);
    let in_use = lists.current();
    write_lists(directory.path(), &pki, &[revocation()], NOW + Duration::days(1));
    assert_eq!(lists.renew().unwrap(), Renewal::Taken);
    assert_eq!(lists.renew().unwrap(), Renewal::Unchanged);
    assert_eq!(revoked_count(&lists), 1);
    assert_eq!(in_use.lists().count(), 2, "a verification that has begun keeps what it began with");
}

#[test]
fn what_is_not_usable_does_not_displace_what_is_in_use() {
    let pki = TestPki::new("lists", NOW).unwrap();
    let stranger = TestPki::new("stranger", NOW).unwrap();
    let whole = pki.authority().revocation_list(&[], NOW + Duration::days(1), 2).unwrap();
    let of_stranger = stranger.authority().revocation_list(&[], NOW + Duration::days(1), 2).unwrap();
    let older = pki.authority().revocation_list(&[], NOW - Duration::days(1), 1).unwrap();
    type IsFault = fn(&ListFault) -> bool;
    let rows: [(&str, Option<&[u8]>, IsFault); 5] = [
        ("half written", Some(&whole[..whole.len() / 2]), |fault| matches!(fault, ListFault::List(_))),
        ("emptied", Some(&[]), |fault| matches!(fault, ListFault::List(_))),
        ("by an authority of the same name", Some(&of_stranger), |fault| matches!(fault, ListFault::NoAuthority)),
        ("older than the one in use", Some(&older), |fault| matches!(fault, ListFault::Older)),
        ("removed", None, |fault| matches!(fault, ListFault::File(_))),
    ];
    for (name, octets, is_fault) in rows {
        let directory = tempfile::tempdir().unwrap();
        write_lists(directory.path(), &pki, &[revocation()], NOW);
        let lists = load(directory.path(), &pki);
        let path = directory.path().join("authority.crl.der");
        match octets {
            Some(octets) => std::fs::write(&path, octets).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        for attempt in ["first", "second"] {
            let error = lists.renew().unwrap_err();
            assert!(is_fault(&error.fault), "{name}, {attempt} attempt: {error}");
            assert_eq!(error.path, path, "{name}");
        }
        assert_eq!(revoked_count(&lists), 1, "{name}");
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(lists.renew().unwrap(), Renewal::Taken, "{name}");
        assert_eq!(revoked_count(&lists), 0, "{name}");
    }
}
