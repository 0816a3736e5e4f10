//! Reading points and summaries.

use std::sync::Arc;

use axum::http::header::LINK;
use axum::response::{IntoResponse, Response};
use esmond_ps_model::{Summary, SummaryType, TimeArguments, TimeRange, integer};
use esmond_ps_store::view::{self, Source};
use esmond_ps_store::{Page as Slice, Record};

use crate::context::{App, Context};
use crate::error::Error;
use crate::paging::Paging;
use crate::stream::{Page, Pages, json_array};

/// How many points are held at once while a series is sent.
const POINTS_AT_ONCE: u64 = 2000;

/// Room for the JSON of a point, in bytes: that of a number fits.
const POINT_BYTES: usize = 48;

/// How far an open end lies after now, in seconds: clocks differ.
const OPEN_END: i64 = 3600;

/// GET of a series.
pub(crate) async fn read(
    context: &Context,
    key: &str,
    event_type: &str,
    summary_type: &str,
    window: &str,
) -> Result<Response, Error> {
    let record = context.app.store.record(key).await?;
    let summary_type = named(context, record.as_ref(), event_type, summary_type)?;
    let window = integer::parse_saturating(window)
        .ok_or_else(|| Error::bad_request("Summary window parameter must be an integer"))?;
    let range = range(context)?;
    let paging = Paging::from_query(&context.query);

    let series = record.and_then(|record| series(&record, event_type, summary_type, window));
    let Some(kind) = series.filter(|_| range.end.is_none_or(|end| range.begin <= end)) else {
        return Ok(empty(context, paging));
    };
    let mut pages = PointPages {
        app: Arc::clone(&context.app),
        key: key.to_owned(),
        event_type: event_type.to_owned(),
        kind,
        range,
        offset: paging.offset,
        remaining: paging.limit,
    };
    let first = pages.next().await?;
    // The header goes out before the last page is known.
    let full = !first.last || pages.remaining == 0;
    let more = full && pages.is_there(range, paging.end()).await?;
    let links = paging.links(&context.url(), &context.query, more);
    let mut response = json_array(first, pages).into_response();
    if let Some(link) = links.header() {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// Checks an event type, and finds a summary type, by their names in a path.
///
/// What a record has stays readable when its event type is configured no more.
pub(crate) fn named(
    context: &Context,
    record: Option<&Record>,
    event_type: &str,
    summary_type: &str,
) -> Result<SummaryType, Error> {
    let configured = context.app.config.registry.event_type(event_type).is_some();
    let recorded = || record.is_some_and(|record| record.event_type(event_type).is_some());
    if !configured && !recorded() {
        let detail = format!("Unsupported event type '{event_type}' provided");
        return Err(Error::bad_request(detail));
    }
    SummaryType::from_url_name(summary_type)
        .ok_or_else(|| Error::bad_request(format!("Invalid summary type '{summary_type}'")))
}

fn range(context: &Context) -> Result<TimeRange, Error> {
    let now = context.app.now();
    let asked = TimeArguments::resolve(|name| context.query.get(name), now)
        .map_err(|error| Error::bad_request(error.to_string()))?;
    Ok(match asked {
        None => TimeRange {
            begin: 0,
            end: Some(now),
        },
        Some(TimeRange { begin, end }) => TimeRange {
            begin,
            end: end.or(Some(now.saturating_add(OPEN_END))),
        },
    })
}

fn empty(context: &Context, paging: Paging) -> Response {
    let links = paging.links(&context.url(), &context.query, false);
    let mut response = "[]".into_response();
    if let Some(link) = links.header() {
        response.headers_mut().insert(LINK, link);
    }
    response
}

/// From what the values of a series come.
#[derive(Clone, Copy)]
enum Kind {
    Base,
    /// A summary of each single point.
    PerPoint(SummaryType),
    Windowed(Summary),
}

/// Finds a series of a record; `None` when the record does not have it.
fn series(
    record: &Record,
    event_type: &str,
    summary_type: SummaryType,
    window: i64,
) -> Option<Kind> {
    let entry = record.event_type(event_type)?;
    if summary_type == SummaryType::Base {
        return (window == 0).then_some(Kind::Base);
    }
    let summary = Summary {
        summary_type,
        window,
    };
    if !entry.summaries.contains(&summary) {
        return None;
    }
    Some(match window {
        0 => Kind::PerPoint(summary_type),
        _ => Kind::Windowed(summary),
    })
}

struct PointPages {
    app: Arc<App>,
    key: String,
    event_type: String,
    kind: Kind,
    range: TimeRange,
    offset: u64,
    remaining: u64,
}

impl PointPages {
    /// Returns a slice of the series as a page, how many points are in it, and
    /// when the last of them is.
    async fn fetch(
        &self,
        range: TimeRange,
        slice: Slice,
    ) -> Result<(Page, u64, Option<i64>), Error> {
        let store = self.app.store.as_ref();
        let (key, event_type) = (&self.key, &self.event_type);
        match self.kind {
            Kind::Base => {
                let points = store.points(key, event_type, range, slice).await?;
                shown(&points, view::write_base)
            }
            Kind::PerPoint(summary_type) => {
                let points = store.points(key, event_type, range, slice).await?;
                shown(&points, |json, value| {
                    view::write_summary(json, summary_type, Source::Point(value))
                })
            }
            Kind::Windowed(Summary {
                summary_type,
                window,
            }) => {
                let buckets = store.buckets(key, event_type, window, range, slice).await?;
                shown(&buckets, |json, bucket| {
                    view::write_summary(json, summary_type, Source::Bucket(bucket))
                })
            }
        }
        .map_err(|_| Error::internal())
    }

    /// Tells whether there is a point at a position of the range.
    async fn is_there(&self, range: TimeRange, position: u64) -> Result<bool, Error> {
        let slice = Slice {
            offset: position,
            limit: 1,
        };
        let (_, count, _) = self.fetch(range, slice).await?;
        Ok(count > 0)
    }
}

/// Writes points as an archive answers them, with their values as `write` writes
/// them.
fn shown<T>(
    points: &[(i64, T)],
    write: impl Fn(&mut Vec<u8>, &T) -> serde_json::Result<()>,
) -> serde_json::Result<(Page, u64, Option<i64>)> {
    let mut page = Page::with_capacity(points.len() * POINT_BYTES);
    for (ts, value) in points {
        let json = page.element();
        json.extend_from_slice(b"{\"ts\":");
        serde_json::to_writer(&mut *json, ts)?;
        json.extend_from_slice(b",\"val\":");
        write(json, value)?;
        json.push(b'}');
    }
    let last = points.last().map(|(ts, _)| *ts);
    Ok((page, points.len() as u64, last))
}

impl Pages for PointPages {
    async fn next(&mut self) -> Result<Page, Error> {
        let limit = self.remaining.min(POINTS_AT_ONCE);
        let slice = Slice {
            offset: self.offset,
            limit,
        };
        let (mut page, count, last) = self.fetch(self.range, slice).await?;
        self.remaining -= count.min(limit);
        // The next page starts after the last ts: points that are written
        // meanwhile neither shift nor repeat anything.
        self.offset = 0;
        if let Some(ts) = last {
            self.range.begin = ts.saturating_add(1);
        }
        page.last = count < limit || self.remaining == 0;
        Ok(page)
    }
}
