//! Command and response APDUs: ISO/IEC 7816-4:2020, clause 5; STB 34.101.79 card rules for lengths.

use std::fmt;
use std::num::NonZeroU8;

use zeroize::Zeroizing;

/// Longest command data of an extended APDU, in octets.
pub const MAX_EXTENDED_DATA: usize = 65_535;
/// Longest command data of a short APDU, in octets.
pub const MAX_SHORT_DATA: usize = 255;
/// Largest number of expected octets of a short APDU (Le octet `00`).
pub const MAX_SHORT_EXPECTED: u32 = 256;
/// Largest number of expected octets of an extended APDU (Le octets `00 00`).
pub const MAX_EXTENDED_EXPECTED: u32 = 65_536;

/// Class bit of a command under secure messaging.
pub const CLASS_PROTECTED: u8 = 0x04;
/// Class bit of a command that is not the last of its chain.
pub const CLASS_CHAINED: u8 = 0x10;

/// The four octets every command begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// Class.
    pub cla: u8,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
}

impl Header {
    /// The header with the octets in the order of the wire.
    #[must_use]
    pub const fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2 }
    }

    /// The octets in the order of the wire.
    #[must_use]
    pub const fn octets(self) -> [u8; 4] {
        [self.cla, self.ins, self.p1, self.p2]
    }
}

/// A command APDU. Its data is wiped on drop and never printed, since it may hold a PIN.
#[derive(PartialEq, Eq)]
pub struct Command {
    header: Header,
    data: Zeroizing<Vec<u8>>,
    expected: Option<u32>,
    form: LengthForm,
}

/// How Lc and Le are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    /// One octet each.
    Short,
    /// `00 hh ll` for Lc, two or three octets for Le.
    Extended,
    /// `00 hh ll` for Lc and the one octet `00` for Le: only under secure messaging (STB 34.101.79, draft 1.30 and
    /// later).
    ExtendedProtected,
}

impl LengthForm {
    /// The short form if `data_size` octets of data and `expected` octets of answer fit it, else the extended one.
    #[must_use]
    pub fn shortest(data_size: usize, expected: Option<u32>) -> Self {
        let short = data_size <= MAX_SHORT_DATA && expected.is_none_or(|count| count <= MAX_SHORT_EXPECTED);
        if short { Self::Short } else { Self::Extended }
    }
}

/// Why octets are no command, or parts make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApduError {
    /// Lc, Le and the number of octets do not fit together: the card answers 6700.
    #[error("the length fields do not fit the command")]
    WrongLength,
    /// Fewer than the four header octets.
    #[error("the command has no complete header")]
    NoHeader,
}

