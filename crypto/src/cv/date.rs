//! Days, as certificates write them.

use std::fmt;

use time::Month;

/// A day of the years 2000 to 2099: six octets `YYMMDD`, each the value of one decimal digit, `00` to `09`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(time::Date);

/// Why octets or a day are no [`Date`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// An octet is no digit; ASCII digits are none.
    #[error("the octet {0:02X} is no digit")]
    Digit(u8),
    /// The calendar has no such day.
    #[error("there is no such day")]
    NoSuchDay,
    /// Two digits of a year cannot say it.
    #[error("the year {0} is not between 2000 and 2099")]
    Year(i32),
}

const CENTURY: i32 = 2000;

impl Date {
    /// Octets of a day in a certificate.
    pub const SIZE: usize = 6;

    /// Reads six octets.
    ///
    /// # Errors
    /// [`DateError::Digit`] or [`DateError::NoSuchDay`].
    pub fn from_octets(octets: [u8; Self::SIZE]) -> Result<Self, DateError> {
        if let Some(octet) = octets.into_iter().find(|octet| *octet > 9) {
            return Err(DateError::Digit(octet));
        }
        let [y10, y1, m10, m1, d10, d1] = octets;
        let month = Month::try_from(m10 * 10 + m1).map_err(|_| DateError::NoSuchDay)?;
        time::Date::from_calendar_date(CENTURY + i32::from(y10 * 10 + y1), month, d10 * 10 + d1)
            .map(Self)
            .map_err(|_| DateError::NoSuchDay)
    }

    /// The six octets.
    #[must_use]
    pub fn octets(self) -> [u8; Self::SIZE] {
        let year = u8::try_from(self.0.year() - CENTURY).unwrap_or_default();
        let (month, day) = (u8::from(self.0.month()), self.0.day());
        [year / 10, year % 10, month / 10, month % 10, day / 10, day % 10]
    }
}

impl TryFrom<time::Date> for Date {
    type Error = DateError;

    fn try_from(date: time::Date) -> Result<Self, DateError> {
        if (CENTURY..CENTURY + 100).contains(&date.year()) { Ok(Self(date)) } else { Err(DateError::Year(date.year())) }
    }
}

impl From<Date> for time::Date {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The days from the first to the last on which a certificate is in force, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    from: Date,
    until: Date,
}

impl Period {
    /// From one day until another. `None` if the last is before the first.
    #[must_use]
    pub fn new(from: Date, until: Date) -> Option<Self> {
        (from <= until).then_some(Self { from, until })
    }

    /// The first day.
    #[must_use]
    pub const fn from(self) -> Date {
        self.from
    }

    /// The last day.
    #[must_use]
    pub const fn until(self) -> Date {
        self.until
    }

    /// Whether `date` is the first day, the last, or between them.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        (self.from..=self.until).contains(&date)
    }
}
