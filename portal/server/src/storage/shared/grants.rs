//! Grants, codes, tokens and consents.

use time::OffsetDateTime;

use super::codes::Exchange;
use super::engine::{self, Connection, Row};
use super::memory::SqlStorage;
use super::statements::Statement;
use super::{codes, logouts, organisations, row};
use crate::organisation::BindingId;
use crate::provider::clients::ClientId;
use crate::provider::dpop::{KEY_THUMBPRINT_SIZE, KeyThumbprint};
use crate::provider::scope::Scopes;
use crate::provider::subject::PersonTag;
use crate::storage::{
    Answer, Basis, ConnectedSite, FoundToken, GrantId, Grants, KeptCode, KeptGrant, KeptToken, NewTokens,
    PresentedCode, PresentedRefresh, PushedRequest, REPEAT_LIFETIME, Repeat, Spent, StorageError, TokenKind,
};
use crate::token::TokenHash;

impl Grants for SqlStorage {
    fn keep_grant<'a>(&'a self, grant: &'a KeptGrant, code: &'a KeptCode, basis: Basis) -> Answer<'a, bool> {
        let (grant, code) = (grant.clone(), code.clone());
        Box::pin(async move { self.0.writer().await?.keep_grant(grant, code, basis).await })
    }

    fn take_code<'a>(
        &'a self,
        presented: &'a PresentedCode,
        tokens: &'a NewTokens,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<FoundToken, Spent>> {
        let presented = presented.clone();
        let exchange = Exchange { presented: presented.clone(), tokens: *tokens, now };
        Box::pin(async move {
            let writer = self.0.writer().await?;
            match writer.take_code(exchange).await? {
                Some(taken) => Ok(Ok(taken)),
                None => {
                    writer.write(move |to| Box::pin(async move { codes::spend(to, &presented).await.map(Err) })).await
                }
            }
        })
    }

    fn token<'a>(&'a self, token: &'a TokenHash, now: OffsetDateTime) -> Answer<'a, Option<FoundToken>> {
        Box::pin(async move { live_token(&mut *self.0.reader().await?, token, now).await })
    }

    fn refresh<'a>(
        &'a self,
        presented: &'a PresentedRefresh,
        client: &'a ClientId,
        replacements: &'a NewTokens,
        now: OffsetDateTime,
    ) -> Answer<'a, Result<FoundToken, Spent>> {
        let (presented, client, replacements) = (*presented, client.clone(), *replacements);
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer
                .write(move |to| Box::pin(async move { refresh(to, &presented, &client, &replacements, now).await }))
                .await
        })
    }

    fn end_grant<'a>(&'a self, grant: &'a GrantId) -> Answer<'a, bool> {
        let grant = *grant;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { end_grant(to, &grant).await })).await
        })
    }

    fn end_token<'a>(&'a self, token: &'a TokenHash) -> Answer<'a, bool> {
        let token = *token;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { end_token(to, &token).await })).await
        })
    }

    fn consent<'a>(
        &'a self,
        person: &'a PersonTag,
        client: &'a ClientId,
        acting: Option<&'a BindingId>,
    ) -> Answer<'a, Option<Scopes>> {
        Box::pin(async move { consent(&mut *self.0.reader().await?, person, client, acting).await })
    }

    fn agree<'a>(
        &'a self,
        person: &'a PersonTag,
        client: &'a ClientId,
        scopes: Scopes,
        acting: Option<&'a BindingId>,
        now: OffsetDateTime,
    ) -> Answer<'a, ()> {
        let (person, client, acting) = (*person, client.clone(), acting.copied());
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer
                .write(move |to| {
                    Box::pin(async move { agree(to, &person, &client, scopes, acting.as_ref(), now).await })
                })
                .await
        })
    }

    fn connected_sites<'a>(&'a self, person: &'a PersonTag) -> Answer<'a, Vec<ConnectedSite>> {
        Box::pin(async move { connected_sites(&mut *self.0.reader().await?, person).await })
    }

    fn withdraw<'a>(&'a self, person: &'a PersonTag, client: &'a ClientId) -> Answer<'a, bool> {
        let (person, client) = (*person, client.clone());
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { withdraw(to, &person, &client).await })).await
        })
    }

    fn see_once<'a>(&'a self, statement: &'a TokenHash, expires_at: OffsetDateTime) -> Answer<'a, bool> {
        let statement = *statement;
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { see_once(to, &statement, expires_at).await })).await
        })
    }

    fn push<'a>(&'a self, pushed: &'a PushedRequest) -> Answer<'a, ()> {
        let pushed = pushed.clone();
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { push(to, &pushed).await })).await
        })
    }

    fn take_pushed<'a>(
        &'a self,
        request: &'a TokenHash,
        client: &'a ClientId,
        now: OffsetDateTime,
    ) -> Answer<'a, Option<String>> {
        let (request, client) = (*request, client.clone());
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { take_pushed(to, &request, &client, now).await })).await
        })
    }

    fn purge_grants(&self, now: OffsetDateTime) -> Answer<'_, ()> {
        Box::pin(async move {
            let writer = self.0.writer().await?;
            writer.write(move |to| Box::pin(async move { purge(to, now).await })).await
        })
    }
}

