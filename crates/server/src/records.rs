//! Metadata records: list, detail, their event types and summaries, creation.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::http::header::{LINK, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use esmond_ps_model::{SummaryType, metadata};
use esmond_ps_store::{Page as Slice, Record, Search};

use crate::auth::Writer;
use crate::body;
use crate::context::Context;
use crate::create;
use crate::error::Error;
use crate::paging::{Links, Paging};
use crate::render;
use crate::search;
use crate::series_read;
use crate::stream::{Page, Pages, json_array};

/// How many records are held at once while a list is sent.
const RECORDS_AT_ONCE: u64 = 200;

/// GET of the list.
pub(crate) async fn list(context: Context) -> Result<Response, Error> {
    let paging = Paging::from_query(&context.query);
    let search = search::asked(&context, None).await?;
    let total = match &search {
        Some(search) => context.app.store.count(search).await?,
        None => 0,
    };
    let links = paging.links(&context.url(), &context.query, paging.end() < total);
    let link = links.header();
    let Links { next, previous } = links;
    let mut pages = RecordPages {
        context: Arc::new(context),
        search,
        after: None,
        offset: paging.offset,
        remaining: paging.limit,
        paging: Some(metadata::Paging {
            total,
            next,
            previous,
        }),
    };
    let first = pages.next().await?;
    let mut response = json_array(first, pages).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

struct RecordPages {
    context: Arc<Context>,
    /// `None` when nothing can match.
    search: Option<Search>,
    after: Option<String>,
    offset: u64,
    remaining: u64,
    /// What the first record says about the list.
    paging: Option<metadata::Paging>,
}

impl Pages for RecordPages {
    async fn next(&mut self) -> Result<Page, Error> {
        let limit = self.remaining.min(RECORDS_AT_ONCE);
        let slice = Slice {
            offset: self.offset,
            limit,
        };
        let store = &self.context.app.store;
        let records = match &self.search {
            Some(search) => store.search(search, self.after.as_deref(), slice).await?,
            None => Vec::new(),
        };
        let count = records.len() as u64;
        self.remaining -= count.min(limit);
        self.offset = 0;
        self.after = records.last().map(|record| record.key.clone());
        let mut page = Page::default();
        for record in &records {
            let mut shown = render::metadata(&self.context, record);
            shown.paging = self.paging.take();
            serde_json::to_writer(page.element(), &shown).map_err(|_| Error::internal())?;
        }
        page.last = count < limit || self.remaining == 0;
        Ok(page)
    }
}

/// GET of one record. The filters of a search hold here, too.
pub(crate) async fn detail(context: &Context, key: &str) -> Result<Response, Error> {
    let search = search::asked(context, Some(key)).await?;
    let search = search.ok_or_else(Error::not_found)?;
    let one = Slice {
        offset: 0,
        limit: 1,
    };
    let found = context.app.store.search(&search, None, one).await?;
    let record = found.first().ok_or_else(Error::not_found)?;
    Ok(Json(render::metadata(context, record)).into_response())
}

/// GET of an event type: a list of that one, or of none.
pub(crate) async fn event_type(
    context: &Context,
    key: &str,
    event_type: &str,
) -> Result<Response, Error> {
    let record = context.app.store.record(key).await?;
    let found: Vec<_> = record
        .iter()
        .filter_map(|record| record.event_type(event_type))
        .map(|entry| render::event_type(context, key, entry))
        .collect();
    Ok(Json(found).into_response())
}

/// GET of the summaries of one type.
pub(crate) async fn summaries(
    context: &Context,
    key: &str,
    event_type: &str,
    summary_type: &str,
) -> Result<Response, Error> {
    let record: Option<Record> = context.app.store.record(key).await?;
    let summary_type = series_read::named(context, record.as_ref(), event_type, summary_type)?;
    let entry = record
        .as_ref()
        .and_then(|record| record.event_type(event_type))
        .ok_or_else(Error::not_found)?;
    let found: Vec<_> = render::event_type(context, key, entry)
        .summaries
        .into_iter()
        .filter(|summary| SummaryType::from_name(&summary.summary_type) == Some(summary_type))
        .collect();
    if found.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Json(found).into_response())
}

/// POST to the list.
pub(crate) async fn create(
    context: &Context,
    writer: &Writer,
    body: Body,
) -> Result<Response, Error> {
    let limit = context.app.config.body_limit.min(body::METADATA);
    let bytes = body::read(&context.headers, body, limit).await?;
    let value = body::metadata(&context.headers, &bytes)?;
    let record = create::parse(&value, &context.app.config.registry)?;
    let key = context.app.keys.propose(context.app.now());
    let (record, new) = context.app.store.create(&key.text, &record).await?;
    if new {
        context.app.keys.take(&key);
        tracing::debug!(key = key.text, user = writer.name(), "record created");
    }
    let shown = render::metadata(context, &record);
    let location = shown.url.as_deref().map(HeaderValue::from_str);
    let mut response = (StatusCode::CREATED, Json(shown)).into_response();
    if let Some(Ok(location)) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}
