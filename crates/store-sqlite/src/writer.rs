//! The one thread that writes, and how requests share a commit.
//!
//! Syncing the disk is what a write costs, so all requests that wait at the
//! same time go into one transaction: each in a savepoint of its own, one
//! commit, and only then the answers.

use std::ffi::c_int;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use esmond_ps_store::{Error, Result};
use rusqlite::{Connection, TransactionBehavior, ffi};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::backend;
use crate::error::{Kind, kind};
use crate::schema::OpenError;

/// Requests that may wait: what the disk does in a second or two. Hosts that
/// all write on the minute find a place; in a lasting overload it is better to
/// be refused at once than to wait until the sender has given up.
const QUEUE: usize = 4096;

/// Limits of a group, so that its first request does not wait for ever, and
/// other processes get their turn.
const GROUP_REQUESTS: usize = 512;
const GROUP_TIME: Duration = Duration::from_millis(100);

/// A handle to the thread that writes.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(connection: Connection) -> std::result::Result<Self, OpenError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(connection, receiver))
            .map_err(OpenError::Thread)?;
        Ok(Self {
            queue: Some(sender),
            thread: Some(thread),
        })
    }

    /// Does work on the writing connection and returns its result when it is
    /// on disk. If the work fails, nothing of it stays. [`Error::Busy`] when the
    /// queue is full.
    pub(crate) async fn write<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let ended = || Error::Backend {
            doing,
            source: "the writer has ended".into(),
        };
        let (reply, answer) = oneshot::channel();
        let request = Box::new(Waiting {
            doing,
            work: Some(work),
            result: None,
            reply,
        });
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        match queue.try_send(request) {
            Ok(()) => answer.await.map_err(|_| ended())?,
            Err(TrySendError::Full(_)) => Err(Error::Busy),
            Err(TrySendError::Closed(_)) => Err(ended()),
        }
    }

    /// Returns how many requests wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue
            .as_ref()
            .map_or(0, |queue| (queue.max_capacity() - queue.capacity()) as u64)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Without a sender the thread ends when the queue is empty.
        self.queue.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer had panicked");
        }
    }
}

/// A request of any result type.
trait Request: Send {
    /// Does the work; tells whether it succeeded.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Returns the code of SQLite for why others failed with this one.
    fn reason(&self) -> c_int;

    /// Answers, after the commit or its failure.
    fn answer(self: Box<Self>, failure: Option<&Arc<rusqlite::Error>>);
}

struct Waiting<T, F> {
    doing: &'static str,
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Request for Waiting<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.result = self.work.take().map(|work| work(connection));
        matches!(self.result, Some(Ok(_)))
    }

    fn reason(&self) -> c_int {
        match self.result {
            Some(Err(Error::Full { .. })) => ffi::SQLITE_FULL,
            Some(Err(Error::ReadOnly { .. })) => ffi::SQLITE_READONLY,
            _ => ffi::SQLITE_ABORT_ROLLBACK,
        }
    }

    fn answer(self: Box<Self>, failure: Option<&Arc<rusqlite::Error>>) {
        let answer = match (self.result, failure) {
            // A request that failed by itself keeps its own reason.
            (Some(Err(own)), _) => Err(own),
            // Another process writes, and does not end.
            (_, Some(failure)) if kind(failure) == Kind::Busy => Err(Error::Busy),
            (_, Some(failure)) => Err(backend(self.doing)(Arc::clone(failure))),
            (Some(done), None) => done,
            (None, None) => return,
        };
        // Whoever asked may have gone: nobody is left to be told.
        drop(self.reply.send(answer));
    }
}

fn serve(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Request>>) {
    let mut group = Vec::new();
    while let Some(first) = queue.blocking_recv() {
        group.push(first);
        let failure = commit_group(&mut connection, &mut group, &mut queue).err();
        if let Some(failure) = &failure {
            tracing::error!(error = %failure, requests = group.len(), "writes were not stored");
        }
        let failure = failure.map(Arc::new);
        for request in group.drain(..) {
            request.answer(failure.as_ref());
        }
    }
}

