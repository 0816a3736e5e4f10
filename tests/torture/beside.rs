//! Commands of the archive that run beside the server, and are killed as well.

use std::io::Read as _;
use std::process::{Child, Stdio};

use esmond_ps_tests::command;

/// A command that runs, or has run.
#[derive(Debug)]
pub(crate) struct Beside {
    arguments: Vec<String>,
    child: Option<Child>,
    /// After how many acknowledged writes it is killed.
    moment: Option<usize>,
    /// How often it came to its end.
    pub(crate) ended: u32,
    /// How often it was killed.
    pub(crate) killed: u32,
}

impl Beside {
    /// Starts a command.
    pub(crate) fn start(arguments: &[&str], moment: Option<usize>) -> Self {
        let mut beside = Self {
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            child: None,
            moment,
            ended: 0,
            killed: 0,
        };
        beside.spawn();
        beside
    }

    fn spawn(&mut self) {
        let child = command("esmond-ps-archive")
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        self.child = Some(child.expect("it starts"));
    }

    /// Looks after it when so many writes were acknowledged: kills it when it is
    /// time, and starts it again then. One that has come to its end is started
    /// again if it is to run all the time.
    pub(crate) fn look(&mut self, acknowledged: usize, all_the_time: bool) {
        if self.moment.is_some_and(|moment| acknowledged >= moment) {
            self.moment = None;
            self.kill();
            self.spawn();
        }
        let Some(child) = &mut self.child else {
            return;
        };
        if child.try_wait().expect("a status").is_some() {
            self.wait();
            if all_the_time {
                self.spawn();
            }
        }
    }

    /// Ends it at once, if it runs.
    pub(crate) fn kill(&mut self) {
        let Some(child) = &mut self.child else {
            return;
        };
        if child.try_wait().expect("a status").is_some() {
            self.wait();
            return;
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        self.child = None;
        self.killed += 1;
    }

    /// Waits for its end, if it runs.
    ///
    /// # Panics
    ///
    /// When it failed.
    pub(crate) fn wait(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        // It says a few lines; they fit in the pipe.
        let status = child.wait().expect("it ends");
        let mut log = String::new();
        if let Some(stderr) = &mut child.stderr {
            stderr.read_to_string(&mut log).ok();
        }
        assert!(status.success(), "{:?}: {status}: {log}", self.arguments);
        self.ended += 1;
    }

    /// Runs it to its end unless it got there.
    pub(crate) fn complete(&mut self) {
        self.wait();
        if self.ended == 0 {
            self.spawn();
            self.wait();
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
