# make demo   build, start an archive on a temporary store, load measurements, read them
# make test   everything that must hold; what CI runs
# make peers  install the original Python client and schemathesis below target/, for tests that want them
# make api    ask a running archive what its description (/openapi.json) says, for 90 seconds; needs peers
# make bench  measure everything beside its limits and write docs/performance.md (half an hour);
#              FIGURES="disk startup" measures these anew, FIGURES=--page-only only writes the page
# make torture kill a loader at 50 random moments of 5000 records, and the archive, with what runs
#              beside it, at 200 random moments of writing (minutes)
# make soak   write to the archive and read it with 80 clients for ten minutes, or ESMOND_PS_SOAK_SECONDS
# make fuzz   run the fuzz targets for a while each; needs nightly, see tests/fuzz/README.md
# make lint   formatting, clippy and documentation, with warnings as errors

# make deny   licences, sources, versions and known faults of what is built in; needs cargo-deny
# make build  build the programs for use, below target/release
# make install, make uninstall
#              put what was built below PREFIX (/usr/local), in front of it DESTDIR; see docs/install.md
# make deb, make rpm
#              build, and make packages below target/packages
# make musl   build programs that need nothing of the system, below target/*-linux-musl/release
# make reproducible  build a program in two directories, and compare
# make publish-check whether the libraries could be published

.PHONY: demo test peers bench torture soak fuzz lint deny api
.PHONY: build install uninstall deb rpm musl reproducible publish-check

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
	cargo run --locked --release --quiet --package esmond-ps-tests --bin esmond-ps-bench -- $(FIGURES)

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

CARGO_HOME ?= $(HOME)/.cargo
PREFIX ?= /usr/local
DIST = crates/archive/dist
# What is built: all programs, for this system. With TARGET, for another one.
WHAT ?= --workspace --exclude esmond-ps-tests --bins
TARGET ?=
BUILD ?= target/$(if $(TARGET),$(TARGET)/)release
# Directories of this machine stay out of the programs: they are the same wherever they are built.
REMAP = --remap-path-prefix=$(CURDIR)=/esmond-ps --remap-path-prefix=$(CARGO_HOME)=/cargo

build:
	RUSTFLAGS="$(RUSTFLAGS) $(REMAP)" cargo build --locked --release $(WHAT) $(if $(TARGET),--target $(TARGET))

# Installs what was built, so that root does not build.
install uninstall:
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" BUILD="$(abspath $(BUILD))" $(DIST)/install.sh $@

deb rpm: build
	MAINTAINER="$(MAINTAINER)" $(DIST)/package.sh $@ $(BUILD) target/packages

MUSL ?= $(shell uname -m)-unknown-linux-musl
musl:
	$(DIST)/musl.sh $(MUSL)
	$(MAKE) build TARGET=$(MUSL)

reproducible:
	$(DIST)/reproducible.sh

LIBRARIES = esmond-ps-model esmond-ps-client esmond-ps-results esmond-ps-plot esmond-ps-store \
	esmond-ps-store-sqlite esmond-ps-server esmond-ps-retention esmond-ps-exchange esmond-ps-mirror esmond-ps-cli-common \
	pv-archiver-client
publish-check:
	cargo publish --locked --dry-run --allow-dirty $(addprefix --package ,$(LIBRARIES))