impl Command {
    /// A command without data and without an expected answer.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self { header, data: Zeroizing::new(Vec::new()), expected: None, form: LengthForm::Short }
    }

    /// The same command with data, in the short form if it fits.
    ///
    /// # Errors
    /// [`ApduError::WrongLength`] above [`MAX_EXTENDED_DATA`].
    pub fn with_data(mut self, data: &[u8]) -> Result<Self, ApduError> {
        if data.len() > MAX_EXTENDED_DATA {
            return Err(ApduError::WrongLength);
        }
        if data.len() > MAX_SHORT_DATA {
            self.form = LengthForm::Extended;
        }
        self.data = Zeroizing::new(data.to_vec());
        Ok(self)
    }

    /// The same command expecting up to `count` octets (1 to 65,536), in the short form if it fits.
    ///
    /// # Errors
    /// [`ApduError::WrongLength`] if `count` is 0 or above [`MAX_EXTENDED_EXPECTED`].
    pub fn expecting(mut self, count: u32) -> Result<Self, ApduError> {
        if count == 0 || count > MAX_EXTENDED_EXPECTED {
            return Err(ApduError::WrongLength);
        }
        if count > MAX_SHORT_EXPECTED {
            self.form = LengthForm::Extended;
        }
        self.expected = Some(count);
        Ok(self)
    }

    /// The same command expecting up to `count` octets in the short form.
    #[must_use]
    pub fn expecting_short(mut self, count: NonZeroU8) -> Self {
        self.expected = Some(u32::from(count.get()));
        self
    }

    /// The same command expecting up to [`MAX_SHORT_EXPECTED`] octets: Le octet `00`.
    #[must_use]
    pub const fn expecting_short_maximum(mut self) -> Self {
        self.expected = Some(MAX_SHORT_EXPECTED);
        self
    }

    /// The same command with data whose type proves that the short form fits.
    #[must_use]
    pub fn with_short_data<const SIZE: usize>(mut self, data: &[u8; SIZE]) -> Self {
        const { assert!(SIZE <= MAX_SHORT_DATA, "too long for the short form") };
        self.data = Zeroizing::new(data.to_vec());
        self
    }

    /// A command under secure messaging: its data are protected objects and its Le is always the one octet `00`.
    ///
    /// # Errors
    /// [`ApduError::WrongLength`] above [`MAX_EXTENDED_DATA`].
    pub(crate) fn protected(header: Header, objects: &[u8]) -> Result<Self, ApduError> {
        let mut command = Self::new(header).with_data(objects)?.expecting(MAX_SHORT_EXPECTED)?;
        if command.form == LengthForm::Extended {
            command.form = LengthForm::ExtendedProtected;
        }
        Ok(command)
    }

    /// The same command with its lengths written in `form`, unless they only fit the extended one.
    #[must_use]
    pub fn in_form(mut self, form: LengthForm) -> Self {
        self.form = match LengthForm::shortest(self.data.len(), self.expected) {
            LengthForm::Short => form,
            extended => extended,
        };
        self
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The command data; may be secret.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// How many octets are expected in answer; `None` without Le.
    #[must_use]
    pub const fn expected(&self) -> Option<u32> {
        self.expected
    }

    /// How the lengths are written.
    #[must_use]
    pub const fn form(&self) -> LengthForm {
        self.form
    }

    /// The octets of the Le field as the plain command writes them: none, one, two or three.
    #[must_use]
    pub fn le_octets(&self) -> Vec<u8> {
        self.le_octets_in(self.form)
    }

    /// The octets of the Le field as the plain command would write them in `form`.
    pub(crate) fn le_octets_in(&self, form: LengthForm) -> Vec<u8> {
        let Some(count) = self.expected else { return Vec::new() };
        let [.., high, low] = count.to_be_bytes();
        match (form, self.data.is_empty()) {
            (LengthForm::Short | LengthForm::ExtendedProtected, _) => vec![low],
            (LengthForm::Extended, false) => vec![high, low],
            (LengthForm::Extended, true) => vec![0, high, low],
        }
    }

    /// The octets for the wire, wiped on drop.
    #[must_use]
    pub fn to_octets(&self) -> Zeroizing<Vec<u8>> {
        let mut octets = Zeroizing::new(Vec::with_capacity(self.data.len().saturating_add(9)));
        octets.extend_from_slice(&self.header.octets());
        if !self.data.is_empty() {
            let length = u16::try_from(self.data.len()).unwrap_or(u16::MAX);
            let [high, low] = length.to_be_bytes();
            match self.form {
                LengthForm::Short => octets.push(low),
                LengthForm::Extended | LengthForm::ExtendedProtected => octets.extend_from_slice(&[0, high, low]),
            }
            octets.extend_from_slice(&self.data);
        }
        octets.extend_from_slice(&self.le_octets());
        octets
    }

    /// Reads a command as a card receives it: the seven cases of ISO/IEC 7816-4, clause 5.2, and the extended Lc with
    /// the one Le octet `00` of secure messaging.
    ///
    /// # Errors
    /// [`ApduError`] if the octets are none of them; a present Lc of zero is refused.
    pub fn parse(octets: &[u8]) -> Result<Self, ApduError> {
        let (header, body) = octets.split_first_chunk::<4>().ok_or(ApduError::NoHeader)?;
        let [cla, ins, p1, p2] = *header;
        let command = Self::new(Header::new(cla, ins, p1, p2));
        match body {
            [] => Ok(command),
            [le] => command.expecting(short_count(*le)),
            [0, high, low] => Ok(command.expecting(extended_count(*high, *low))?.in_form(LengthForm::Extended)),
            [0, high, low, rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let (data, le) = split_data(rest, length)?;
                let command = command.with_data(data)?;
                let command = match le {
                    [] => command,
                    [0] if cla & CLASS_PROTECTED != 0 => {
                        let mut command = command.expecting(MAX_SHORT_EXPECTED)?;
                        command.form = LengthForm::ExtendedProtected;
                        return Ok(command);
                    }
                    [high, low] => command.expecting(extended_count(*high, *low))?,
                    _ => return Err(ApduError::WrongLength),
                };
                Ok(command.in_form(LengthForm::Extended))
            }
            [lc, rest @ ..] => {
                let (data, le) = split_data(rest, usize::from(*lc))?;
                let command = command.with_data(data)?;
                match le {
                    [] => Ok(command),
                    [le] => command.expecting(short_count(*le)),
                    _ => Err(ApduError::WrongLength),
                }
            }
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cla, ins, p1, p2] = self.header.octets();
        write!(formatter, "{cla:02X} {ins:02X} {p1:02X} {p2:02X}, {} data octets hidden", self.data.len())?;
        match self.expected {
            Some(count) => write!(formatter, ", expecting {count}"),
            None => Ok(()),
        }
    }
}

fn short_count(le: u8) -> u32 {
    if le == 0 { MAX_SHORT_EXPECTED } else { u32::from(le) }
}

