# make demo   build, start an archive on a temporary store, load measurements, read them
# make test   everything that must hold; what CI runs
# make peers  install the original Python client below target/, for a test that wants it
# make bench  fetch a million points from our archive beside curl; load a hundred thousand records
# make torture kill a loader at 50 random moments of 5000 records (minutes)
# make fuzz   run the fuzz targets for a while each; needs nightly, see tests/fuzz/README.md
# make lint   formatting, clippy and documentation, with warnings as errors

.PHONY: demo test peers bench torture fuzz lint

demo:
	cargo build --locked --release --workspace --bins
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-demo

# The whole-product tests run the built programs, so these are built first.
test:
	cargo build --locked --workspace --bins
	cargo test --locked --workspace

peers:
	tests/peer/install.sh

bench:
	cargo build --locked --release --workspace --bins
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-bench
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-bench-loading

torture:
	cargo build --locked --workspace --bins
	ESMOND_PS_TORTURE=50 cargo test --locked --package esmond-ps-tests --test loading runs_that_are_killed -- --nocapture

fuzz:
	tests/fuzz/run.sh

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps
