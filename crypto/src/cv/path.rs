//! Certification paths: STB 34.101.79-2019, clause on CV certificates.
//!
//! A path is a trust anchor, perhaps an authority below it, and a terminal or card. A certificate is accepted under its
//! issuer if it names the issuer, was signed with the issuer's key, is of no higher level, begins within the issuer's
//! period, and if it and everything above it is in force on the given day. It may end later than its issuer.

use super::certificate::Certificate;
use super::date::{Date, Period};
use super::name::{Name, Role};
use super::rights::Rights;
use crate::bign::{Level, SignatureError};

/// Why a certificate is not accepted. Names and dates are those of the certificate at fault, which may stand above the
/// one that was asked about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is no certificate to judge.
    #[error("a path without a certificate")]
    Empty,
    /// More authorities than one follow the trust anchor.
    #[error("the path is longer than allowed")]
    TooLong,
    /// No trust anchor has this name.
    #[error("{authority} is not trusted")]
    UnknownAuthority {
        /// The name that the first certificate gives for its issuer.
        authority: Name,
    },
    /// A root's certificate names another issuer than itself.
    #[error("{holder} is certified by {authority}, not by itself")]
    NotSelfIssued {
        /// Whom it speaks of.
        holder: Name,
        /// The issuer it names.
        authority: Name,
    },
    /// The certificate names another issuer than the one it is presented under.
    #[error("{holder} is certified by {authority}, not by {issuer}")]
    OtherIssuer {
        /// Whom it speaks of.
        holder: Name,
        /// The issuer it names.
        authority: Name,
        /// The one it is presented under.
        issuer: Name,
    },
    /// The holder is something else than what must stand here: only a root links to a root, only a root certifies an
    /// authority, and what is named like an authority is neither card nor terminal.
    #[error("{holder} cannot stand here: {role:?}")]
    WrongRole {
        /// Whom the certificate speaks of.
        holder: Name,
        /// What its name says it is.
        role: Role,
    },
    /// A key of a higher level than its issuer's: the signature would be the weaker link.
    #[error("{holder} has a key of a higher level than its issuer")]
    LevelAboveIssuer {
        /// Whom the certificate speaks of.
        holder: Name,
        /// The level of the holder's key.
        level: Level,
        /// The level of the issuer's key.
        issuer: Level,
    },
    /// The certificate begins on a day on which its issuer's was not in force.
    #[error("the certificate of {holder} begins on {from}, outside the period of its issuer")]
    BeginsOutsideIssuersPeriod {
        /// Whom the certificate speaks of.
        holder: Name,
        /// Its first day.
        from: Date,
    },
    /// The signature was not made with the issuer's key over these octets.
    #[error("the signature on the certificate of {holder}: {error}")]
    Signature {
        /// Whom the certificate speaks of.
        holder: Name,
        /// What is wrong with it.
        error: SignatureError,
    },
    /// A certificate on the path is not in force yet.
    #[error("the certificate of {holder} is in force from {from}")]
    NotYetInForce {
        /// Whom it speaks of.
        holder: Name,
        /// Its first day.
        from: Date,
    },
    /// A certificate on the path is no longer in force.
    #[error("the certificate of {holder} was in force until {until}")]
    Expired {
        /// Whom it speaks of.
        holder: Name,
        /// Its last day.
        until: Date,
    },
    /// A card's certificate carries rights.
    #[error("the certificate of the card {holder} carries rights")]
    CardWithRights {
        /// The card.
        holder: Name,
    },
}

/// An authority whose certificate was accepted, with what the path down to it grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedAuthority {
    certificate: Certificate,
    rights: Rights,
    above: Vec<(Name, Period)>,
}

/// A root authority that is trusted by decision: it was configured, or a trusted root has linked to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchor(TrustedAuthority);

/// A terminal whose path was accepted. Only the judgement of a path makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedTerminal {
    certificate: Certificate,
    rights: Rights,
}

/// A card whose path was accepted. Only the judgement of a path makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedCard {
    certificate: Certificate,
}

impl TrustAnchor {
    /// Decides to trust a root by its self-signed certificate. When it is in force is looked at with each path.
    ///
    /// # Errors
    /// [`PathError::NotSelfIssued`], [`PathError::WrongRole`] or [`PathError::Signature`].
    pub fn of_root(certificate: Certificate) -> Result<Self, PathError> {
        let body = certificate.body();
        if body.authority != body.holder {
            let (holder, authority) = (body.holder.clone(), body.authority.clone());
            return Err(PathError::NotSelfIssued { holder, authority });
        }
        require(body.holder.role() == Role::Root, &certificate)?;
        verify_signature(&certificate, &certificate)?;
        Ok(Self(TrustedAuthority { rights: body.rights, certificate, above: Vec::new() }))
    }

    /// The new root that this one vouches for by a link certificate. It takes this one's place with the rights that both
    /// have, and is judged by its own period from then on.
    ///
    /// # Errors
    /// [`PathError`] unless the certificate is a link of this root, in force on `today` like the root itself.
    pub fn linked(&self, link: &Certificate, today: Date) -> Result<Self, PathError> {
        require(link.body().holder.role() == Role::Root && link.body().holder != *self.name(), link)?;
        let rights = self.0.judge(link, today)?;
        Ok(Self(TrustedAuthority { certificate: link.clone(), rights, above: Vec::new() }))
    }

    /// The root as what it is to certificates below it.
    #[must_use]
    pub const fn as_authority(&self) -> &TrustedAuthority {
        &self.0
    }

    fn name(&self) -> &Name {
        &self.0.certificate.body().holder
    }
}

impl TrustedAuthority {
    /// Its certificate; a link certificate if trust in the root came by one.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What every certificate down to this one grants.
    #[must_use]
    pub const fn rights(&self) -> Rights {
        self.rights
    }

    /// Confirms that this authority, and all above it, is in force.
    ///
    /// # Errors
    /// [`PathError::NotYetInForce`] or [`PathError::Expired`] for the first from above that is not.
    pub fn in_force(&self, today: Date) -> Result<(), PathError> {
        self.periods().into_iter().try_for_each(|(holder, period)| in_force(&holder, period, today))
    }

    /// Accepts the certificate of an authority below this root.
    ///
    /// # Errors
    /// [`PathError`], if a rule of this module is not kept.
    pub fn authority(&self, certificate: &Certificate, today: Date) -> Result<Self, PathError> {
        let below_root = self.certificate.body().holder.role() == Role::Root;
        require(below_root && certificate.body().holder.role() == Role::Subordinate, certificate)?;
        let rights = self.judge(certificate, today)?;
        Ok(Self { certificate: certificate.clone(), rights, above: self.periods() })
    }

    /// Accepts the certificate of a terminal.
    ///
    /// # Errors
    /// [`PathError`], if a rule of this module is not kept.
    pub fn terminal(&self, certificate: &Certificate, today: Date) -> Result<TrustedTerminal, PathError> {
        require(certificate.body().holder.role() == Role::CardOrTerminal, certificate)?;
        let rights = self.judge(certificate, today)?;
        Ok(TrustedTerminal { certificate: certificate.clone(), rights })
    }

    /// Accepts the certificate of a card.
    ///
    /// # Errors
    /// [`PathError`], if a rule of this module is not kept.
    pub fn card(&self, certificate: &Certificate, today: Date) -> Result<TrustedCard, PathError> {
        require(certificate.body().holder.role() == Role::CardOrTerminal, certificate)?;
        if certificate.body().rights != Rights::NONE {
            return Err(PathError::CardWithRights { holder: certificate.body().holder.clone() });
        }
        self.judge(certificate, today)?;
        Ok(TrustedCard { certificate: certificate.clone() })
    }

    /// What holds for every certificate that this authority issued; gives what the path grants with it.
    fn judge(&self, certificate: &Certificate, today: Date) -> Result<Rights, PathError> {
        let (issuer, subject) = (self.certificate.body(), certificate.body());
        let holder = || subject.holder.clone();
        if subject.authority != issuer.holder {
            let (authority, issuer) = (subject.authority.clone(), issuer.holder.clone());
            return Err(PathError::OtherIssuer { holder: holder(), authority, issuer });
        }
        let (level, above) = (subject.key.level(), issuer.key.level());
        if level > above {
            return Err(PathError::LevelAboveIssuer { holder: holder(), level, issuer: above });
        }
        if !issuer.period.contains(subject.period.from()) {
            return Err(PathError::BeginsOutsideIssuersPeriod { holder: holder(), from: subject.period.from() });
        }
        verify_signature(certificate, &self.certificate)?;
        self.in_force(today)?;
        in_force(&subject.holder, subject.period, today)?;
        Ok(self.rights & subject.rights)
    }