/// Keeps what replaces a refresh token.
async fn keep_tokens(
    to: &mut Connection,
    id: &GrantId,
    scopes: Scopes,
    NewTokens { access, refresh }: &NewTokens,
    replaced: &TokenHash,
) -> Result<(), StorageError> {
    let refresh = refresh.as_ref().map(|refresh| (TokenKind::Refresh, refresh));
    for (kind, token) in std::iter::once((TokenKind::Access, access)).chain(refresh) {
        sqlx::query(
            "INSERT INTO tokens (token, grant_id, kind, token_scopes, token_expires_at, proof_key, replaces) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(token.token.octets().as_slice())
        .bind(id.octets().as_slice())
        .bind(kind.name())
        .bind(scopes.text())
        .bind(row::milliseconds(token.expires_at))
        .bind(octets_of(token.key.as_ref()))
        .bind(replaced.octets().as_slice())
        .execute(&mut *to)
        .await?;
    }
    Ok(())
}

/// A token that serves now, what it is good for, and for whom its person acts: the values are those of [`bind_live_token`].
/// An organisation that is not bound any more has ended its grants.
pub(super) const LIVE_TOKEN: &str = "SELECT sessions.*, grants.id, grants.session, grants.person, grants.client, \
     grants.scopes, grants.granted_event, grants.granted_level, grants.granted_way, grants.nonce, granted_age, \
     granted_binding, tokens.token AS presented, kind, token_scopes, token_expires_at, proof_key, \
     organisation, bindings.belarusian_name, russian_name, english_name, bound_at \
     FROM tokens JOIN grants ON grants.id = grant_id JOIN sessions ON sessions.token = grants.session \
     LEFT JOIN bindings ON bindings.id = granted_binding \
     WHERE tokens.token = $1 AND replaced_at IS NULL AND token_expires_at > $2 AND sessions.expires_at > $3";

/// Binds a token and the time in milliseconds, or so many times nothing.
pub(super) fn bind_live_token<'q>(
    statement: Statement<'q>,
    token: Option<&TokenHash>,
    now: Option<i64>,
) -> Statement<'q> {
    statement.bind(token.map(|token| token.octets().as_slice())).bind(now).bind(now)
}

async fn live_token(
    to: &mut Connection,
    token: &TokenHash,
    now: OffsetDateTime,
) -> Result<Option<FoundToken>, StorageError> {
    let statement = bind_live_token(sqlx::query(LIVE_TOKEN), Some(token), Some(row::milliseconds(now)));
    statement.fetch_optional(to).await?.as_ref().map(found_token).transpose()
}

