# One word for each thing to do here. Every word sets up what it needs by itself, in .venv.

BIN := .venv/bin
RUN := results/first
GAME := SumoRing
NOT_BY_DEFAULT := slow or unity or gpu or browser
SOURCES := setup.py ml-agents-selfplay gym_bridges benchmarks tests tools

.DEFAULT_GOAL := help
.PHONY: help setup train test browser test-all check format format-check lint type bench unity-check unity-train clean

help:  ## print these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup:  ## make or refresh .venv (quick when nothing has changed)
	@sh tools/bootstrap.sh

train: setup  ## train rock-paper-scissors by self-play, less than a minute, and say how well it went
	$(BIN)/mlagents-learn config/trainer_config.yaml --env gym_bridges/builds/RockPaperScissors \
		--run-id $(notdir $(RUN)) --num-areas 32 --no-graphics --force
	$(BIN)/mlagents-selfplay history $(RUN)
	$(BIN)/python -m benchmarks.exploitability $(RUN)

test: setup  ## run the fast tests
	$(BIN)/pytest -n 2 -m "not ($(NOT_BY_DEFAULT))"

browser: setup  ## run the tests of the dashboard in a real browser (Debian's chromium)
	$(BIN)/pytest -m browser tests/dashboard

test-all: setup  ## run every test this machine can run
	$(BIN)/pytest -n 2

check: format-check lint type  ## format, lint and types, changing nothing

format: setup  ## put the code into its format, and the imports into order
	$(BIN)/ruff check --quiet --select I --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

format-check: setup
	$(BIN)/ruff format --check $(SOURCES)

lint: setup  ## look for mistakes
	$(BIN)/ruff check $(SOURCES)

type: setup  ## check the types
	$(BIN)/mypy

bench: setup  ## rough figures of every benchmark that needs no finished run
	@for file in $$(grep -l -e --quick benchmarks/[a-z]*.py); do \
		name=$$(basename $$file .py); echo "== $$name"; \
		$(BIN)/python -m benchmarks.$$name --quick --json || exit 1; \
	done

unity-check: setup  ## compile, lint and test the Unity project, without Unity; gets mono where it can
	$(BIN)/python tools/unity.py test
	$(BIN)/pytest -n 2 -m "unity and not slow" tests/unity

unity-train: setup  ## train on an arena in C#, without Unity: GAME=SumoRing (the default) or GAME=RockPaperScissors
	$(BIN)/python tools/unity.py build
	$(BIN)/mlagents-learn config/trainer_config.yaml --env unity-project/Tools~/builds/$(GAME) \
		--run-id unity-$(GAME) --num-areas 32 --no-graphics --force
	$(BIN)/mlagents-selfplay history results/unity-$(GAME)

clean:  ## remove the environment, the caches and the results of training
	rm -rf .venv .uv .set-up.lock unity-project/Tools~/build results build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
