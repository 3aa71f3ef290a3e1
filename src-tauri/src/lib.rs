//! The window of Latchkey: a thin Tauri shell. What the window shows and does is [`latchkey_client::app`]'s; here it is
//! put on the screen.

pub mod arguments;
mod commands;
pub mod guard;
mod log;
mod rest;
pub mod surroundings;
mod theme;
#[cfg(target_os = "linux")]
mod tray;
mod window;

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;

use latchkey_client::app::{self, App, Left};
use latchkey_client::hand_over::HandOver;
use latchkey_client::settings::Places;
use latchkey_client::single_instance::{First, Instance, Wish};
use latchkey_client::texts::{self, Texts};
use tauri::{AppHandle, Manager, RunEvent};
use time::OffsetDateTime;
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Misused, Start, Wanted};

/// Exit codes, as those of the command line `latchkey`.
const INTERNAL: u8 = 1;
const USAGE: u8 = 2;

/// Carries out the command line `arguments`, the program's name first. `clock` tells the time.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>, clock: fn() -> OffsetDateTime) -> ExitCode {
    let language = texts::system_language();
    match Wanted::read(arguments.into_iter().skip(1)) {
        Ok(Wanted::Help) => {
            println!("{}", texts::texts(language).say("desktop-help"));
            ExitCode::SUCCESS
        }
        Ok(Wanted::Version) => {
            println!("latchkey-desktop {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Ok(Wanted::Running(start)) => show(start, clock),
        Err(misused) => {
            eprintln!("{}", complaint(&texts::texts(language), misused));
            ExitCode::from(USAGE)
        }
    }
}

fn complaint(texts: &Texts, misused: Misused) -> String {
    texts.fill("desktop-misused", &[("argument", misused.argument.into())])
}

/// Runs until it is told to end. If the program runs already, that one is told what was wanted of this one.
fn show(start: Start, clock: fn() -> OffsetDateTime) -> ExitCode {
    log::begin();
    let wish = start.wish();
    let HandOver { sockets, memory, instance } = rest::handed_over(&start);
    let first = match Places::of_this_process().map(|places| begin(&places.runtime_folder(), instance, &wish)) {
        Some(Ok(Instance::Told)) => return ExitCode::SUCCESS,
        Some(Ok(Instance::First(first))) => Some(first),
        // Better twice than not at all: the port of the local service is one program's in any case.
        Some(Err(error)) => {
            tracing::warn!(%error, "it is not known whether the program runs already");
            None
        }
        None => None,
    };
    if wish == Wish::Quit {
        return ExitCode::SUCCESS;
    }
    let built = tauri::Builder::default()
        .invoke_handler(commands::handler())
        .setup(move |tauri| {
            let (managed, language, left) = (start.managed.clone(), start.language, Some(Left { sockets, memory }));
            let begun = app::Start { managed, language, left, clock };
            tauri.manage(tauri::async_runtime::block_on(App::of_this_computer(begun))?);
            theme::follow();
            let handle = tauri.handle().clone();
            tauri::async_runtime::spawn(window::attend(handle.clone()));
            tauri::async_runtime::spawn(end_when_told(handle.clone()));
            #[cfg(target_os = "linux")]
            tauri::async_runtime::spawn(tray::attend(handle.clone()));
            tauri::async_runtime::spawn(rest::attend(handle.clone(), first, start));
            wanted(&handle, wish);
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(tauri) => ExitCode::from(u8::try_from(tauri.run_return(happened)).unwrap_or(INTERNAL)),
        Err(error) => {
            tracing::error!(%error, "the window's system does not start");
            eprintln!("{error}");
            ExitCode::from(INTERNAL)
        }
    }
}

/// Is the one program that runs, or tells it what is wanted. One that starts anew never ceased to be it.
fn begin(folder: &Path, handed_over: Option<(UnixListener, File)>, wish: &Wish) -> std::io::Result<Instance> {
    match handed_over.and_then(|(listener, lock)| First::of(folder, listener, lock)) {
        Some(first) => Ok(Instance::First(first)),
        None => Instance::begin(folder, wish),
    }
}

/// What a start of the program is for: the first one, or another while it runs.
fn wanted(handle: &AppHandle, wish: Wish) {
    let app = handle.state::<App>();
    match wish {
        Wish::Run => {}
        Wish::Show => app.show_window(),
        Wish::Follow(link) => app.follow(&link),
        Wish::Quit => handle.exit(0),
    }
}

fn happened(handle: &AppHandle, event: RunEvent) {
    match event {
        // The last window is gone. The program goes on: pages call it, and it opens a window when one does.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        RunEvent::Exit => handle.state::<App>().stop(),
        _ => {}
    }
}

/// Ends in good order when the session ends or somebody asks.
async fn end_when_told(handle: AppHandle) {
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)] = signals else { return };
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
        _ = hang_up.recv() => (),
    }
    handle.exit(0);
}