async fn refresh(
    to: &mut Connection,
    presented: &PresentedRefresh,
    client: &ClientId,
    replacements: &NewTokens,
    now: OffsetDateTime,
) -> Result<Result<FoundToken, Spent>, StorageError> {
    let PresentedRefresh { token, scopes, key, .. } = presented;
    engine::hold_grant_of(to, token).await?;
    take_back_lost_answer(to, presented, client, now).await?;
    let found = live_token(to, token, now).await?;
    let replaced = sqlx::query(
        "UPDATE tokens SET replaced_at = $1 WHERE token = $2 AND kind = 'refresh' AND replaced_at IS NULL \
         AND token_expires_at > $3 AND grant_id IN (SELECT grants.id FROM grants JOIN sessions \
         ON sessions.token = grants.session WHERE grants.client = $4 AND sessions.expires_at > $5) \
         AND (proof_key IS NULL OR proof_key = $6) RETURNING grant_id",
    )
    .bind(row::milliseconds(now))
    .bind(token.octets().as_slice())
    .bind(row::milliseconds(now))
    .bind(client.as_str())
    .bind(row::milliseconds(now))
    .bind(octets_of(key.as_ref()))
    .fetch_optional(&mut *to)
    .await?;
    match (found, replaced) {
        (Some(found), Some(_)) => {
            let scopes = scopes.unwrap_or(found.grant.scopes);
            keep_tokens(to, &found.grant.id, scopes, replacements, token).await?;
            Ok(Ok(found))
        }
        _ => {
            let ended = sqlx::query(
                "DELETE FROM grants WHERE client = $1 AND id IN \
                 (SELECT grant_id FROM tokens WHERE token = $2 AND kind = 'refresh' AND replaced_at IS NOT NULL \
                 AND (proof_key IS NULL OR proof_key = $3)) \
                 RETURNING id, client, code_taken_at",
            )
            .bind(client.as_str())
            .bind(token.octets().as_slice())
            .bind(octets_of(key.as_ref()))
            .fetch_all(&mut *to)
            .await?;
            replayed(to, &ended).await.map(Err)
        }
    }
}

/// Makes a refresh token as good as new whose answer was lost, if it is presented by somebody who may repeat the exchange: once,
/// and only if nobody has exchanged what it was replaced by. That counts as exchanged from now on.
async fn take_back_lost_answer(
    to: &mut Connection,
    presented: &PresentedRefresh,
    client: &ClientId,
    now: OffsetDateTime,
) -> Result<(), StorageError> {
    let PresentedRefresh { token, key, repeat, .. } = presented;
    if *repeat == Repeat::Never {
        return Ok(());
    }
    let token = token.octets().as_slice();
    let taken_back = sqlx::query(
        "UPDATE tokens SET replaced_at = NULL WHERE token = $1 AND kind = 'refresh' AND replaced_at > $2 \
         AND grant_id IN (SELECT id FROM grants WHERE client = $3) \
         AND (proof_key = $4 OR ($5 AND proof_key IS NULL)) \
         AND (SELECT count(*) FROM tokens AS given WHERE given.replaces = $6 AND given.kind = 'refresh') = 1 \
         AND EXISTS (SELECT 1 FROM tokens AS given WHERE given.replaces = $7 AND given.kind = 'refresh' \
         AND given.replaced_at IS NULL)",
    )
    .bind(token)
    .bind(row::milliseconds(now.saturating_sub(REPEAT_LIFETIME)))
    .bind(client.as_str())
    .bind(octets_of(key.as_ref()))
    .bind(*repeat == Repeat::BySite)
    .bind(token)
    .bind(token)
    .execute(&mut *to)
    .await?;
    if taken_back.rows_affected() == 0 {
        return Ok(());
    }
    sqlx::query("UPDATE tokens SET replaced_at = $1 WHERE replaces = $2 AND kind = 'refresh' AND replaced_at IS NULL")
        .bind(row::milliseconds(now))
        .bind(token)
        .execute(&mut *to)
        .await?;
    sqlx::query("DELETE FROM tokens WHERE replaces = $1 AND kind = 'access'").bind(token).execute(to).await?;
    Ok(())
}

/// What is said of a code or token that gives nothing, if these grants have ended by it.
async fn replayed(to: &mut Connection, ended: &[Row]) -> Result<Spent, StorageError> {
    logouts::tell(to, ended).await?;
    Ok(if ended.is_empty() { Spent::Unknown } else { Spent::Replayed })
}

