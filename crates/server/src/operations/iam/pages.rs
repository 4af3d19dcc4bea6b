//! Pages of lists that are at hand as a whole, in the order of a text of each item.
//!
//! Not here: lists that are read from the store page by page.

use crate::keys::{Page, PageRequest};

/// The page that was asked for. The items must be sorted by their key.
pub(super) fn of_sorted<T>(request: &PageRequest, items: Vec<T>, key: impl Fn(&T) -> &str) -> Page<T> {
    let is_behind = |item: &T| request.after.as_ref().is_none_or(|after| key(item).as_bytes() > after.as_slice());
    let behind: Vec<T> = items.into_iter().filter(is_behind).take(request.limit + 1).collect();
    request.page(behind, |item| key(item).as_bytes().to_vec())
}
