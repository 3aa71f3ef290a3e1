// The words that a profile's file may say, and the program's values of the same names. Included in both places, the build
// and the crate, each of which says beforehand what it makes of `words!`.
words! {
    /// In which order a client lists its rights in MSE:Set AT.
    pub enum RightsOrder {
        /// eID, then eSign.
        EidFirst,
        /// eSign, then eID: seen in the field.
        EsignFirst,
    }

    /// What a terminal's hello in BAUTH is (STB 34.101.79, clause on BAUTH; the print of 2019 can be read in two ways).
    #[derive(Default)]
    pub enum TerminalHello {
        /// The command data of MSE:Set AT for BAUTH, then the CertHAT objects of the one for BPACE: the errata.
        #[default]
        TemplateAndCertHats,
        /// The hash of the request: the value of object `85`.
        RequestHash,
        /// The whole object `85`.
        RequestHashObject,
    }

    /// What an eID data group holds.
    pub enum Attribute {
        /// The kind of document.
        DocumentType,
        /// The card's serial number.
        CardSerial,
        /// The state that issued the card.
        IssuingState,
        /// The last day of the card.
        Expiry,
        /// The first name, in its forms.
        GivenName,
        /// The family name, in its forms.
        FamilyName,
        /// The patronymic, in its forms.
        Patronymic,
        /// The personal number.
        PersonalNumber,
        /// The day of birth, as far as it is known.
        BirthDate,
        /// The place of birth.
        PlaceOfBirth,
        /// The citizenship.
        Citizenship,
        /// The sex.
        Sex,
        /// Further data.
        OptionalData,
        /// A picture of the written signature.
        WrittenSignature,
        /// The day on which the card was issued.
        Issued,
        /// Who issued the card.
        IssuingAuthority,
        /// The permanent address.
        Address,
        /// The code of the region.
        Region,
        /// The telephone number.
        Phone,
        /// The e-mail address.
        Email,
        /// A picture of the face.
        Face,
    }

    /// With which password a channel must have been opened to read a data group where no terminal is needed. Where one is,
    /// its rights decide.
    pub enum GroupPassword {
        /// The CAN is enough.
        Can,
        /// The PIN.
        Pin,
    }

    /// How a data group is written.
    pub enum GroupEncoding {
        /// The object of its only attribute.
        Attribute,
        /// A SEQUENCE (`30`) of the objects of its attributes.
        Sequence,
    }
}
