//! The samples of a channel, as they come.

use std::cmp::Reverse;
use std::vec;

use futures_util::Stream;
use futures_util::stream;

use crate::split::Splitter;
use crate::transport::{Answer, Transport, parse};
use crate::{Error, Result, Sample};

/// The largest sample that is taken, in bytes of JSON: an array of ten million
/// numbers is below it.
const LARGEST_SAMPLE: usize = 256 << 20;

/// Which samples are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleQuery {
    start: i64,
    end: i64,
    count: Option<u32>,
    drops_boundaries: bool,
    asks_again: bool,
}

impl SampleQuery {
    /// The raw samples from `start` to `end`, both inclusive and in nanoseconds since
    /// 1970 UTC.
    ///
    /// DIFFERENCE: the original client takes floating-point times, and sends
    /// `1.5e+18`.
    ///
    /// # Errors
    ///
    /// [`Error::Unaskable`] for a time before 1970, and for an end before the start.
    pub fn new(start: i64, end: i64) -> Result<Self> {
        let refused = |reason: &str| {
            Err(Error::Unaskable {
                what: format!("the time from {start} ns to {end} ns"),
                reason: reason.to_owned(),
            })
        };
        if start < 0 {
            return refused("it begins before 1970");
        }
        if end < start {
            return refused("it ends before it begins");
        }
        Ok(Self {
            start,
            end,
            count: None,
            drops_boundaries: false,
            asks_again: false,
        })
    }

    /// Asks for decimated samples, about so many. It is a hint: the server takes the
    /// decimation level that comes nearest, and mostly sends more; a channel that has
    /// only raw samples sends all of them.
    ///
    /// # Errors
    ///
    /// [`Error::Unaskable`] for 0, and for more than 2147483647.
    pub fn count(mut self, count: u32) -> Result<Self> {
        if count == 0 || i32::try_from(count).is_err() {
            // DIFFERENCE: the original client leaves such a count out in silence, and
            // so asks for all raw samples.
            return Err(Error::Unaskable {
                what: format!("a count of {count}"),
                reason: "it has to be from 1 to 2147483647".to_owned(),
            });
        }
        self.count = Some(count);
        Ok(self)
    }

    /// Leaves out samples before the start and after the end. Servers send the last
    /// sample before the start and the first one after the end, unless there is one
    /// exactly then: they tell what held at the start, and that there was nothing else
    /// until the end. Default: they are kept.
    #[must_use]
    pub fn drop_boundaries(mut self, drop: bool) -> Self {
        self.drops_boundaries = drop;
        self
    }

    /// Asks again for what may be missing, until nothing comes any more. When its
    /// database fails while a server is sending raw samples, it ends the answer as if
    /// that were all. This costs one more request for a channel without a sample at or
    /// after the end. Default `false`; does nothing for decimated samples.
    #[must_use]
    pub fn ask_again(mut self, again: bool) -> Self {
        self.asks_again = again;
        self
    }
}

/// The samples of a channel, ascending in time; made by
/// [`ArchiveClient::samples`](crate::ArchiveClient::samples).
///
/// They are read as they come, so memory does not grow with their number, with one
/// exception: where decimation levels are joined, servers send the latest block first.
/// Then all samples of the answer are held, and sorted, before the first one is given.
/// This happens only with a [count](SampleQuery::count), for channels whose finest
/// fitting level does not reach back to the start.
#[derive(Debug)]
pub struct Samples {
    transport: Transport,
    target: String,
    what: String,
    query: SampleQuery,
    answer: Answer,
    splitter: Splitter,
    order: Order,
    /// Time of the latest sample that came.
    last: Option<i64>,
    /// Number of samples of this answer that were not there before.
    new: u64,
    /// How often it has been asked again.
    answer_number: u64,
    is_finished: bool,
}

/// What is known about the order in which samples come.
#[derive(Debug)]
enum Order {
    /// None has come yet.
    Unknown,
    Ascending,
    /// Blocks, the latest first; with the number of its block for each sample.
    Blocks(Vec<(u64, Sample)>),
    Sorted(vec::IntoIter<(u64, Sample)>),
}

impl Samples {
    pub(crate) async fn ask(
        transport: Transport,
        target: String,
        what: String,
        query: SampleQuery,
    ) -> Result<Self> {
        let answer = request(&transport, &target, &what, &query, query.start).await?;
        Ok(Self {
            transport,
            target,
            what,
            query,
            answer,
            splitter: Splitter::new(),
            order: Order::Unknown,
            last: None,
            new: 0,
            answer_number: 0,
            is_finished: false,
        })
    }

    /// Reads the next sample; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`], [`Error::Json`], [`Error::Order`], and the errors of an
    /// exchange. After an error comes nothing more.
    pub async fn next(&mut self) -> Result<Option<Sample>> {
        if self.is_finished {
            return Ok(None);
        }
        let next = self.next_wanted().await;
        self.is_finished = !matches!(next, Ok(Some(_)));
        next
    }

