# The two commands of the README are `make run` and `make test`.
# Each target is one script, so a machine without make can call the script.
.PHONY: help setup run test breakages crashes bounded soak bench bench-quick speed

help:
	@echo "make run    set up what is missing, build, serve at http://127.0.0.1:3000"
	@echo "make test   set up what is missing, then pass every test"
	@echo "make setup  set up what is missing"
	@echo "make breakages    break the runtime on purpose, and see the tests fail"
	@echo "make crashes      kill a server a thousand times, and compare what it has with what it promised"
	@echo "make bounded      make a million updates and see that the file stays small; time a start at a gigabyte"
	@echo "make soak         let 200 visitors come and go for twenty minutes, and see that nothing of them stays"
	@echo "make bench        measure it beside its peers, for half an hour"
	@echo "make speed        measure a release build's pages on a slow network and processor"
	@echo "make bench-quick  the same in 3 minutes, with a wider spread"

setup:
	@scripts/setup.sh

run:
	@scripts/run.sh

test:
	@scripts/test.sh

bench:
	@scripts/bench.sh

bench-quick:
	@scripts/bench.sh --quick

speed:
	@scripts/speed.sh

crashes:
	@CRASHES=1000 cargo test --locked -p undercurrent --features ssr --test crashes -- --nocapture what_was
	@CRASHES=1000 cargo test --locked -p undercurrent --features ssr --test crashes_seen -- --nocapture pages

bounded:
	@UPDATES=1000000 cargo test --locked --release -p undercurrent --features ssr --test bounded -- --nocapture however
	@cargo test --locked --release -p undercurrent --features ssr --test bounded -- --ignored --nocapture a_start

soak:
	@SOAK_S=1200 cargo test --locked --release -p undercurrent --features ssr --test sockets -- --nocapture sessions_that_come

breakages:
	@node scripts/breakages.mjs
