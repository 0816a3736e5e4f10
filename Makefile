# make demo   build, start an archive on a temporary store, load measurements, read them
# make test   everything that must hold; what CI runs
# make peers  install the original Python client below target/, for a test that wants it
# make lint   formatting, clippy and documentation, with warnings as errors

.PHONY: demo test peers lint

demo:
	cargo build --locked --release --workspace --bins
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-demo

# The whole-product tests run the built programs, so these are built first.
test:
	cargo build --locked --workspace --bins
	cargo test --locked --workspace

peers:
	tests/peer/install.sh

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps
