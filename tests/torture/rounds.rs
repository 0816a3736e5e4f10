//! Rounds of writing, pruning and importing that end with `kill -9`.
//!
//! An archive lives for ten rounds. In each, clients write while `prune` and
//! `import` run as processes of their own; the archive is killed at a random moment,
//! and the commands are too, before, together with or after it. After each round the
//! archive is compared with a model of what it acknowledged.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use esmond_ps_tests::eras::{Eras, POLICIES};
use esmond_ps_tests::{TestArchive, http_client, run};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::beside::Beside;
use crate::clients::{Event, Places, Target, write_until_killed};
use crate::model::{Model, rounds};
use crate::values::{STEP, eras, item, metadata};

const CLIENTS: u64 = 4;
/// Rounds of one archive.
const LIFE: usize = 10;
/// Points that each round imports, of two event types.
const IMPORTED: i64 = 1500;

/// What all rounds of a run did.
#[derive(Debug, Default)]
struct Figures {
    rounds: usize,
    writes: usize,
    points: usize,
    put_off: usize,
    found: u32,
    not_found: u32,
    removed: usize,
    imports_killed: u32,
    prunes_killed: u32,
    prunes_ended: u32,
}

#[test]
fn what_was_acknowledged_survives_kill_9_and_nothing_is_invented() {
    let number = |name: &str| -> Option<u64> {
        let text = env::var(name).ok()?;
        Some(text.parse().expect("a number"))
    };
    let count = number("ESMOND_PS_TORTURE").unwrap_or(LIFE as u64);
    let seed = number("ESMOND_PS_SEED").unwrap_or_else(|| rand::rng().random());
    eprintln!("ESMOND_PS_SEED={seed}");
    let files = Files::make(eras());
    let mut figures = Figures::default();
    for life in 0..count.div_ceil(LIFE as u64) {
        let rest = count - life * LIFE as u64;
        let mut life = Life {
            archive: TestArchive::start(),
            files: &files,
            dice: StdRng::seed_from_u64(seed.wrapping_add(life)),
            figures: &mut figures,
        };
        let rounds = usize::try_from(rest).expect("a small number").min(LIFE);
        let mut models: Vec<_> = (0..rounds).map(|round| life.round(round)).collect();
        // Later rounds changed nothing of the earlier ones.
        for (target, model) in &mut models {
            model.verify(target);
            life.figures.points += model.points();
            life.figures.found += model.found;
            life.figures.not_found += model.not_found;
            life.figures.removed += model.removed;
        }
        assert_eq!(life.archive.stop(), Some(0));
    }
    eprintln!("{figures:?}");
    // The dice are no good if nothing of this happened.
    assert!(figures.found + figures.not_found > 0, "{figures:?}");
    assert!(figures.removed > 0, "{figures:?}");
}

/// What every archive imports, and how long it keeps things.
struct Files {
    eras: Eras,
    directory: TempDir,
}

impl Files {
    /// Writes a file for each round, exported from another archive.
    fn make(eras: Eras) -> Self {
        let files = Self {
            eras,
            directory: tempfile::tempdir().expect("a directory"),
        };
        fs::write(files.policies(), POLICIES).expect("policies");
        let source = TestArchive::start();
        let items: Value = files.imported().map(item).collect();
        for (round, metadata) in rounds(LIFE).enumerate() {
            let key = source.create(&metadata);
            source.write(&key, &items);
            let file = files.export(round);
            let filter = format!("crash-round:{round}");
            let directory = source.directory();
            let arguments = ["export", &file, "--filter", &filter, "--data", directory];
            let exported = run("esmond-ps-archive", &arguments);
            assert_eq!(exported.status, Some(0), "{exported:?}");
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn policies(&self) -> String {
        self.path("retention.json").display().to_string()
    }

    fn export(&self, round: usize) -> String {
        self.path(&format!("{round}.jsonl.gz"))
            .display()
            .to_string()
    }

    /// Times of the imported points: in the hours of the others, between them.
    fn imported(&self) -> impl Iterator<Item = i64> + use<> {
        let first = self.eras.young + STEP / 2;
        (0..IMPORTED).map(move |n| first + n * STEP)
    }
}

/// An archive for some rounds.
struct Life<'a> {
    archive: TestArchive,
    files: &'a Files,
    dice: StdRng,
    figures: &'a mut Figures,
}

impl Life<'_> {
    fn round(&mut self, round: usize) -> (Target, Model) {
        let target = Target {
            round,
            url: self.archive.url.clone(),
            key: self.archive.key.clone(),
            record: self.archive.create(&metadata(round)),
            client: http_client(),
        };
        let mut model = Model::new(self.files.eras);
        let places = Arc::new(Places::new(self.files.eras));
        // Numbers of metadata go on from round to round.
        let first = i64::try_from(round).expect("a small number") * 1_000_000;
        places
            .number
            .store(first, std::sync::atomic::Ordering::Relaxed);

        let (sender, events) = mpsc::channel();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (target, places, sender) = (target.clone(), places.clone(), sender.clone());
                let dice = StdRng::seed_from_u64(self.dice.random());
                thread::spawn(move || write_until_killed(target, &places, dice, &sender))
            })
            .collect();
        drop(sender);
        let enough = self.dice.random_range(5..150);
        let directory = self.archive.directory().to_owned();
        let (file, policies) = (self.files.export(round), self.files.policies());
        let mut moment = || {
            let is_killed = self.dice.random_range(0..2) == 0;
            is_killed.then(|| self.dice.random_range(1..enough))
        };
        let import = ["import", &file, "--data", &directory];
        let mut import = Beside::start(&import, moment());
        let prune_arguments = ["prune", "--retention", &policies, "--data", &directory];
        let mut prune = Beside::start(&prune_arguments, moment());

        let mut acknowledged = 0;
        while acknowledged < enough {
            match events.recv().expect("the archive lives") {
                Event::Acknowledged(write, key) => {
                    model.acknowledged(write, key);
                    acknowledged += 1;
                }
                Event::PutOff => self.figures.put_off += 1,
                Event::Unanswered(write) => panic!("the archive ended at {write:?}"),
            }
            import.look(acknowledged, false);
            prune.look(acknowledged, true);
        }
        // Answers come together, after a commit: without this, that would always be
        // the moment.
        thread::sleep(Duration::from_micros(self.dice.random_range(0..8000)));
        let order = self.dice.random_range(0..3);
        if order == 0 {
            import.kill();
            prune.kill();
        }
        self.archive.kill();
        if order == 1 {
            prune.kill();
            import.kill();
        }
        for event in &events {
            match event {
                Event::Acknowledged(write, key) => {
                    model.acknowledged(write, key);
                    acknowledged += 1;
                }
                Event::PutOff => self.figures.put_off += 1,
                Event::Unanswered(write) => model.unanswered(write),
            }
        }
        for client in clients {
            client.join().expect("nothing was refused");
        }

        // An import that was killed is repeated; a prune that still runs may end.
        self.archive.revive();
        import.complete();
        prune.wait();
        model.add(&self.files.imported().collect::<Vec<_>>(), true);
        model.verify(&target);
        // Until prune has come to its end, points may be there whose hours it removed.
        let pruned = run("esmond-ps-archive", &prune_arguments);
        assert_eq!(pruned.status, Some(0), "{pruned:?}");
        self.check();
        self.figures.rounds += 1;
        self.figures.writes += acknowledged;
        self.figures.imports_killed += import.killed;
        self.figures.prunes_killed += prune.killed;
        self.figures.prunes_ended += prune.ended;
        (target, model)
    }

    /// Lets the archive look for damage and wrong summaries by itself.
    fn check(&self) {
        let arguments = ["check", "--json", "--data", self.archive.directory()];
        let checked = run("esmond-ps-archive", &arguments);
        assert_eq!(checked.status, Some(0), "{checked:?}");
        let answer: Value = serde_json::from_str(&checked.stdout).expect("JSON");
        assert_eq!(answer["problems"], json!(0), "{answer}");
        assert_eq!(answer["not-compared"], json!(0), "{answer}");
    }
}
