//! The parameters of a request: each at most once, of bounded size.

use std::collections::BTreeMap;

use url::form_urlencoded;

/// Most octets of the parameters of a request, as they arrive.
pub const PARAMETERS_MAX_SIZE: usize = 8 * 1024;
/// Most parameters of a request.
pub const PARAMETERS_MAX_COUNT: usize = 32;

/// Parameters, decoded. Those without a value count as left out (RFC 6749, clause 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, String>);

/// Why parameters are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// There is more than a request may have.
    #[error("the request is too long or has too many parameters")]
    TooLong,
    /// A parameter stands there twice.
    #[error("a parameter stands there twice")]
    Twice,
    /// A control character, or octets that are no UTF-8.
    #[error("a parameter has characters that none may have")]
    Characters,
}

impl Parameters {
    /// Reads parameters in the encoding of HTML forms.
    ///
    /// # Errors
    /// [`ParametersError`].
    pub fn parse(encoded: &[u8]) -> Result<Self, ParametersError> {
        if encoded.len() > PARAMETERS_MAX_SIZE {
            return Err(ParametersError::TooLong);
        }
        let mut read = BTreeMap::new();
        for (count, (name, value)) in form_urlencoded::parse(encoded).enumerate() {
            if count >= PARAMETERS_MAX_COUNT {
                return Err(ParametersError::TooLong);
            }
            // What is no UTF-8 was replaced by that character.
            let strange = |character: char| character.is_control() || character == char::REPLACEMENT_CHARACTER;
            if name.chars().chain(value.chars()).any(strange) {
                return Err(ParametersError::Characters);
            }
            if read.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(ParametersError::Twice);
            }
        }
        read.retain(|_, value| !value.is_empty());
        Ok(Self(read))
    }

    /// The parameters again, but for those with these names.
    #[must_use]
    pub fn query(&self, without: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
