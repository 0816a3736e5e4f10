# make demo   build, start an archive on a temporary store, load measurements, read them
# make test   everything that must hold; what CI runs
# make peers  install the original Python client and schemathesis below target/, for tests that want them
# make api    ask a running archive what its description (/openapi.json) says, for 90 seconds; needs peers
# make bench  fetch a million points from our archive beside curl; load a hundred thousand records
# make torture kill a loader at 50 random moments of 5000 records, and the archive, with what runs
#              beside it, at 200 random moments of writing (minutes)
# make soak   write to the archive and read it with 80 clients for ten minutes, or ESMOND_PS_SOAK_SECONDS
# make fuzz   run the fuzz targets for a while each; needs nightly, see tests/fuzz/README.md
# make lint   formatting, clippy and documentation, with warnings as errors

# make deny   licences, sources, versions and known faults of what is built in; needs cargo-deny

.PHONY: demo test peers bench torture soak fuzz lint deny api

demo:
	cargo build --locked --release --workspace --bins
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-demo

# The whole-product tests run the built programs, so these are built first.
test:
	cargo build --locked --workspace --bins
	cargo test --locked --workspace

peers:
	tests/peer/install.sh

api: peers
	cargo build --locked --workspace --bins
	ESMOND_PS_API_SECONDS=90 cargo test --locked --package esmond-ps-tests --test peer described

bench:
	cargo build --locked --release --workspace --bins
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-bench
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-bench-loading

torture:
	cargo build --locked --workspace --bins
	ESMOND_PS_TORTURE=50 cargo test --locked --package esmond-ps-tests --test loading runs_that_are_killed -- --nocapture
	ESMOND_PS_TORTURE=200 cargo test --locked --package esmond-ps-tests --test crash -- --nocapture

soak:
	cargo build --locked --release --workspace --bins
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-soak

fuzz:
	tests/fuzz/run.sh

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps

# The database of known faults lies elsewhere than the crates: where it cannot be
# fetched, that part is said to be left out, and the rest counts.
deny:
	cargo deny --locked check bans licenses sources
	if cargo deny --locked fetch db; then cargo deny --locked check advisories; \
	else echo "SKIPPED: the advisories cannot be fetched from here" >&2; fi
