//! What a program hands over to itself: taken as it was put, from itself alone, and by nobody else's word.

use std::fs::File;
use std::io::IoSlice;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use latchkey_client::hand_over::{HandOver, LETTER_MAX_SIZE, Letter};
use latchkey_client::service::{
    Listeners, Memory, Purposes, REMEMBERED_REQUESTS, REQUEST_ORIGINS_MAX_COUNT, REQUEST_WAITS, RequestId,
    SelectedRequest, UsedName, WAITING_REQUESTS, WaitingRequest,
};
use latchkey_client::single_instance::{First, Instance, Wish};
use latchkey_crypto::assertion::Origin;
use proptest::prelude::*;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
};

use crate::wire::{PORTAL, REQUEST};

fn used(number: usize) -> UsedName {
    UsedName {
        site: Origin::parse(PORTAL).unwrap(),
        request: RequestId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap(),
        step: 3,
        card_removed: number % 2 == 1,
    }
}

/// A request as long as it can be, in characters that take the most room.
fn waiting() -> WaitingRequest {
    let text = "\u{1}".repeat(200);
    let host = |number: usize| {
        format!("https://{}.example:1234{number}", ["a".repeat(63), "b".repeat(63), "c".repeat(63)].join("."))
    };
    let purpose =
        Purposes { be: format!("б{}", &text[1..]), ru: format!("р{}", &text[1..]), en: format!("e{}", &text[1..]) };
    let origins: Vec<_> = (0..REQUEST_ORIGINS_MAX_COUNT).map(|number| Origin::parse(&host(number)).unwrap()).collect();
    WaitingRequest {
        by: origins[0].clone(),
        request: SelectedRequest { signer: text, origins, hash: [0xFF; 32], purpose: Some(purpose) },
        left: REQUEST_WAITS,
    }
}

/// A socket with one message of ours in it.
fn put(octets: &[u8], descriptors: &[BorrowedFd<'_>]) -> OwnedFd {
    let (near, far) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut with = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(with.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    sendmsg(&near, &[IoSlice::new(octets)], &mut with, SendFlags::empty()).unwrap();
    far
}

#[test]
fn what_is_put_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let Instance::First(first) = Instance::begin(folder.path(), &Wish::Run).unwrap() else { panic!("another runs") };
    let listeners = Listeners::bind(0).unwrap();
    let port = listeners.port();
    let memory =
        Memory { used: (0..REMEMBERED_REQUESTS).map(used).collect(), waiting: vec![waiting(); WAITING_REQUESTS] };
    let instance = Some(first.parts().unwrap());
    let put = HandOver { sockets: listeners.into_sockets(), memory: memory.clone(), instance }.put().unwrap();
    drop(first);
    // Nobody holds anything but the socket: callers wait, and another start finds the place taken.
    let waiting = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let lock = File::options().write(true).open(folder.path().join("desktop.lock")).unwrap();
    assert!(lock.try_lock().is_err());
    let taken = HandOver::take(&put).unwrap();
    assert_eq!(taken.memory, memory);
    let listeners = Listeners::of(taken.sockets, port).unwrap();
    assert_eq!(listeners.port(), port);
    let accepted = listeners.into_sockets()[0].accept().unwrap();
    assert_eq!(accepted.1, waiting.local_addr().unwrap());
    let (listener, held) = taken.instance.unwrap();
    let first = First::of(folder.path(), listener, held).unwrap();
    assert!(lock.try_lock().is_err());
    assert!(HandOver::take(&put).is_none(), "taken twice");
    drop(first);
    lock.try_lock().unwrap();
}

#[test]
fn nothing_is_taken_from_anybody_else() {
    // Of a process that was started, not started anew, the number is another: this test starts itself once more.
    const AGAIN: &str = "LATCHKEY_CLIENT_TEST_HAND_OVER";
    if std::env::var_os(AGAIN).is_some() {
        return assert!(HandOver::take(std::io::stdin()).is_none());
    }
    let (near, far) = UnixStream::pair().unwrap();
    assert!(HandOver::take(&near).is_none());
    drop((near, far));
    assert!(HandOver::take(File::open("/dev/null").unwrap()).is_none());
    let put = HandOver::default().put().unwrap();
    assert!(HandOver::take(put).is_some());
    let put =
        HandOver { memory: Memory { used: vec![used(1)], waiting: Vec::new() }, ..HandOver::default() }.put().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "hand_over::nothing_is_taken_from_anybody_else"]).env(AGAIN, "").stdin(Stdio::from(put));
    let output = child.output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

#[test]
fn letters_with_faults_are_not_taken() {
    let hash = format!("{:?}", [7; 32]);
    let whole = format!(
        r#"{{"edition":3,"sockets":0,"instance":false,"used":[{{"site":"{PORTAL}","request":"{REQUEST}","step":1,"card_removed":false}}],"waiting":[{{"by":"{PORTAL}","signer":"A portal","origins":["{PORTAL}"],"hash":{hash},"purpose":{{"be":"а","ru":"а","en":"a"}},"milliseconds_left":300000}}]}}"#
    );
    assert!(HandOver::take(put(whole.as_bytes(), &[])).is_some());
    for kept in 1..whole.len() {
        assert!(HandOver::take(put(&whole.as_bytes()[..kept], &[])).is_none(), "{kept}");
    }
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    for (from, to) in [
        ("\"edition\":3", "\"edition\":2"),
        ("\"edition\":3", "\"edition\":4"),
        ("\"by\":\"https://portal", "\"by\":\"https://other"),
        ("300000", "300001"),
        ("[7, 7,", "[7,"),
        ("\"origins\":[\"https://portal.example\"]", "\"origins\":[]"),
        ("\"origins\":[\"https", "\"origins\":[\"http"),
        ("\"en\":\"a\"", "\"en\":\" \""),
        ("A portal", &"a".repeat(201)),
        ("\"signer\"", "\"more\":1,\"signer\""),
        ("\"sockets\":0", "\"sockets\":1"),
        ("\"sockets\":0", "\"sockets\":18446744073709551615"),
        ("false,\"used\"", "true,\"used\""),
        ("https://", "http://"),
        ("portal.example", "portal.example/"),
        ("7f0c", "7F0C"),
        ("\"step\":1", "\"step\":-1"),
        ("\"step\"", "\"more\":1,\"step\""),
        ("{\"edition\"", "{\"more\":1,\"edition\""),
    ] {
        let altered = whole.replacen(from, to, 1);
        assert_ne!(altered, whole, "{from}");
        assert!(HandOver::take(put(altered.as_bytes(), &[])).is_none(), "{altered}");
    }
    // What nothing is said about is not kept, nor more than there can be.
    assert!(HandOver::take(put(whole.as_bytes(), &[socket.as_fd()])).is_none());
    assert!(HandOver::take(put(whole.as_bytes(), &[socket.as_fd(); 6])).is_none());
    let many = Memory { used: Vec::new(), waiting: vec![waiting(); WAITING_REQUESTS + 1] };
    let octets = Letter { sockets: 0, instance: false, memory: many }.to_octets().unwrap();
    assert!(HandOver::take(put(&octets, &[])).is_none(), "more requests than can wait");
    let many = Memory { used: (0..=REMEMBERED_REQUESTS).map(used).collect(), waiting: Vec::new() };
    assert!(HandOver::take(HandOver { memory: many, ..HandOver::default() }.put().unwrap()).is_none());
    let mut long = whole.into_bytes();
    long.resize(LETTER_MAX_SIZE + 1, b' ');
    assert!(HandOver::take(put(&long, &[])).is_none());
}

#[test]
fn only_sockets_as_the_service_has_them_are_gone_on_with() {
    let bind = |address: &str| TcpListener::bind(address).unwrap();
    let port = |socket: &TcpListener| socket.local_addr().unwrap().port();
    let ours = bind("127.0.0.1:0");
    let of_port = port(&ours);
    assert!(Listeners::of(vec![ours.try_clone().unwrap()], of_port).is_some());
    assert!(Listeners::of(Vec::new(), of_port).is_none());
    assert!(Listeners::of(vec![ours.try_clone().unwrap()], 0).is_none());
    assert!(Listeners::of(vec![ours.try_clone().unwrap()], of_port.wrapping_add(1)).is_none());
    assert!(Listeners::of(vec![ours.try_clone().unwrap(), ours.try_clone().unwrap()], of_port).is_none());
    for elsewhere in ["0.0.0.0:0", "127.0.0.2:0", "[::1]:0"] {
        let socket = bind(elsewhere);
        let of_port = port(&socket);
        assert!(Listeners::of(vec![socket], of_port).is_none(), "{elsewhere}");
    }
    let connected = TcpStream::connect(("127.0.0.1", of_port)).unwrap();
    let of_port = connected.local_addr().unwrap().port();
    assert!(Listeners::of(vec![TcpListener::from(OwnedFd::from(connected))], of_port).is_none());
    let file = File::open("/dev/null").unwrap();
    assert!(Listeners::of(vec![TcpListener::from(OwnedFd::from(file))], of_port).is_none());
}

#[test]
fn only_the_lock_and_the_socket_of_the_place_are_gone_on_with() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let begin = |place: &tempfile::TempDir| match Instance::begin(place.path(), &Wish::Run).unwrap() {
        Instance::First(first) => first,
        Instance::Told => panic!("another runs"),
    };
    let (first, another) = (begin(&folder), begin(&other));
    let parts = || (first.parts().unwrap(), another.parts().unwrap());
    let ((listener, lock), _) = parts();
    assert!(First::of(folder.path(), listener, lock).is_some());
    let ((listener, _), (_, lock)) = parts();
    assert!(First::of(folder.path(), listener, lock).is_none());
    let ((_, lock), (listener, _)) = parts();
    assert!(First::of(folder.path(), listener, lock).is_none());
    let (_, (listener, lock)) = parts();
    assert!(First::of(folder.path(), listener, lock).is_none());
}

proptest! {
    #[test]
    fn whatever_lies_there_is_taken_or_not(octets in proptest::collection::vec(any::<u8>(), 1..256)) {
        drop(HandOver::take(put(&octets, &[])));
    }

    #[test]
    fn an_altered_letter_is_none_or_one_that_can_be_written(at in any::<prop::sample::Index>(), octet: u8) {
        let memory = Memory { used: vec![used(1)], waiting: vec![waiting()] };
        let mut octets = Letter { sockets: 1, instance: true, memory }.to_octets().unwrap();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Some(letter) = Letter::parse(&octets) {
            prop_assert_eq!(Letter::parse(&letter.to_octets().unwrap()), Some(letter));
        }
    }
}
