//! Questions at a pseudo-terminal: what is typed is never shown, and the terminal is left as it was found.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread::{self, JoinHandle};

use latchkey_agent::terminal::{DescriptorPrompt, PromptWording, Terminal, TerminalPrompt};
use latchkey_agent::{
    Asker, Asking, Cancellation, NoSecret, PinStatus, Purpose, Question, ReaderName, SecretKind, SecretPrompt,
};
use latchkey_card::password::{Can, Password, Pin, Puk};
use latchkey_crypto::assertion::Origin;
use rustix::event::{PollFd, PollFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::LocalModes;

/// A pseudo-terminal and whoever asks at it.
struct Screen {
    master: File,
    slave: File,
    shown: String,
    awaited: usize,
}

impl Screen {
    fn new() -> Self {
        let master: OwnedFd = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(name).unwrap();
        Self { master: master.into(), slave, shown: String::new(), awaited: 0 }
    }

    fn prompt(&self) -> TerminalPrompt {
        let slave = self.slave.try_clone().unwrap();
        TerminalPrompt::at(Box::new(Plain), move || Terminal::from_file(slave.try_clone()?))
    }

    /// Reads what is shown until `text` is, after what was waited for before.
    fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown[self.awaited..].find(text) {
                self.awaited += at + text.len();
                return;
            }
            let mut buffer = [0; 256];
            let count = self.master.read(&mut buffer).unwrap();
            self.shown.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
    }

    fn type_in(&mut self, octets: &[u8]) {
        self.master.write_all(octets).unwrap();
    }

    fn local_modes(&self) -> LocalModes {
        rustix::termios::tcgetattr(&self.slave).unwrap().local_modes
    }
}

struct Plain;

impl PromptWording for Plain {
    fn introduction(&self, question: &Question) -> String {
        match &question.asker {
            Asker::Portal(origin) => format!("{origin} asks.\n"),
            Asker::Holder => "You asked.\n".into(),
        }
    }

    fn label(&self, kind: SecretKind, question: &Question) -> String {
        format!("{kind:?}, {} left:", question.pin.tries_left())
    }

    fn new_pin_again(&self) -> String {
        "Again:".into()
    }

    fn wrong_length(&self, digits: usize) -> String {
        format!("Not {digits}:")
    }

    fn entries_differ(&self) -> String {
        "Differ.\n".into()
    }

    fn is_yes(&self, answer: &str) -> bool {
        answer == "yes"
    }
}

fn question(digits: usize) -> Question {
    Question {
        documents: Vec::new(),
        two_pins: false,
        disclosure: None,
        asker: Asker::Portal(Origin::parse("https://portal.example").unwrap()),
        purpose: Purpose::SignIn,
        digits,
        reader: ReaderName::parse("Reader").unwrap(),
        pin: PinStatus::Usable { tries_left: 2 },
    }
}

fn asking<T: Send + 'static>(
    screen: &Screen,
    cancellation: &Cancellation,
    ask: impl FnOnce(&mut TerminalPrompt, &Asking) -> T + Send + 'static,
) -> JoinHandle<T> {
    let mut prompt = screen.prompt();
    let asking = Asking::new(cancellation.clone(), || ());
    thread::spawn(move || ask(&mut prompt, &asking))
}

/// A question that nobody takes back.
fn alone() -> Asking {
    Asking::new(Cancellation::default(), || ())
}

