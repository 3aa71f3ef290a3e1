//! A relying party's signed request for a ticket.

use anyhow::Result;
use latchkey_tests::deployed::SITE;
use latchkey_tests::stage::{SampleSet, TICKETS_ADDRESS};
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// Asks for these groups; good for a quarter of an hour from now.
#[expect(clippy::disallowed_methods, reason = "programs with the machine's clock judge it")]
pub(crate) fn ticket_request(set: &SampleSet, required: &[u8], optional: &[u8]) -> Result<Vec<u8>> {
    let issued = OffsetDateTime::now_utc();
    let request = json!({
        "format": "latchkey-ticket-1",
        "client": "clinic-1",
        "redirect": format!("{SITE}/ticket"),
        "origins": [SITE],
        "terminal": TICKETS_ADDRESS,
        "groups": { "required": required, "optional": optional },
        "purpose": { "be": "запіс да ўрача", "ru": "запись к врачу", "en": "to see a doctor" },
        "nonce": openssl::base64::encode_block(&[7; 16]),
        "issued": issued.format(&Rfc3339)?,
        "expires": (issued + Duration::minutes(15)).format(&Rfc3339)?,
    });
    set.signed_by_operator(request.to_string().as_bytes())
}