    /// Who must be in force for what this authority issued, from above.
    fn periods(&self) -> Vec<(Name, Period)> {
        let body = self.certificate.body();
        let mut periods = self.above.clone();
        periods.push((body.holder.clone(), body.period));
        periods
    }
}

impl TrustedTerminal {
    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What every certificate of the path grants, the trust anchor's included. What a holder has agreed to narrows it
    /// further: [`Rights`] `&` [`Rights`].
    #[must_use]
    pub const fn rights(&self) -> Rights {
        self.rights
    }
}

impl TrustedCard {
    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// The roots that somebody with a clock trusts: a client program, an identification service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustAnchors(Vec<TrustAnchor>);

impl TrustAnchors {
    /// Trusts these roots. A root's number stands for one key, so that of two with one name the first counts.
    #[must_use]
    pub const fn new(anchors: Vec<TrustAnchor>) -> Self {
        Self(anchors)
    }

    /// The root of that name.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<&TrustAnchor> {
        self.0.iter().find(|anchor| anchor.name() == name)
    }

    /// The root of that name, or [`PathError::UnknownAuthority`].
    pub(super) fn root(&self, name: &Name) -> Result<&TrustAnchor, PathError> {
        self.find(name).ok_or_else(|| PathError::UnknownAuthority { authority: name.clone() })
    }

    /// With one root in another's place.
    pub(super) fn with_replaced(&self, old: &TrustAnchor, new: &TrustAnchor) -> Self {
        Self(self.0.iter().map(|anchor| if anchor == old { new } else { anchor }).cloned().collect())
    }

    /// Judges the path of a terminal: what follows the trust anchor, the terminal's own certificate last. In front may
    /// stand a link certificate, then an authority's.
    ///
    /// # Errors
    /// [`PathError`], if a rule of this module is not kept.
    pub fn terminal(&self, path: &[Certificate], today: Date) -> Result<TrustedTerminal, PathError> {
        let (terminal, authorities) = path.split_last().ok_or(PathError::Empty)?;
        self.issuer(authorities, terminal, today)?.terminal(terminal, today)
    }

    /// Judges the path of a card, as [`TrustAnchors::terminal`] does.
    ///
    /// # Errors
    /// [`PathError`], if a rule of this module is not kept.
    pub fn card(&self, path: &[Certificate], today: Date) -> Result<TrustedCard, PathError> {
        let (card, authorities) = path.split_last().ok_or(PathError::Empty)?;
        self.issuer(authorities, card, today)?.card(card, today)
    }

    fn issuer(
        &self,
        authorities: &[Certificate],
        end: &Certificate,
        today: Date,
    ) -> Result<TrustedAuthority, PathError> {
        let anchor = self.root(&authorities.first().unwrap_or(end).body().authority)?;
        match authorities {
            [] => Ok(anchor.0.clone()),
            [link] if is_root(link) => Ok(anchor.linked(link, today)?.0),
            [authority] => anchor.0.authority(authority, today),
            [link, authority] if is_root(link) => anchor.linked(link, today)?.0.authority(authority, today),
            _ => Err(PathError::TooLong),
        }
    }
}

fn is_root(certificate: &Certificate) -> bool {
    certificate.body().holder.role() == Role::Root
}

fn require(role_fits: bool, certificate: &Certificate) -> Result<(), PathError> {
    let holder = &certificate.body().holder;
    if role_fits { Ok(()) } else { Err(PathError::WrongRole { holder: holder.clone(), role: holder.role() }) }
}

fn verify_signature(certificate: &Certificate, issuer: &Certificate) -> Result<(), PathError> {
    certificate
        .verify_signature(&issuer.body().key)
        .map_err(|error| PathError::Signature { holder: certificate.body().holder.clone(), error })
}

fn in_force(holder: &Name, period: Period, today: Date) -> Result<(), PathError> {
    if today < period.from() {
        Err(PathError::NotYetInForce { holder: holder.clone(), from: period.from() })
    } else if today > period.until() {
        Err(PathError::Expired { holder: holder.clone(), until: period.until() })
    } else {
        Ok(())
    }
}
