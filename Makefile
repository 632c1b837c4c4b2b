# The two commands are `make demo` and `make test`; each sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup setup-light tools sbom image-size demo test test-light test-milvus test-s3 lint bench bench-query bench-pipeline bench-guard bench-capacity figures bench-encoders chaos soak fuzz upgrade scale clean
RUN := .venv/bin
export PYTHON

help:
	@echo 'make demo    start real servers, index a sample catalogue, show searches'
	@echo 'make setup   install everything; `make demo` by itself installs just what it runs on'
	@echo 'make test    all tests, on real servers'
	@echo 'make test-milvus   the product store on a real Milvus server, which it downloads (81 MB)'
	@echo 'make test-s3   media in a bucket, on a real S3 server, which it downloads (10 MB)'
	@echo 'make test-light   what a light installation can do, in one made for it'
	@echo 'make tools   helm and promtool, for the tests of the chart and its alerts'
	@echo 'make sbom    what is in the images, as CycloneDX with hashes and licences, into build/'
	@echo 'make image-size   what the images install takes on disk'
	@echo 'make lint    style, types, import contract'
	@echo 'make bench   speed, side by side with baselines'
	@echo 'make bench-query   searches a second beside bare Redis, bare Milvus and other engines'
	@echo 'make bench-pipeline   products a second beside a bare encoding loop and plain ways, CPU a product'
	@echo 'make bench-guard   two ratios that must stay near their record; part of .ci/run'
	@echo 'make bench-capacity   service times for `vitrine capacity`, on a quiet machine; replaces vitrine/capacity/measured.toml'
	@echo 'make figures   docs/performance.md of what the benchmarks measured last'
	@echo 'make bench-encoders   models beside the bare model and other libraries'
	@echo 'make chaos   killed processes, compared with the oracle'
	@echo 'make soak    a long run under load, and a day of faults in minutes'
	@echo 'make scale   three brokers and workers on a network that is cut and slowed (as root), many products, a Redis Cluster'
	@echo 'make upgrade   workers of version 0.2.0 and of this one on the same servers, and back'
	@echo 'make fuzz    a million hostile and broken inputs (FUZZ_INPUTS: how many)'
	@echo 'make clean   stop what runs, remove what was built (the data directory stays)'

setup:
	@deploy/setup.sh all

setup-light:
	@deploy/setup.sh light

image-size: setup
	@deploy/docker/measure.sh installed-cpu

EXPORT := .uv/bin/uv export --quiet --locked --no-dev --format cyclonedx1.5
sbom: setup
	@mkdir -p build
	@$(EXPORT) --extra standard --extra s3 --extra traces | $(RUN)/python -m deploy.sbom > build/sbom-cpu.json
	@$(EXPORT) --extra standard --extra s3 --extra traces --extra torch --extra train | $(RUN)/python -m deploy.sbom > build/sbom-gpu.json
	@ls -l build/sbom-*.json

tools: setup
	@deploy/tools.sh

demo: setup-light
	@$(RUN)/vitrine demo

test: setup
	@$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-light: setup
	@$(RUN)/pytest tests/install

test-milvus: setup
	@TEST_MILVUS_SERVER=1 $(RUN)/pytest --timeout 1800 -k real_milvus tests/contract/products tests/contract/test_registry.py
	@TEST_MILVUS_SERVER=1 $(RUN)/pytest --timeout 1800 -s tests/milvus

test-s3: setup
	@TEST_S3_SERVER=1 $(RUN)/pytest -k s3 tests/contract/test_media_store.py tests/contract/test_bucket.py

lint: setup
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/pyright
	$(RUN)/lint-imports
	@if [ -x $(RUN)/hadolint ]; then $(RUN)/hadolint deploy/docker/Dockerfile; fi

bench: setup
	@$(RUN)/pytest --timeout 3600 -s tests/bench --ignore tests/bench/guard

bench-guard: setup
	@BENCH_CATALOGUE=4000 BENCH_PICTURES=400 BENCH_EVENTS=2000 BENCH_QUERY_SECONDS=2 \
	$(RUN)/pytest --timeout 900 -s tests/bench/guard

bench-pipeline: setup
	@$(RUN)/pytest --timeout 3600 -s tests/bench/test_throughput.py

bench-capacity: setup
	@$(RUN)/pytest --timeout 1800 -s tests/bench/test_capacity.py
	@cp build/reports/capacity.toml vitrine/capacity/measured.toml

figures: setup
	@$(RUN)/python -m tests.bench.figures

chaos soak fuzz upgrade: setup
	@if ls tests/$@/test_*.py >/dev/null 2>&1; then $(RUN)/pytest --timeout 3600 tests/$@; \
	else echo 'make $@: there is nothing of that kind in this version' >&2; exit 2; fi

scale: setup
	@$(RUN)/pytest --timeout 3600 -s tests/scale
	@TEST_REDIS_CLUSTER=1 $(RUN)/pytest --timeout 600 tests/contract -k redis

bench-query: setup
	@$(RUN)/pytest --timeout 3600 -s tests/bench/query

bench-encoders: setup
	@$(RUN)/pytest --timeout 3600 -s tests/bench/encoders

clean:
	@if [ -x $(RUN)/vitrine ]; then $(RUN)/vitrine down || true; fi
	rm -rf .venv .venv-* .uv build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