#[test]
fn a_pin_is_taken_as_it_is_edited_and_never_shown() {
    let rows: [(&str, &[u8], &[u8]); 6] = [
        ("typed", b"497312\r", b"497312"),
        ("ended by a line feed", b"497312\n", b"497312"),
        ("a slip erased", b"4978\x7f312\r", b"497312"),
        ("begun anew", b"111\x15497312\r", b"497312"),
        ("cursor and delete keys between", b"49\x1b[D7\x1b[3~3\x1bOP12\r", b"497312"),
        ("letters ignored", "4я97a312\r".as_bytes(), b"497312"),
    ];
    for (name, typed, expected) in rows {
        let mut screen = Screen::new();
        let before = screen.local_modes();
        let answer = asking(&screen, &Cancellation::default(), |prompt, asking| prompt.pin(&question(6), asking));
        screen.wait_for("https://portal.example asks.\r\nPin, 2 left: ");
        assert!(!screen.local_modes().intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG), "{name}");
        screen.type_in(typed);
        screen.wait_for("\r\n");
        let pin = answer.join().unwrap().unwrap();
        assert!(pin.is_same_as(&Pin::parse(expected, 6).unwrap()), "{name}");
        assert_eq!(screen.local_modes(), before, "{name}: the terminal was left changed");
        let after_question = screen.shown.rsplit("left:").next().unwrap();
        assert!(!after_question.contains(|shown: char| shown.is_ascii_digit()), "{name}: {after_question:?}");
    }
}

#[test]
fn the_holder_cancels_with_the_usual_keys() {
    let rows: [(&str, &[u8]); 5] = [
        ("Ctrl-C", b"\x03"),
        ("Ctrl-D", b"\x04"),
        ("Ctrl-\\", b"\x1c"),
        ("Escape", b"\x1b"),
        ("after some digits", b"497\x03"),
    ];
    for (name, typed) in rows {
        let mut screen = Screen::new();
        let before = screen.local_modes();
        let answer =
            asking(&screen, &Cancellation::default(), |prompt, asking| prompt.can(&question(6), asking).map(|_| ()));
        screen.wait_for("left: ");
        screen.type_in(typed);
        assert_eq!(answer.join().unwrap(), Err(NoSecret::Cancelled), "{name}");
        assert_eq!(screen.local_modes(), before, "{name}");
    }
}

#[test]
fn a_request_taken_back_leaves_the_terminal_as_it_was() {
    let mut screen = Screen::new();
    let before = screen.local_modes();
    let cancellation = Cancellation::default();
    let answer = asking(&screen, &cancellation, |prompt, asking| prompt.pin(&question(6), asking).map(|_| ()));
    screen.wait_for("left: ");
    screen.type_in(b"49");
    cancellation.cancel();
    assert_eq!(answer.join().unwrap(), Err(NoSecret::Cancelled));
    assert_eq!(screen.local_modes(), before);
}

#[test]
fn another_number_of_digits_is_asked_for_again() {
    let mut screen = Screen::new();
    let answer = asking(&screen, &Cancellation::default(), |prompt, asking| prompt.puk(&question(10), asking));
    screen.wait_for("Puk, 2 left: ");
    screen.type_in(b"123456789\r");
    screen.wait_for("Not 10: ");
    screen.type_in(b"1234567890\r");
    assert!(answer.join().unwrap().unwrap().is_same_as(&Puk::parse(b"1234567890", 10).unwrap()));
}

#[test]
fn a_new_pin_is_entered_twice() {
    let mut screen = Screen::new();
    let answer = asking(&screen, &Cancellation::default(), |prompt, asking| prompt.new_pin(&question(6), asking));
    let typed = [
        ("NewPin, 2 left: ", b"111222\r"),
        ("Again: ", b"111333\r"),
        ("NewPin, 2 left: ", b"555666\r"),
        ("Again: ", b"555666\r"),
    ];
    for (label, digits) in typed {
        screen.wait_for(label);
        screen.type_in(digits);
    }
    assert!(answer.join().unwrap().unwrap().is_same_as(&Pin::parse(b"555666", 6).unwrap()));
    assert!(screen.shown.contains("Differ."));
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let mut screen = Screen::new();
    screen.type_in(b"999999\n");
    let mut arrived = [PollFd::new(&screen.slave, PollFlags::IN)];
    rustix::event::poll(&mut arrived, None).unwrap();
    let answer = asking(&screen, &Cancellation::default(), |prompt, asking| prompt.pin(&question(6), asking));
    screen.wait_for("left: ");
    screen.type_in(b"497312\r");
    assert!(answer.join().unwrap().unwrap().is_same_as(&Pin::parse(b"497312", 6).unwrap()));
}