async fn end_grant(to: &mut Connection, grant: &GrantId) -> Result<bool, StorageError> {
    let ended = sqlx::query("DELETE FROM grants WHERE id = $1").bind(grant.octets().as_slice()).execute(to).await?;
    Ok(ended.rows_affected() > 0)
}

async fn end_token(to: &mut Connection, token: &TokenHash) -> Result<bool, StorageError> {
    let ended = sqlx::query("DELETE FROM tokens WHERE token = $1").bind(token.octets().as_slice()).execute(to).await?;
    Ok(ended.rows_affected() > 0)
}

async fn consent(
    from: &mut Connection,
    person: &PersonTag,
    client: &ClientId,
    acting: Option<&BindingId>,
) -> Result<Option<Scopes>, StorageError> {
    let found = sqlx::query(
        "SELECT scopes, EXISTS (SELECT 1 FROM consents_to_act WHERE consents_to_act.person = consents.person \
         AND consents_to_act.client = consents.client AND binding = $1) AS is_of_this_one \
         FROM consents WHERE person = $2 AND client = $3",
    )
    .bind(acting.map(|binding| binding.octets().as_slice()))
    .bind(person.octets().as_slice())
    .bind(client.as_str())
    .fetch_optional(from)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let scopes = scopes(&found, "scopes")?;
    let may_know = acting.is_none() || row::value(&found, "is_of_this_one")?;
    Ok(Some(Scopes { acting_account: scopes.acting_account && may_know, ..scopes }))
}

async fn agree(
    to: &mut Connection,
    person: &PersonTag,
    client: &ClientId,
    scopes: Scopes,
    acting: Option<&BindingId>,
    now: OffsetDateTime,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO consents (person, client, scopes, agreed_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (person, client) DO UPDATE SET scopes = excluded.scopes, agreed_at = excluded.agreed_at",
    )
    .bind(person.octets().as_slice())
    .bind(client.as_str())
    .bind(scopes.text())
    .bind(row::milliseconds(now))
    .execute(&mut *to)
    .await?;
    if let Some(acting) = acting {
        sqlx::query(
            "INSERT INTO consents_to_act (person, client, binding) SELECT $1, $2, id FROM bindings WHERE id = $3 \
             ON CONFLICT DO NOTHING",
        )
        .bind(person.octets().as_slice())
        .bind(client.as_str())
        .bind(acting.octets().as_slice())
        .execute(to)
        .await?;
    }
    Ok(())
}

async fn connected_sites(from: &mut Connection, person: &PersonTag) -> Result<Vec<ConnectedSite>, StorageError> {
    let found = sqlx::query(
        "SELECT client, scopes, agreed_at, EXISTS (SELECT 1 FROM grants WHERE grants.person = consents.person \
         AND grants.client = consents.client AND code_taken_at IS NOT NULL) AS is_signed_in \
         FROM consents WHERE person = $1 ORDER BY agreed_at DESC, client",
    )
    .bind(person.octets().as_slice())
    .fetch_all(from)
    .await?;
    let site = |row: &Row| {
        Ok(ConnectedSite {
            client: client(row)?,
            scopes: scopes(row, "scopes")?,
            agreed_at: row::time(row, "agreed_at")?,
            is_signed_in: row::value(row, "is_signed_in")?,
        })
    };
    found.iter().map(site).collect()
}

async fn withdraw(to: &mut Connection, person: &PersonTag, client: &ClientId) -> Result<bool, StorageError> {
    let forgotten = sqlx::query("DELETE FROM consents WHERE person = $1 AND client = $2")
        .bind(person.octets().as_slice())
        .bind(client.as_str())
        .execute(&mut *to)
        .await?;
    let ended = "DELETE FROM grants WHERE person = $1 AND client = $2 RETURNING id, client, code_taken_at";
    let ended = sqlx::query(ended).bind(person.octets().as_slice()).bind(client.as_str()).fetch_all(&mut *to).await?;
    logouts::tell(to, &ended).await?;
    Ok(forgotten.rows_affected() > 0 || !ended.is_empty())
}

