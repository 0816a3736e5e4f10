//! The one thread that writes, and how requests share a commit.
//!
//! Syncing the disk is what a write costs, so all requests that wait at the
//! same time go into one transaction: each in a savepoint of its own, one
//! commit, and only then the answers.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use esmond_ps_store::{Error, Result};
use rusqlite::{Connection, TransactionBehavior, ffi};
use tokio::sync::{mpsc, oneshot};

use crate::schema::OpenError;

/// Requests that may wait; further callers wait for a place.
const QUEUE: usize = 1024;

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
    /// on disk. If the work fails, nothing of it stays.
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
        queue.send(request).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
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

    fn answer(self: Box<Self>, failure: Option<&Arc<rusqlite::Error>>) {
        let answer = match (self.result, failure) {
            // A request that failed by itself keeps its own reason.
            (Some(Err(own)), _) => Err(own),
            (_, Some(failure)) => Err(Error::Backend {
                doing: self.doing,
                source: Box::new(Arc::clone(failure)),
            }),
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
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let started = Instant::now();
    while let Some(request) = group.last_mut() {
        let savepoint = transaction.savepoint()?;
        if request.run(&savepoint) {
            savepoint.commit()?;
        } else {
            savepoint.finish()?;
        }
        // After some errors (a full disk) SQLite gives up the whole
        // transaction: those before have lost their writes too.
        if transaction.is_autocommit() {
            let lost = ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK);
            return Err(rusqlite::Error::SqliteFailure(lost, None));
        }
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
            sql("PRAGMA defer_foreign_keys = ON; INSERT INTO point VALUES (99, 1, 1);"),
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
        let broken = sql("PRAGMA defer_foreign_keys = ON; INSERT INTO point VALUES (99, 1, 1);");
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
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.contains("full"), "{cause}");
        let freed = sql("PRAGMA max_page_count = 100000");
        writer.write(DOING, freed).await.unwrap();
        assert_eq!(users(&writer).await.len(), 0);
        writer.write(DOING, large()).await.unwrap();
        assert_eq!(users(&writer).await.len(), 1);
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