#[test]
fn the_last_try_needs_a_yes() {
    for (typed, expected) in [("yes\n", Ok(())), ("no\n", Err(NoSecret::Cancelled)), ("\n", Err(NoSecret::Cancelled))] {
        let mut screen = Screen::new();
        let answer =
            asking(&screen, &Cancellation::default(), |prompt, asking| prompt.confirm_last_try(&question(0), asking));
        screen.wait_for("left:");
        screen.type_in(typed.as_bytes());
        assert_eq!(answer.join().unwrap(), expected, "{typed:?}");
    }
}

#[test]
fn without_a_terminal_there_is_no_prompt() {
    let mut prompt = TerminalPrompt::at(Box::new(Plain), || Terminal::from_file(File::open("/dev/null")?));
    assert_eq!(prompt.pin(&question(6), &alone()).map(|_| ()), Err(NoSecret::NoPrompt));
}

fn descriptor(content: &str, last_try_allowed: bool) -> DescriptorPrompt {
    let (read, write) = rustix::pipe::pipe().unwrap();
    File::from(write).write_all(content.as_bytes()).unwrap();
    DescriptorPrompt::new(read.into(), last_try_allowed)
}

#[test]
fn a_descriptor_gives_one_secret_a_line() {
    let mut prompt = descriptor("123456\r\n497312\n555666", false);
    let asking = alone();
    assert!(prompt.can(&question(6), &asking).unwrap().is_same_as(&Can::parse(b"123456", 6).unwrap()));
    assert!(prompt.pin(&question(6), &asking).unwrap().is_same_as(&Pin::parse(b"497312", 6).unwrap()));
    assert!(prompt.new_pin(&question(6), &asking).unwrap().is_same_as(&Pin::parse(b"555666", 6).unwrap()));
    assert_eq!(prompt.pin(&question(6), &asking).map(|_| ()), Err(NoSecret::Malformed), "the pipe has ended");
}

#[test]
fn what_is_no_secret_is_refused_before_it_reaches_a_card() {
    for content in ["", "\n", "12345\n", "1234567\n", "12345x\n", " 123456\n", "１２３４５６\n"] {
        let mut prompt = descriptor(content, false);
        let refused = prompt.pin(&question(6), &alone()).map(|_| ());
        assert_eq!(refused, Err(NoSecret::Malformed), "{content:?}");
    }
}

#[test]
fn a_descriptor_allows_the_last_try_only_if_told_so() {
    for (allowed, expected) in [(false, Err(NoSecret::LastTryNotAllowed)), (true, Ok(()))] {
        let mut prompt = descriptor("", allowed);
        assert_eq!(prompt.confirm_last_try(&question(0), &alone()), expected);
    }
}

#[test]
fn a_request_is_taken_back_while_the_descriptor_is_silent() {
    let (read, mut write) = std::io::pipe().unwrap();
    write.write_all(b"49").unwrap();
    let mut prompt = DescriptorPrompt::new(OwnedFd::from(read).into(), false);
    let cancellation = Cancellation::default();
    let asking = Asking::new(cancellation.clone(), || ());
    let answer = thread::spawn(move || prompt.pin(&question(6), &asking).map(|_| ()));
    cancellation.cancel();
    assert_eq!(answer.join().unwrap(), Err(NoSecret::Cancelled));
    drop(write);
}

#[test]
fn a_terminal_is_no_descriptor_to_read_secrets_from() {
    let screen = Screen::new();
    let number = u16::try_from(screen.slave.as_raw_fd()).unwrap();
    let refused = DescriptorPrompt::inherited(number, false).map(|_| ()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}
