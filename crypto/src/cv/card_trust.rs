//! How a card judges terminals: it has no clock, and forgets the path with the session.

use super::certificate::Certificate;
use super::date::Date;
use super::name::{Name, Role};
use super::path::{PathError, TrustAnchor, TrustAnchors, TrustedAuthority, TrustedTerminal};

/// What a card keeps for good: the roots it trusts, and its estimate of the day, which is the latest first day of any
/// certificate that it accepted.
///
/// A certificate that has expired since passes until another one moves the estimate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardTrust {
    anchors: TrustAnchors,
    estimate: Date,
}

/// What a card has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A link certificate: the trust anchor was replaced, and the next certificate begins a path under it.
    Link,
    /// An authority's certificate: the issuer of the next.
    Authority(TrustedAuthority),
    /// A terminal's certificate: the path ends.
    Terminal(TrustedTerminal),
}

impl CardTrust {
    /// A card that trusts these roots and knows that `date` has come.
    #[must_use]
    pub const fn new(anchors: TrustAnchors, date: Date) -> Self {
        Self { anchors, estimate: date }
    }

    /// The roots.
    #[must_use]
    pub fn anchors(&self) -> &TrustAnchors {
        &self.anchors
    }

    /// The latest day of which the card knows that it has come.
    #[must_use]
    pub const fn estimate(&self) -> Date {
        self.estimate
    }

    /// Judges the next certificate of a path: the first, whose issuer is found among the roots by its name, if `issuer`
    /// is `None`, and otherwise one issued by the authority accepted last. Gives what the card keeps from now on; after a
    /// refusal that is what it kept before.
    ///
    /// # Errors
    /// [`PathError`], if a rule of the path is not kept. A certificate that has not begun yet moves the estimate instead.
    pub fn judge(
        &self,
        issuer: Option<&TrustedAuthority>,
        certificate: &Certificate,
    ) -> Result<(Self, Accepted), PathError> {
        let body = certificate.body();
        let estimate = self.estimate.max(body.period.from());
        let kept = |anchors| Self { anchors, estimate };
        match (body.holder.role(), issuer) {
            (Role::Root, None) => {
                let old = self.anchors.root(&body.authority)?;
                let new = old.linked(certificate, estimate)?;
                Ok((kept(self.anchors.with_replaced(old, &new)), Accepted::Link))
            }
            (role @ Role::Root, Some(_)) => Err(PathError::WrongRole { holder: body.holder.clone(), role }),
            (Role::Subordinate, issuer) => {
                let accepted = self.issuer(issuer, &body.authority)?.authority(certificate, estimate)?;
                Ok((kept(self.anchors.clone()), Accepted::Authority(accepted)))
            }
            (Role::CardOrTerminal, issuer) => {
                let accepted = self.issuer(issuer, &body.authority)?.terminal(certificate, estimate)?;
                Ok((kept(self.anchors.clone()), Accepted::Terminal(accepted)))
            }
        }
    }

    fn issuer<'a>(
        &'a self,
        accepted_last: Option<&'a TrustedAuthority>,
        name: &Name,
    ) -> Result<&'a TrustedAuthority, PathError> {
        match accepted_last {
            Some(issuer) => Ok(issuer),
            None => self.anchors.root(name).map(TrustAnchor::as_authority),
        }
    }
}