/// Runs the request in `group`, and those that wait behind it, in one
/// transaction. After an error nothing of the group is stored.
fn commit_group(
    connection: &mut Connection,
    group: &mut Vec<Box<dyn Request>>,
    queue: &mut mpsc::Receiver<Box<dyn Request>>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let started = Instant::now();
    while let Some(request) = group.last_mut() {
        execute(&transaction, "SAVEPOINT request")?;
        let done = request.run(&transaction);
        // After some errors (a full disk) SQLite gives up the whole
        // transaction: those before have lost their writes too.
        if transaction.is_autocommit() {
            let lost = ffi::Error::new(request.reason());
            return Err(rusqlite::Error::SqliteFailure(lost, None));
        }
        if !done {
            execute(&transaction, "ROLLBACK TO request")?;
        }
        execute(&transaction, "RELEASE request")?;
        if group.len() >= GROUP_REQUESTS || started.elapsed() >= GROUP_TIME {
            break;
        }
        match queue.try_recv() {
            Ok(next) => group.push(next),
            Err(_) => break,
        }
    }
    transaction.commit()
}

/// Executes what every request needs; to read it anew each time would take longer.
fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::backend;
    use crate::schema::tests::database;

    const DOING: &str = "testing";

    fn add_user(name: &'static str) -> impl FnOnce(&Connection) -> Result<()> + Send + 'static {
        move |connection| {
            connection
                .execute("INSERT INTO user (name) VALUES (?1)", [name])
                .map_err(backend(DOING))?;
            Ok(())
        }
    }

    fn sql(text: &'static str) -> impl FnOnce(&Connection) -> Result<()> + Send + 'static {
        move |connection| connection.execute_batch(text).map_err(backend(DOING))
    }

    async fn users(writer: &Writer) -> Vec<String> {
        let read = |connection: &Connection| {
            let mut statement = connection.prepare("SELECT name FROM user").unwrap();
            let names = statement.query_map([], |row| row.get(0)).unwrap();
            Ok(names.collect::<rusqlite::Result<_>>().unwrap())
        };
        writer.write(DOING, read).await.unwrap()
    }

    fn queued<T: Send + 'static>(
        queue: &mpsc::Sender<Box<dyn Request>>,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> oneshot::Receiver<Result<T>> {
        let (reply, answer) = oneshot::channel();
        let request: Box<dyn Request> = Box::new(Waiting {
            doing: DOING,
            work: Some(work),
            result: None,
            reply,
        });
        assert!(queue.try_send(request).is_ok());
        answer
    }

    #[test]
    fn a_request_that_fails_is_rolled_back_alone() {
        let (_dir, connection) = database();
        let (queue, receiver) = mpsc::channel(9);
        // Everything waits before the writer starts, and so shares a commit.
        let mut answers = [
            queued(&queue, add_user("before")),
            queued(&queue, |connection| {
                add_user("half")(connection)?;
                add_user("before")(connection)
            }),
            queued(&queue, |connection| {
                add_user("refused")(connection)?;
                Err(Error::UnknownRecord("k".to_owned()))
            }),
            queued(&queue, add_user("after")),
        ];
        let names = queued(&queue, |connection| {
            let sql = "SELECT group_concat(name) FROM user ORDER BY name";
            let names: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
            Ok(names)
        });
        drop(queue);
        serve(connection, receiver);
        let results: Vec<_> = answers
            .iter_mut()
            .map(|answer| answer.try_recv().unwrap())
            .collect();
        assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
        assert!(matches!(results[1], Err(Error::Backend { .. })));
        assert!(matches!(&results[2], Err(Error::UnknownRecord(key)) if key == "k"));
        let mut names = names;
        assert_eq!(names.try_recv().unwrap().unwrap(), "after,before");
    }

    #[test]
    fn nobody_is_answered_ok_when_the_commit_fails() {
        let (_dir, connection) = database();
        let (queue, receiver) = mpsc::channel(9);
        let mut innocent = queued(&queue, add_user("innocent"));
        // A broken reference that SQLite notices at the commit only.
        let mut broken = queued(
            &queue,
            sql(
                "PRAGMA defer_foreign_keys = ON; INSERT INTO event_type (record, name) VALUES (99, 'x');",
            ),
        );
        drop(queue);
        serve(connection, receiver);
        let failed = [innocent.try_recv(), broken.try_recv()].map(std::result::Result::unwrap);
        for result in failed {
            let error = result.unwrap_err();
            assert_eq!(error.to_string(), DOING);
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains("FOREIGN KEY"), "{cause}");
        }
    }

    #[tokio::test]
    async fn the_writer_goes_on_after_a_failed_commit() {
        let (_dir, connection) = database();
        let writer = Writer::start(connection).unwrap();
        let broken = sql(
            "PRAGMA defer_foreign_keys = ON; INSERT INTO event_type (record, name) VALUES (99, 'x');",
        );
        assert!(writer.write(DOING, broken).await.is_err());
        writer.write(DOING, add_user("ann")).await.unwrap();
        assert_eq!(users(&writer).await, ["ann"]);
    }

    #[tokio::test]
    async fn a_full_disk_is_an_error_and_passes() {
        let (_dir, connection) = database();
        let writer = Writer::start(connection).unwrap();
        let full = sql("PRAGMA max_page_count = 1");
        writer.write(DOING, full).await.unwrap();
        let large = || sql("INSERT INTO user (name) VALUES ('ann' || hex(zeroblob(100000)))");
        let refused = writer.write(DOING, large()).await.unwrap_err();
        assert!(matches!(refused, Error::Full { .. }), "{refused:?}");
        assert_eq!(refused.to_string(), "testing: no space is left");
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.contains("full"), "{cause}");
        let freed = sql("PRAGMA max_page_count = 100000");
        writer.write(DOING, freed).await.unwrap();
        assert_eq!(users(&writer).await.len(), 0);
        writer.write(DOING, large()).await.unwrap();
        assert_eq!(users(&writer).await.len(), 1);
    }

    #[test]
    fn those_who_share_a_commit_with_one_that_found_no_room_are_told_so() {
        let (_dir, connection) = database();
        connection
            .execute_batch("PRAGMA max_page_count = 1")
            .unwrap();
        let (queue, receiver) = mpsc::channel(9);
        let small = queued(&queue, add_user("small"));
        let large = queued(
            &queue,
            sql("INSERT INTO user (name) VALUES ('ann' || hex(zeroblob(100000)))"),
        );
        let after = queued(&queue, add_user("after"));
        drop(queue);
        serve(connection, receiver);
        for mut answer in [small, large] {
            let result = answer.try_recv().unwrap();
            assert!(matches!(result, Err(Error::Full { .. })), "{result:?}");
        }
        // A commit of its own, which fits.
        let mut after = after;
        after.try_recv().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_written_is_an_error_of_its_own() {
        let (_dir, connection) = database();
        connection.pragma_update(None, "query_only", true).unwrap();
        let writer = Writer::start(connection).unwrap();
        let refused = writer.write(DOING, add_user("ann")).await.unwrap_err();
        assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
        assert_eq!(refused.to_string(), "testing: the store is read-only");
    }

    #[tokio::test]
    async fn a_write_that_finds_no_place_is_refused_at_once() {
        let (_dir, connection) = database();
        let writer = Writer::start(connection).unwrap();
        let (started, starts) = std::sync::mpsc::channel();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let mut slow = pin!(writer.write(DOING, move |_| {
            started.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(slow.as_mut().poll(&mut context).is_pending());
        starts.recv().unwrap();
        // The writer is at work, nothing waits behind it yet.
        assert_eq!(writer.waiting(), 0);
        let mut waiting: Vec<_> = (0..QUEUE)
            .map(|_| Box::pin(writer.write(DOING, add_nothing)))
            .collect();
        for write in &mut waiting {
            assert!(write.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(writer.waiting(), QUEUE as u64);
        let refused = writer.write(DOING, add_user("late")).await;
        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");

        release.send(()).unwrap();
        slow.await.unwrap();
        for write in waiting {
            write.await.unwrap();
        }
        assert_eq!(writer.waiting(), 0);
        writer.write(DOING, add_user("ann")).await.unwrap();
        assert_eq!(users(&writer).await, ["ann"]);
    }

    fn add_nothing(_: &Connection) -> Result<()> {
        Ok(())
    }

    #[tokio::test]
    async fn another_process_that_does_not_end_its_write_makes_us_busy() {
        let (dir, connection) = database();
        let other = crate::schema::open_writer(&dir.path().join("archive.sqlite")).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let writer = Writer::start(connection).unwrap();
        let refused = writer.write(DOING, add_user("ann")).await;
        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
        other.execute_batch("COMMIT").unwrap();
        writer.write(DOING, add_user("ann")).await.unwrap();
    }

    #[test]
    fn what_waits_is_written_before_the_writer_ends() {
        let (dir, connection) = database();
        let writer = Writer::start(connection).unwrap();
        for name in ["ann", "bob", "cat"] {
            // Asked for by somebody who does not wait for the answer.
            let mut asked = pin!(writer.write(DOING, add_user(name)));
            let waker = Waker::noop();
            assert!(
                asked
                    .as_mut()
                    .poll(&mut Context::from_waker(waker))
                    .is_pending()
            );
        }
        drop(writer);
        let path = crate::schema::prepare(dir.path()).unwrap();
        let reader = crate::schema::open_reader(&path).unwrap();
        let count: i64 = reader
            .query_row("SELECT count(*) FROM user", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 3);
    }
}
