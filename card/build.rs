//! Reads the profile files and the lists of the probe, and writes them as constants: what is wrong with one stops the
//! build, and the program that holders get has no reader for them.

#[path = "build/probe_file.rs"]
mod probe_file;
#[path = "build/profile_file.rs"]
mod profile_file;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The constants and the files that they are made of.
const PROFILES: [(&str, &str); 2] = [("STANDARD", "stb-34.101.79"), ("KTA", "kta")];

const PROBE: &str = "profiles/probe.toml";

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var_os("OUT_DIR").ok_or("cargo names no folder to write to")?;
    let mut constants = String::new();
    for (constant, name) in PROFILES {
        let file = format!("profiles/{name}.toml");
        println!("cargo::rerun-if-changed={file}");
        let text = fs::read_to_string(&file)?;
        let profile = profile_file::to_rust(&text).map_err(|fault| format!("{file}: {fault}"))?;
        constants.push_str(&format!("/// What `{file}` says.\nconst {constant}: Profile = {profile};\n"));
    }
    fs::write(Path::new(&out).join("profiles.rs"), constants)?;
    println!("cargo::rerun-if-changed={PROBE}");
    let lists = probe_file::to_rust(&fs::read_to_string(PROBE)?).map_err(|fault| format!("{PROBE}: {fault}"))?;
    fs::write(Path::new(&out).join("probe.rs"), lists)?;
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/profile/words.rs");
    Ok(())
}