async fn see_once(
    to: &mut Connection,
    statement: &TokenHash,
    expires_at: OffsetDateTime,
) -> Result<bool, StorageError> {
    let seen =
        sqlx::query("INSERT INTO statements_seen (statement, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(statement.octets().as_slice())
            .bind(row::milliseconds(expires_at))
            .execute(to)
            .await?;
    Ok(seen.rows_affected() == 1)
}

async fn push(to: &mut Connection, pushed: &PushedRequest) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO pushed_requests (request, client, query, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(pushed.request.octets().as_slice())
        .bind(pushed.client.as_str())
        .bind(pushed.query.as_str())
        .bind(row::milliseconds(pushed.expires_at))
        .execute(to)
        .await?;
    Ok(())
}

async fn take_pushed(
    to: &mut Connection,
    request: &TokenHash,
    client: &ClientId,
    now: OffsetDateTime,
) -> Result<Option<String>, StorageError> {
    let statement =
        "DELETE FROM pushed_requests WHERE request = $1 AND client = $2 AND expires_at > $3 RETURNING query";
    let taken = sqlx::query_scalar(statement)
        .bind(request.octets().as_slice())
        .bind(client.as_str())
        .bind(row::milliseconds(now))
        .fetch_optional(to)
        .await?;
    Ok(taken)
}

/// Grants whose code nobody came for go as soon as nobody can any more; others with their session.
async fn purge(to: &mut Connection, now: OffsetDateTime) -> Result<(), StorageError> {
    for statement in [
        "DELETE FROM tokens WHERE token_expires_at <= $1",
        "DELETE FROM grants WHERE code_taken_at IS NULL AND code_expires_at <= $1",
        "DELETE FROM statements_seen WHERE expires_at <= $1",
        "DELETE FROM pushed_requests WHERE expires_at <= $1",
    ] {
        sqlx::query(statement).bind(row::milliseconds(now)).execute(&mut *to).await?;
    }
    Ok(())
}

pub(super) fn found_token(row: &Row) -> Result<FoundToken, StorageError> {
    let kind: String = row::value(row, "kind")?;
    let token = KeptToken {
        token: TokenHash::from(row::octets(row, "presented")?),
        kind: kind.parse::<TokenKind>()?,
        scopes: scopes(row, "token_scopes")?,
        expires_at: row::time(row, "token_expires_at")?,
        key: key(row, "proof_key")?,
    };
    let grant = grant(row)?;
    let acting = match (grant.acting, row::value::<Option<&str>>(row, "organisation")?) {
        (Some(id), Some(_)) => Some(organisations::binding(id, row)?),
        _ => None,
    };
    Ok(FoundToken { token, grant, session: row::session(row)?, acting })
}

fn grant(row: &Row) -> Result<KeptGrant, StorageError> {
    Ok(KeptGrant {
        id: GrantId::from(row::octets(row, "id")?),
        session: TokenHash::from(row::octets(row, "session")?),
        person: PersonTag::from(row::octets(row, "person")?),
        client: client(row)?,
        scopes: scopes(row, "scopes")?,
        signed_in_at: row::time(row, "granted_event")?,
        assurance: row::parsed(row, "granted_level")?,
        way: row::parsed(row, "granted_way")?,
        age_over_18: row::answer(row, "granted_age")?,
        acting: row::binding(row, "granted_binding")?,
        nonce: row::value(row, "nonce")?,
    })
}

pub(super) fn octets_of(key: Option<&KeyThumbprint>) -> Option<&[u8]> {
    key.map(|key| key.octets().as_slice())
}

fn key(row: &Row, column: &'static str) -> Result<Option<KeyThumbprint>, StorageError> {
    let Some(octets) = row::value::<Option<&[u8]>>(row, column)? else { return Ok(None) };
    let octets: [u8; KEY_THUMBPRINT_SIZE] = octets.try_into().map_err(|_| StorageError::Damaged(column))?;
    Ok(Some(KeyThumbprint::from(octets)))
}

pub(super) fn client(row: &Row) -> Result<ClientId, StorageError> {
    ClientId::parse(row::value(row, "client")?).map_err(|_| StorageError::Damaged("client"))
}

fn scopes(row: &Row, column: &'static str) -> Result<Scopes, StorageError> {
    Ok(Scopes::parse(row::value(row, column)?))
}
