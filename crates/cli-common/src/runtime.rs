//! The runtime of every program: one thread, which is left as soon as the work is
//! done.

use std::io;

use tokio::runtime::Builder;

/// Runs a program's work to its end.
///
/// What else is still under way is left alone: a thread may wait for a name
/// service or for stdin for ever, and must not keep the program from ending.
///
/// # Errors
///
/// When the runtime cannot start.
pub fn run<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_waits_for_ever_does_not_keep_a_program_from_ending() {
        // As the lookup of a name whose server does not answer: ends with the test.
        let (stop, never) = mpsc::channel::<()>();
        let result = run(async {
            tokio::task::spawn_blocking(move || never.recv());
            tokio::task::yield_now().await;
            5
        });
        assert_eq!(result.unwrap(), 5);
        drop(stop);
    }
}
