//! Grants as they begin: with a code, which its site exchanges for tokens once.

use time::OffsetDateTime;

use super::engine::{self, Connection};
use super::grants::{self, LIVE_TOKEN, octets_of};
use super::statements::Statement;
use super::{logouts, row};
use crate::storage::{Basis, KeptCode, KeptGrant, NewToken, NewTokens, PresentedCode, Spent, StorageError, TokenKind};

/// Keeps a grant and its code, if its session is there and, if it is to speak of an organisation, still acts for that one, and
/// if what it rests on is there: a row comes back. The values are those of [`bind_grant`].
pub(super) const KEEP_GRANT: &str = concat!(
    "INSERT INTO grants (id, session, person, client, scopes, granted_event, granted_level, granted_way, nonce, code, \
     redirect_uri, code_challenge, code_expires_at, granted_age, granted_binding, code_key) \
     SELECT $1, token, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM sessions WHERE token = $16 \
     AND ($17 IS NULL OR binding = $18) \
     AND ($19 OR EXISTS (SELECT 1 FROM consents WHERE person = $20 AND client = $21",
    engine::hold_row!(),
    ")) RETURNING id"
);

/// Keeps a token of the grant whose code is presented, if that was not taken, fits, and belongs to a session that is not over.
const KEEP_TOKEN_OF_CODE: &str = "INSERT INTO tokens (token, grant_id, kind, token_scopes, token_expires_at, proof_key) \
     SELECT $1, grants.id, $2, grants.scopes, $3, $4 FROM grants JOIN sessions ON sessions.token = grants.session \
     WHERE code = $5 AND client = $6 AND code_taken_at IS NULL AND code_expires_at > $7 AND redirect_uri = $8 \
     AND code_challenge = $9 AND (code_key IS NULL OR code_key = $10) AND sessions.expires_at > $11 \
     AND $12 IS NOT NULL";
/// Marks the code as taken, if the access token was kept just now.
const MARK_TAKEN: &str =
    "UPDATE grants SET code_taken_at = $1 WHERE id = (SELECT grant_id FROM tokens WHERE token = $2)";

/// The statements that take a code, in their order; [`bind_taking`] has their values. Nobody else may take the code meanwhile.
pub(super) const TAKING: [&str; 4] = [KEEP_TOKEN_OF_CODE, KEEP_TOKEN_OF_CODE, MARK_TAKEN, LIVE_TOKEN];
/// Which of [`TAKING`] gives a row, the access token's, if the code was taken.
pub(super) const GIVES_TOKEN: usize = 3;

/// A code that is to be exchanged, and for what.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) presented: PresentedCode,
    pub(super) tokens: NewTokens,
    pub(super) now: OffsetDateTime,
}

/// Binds what is kept of a grant and its code, or so many times nothing.
pub(super) fn bind_grant<'q>(statement: Statement<'q>, kept: Option<(&KeptGrant, &KeptCode, Basis)>) -> Statement<'q> {
    let (grant, code) = kept.map(|(grant, code, _)| (grant, code)).unzip();
    let acting = grant.and_then(|grant| grant.acting.as_ref()).map(|binding| binding.octets().as_slice());
    statement
        .bind(grant.map(|grant| grant.id.octets().as_slice()))
        .bind(grant.map(|grant| grant.person.octets().as_slice()))
        .bind(grant.map(|grant| grant.client.as_str()))
        .bind(grant.map(|grant| grant.scopes.text()))
        .bind(grant.map(|grant| row::milliseconds(grant.signed_in_at)))
        .bind(grant.map(|grant| grant.assurance.name()))
        .bind(grant.map(|grant| grant.way.name()))
        .bind(grant.and_then(|grant| grant.nonce.as_deref()))
        .bind(code.map(|code| code.code.octets().as_slice()))
        .bind(code.map(|code| code.redirect_uri.as_str()))
        .bind(code.map(|code| code.challenge.octets().as_slice()))
        .bind(code.map(|code| row::milliseconds(code.expires_at)))
        .bind(grant.and_then(|grant| row::answered(grant.age_over_18)))
        .bind(acting)
        .bind(code.and_then(|code| octets_of(code.key.as_ref())))
        .bind(grant.map(|grant| grant.session.octets().as_slice()))
        .bind(acting)
        .bind(acting)
        .bind(kept.map(|(.., basis)| basis == Basis::ThisTime))
        .bind(grant.map(|grant| grant.person.octets().as_slice()))
        .bind(grant.map(|grant| grant.client.as_str()))
}

/// Binds what one of the statements of [`TAKING`] needs, or so many times nothing.
pub(super) fn bind_taking<'q>(statement: Statement<'q>, place: usize, exchange: Option<&Exchange>) -> Statement<'q> {
    let now = exchange.map(|exchange| row::milliseconds(exchange.now));
    let tokens = exchange.map(|exchange| &exchange.tokens);
    let access = tokens.map(|tokens| &tokens.access);
    match place {
        0 => bind_token_of_code(statement, exchange, TokenKind::Access, access),
        1 => {
            let refresh = tokens.and_then(|tokens| tokens.refresh.as_ref());
            bind_token_of_code(statement, exchange, TokenKind::Refresh, refresh)
        }
        2 => statement.bind(now).bind(access.map(|access| access.token.octets().as_slice())),
        _ => grants::bind_live_token(statement, access.map(|access| &access.token), now),
    }
}

fn bind_token_of_code<'q>(
    statement: Statement<'q>,
    exchange: Option<&Exchange>,
    kind: TokenKind,
    token: Option<&NewToken>,
) -> Statement<'q> {
    let now = exchange.map(|exchange| row::milliseconds(exchange.now));
    let presented = exchange.map(|exchange| &exchange.presented);
    let octets = token.map(|token| token.token.octets().as_slice());
    statement
        .bind(octets)
        .bind(kind.name())
        .bind(token.map(|token| row::milliseconds(token.expires_at)))
        .bind(token.and_then(|token| octets_of(token.key.as_ref())))
        .bind(presented.map(|presented| presented.code.octets().as_slice()))
        .bind(presented.map(|presented| presented.client.as_str()))
        .bind(now)
        .bind(presented.map(|presented| presented.redirect_uri.as_str()))
        .bind(presented.map(|presented| presented.challenge.octets().as_slice()))
        .bind(presented.and_then(|presented| octets_of(presented.key.as_ref())))
        .bind(now)
        .bind(octets)
}

/// Ends what was granted with a code that gives nothing, and says why it does not. A code of another site does not end:
/// whoever has stolen it cannot even take it away.
pub(super) async fn spend(to: &mut Connection, presented: &PresentedCode) -> Result<Spent, StorageError> {
    let ended = sqlx::query("DELETE FROM grants WHERE code = $1 AND client = $2 RETURNING id, client, code_taken_at")
        .bind(presented.code.octets().as_slice())
        .bind(presented.client.as_str())
        .fetch_optional(&mut *to)
        .await?;
    let Some(ended) = ended else { return Ok(Spent::Unknown) };
    let was_taken = row::value::<Option<i64>>(&ended, "code_taken_at")?.is_some();
    logouts::tell(to, &[ended]).await?;
    Ok(if was_taken { Spent::Replayed } else { Spent::Unfit })
}
