//! Foreign programs, run to their end.

use std::process::Command;

use crate::failure::Failure;

/// Runs `command` and gives what it printed.
pub(crate) fn run(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    // What tools print must not depend on who packages.
    let output = command.env("LC_ALL", "C.UTF-8").output();
    let output = output.map_err(|error| Failure::NoTool { program: program.clone(), error })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Failure::Tool { program, said })
    }
}

/// The same, as text without the line's end.
pub(crate) fn ask(command: &mut Command) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&run(command)?).trim_end().to_owned())
}