fn extended_count(high: u8, low: u8) -> u32 {
    match u16::from_be_bytes([high, low]) {
        0 => MAX_EXTENDED_EXPECTED,
        count => u32::from(count),
    }
}

fn split_data(octets: &[u8], length: usize) -> Result<(&[u8], &[u8]), ApduError> {
    if length == 0 {
        return Err(ApduError::WrongLength);
    }
    octets.split_at_checked(length).ok_or(ApduError::WrongLength)
}

/// A response APDU. Its data is wiped on drop and never printed, since it may be personal.
#[derive(PartialEq, Eq)]
pub struct Response {
    data: Zeroizing<Vec<u8>>,
    status: StatusWord,
}

impl Response {
    /// A response with data.
    #[must_use]
    pub fn new(data: Vec<u8>, status: StatusWord) -> Self {
        Self { data: Zeroizing::new(data), status }
    }

    /// A response that is a status word only.
    #[must_use]
    pub fn status_only(status: StatusWord) -> Self {
        Self::new(Vec::new(), status)
    }

    /// Reads a response as it came from a card. `None` if there are fewer than two octets.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let (data, status) = octets.split_last_chunk::<2>()?;
        Some(Self::new(data.to_vec(), StatusWord::new(u16::from_be_bytes(*status))))
    }

    /// The response data.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The status word.
    #[must_use]
    pub const fn status(&self) -> StatusWord {
        self.status
    }

    /// The octets for the wire, wiped on drop.
    #[must_use]
    pub fn to_octets(&self) -> Zeroizing<Vec<u8>> {
        let mut octets = Zeroizing::new(Vec::with_capacity(self.data.len().saturating_add(2)));
        octets.extend_from_slice(&self.data);
        octets.extend_from_slice(&self.status.value().to_be_bytes());
        octets
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {} data octets hidden", self.status, self.data.len())
    }
}

/// The two status octets SW1 SW2.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(u16);

impl StatusWord {
    /// 9000: success.
    pub const SUCCESS: Self = Self(0x9000);
    /// 6200: an auxiliary attribute is false.
    pub const ATTRIBUTE_FALSE: Self = Self(0x6200);
    /// 6283: the key is inactive.
    pub const KEY_INACTIVE: Self = Self(0x6283);
    /// 6400: internal error.
    pub const INTERNAL_ERROR: Self = Self(0x6400);
    /// 6581: memory error.
    pub const MEMORY_ERROR: Self = Self(0x6581);
    /// 6700: a length is wrong, missing or superfluous.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// 6884: chaining is not supported.
    pub const CHAINING_NOT_SUPPORTED: Self = Self(0x6884);
    /// 6982: not allowed in this state, no right, or the confirmation flag is not set.
    pub const NOT_ALLOWED: Self = Self(0x6982);
    /// 6983: the password is blocked.
    pub const BLOCKED: Self = Self(0x6983);
    /// 6984: the password is deactivated, or the key exists or is destroyed.
    pub const DEACTIVATED: Self = Self(0x6984);
    /// 6985: the password is suspended.
    pub const SUSPENDED: Self = Self(0x6985);
    /// 6987: an expected secure messaging object is missing, or the command is plain inside a channel.
    pub const SECURE_MESSAGING_MISSING: Self = Self(0x6987);
    /// 6988: a secure messaging object is incorrect.
    pub const SECURE_MESSAGING_INCORRECT: Self = Self(0x6988);
    /// 6A80: bad data.
    pub const BAD_DATA: Self = Self(0x6A80);
    /// 6A82: file not found.
    pub const FILE_NOT_FOUND: Self = Self(0x6A82);
    /// 6A86: bad P1 or P2.
    pub const BAD_PARAMETERS: Self = Self(0x6A86);
    /// 6A88: referenced data not found.
    pub const REFERENCE_NOT_FOUND: Self = Self(0x6A88);
    /// 6D00: the instruction is not supported.
    pub const INSTRUCTION_NOT_SUPPORTED: Self = Self(0x6D00);
    /// 6E00: the class is not supported.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x6E00);

    /// A status word from its value.
    #[must_use]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// 63CX: `tries` of the password left, at most 15.
    #[must_use]
    pub const fn with_tries_left(tries: u8) -> Self {
        Self(0x63C0 | (tries & 0x0F) as u16)
    }

    /// The value.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Whether the command succeeded.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == Self::SUCCESS.0
    }

    /// The tries left that 63CX reports.
    #[must_use]
    pub const fn tries_left(self) -> Option<u8> {
        let [high, low] = self.0.to_be_bytes();
        if high == 0x63 && low & 0xF0 == 0xC0 { Some(low & 0x0F) } else { None }
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04X}", self.0)
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04X}", self.0)
    }
}
