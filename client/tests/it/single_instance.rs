//! One program a person.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use latchkey_client::single_instance::{First, Instance, Wish};
use proptest::prelude::*;
use tokio::sync::mpsc;

fn wishes() -> [Wish; 4] {
    [Wish::Run, Wish::Show, Wish::Quit, Wish::Follow("latchkey:sign-in?portal=x&request=y".to_owned())]
}

fn first(instance: Instance) -> First {
    match instance {
        Instance::First(first) => first,
        Instance::Told => panic!("another runs"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_hears_what_the_later_ones_want() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("latchkey");
    let running = first(Instance::begin(&place, &Wish::Run).unwrap());
    assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    let (tell, mut told) = mpsc::unbounded_channel();
    let hearing =
        tokio::spawn(async move { running.hear(move |wish| tell.send(wish).unwrap(), std::future::pending()).await });

    // Nonsense, and one that says nothing, keep nobody from being heard.
    let mut nonsense = UnixStream::connect(place.join("desktop.socket")).unwrap();
    nonsense.write_all(b"--managed /tmp/evil").unwrap();
    drop(nonsense);
    for wish in wishes() {
        let (place, said) = (place.clone(), wish.clone());
        let instance = tokio::task::spawn_blocking(move || Instance::begin(&place, &said).unwrap()).await.unwrap();
        assert!(matches!(instance, Instance::Told), "{instance:?}");
        assert_eq!(told.recv().await.unwrap(), wish);
    }
    hearing.abort();
    hearing.await.unwrap_err();
    first(Instance::begin(&place, &Wish::Run).unwrap());
}

#[test]
fn what_a_killed_program_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    drop(first(Instance::begin(folder.path(), &Wish::Run).unwrap()));
    assert!(folder.path().join("desktop.socket").exists());
    first(Instance::begin(folder.path(), &Wish::Show).unwrap());
}

#[test]
fn wishes_are_read_as_they_are_said_and_nothing_else_is() {
    for wish in wishes() {
        let octets = wish.to_octets();
        assert_eq!(Wish::parse(&octets), Some(wish.clone()));
        for kept in 0..octets.len() {
            let cut = Wish::parse(&octets[..kept]);
            assert!(cut.is_none() || matches!(cut, Some(Wish::Follow(_))), "{cut:?}");
        }
    }
    let long = format!("follow {}", "x".repeat(1025));
    for wrong in [&b""[..], b"RUN", b"show ", b"follow", b"quit now", b"follow \xFF", long.as_bytes()] {
        assert_eq!(Wish::parse(wrong), None, "{}", String::from_utf8_lossy(wrong));
    }
}

proptest! {
    #[test]
    fn whatever_is_said_is_a_known_wish_or_none(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Some(wish) = Wish::parse(&octets) {
            prop_assert_eq!(wish.to_octets(), octets);
        }
    }
}
