//! Makes the packages: a tree of the files as they will be installed, then a `.deb` and an `.rpm` of that tree.
//!
//! `latchkey-packages --programs FOLDER --into FOLDER [--quickly]`: the first folder holds the programs as cargo built
//! them; `--quickly` compresses little, for packages that are only tried.

mod deb;
mod failure;
mod licences;
mod rpm;
mod tools;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use failure::Failure;
use tree::Tree;

/// What the packages are called.
const NAME: &str = "latchkey";
const VERSION: &str = env!("CARGO_PKG_VERSION");
const SUMMARY: &str = "sign in to portals with an ID card";
const DESCRIPTION: &[&str] = &[
    "Latchkey signs its user in to portals with the Belarusian ID card in a card",
    "reader. It shows which portal asks and what it is given, asks for the PIN in",
    "a window of its own that no web page can see, shows what is on the card,",
    "changes and unblocks its PIN, and finds out why a sign-in does not work.",
    "It is a window (latchkey-desktop) and a command line (latchkey).",
];

fn main() -> ExitCode {
    match Order::from_arguments(std::env::args_os().skip(1)).and_then(|order| order.carry_out()) {
        Ok(packages) => {
            packages.iter().for_each(|package| println!("{}", package.display()));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("latchkey-packages: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// What is to be made.
struct Order {
    /// Where cargo has built the programs.
    programs: PathBuf,
    /// Where the packages go.
    into: PathBuf,
    compression: Compression,
}

/// How much time goes into small packages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    Quick,
    Best,
}

impl Order {
    fn from_arguments(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Self, Failure> {
        let (mut programs, mut into, mut compression) = (None, None, Compression::Best);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--programs") => programs = arguments.next().map(PathBuf::from),
                Some("--into") => into = arguments.next().map(PathBuf::from),
                Some("--quickly") => compression = Compression::Quick,
                _ => return Err(Failure::Argument { argument: argument.to_string_lossy().into_owned() }),
            }
        }
        let missing = |name: &str| Failure::Argument { argument: name.to_owned() };
        let programs = programs.ok_or_else(|| missing("--programs"))?;
        let into = into.ok_or_else(|| missing("--into"))?;
        Ok(Self { programs, into, compression })
    }

    fn carry_out(&self) -> Result<[PathBuf; 2], Failure> {
        let tree = Tree::lay(&checkout(), &self.programs)?;
        if self.compression == Compression::Best {
            let home = std::env::var_os("HOME").map(PathBuf::from);
            tree.tells_nothing_of(&[Some(checkout()), home].into_iter().flatten().collect::<Vec<_>>())?;
        }
        std::fs::create_dir_all(&self.into).map_err(|error| Failure::file(&self.into, error))?;
        let into = self.into.canonicalize().map_err(|error| Failure::file(&self.into, error))?;
        Ok([deb::write(&tree, &into, self.compression)?, rpm::write(&tree, &into, self.compression)?])
    }
}

/// The root of the checkout.
fn checkout() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
