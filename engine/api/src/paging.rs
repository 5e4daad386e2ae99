//! Lists: filters, order, pages.

use crate::context::ReadOptions;
use crate::error::{ApiError, Result};
use drover_filter::Filter;
use drover_model::Namespace;
use serde::Serialize;
use std::sync::Arc;

/// What a list is ordered by, and what the token of a page is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PageKey {
    /// A name of its own.
    Name(String),
    /// Namespace and id.
    Named(Namespace, String),
    /// Raft index of creation and id.
    Created(u64, String),
}

impl PageKey {
    fn token(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Named(namespace, id) => format!("{namespace}.{id}"),
            Self::Created(index, id) => format!("{index}.{id}"),
        }
    }

    /// A token of the same kind as `self`.
    fn parse(&self, token: &str) -> Self {
        let (first, second) = token.split_once('.').unwrap_or((token, ""));
        match self {
            Self::Name(_) => Self::Name(token.to_owned()),
            Self::Named(..) => Self::Named(first.into(), second.to_owned()),
            Self::Created(..) => Self::Created(first.parse().unwrap_or(0), second.to_owned()),
        }
    }
}

/// The items of one page, and where the next one begins.
pub(crate) struct Page<'a, T> {
    pub items: Vec<&'a Arc<T>>,
    pub next: Option<String>,
}

/// Orders, filters and cuts a list. `optional` names the fields that documents of `T` may lack.
pub(crate) fn page<'a, T: Serialize>(
    options: &ReadOptions,
    items: impl Iterator<Item = &'a Arc<T>>,
    key_of: impl Fn(&T) -> PageKey,
    optional: &'static [&'static str],
) -> Result<Page<'a, T>> {
    let filter = options.filter.as_deref().map(|text| Filter::parse(text, optional)).transpose();
    let filter = filter.map_err(|fault| {
        let text = format!("failed to create result paginator: failed to read filter expression: {fault}");
        ApiError::bad_request(text)
    })?;
    let mut items: Vec<&'a Arc<T>> = items.collect();
    sort(&mut items, &key_of);
    if options.reverse {
        items.reverse();
    }
    let begin = options.next_token.as_deref().and_then(|token| {
        let key = key_of(items.first()?).parse(token);
        let before = |item: &&Arc<T>| if options.reverse { key_of(item) > key } else { key_of(item) < key };
        Some(items.partition_point(before))
    });
    let mut page = Page { items: Vec::new(), next: None };
    for item in items.into_iter().skip(begin.unwrap_or(0)) {
        if let Some(filter) = &filter
            && !filter
                .matches(&**item)
                .map_err(|fault| ApiError::bad_request(format!("failed to read result page: {fault}")))?
        {
            continue;
        }
        if options.per_page > 0 && page.items.len() == options.per_page {
            page.next = Some(key_of(item).token());
            break;
        }
        page.items.push(item);
    }
    Ok(page)
}

/// Rows mostly come in order already.
fn sort<T>(items: &mut [&Arc<T>], key_of: &impl Fn(&T) -> PageKey) {
    if !items.is_sorted_by_key(|item| key_of(item)) {
        items.sort_by_cached_key(|item| key_of(item));
    }
}
