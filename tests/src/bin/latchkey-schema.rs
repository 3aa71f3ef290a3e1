//! Has schemathesis ask a portal whatever its description allows, and more: as a stranger, and as a registered site.
//!
//! Exit codes: 0 nothing was found; 1 something was, or a part failed; 2 wrong use.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use latchkey_tests::stage::{Portal, PortalOrder, SampleSet};

const USAGE: &str = "Usage: latchkey-schema PROGRAM SECONDS: schemathesis, and how long it may ask each time";
/// What an answer must be. What schemathesis takes for a good request may be none here, and the other way round: it knows no
/// more of what addresses, codes and tokens mean than the description says.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [program, seconds] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(program, seconds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(program: &str, seconds: &str) -> Result<()> {
    let set = SampleSet::write()?;
    let mut portal = Portal::start_with(&set, PortalOrder { has_provider: true, ..PortalOrder::default() })?;
    let secret = portal.register("shop", "https://shop.example/back", &["--refresh-tokens"])?;
    let site = format!("shop:{}", secret.context("the site has no secret")?);
    for authentication in [None, Some(site.as_str())] {
        let mut schemathesis = Command::new(program);
        schemathesis.args(["run", &format!("{}/api/v1/openapi.json", portal.origin())]);
        schemathesis.arg("--tls-verify").arg(set.tls_authority());
        schemathesis.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--warnings", "off"]);
        schemathesis.args(["--max-time", seconds, "--max-redirects", "0", "--continue-on-failure"]);
        if let Some(site) = authentication {
            schemathesis.args(["--auth", site]);
        }
        // Nothing that a former run has kept, nor where this one keeps something.
        schemathesis.current_dir(set.path());
        if !schemathesis.status().with_context(|| format!("{program} does not start"))?.success() {
            bail!("schemathesis found something");
        }
    }
    portal.stop()?;
    Ok(())
}
