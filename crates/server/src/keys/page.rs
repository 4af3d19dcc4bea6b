//! Pages of lists: a limit, and an opaque marker that names the last item of the page before.
//!
//! Invariant: a marker only says where to go on; which items a caller sees is decided by the list, never by the marker.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    error::{ApiError, ErrorCode},
    wire::Fields,
};

/// What a client asks of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    list: &'static str,
    /// Most items of the page.
    pub limit: usize,
    /// The key of the last item seen.
    pub after: Option<Vec<u8>>,
}

/// A page and the marker for the next one.
#[derive(Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The marker, if there is more.
    pub next: Option<String>,
}

impl PageRequest {
    /// Reads `Limit` and `Marker` of a list. A limit above the list's own maximum is cut to it; a marker works only for
    /// the list that made it.
    ///
    /// # Errors
    /// `InvalidMarkerException` for a marker that no list made.
    pub fn read(
        fields: &mut Fields,
        list: &'static str,
        limit_default: usize,
        limit_max: usize,
    ) -> Result<Self, ApiError> {
        let limit = fields.integer("Limit", 1..=LIMIT_MAX)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(limit_default);
        let marker = fields.text("Marker", 1..=MARKER_CHARS_MAX)?;
        let after = marker.map(|marker| decode(list, &marker).ok_or_else(invalid_marker)).transpose()?;
        Ok(Self { list, limit: limit.min(limit_max), after })
    }

    /// Reads `MaxItems` and `Marker` of a list of IAM.
    ///
    /// # Errors
    /// `ValidationError` for a marker that no list made.
    pub fn read_items(fields: &mut Fields, list: &'static str) -> Result<Self, ApiError> {
        let limit = fields.integer("MaxItems", 1..=LIMIT_MAX)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(ITEMS_DEFAULT);
        let marker = fields.text("Marker", 1..=MARKER_CHARS_MAX)?;
        let invalid = || ApiError::validation("Invalid Marker.");
        let after = marker.map(|marker| decode(list, &marker).ok_or_else(invalid)).transpose()?;
        Ok(Self { list, limit, after })
    }

    /// The first items of a list.
    #[must_use]
    pub fn first(list: &'static str, limit: usize) -> Self {
        Self { list, limit, after: None }
    }

    /// The same list from behind another place.
    #[must_use]
    pub fn behind(&self, after: Option<Vec<u8>>) -> Self {
        Self { list: self.list, limit: self.limit, after }
    }

    /// A page of a list that no client asks for.
    ///
    /// # Errors
    /// `InvalidMarkerException` for a marker that the list did not make.
    pub(crate) fn of(list: &'static str, limit: usize, marker: Option<&str>) -> Result<Self, ApiError> {
        let after = marker.map(|marker| decode(list, marker).ok_or_else(invalid_marker)).transpose()?;
        Ok(Self { list, limit, after })
    }

    /// The marker behind the item with that key.
    #[must_use]
    pub fn marker(&self, key: &[u8]) -> String {
        encode(self.list, key)
    }

    /// Makes the page of items that were fetched with one more than the limit.
    #[must_use]
    pub fn page<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> Vec<u8>) -> Page<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| more).map(|last| encode(self.list, &key(last)));
        Page { items, next }
    }
}

fn encode(list: &str, key: &[u8]) -> String {
    STANDARD.encode([list.as_bytes(), MARKER_SEPARATOR, key].concat())
}

fn decode(list: &str, marker: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(marker.as_bytes()).ok()?;
    bytes.strip_prefix(list.as_bytes())?.strip_prefix(MARKER_SEPARATOR).map(<[u8]>::to_vec)
}

fn invalid_marker() -> ApiError {
    ApiError::new(ErrorCode::InvalidMarker, "The marker is not valid for this operation.")
}

/// Items of a page of IAM whose client asks for no number.
const ITEMS_DEFAULT: usize = 100;
const MARKER_SEPARATOR: &[u8] = b":";
const MARKER_CHARS_MAX: usize = 1024;
/// Greatest limit that any operation of the model takes.
const LIMIT_MAX: i64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_go_round_and_others_are_refused() {
        let request = PageRequest { list: "L", limit: 2, after: None };
        let page = request.page(vec![1_u8, 2, 3], |item| vec![*item]);
        assert_eq!(page.items, [1, 2]);
        let marker = page.next.unwrap();
        assert_eq!(decode("L", &marker), Some(vec![2]));
        assert_eq!(decode("M", &marker), None);
        assert_eq!(decode("L", "nonsense"), None);
        assert!(request.page(vec![1_u8, 2], |item| vec![*item]).next.is_none());
    }
}
