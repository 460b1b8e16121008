//! Go's `[]uint8`: bytes, or the nil slice, which is as empty but is null in JSON and another value to `deepEqual`.

use std::ops::Deref;

use crate::text::Text;

/// A clone shares the bytes; the default is nil.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Octets(Option<Text>);

impl Octets {
    pub fn is_nil(&self) -> bool {
        self.0.is_none()
    }

    /// The string that Go converts them to.
    pub fn to_text(&self) -> Text {
        self.0.clone().unwrap_or_default()
    }

    /// A slice of them; of nil there is but nil.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self(self.0.as_ref().map(|text| text[range].into()))
    }
}

impl Deref for Octets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl From<&[u8]> for Octets {
    fn from(bytes: &[u8]) -> Self {
        Self(Some(bytes.into()))
    }
}