    /// Makes it a stream, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Sample>> + Send {
        stream::try_unfold(self, |mut samples| async {
            let next = samples.next().await?;
            Ok(next.map(|sample| (sample, samples)))
        })
    }

    /// Reads all samples into memory.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn collect(mut self) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        while let Some(sample) = self.next().await? {
            samples.push(sample);
        }
        Ok(samples)
    }

    async fn next_wanted(&mut self) -> Result<Option<Sample>> {
        let wanted = self.query.start..=self.query.end;
        while let Some(sample) = self.next_sorted().await? {
            if !self.query.drops_boundaries || wanted.contains(&sample.time) {
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }

    // DIFFERENCE: the original client delivers samples in the order in which they
    // come.
    async fn next_sorted(&mut self) -> Result<Option<Sample>> {
        loop {
            if let Order::Sorted(samples) = &mut self.order {
                return Ok(samples.next().map(|(_, sample)| sample));
            }
            match self.next_sent().await? {
                Some(sample) => {
                    if let Some(sample) = self.arrange(sample)? {
                        return Ok(Some(sample));
                    }
                }
                None => match std::mem::replace(&mut self.order, Order::Ascending) {
                    Order::Blocks(mut samples) => {
                        // Of two samples of one time, that of the earlier block, which
                        // was sent later, is the earlier one.
                        samples.sort_by_key(|(block, sample)| (sample.time, Reverse(*block)));
                        self.order = Order::Sorted(samples.into_iter());
                    }
                    _ if self.may_miss_some() => self.ask_for_the_rest().await?,
                    _ => return Ok(None),
                },
            }
        }
    }

    /// Takes a sample as it was sent, and returns it if nothing earlier can follow.
    fn arrange(&mut self, sample: Sample) -> Result<Option<Sample>> {
        let time = sample.time;
        if let Order::Unknown = self.order {
            // A level that reaches back to the start has nothing joined to it.
            let may_be_joined = self.query.count.is_some() && time > self.query.start;
            self.order = match may_be_joined {
                true => Order::Blocks(Vec::new()),
                false => Order::Ascending,
            };
        }
        let previous = self.last;
        if let Order::Blocks(samples) = &mut self.order {
            let block = samples
                .last()
                .map_or(0, |(block, last)| block + u64::from(time < last.time));
            samples.push((block, sample));
            return Ok(None);
        }
        match previous {
            // An answer to a second question repeats what led up to it.
            Some(previous) if time <= previous && self.new == 0 => Ok(None),
            Some(previous) if time < previous => Err(Error::Order {
                url: self.answer.url.clone(),
                previous,
                time,
            }),
            _ => {
                self.last = Some(time);
                self.new += 1;
                Ok(Some(sample))
            }
        }
    }

    async fn next_sent(&mut self) -> Result<Option<Sample>> {
        loop {
            let url = &self.answer.url;
            let odd = |reason: String| Error::Json {
                url: url.clone(),
                path: ".".to_owned(),
                source: reason.into(),
            };
            if let Some(json) = self.splitter.next().map_err(odd)? {
                // Looking for the place of a mistake costs time, so only mistakes pay.
                return match serde_json::from_slice(json) {
                    Ok(sample) => Ok(Some(sample)),
                    Err(_) => parse(url, json).map(Some),
                };
            }
            if self.splitter.held() > LARGEST_SAMPLE {
                return Err(Error::TooLarge {
                    url: url.clone(),
                    limit: LARGEST_SAMPLE,
                });
            }
            match self.answer.chunk().await? {
                Some(chunk) => self.splitter.feed(&chunk),
                None if self.splitter.is_complete() => return Ok(None),
                None => {
                    let url = self.answer.url.clone();
                    return Err(Error::Truncated { url });
                }
            }
        }
    }

    /// Tells whether the answer may have been cut short by a failing database: a whole
    /// one holds a sample at or after the end, if there is one. What brought nothing
    /// new has been asked for twice.
    fn may_miss_some(&self) -> bool {
        let reaches_end = self.last.is_some_and(|last| last >= self.query.end);
        let is_second = self.answer_number > 0;
        self.query.asks_again
            && self.query.count.is_none()
            && !reaches_end
            && (self.new > 0 || !is_second)
    }

    async fn ask_for_the_rest(&mut self) -> Result<()> {
        let start = self.last.map_or(self.query.start, |last| last + 1);
        let start = start.max(self.query.start);
        self.answer = request(
            &self.transport,
            &self.target,
            &self.what,
            &self.query,
            start,
        )
        .await?;
        self.splitter = Splitter::new();
        self.answer_number += 1;
        self.new = 0;
        Ok(())
    }
}

async fn request(
    transport: &Transport,
    target: &str,
    what: &str,
    query: &SampleQuery,
    start: i64,
) -> Result<Answer> {
    let mut target = format!("{target}?start={start}&end={}", query.end);
    if let Some(count) = query.count {
        target.push_str(&format!("&count={count}"));
    }
    transport.get(&target, what).await?.success().await
}
