# SPDX-License-Identifier: GPL-2.0-only
#
# `make html` builds the site, `make test` checks everything. Both need only Python 3.11 or later
# (on Debian also python3-venv), make and git; the first run installs the rest into .venv.

PYTHON ?= python3
PORT ?= 8000

RUN := .venv/bin/python -m
SITE := build/html
TRACES := $(wildcard records/traces/*.jsonl*)

# A file named after what was installed, and for which Python: it is there, or work is to do.
WANTED := $(firstword $(shell { echo $(PYTHON); cat requirements.txt; } | cksum))
INSTALLED := .venv/installed-$(WANTED)

# A build that failed or was killed leaves UNFINISHED: the next one reads every page again, and so
# repeats the warnings.
UNFINISHED := build/unfinished
define SPHINX
@fresh=$$(test ! -e $(UNFINISHED) || echo -E); mkdir -p build && touch $(UNFINISHED) && \
	$(RUN) sphinx -q -c . -d build/doctrees -n -W --keep-going $$fresh -b $(1) && \
	rm -f $(UNFINISHED)
endef

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help html doctest raise-floor lint unit test site-test replay examples conformance conformance-explore divergence new-story record upstream upstream-check bench serve clean

help: ## Say what each target does
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28
	@echo
	@echo 'For example:'
	@echo '  make html && xdg-open $(SITE)/index.html'
	@echo '  make test PYTHON=python3.12'
	@echo '  make serve PORT=9000'

html: $(INSTALLED) ## Build the site; it needs no network to be read
	$(call SPHINX,html docs $(SITE))
	@echo 'The site is in $(SITE): open $(SITE)/index.html'

doctest: $(INSTALLED) ## Run every example of every page and of every docstring
	$(call SPHINX,doctest docs build/doctest)

raise-floor: $(INSTALLED) ## Run them and commit to their number: docs/doctest_floor.txt
	$(call SPHINX,doctest -D strict_doctest_raise=1 docs build/doctest)

lint: $(INSTALLED) ## Check style, types and spelling
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy conf.py reference_model records conformance docs/_ext upstream bench tests --exclude tests/upstream
	$(RUN) mypy tests/upstream # apart, as it has a conftest.py too
	$(RUN) sphinxlint conf.py docs reference_model upstream
	$(RUN) codespell_lib

unit: $(INSTALLED) ## Run the tests with the coverage of the model
	$(RUN) pytest -n auto --dist loadgroup --no-loadscope-reorder --cov --cov-report=term

test: lint doctest html unit site-test ## Run all checks: what CI runs

# Two tools that pip has not: axe looks for what readers with a disability trip over, vnu for
# invalid HTML. They need npm and java to be there; the browser is Debian's.
SITE_TOOLS := build/site-tools

site-test: html $(SITE_TOOLS)/installed ## Check the built site in a real browser (Chromium)
	SITE=$(SITE) $(RUN) pytest -q -vv tests/site/checks.py

$(SITE_TOOLS)/installed: tests/site/package.json tests/site/package-lock.json
	@grep -v '^#' tests/site/apt.txt | while read -r package program; do \
		command -v $$program >/dev/null || { \
			echo "The checks of the site need $$program: apt install $$package" >&2; exit 1; }; \
	done
	@mkdir -p $(@D) && cp $^ $(@D)
	@cd $(@D) && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

replay: $(INSTALLED) ## Replay the recorded kernels on the model and compare every answer
	$(RUN) reference_model replay $(TRACES)

examples: ## Compile the C twins of the stories into build/examples
	@$(MAKE) -s -C docs/examples

conformance: $(INSTALLED) examples ## Ask real kernels: every story, its C twin, random sequences
	$(RUN) conformance stories
	$(RUN) conformance twins
	$(RUN) conformance explore

conformance-explore: $(INSTALLED) ## Random sequences on real kernels until one differs
	$(RUN) conformance explore --forever

divergence: $(INSTALLED) ## Search all pairs of releases again for every difference: 8 minutes
	$(RUN) records search

record: $(INSTALLED) ## Ask real kernels all that new and changed stories need: 15 minutes
	$(RUN) conformance record

new-story: $(INSTALLED) ## Write a story to fill in: KIND=recipe|breaking_change|addition NAME=x
	@$(RUN) conformance.new_story '$(KIND)' '$(NAME)'

REVISION ?= 1
upstream: $(INSTALLED) ## Write the kernel patches for LINUX=/path/to/linux: build/upstream
	@test -n '$(LINUX)' || { echo 'Name a checkout of bpf-next or mainline Linux:' \
		'make upstream LINUX=/path/to/linux' >&2; exit 1; }
	@$(RUN) upstream series '$(LINUX)' --revision '$(REVISION)'

upstream-check: $(INSTALLED) ## Try them on the newest linux-source of Debian
	@$(RUN) upstream check

bench: $(INSTALLED) ## Measure the model: answers a second, cost of operations, size of a storage
	PYTHONPATH=. .venv/bin/python bench/run.py

serve: $(INSTALLED) ## Build, serve on 127.0.0.1 and build again on each change
	$(RUN) sphinx_autobuild --host 127.0.0.1 --port $(PORT) --watch reference_model --watch conf.py \
		-c . -d build/doctrees docs $(SITE)

clean: ## Remove all that was made here, but not .venv
	rm -rf build .hypothesis
	find docs/breaking_changes docs/additions docs/recipes -name '*.rst' -not -name index.rst -delete
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(INSTALLED): | requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'This needs Python 3.11 or later: install one (on Debian 12 or later: apt install' \
		'python3 python3-venv), or name one: make PYTHON=python3.12.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'This Python cannot make a virtual environment: apt install python3-venv.' >&2; exit 1; }
	@echo 'Installing the tools of requirements.txt into .venv (about 20 seconds, once)'
	@$(PYTHON) -m venv --clear .venv
	@$(RUN) pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@
