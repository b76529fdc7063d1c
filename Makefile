# SPDX-License-Identifier: GPL-2.0-only
#
# `make html` builds the site, `make test` checks everything. Both need only Python 3.11 or later
# (on Debian also python3-venv), make and git; the first run installs the rest into .venv.

# With BUILD=PATH all is made in a copy at that path, and this directory is only read.
ifdef BUILD
export BUILD
.PHONY: $(or $(MAKECMDGOALS),help)
$(or $(MAKECMDGOALS),help):
	@.ci/copy "$$BUILD" && $(MAKE) --no-print-directory -C "$$BUILD" BUILD= $@
else

PYTHON ?= python3
PORT ?= 8000

RUN := .venv/bin/python -m
# Tests run make themselves, which must not take this one's jobs.
TESTS := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(RUN) pytest
HTML := build/html
TRACES := $(wildcard records/traces/*.jsonl*)

# Hundreds of processes start: without byte code on the disk, each would compile all modules.
unexport PYTHONDONTWRITEBYTECODE

# A file named after what was installed, and for which Python: it is there, or work is to do.
WANTED := $(firstword $(shell { echo $(PYTHON); cat requirements.txt; } | cksum))
INSTALLED := .venv/installed-$(WANTED)
# What is there is of no use once the system has another Python: it is in lib/python3.11 and the like.
REAL := $(filter python3.%,$(notdir $(realpath .venv/bin/python)))
ifneq ($(REAL),$(notdir $(wildcard $(addprefix .venv/lib/,$(REAL)))))
.PHONY: $(INSTALLED)
endif

# A build that failed or was killed leaves UNFINISHED: the next one reads every page again, and so
# repeats the warnings.
UNFINISHED := build/unfinished
define SPHINX
@fresh=$$(test ! -e $(UNFINISHED) || echo -E); mkdir -p build && touch $(UNFINISHED) && \
	$(RUN) docs.build_pages -q -c . -d build/doctrees -n -W --keep-going $$fresh -b $(1) && \
	rm -f $(UNFINISHED)
endef

.DEFAULT_GOAL := help
ifndef BESIDE
.NOTPARALLEL:
endif
.PHONY: help html playground man doctest raise-floor lint fix unit quick setup test site-test mutants replay examples conformance conformance-explore divergence new-story record upstream upstream-check upstream-ebpf-docs sources release bench serve clean

help: ## List the targets
	@sed -n 's/^##@ /\n/p; s/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 28
	@echo
	@echo 'For example:'
	@echo '  make html && xdg-open $(HTML)/index.html'
	@echo '  make serve PORT=9000'
	@echo '  make unit K=percpu                      run the tests whose names match'
	@echo '  make test PYTHON=python3.12'
	@echo '  make html BUILD=/tmp/site               work in a copy, where this directory is read-only'
	@echo '  make new-story KIND=recipe NAME=my_recipe'
	@echo '  make upstream LINUX=/path/to/linux'

##@ The site
html: $(INSTALLED) ## Build the site in build/html; reading it needs no network
	$(call SPHINX,html docs $(HTML))
	@echo "The site is in $(HTML): open $$PWD/$(HTML)/index.html"
	@test -e $(PYODIDE)/installed || echo 'Its examples have no Run buttons: `make playground` adds them.'

# Pyodide is Python for browsers. The pages load it when a reader runs something, and never before.
PYODIDE := build/pyodide
playground: $(PYODIDE)/installed html ## Build the site with examples that run in the page; needs npm

define NPM_CI
@command -v npm >/dev/null || { echo 'npm is missing: apt-get install npm' >&2; exit 1; }
@mkdir -p $(@D) && cp $^ $(@D)
@cd $(@D) && npm ci --silent --ignore-scripts --no-audit --no-fund || { echo 'npm could not' \
	'install what $(<) names: check the network, then run make again.' >&2; exit 1; }
@touch $@
endef

$(PYODIDE)/installed: playground/package.json playground/package-lock.json
	$(NPM_CI)

export PORT
serve: $(INSTALLED) ## Build the site, serve it on 127.0.0.1, and rebuild it on each change
	@.venv/bin/python -c 'import os, socket; socket.create_server(("127.0.0.1", int(os.environ["PORT"])))' \
		2>/dev/null || { echo "Port $$PORT cannot be used: choose another one, make serve PORT=9000" >&2; exit 1; }
	$(RUN) sphinx_autobuild --host 127.0.0.1 --port "$$PORT" --watch reference_model --watch conf.py \
		-c . -d build/doctrees docs $(HTML)

man: $(INSTALLED) ## Build the reference as a man page: build/man/bpf-cgroup-storage.7
	$(call SPHINX,man docs build/man)
	@echo 'Read it: man -l build/man/bpf-cgroup-storage.7'

doctest: $(INSTALLED) ## Run every example of every page and of every docstring
	$(call SPHINX,doctest docs build/doctest)

raise-floor: $(INSTALLED) ## Run the examples, and store their number in docs/doctest_floor.txt
	$(call SPHINX,doctest -D strict_doctest_raise=1 docs build/doctest)

##@ Checks
lint: $(INSTALLED) ## Check style, types, spelling and prose
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy conf.py reference_model records conformance docs/_ext playground upstream prose bench tests --exclude tests/upstream
	$(RUN) mypy tests/upstream # apart, as it has a conftest.py too
	$(RUN) sphinxlint conf.py docs reference_model upstream
	$(RUN) codespell_lib
	$(RUN) prose

fix: $(INSTALLED) ## Format the code and repair what ruff can repair
	$(RUN) ruff format
	$(RUN) ruff check --fix

export K
unit: $(INSTALLED) ## Run the tests and measure coverage; K=pattern: run the tests that match
	$(TESTS) -n auto --dist loadgroup $(if $(K),-q -k "$$K",--no-loadscope-reorder --cov --cov-report=term)

quick: $(INSTALLED) ## Check style and types, replay the records, run the fast tests: 40 seconds
	@$(MAKE) --no-print-directory -j2 BESIDE='lint replay quick-others' quick-model beside

# Tests are shared out by folder, as with xdist 7,000 short tests cost half as much again.
.PHONY: quick-model quick-others
quick-model: ; @$(TESTS) -q -m 'not slow' tests/reference_model
quick-others: ; @$(TESTS) -q -m 'not slow' --ignore tests/reference_model

setup: ## Install the Debian packages that checks need; without root, print the command
	@.ci/setup

# What could not run is written to NOT_RUN, and said at the end.
test: export NOT_RUN := build/not-run
test: ## Run all checks, as CI does; as root, install the Debian packages they need first
	@.ci/setup || echo 'The checks that need these packages do not run.'
	@mkdir -p build && : > $(NOT_RUN)
	@$(MAKE) --no-print-directory $(INSTALLED)
	@checks='lint site-test doctest'; if lacking=$$($(SITE_LACKS)); then checks='lint html doctest'; \
		echo "the checks of the built site: $$lacking" >> $(NOT_RUN); fi; \
		$(MAKE) --no-print-directory -j2 BESIDE="$$checks" unit beside
	@if test -s $(NOT_RUN); then echo 'All checks that ran passed. These did not run:'; \
		sed 's/^/  /' $(NOT_RUN); else echo 'All checks ran and passed.'; fi

# What runs beside the tests, as a browser waits more than it works; what it prints comes at its end.
.PHONY: beside
beside:
	@echo 'Beside the tests: $(BESIDE)'
	@mkdir -p build; $(MAKE) --no-print-directory $(BESIDE) BESIDE= > build/beside.log 2>&1; \
		status=$$?; cat build/beside.log; exit $$status

# Two tools that pip has not: axe looks for what readers with a disability trip over, vnu for
# invalid HTML. They need npm and java to be there; the browser is Debian's.
SITE_TOOLS := build/site-tools
SITE_LACKS = grep -v '^\#' tests/site/apt.txt | { while read -r package program; do \
	command -v $$program >/dev/null || missing="$$missing $$package"; done; \
	test -n "$$missing" && echo "they need more packages: apt-get install$$missing"; }

site-test: playground $(SITE_TOOLS)/installed ## Check the built site in Chromium and Firefox
	SITE=$(HTML) $(RUN) pytest -q -vv tests/site/checks.py tests/site/run_checks.py

$(SITE_TOOLS)/installed: tests/site/package.json tests/site/package-lock.json
	@if lacking=$$($(SITE_LACKS)); then \
		echo "The checks of the site cannot run: $$lacking" >&2; exit 1; fi
	$(NPM_CI)

SEED ?= 1
COUNT ?= 60
export SEED COUNT
mutants: $(INSTALLED) ## Change the model in COUNT=60 places, one at a time, and check that a test fails
	$(RUN) tests.mutants --seed "$$SEED" --count "$$COUNT"

replay: $(INSTALLED) ## Replay the recorded kernels on the model, and compare every answer
	$(RUN) reference_model replay $(TRACES)

##@ Real kernels and stories
examples: ## Compile the C versions of the stories into build/examples
	@$(MAKE) -s -C docs/examples

conformance: $(INSTALLED) examples ## Run all stories, in C and Go too, and random sequences on real kernels
	$(RUN) conformance stories
	$(RUN) conformance twins
	$(RUN) conformance twins --go
	$(RUN) conformance objects
	$(RUN) conformance packages
	$(RUN) upstream objects
	$(RUN) conformance probe
	$(RUN) conformance explore

conformance-explore: $(INSTALLED) ## Run random sequences on real kernels until an answer differs
	$(RUN) conformance explore --forever

export KIND NAME
new-story: $(INSTALLED) ## Write a story to fill in: KIND=recipe|breaking_change|addition NAME=x
	@$(RUN) conformance.new_story "$$KIND" "$$NAME"

record: $(INSTALLED) ## Run new and changed stories on real kernels, and record the answers: 15 minutes
	$(RUN) conformance record

##@ Kernel patches
REVISION ?= 1
SERIES ?= 1
SIGNOFF ?= no
export LINUX REVISION SERIES SIGNOFF ASSISTED_BY SITE
upstream: linux-is-named $(INSTALLED) ## Write the kernel patches for LINUX=/path/to/linux: build/upstream
	@$(RUN) upstream series "$$LINUX" --series "$$SERIES" --revision "$$REVISION" \
		--signoff "$$SIGNOFF" --assisted-by "$$ASSISTED_BY" --site "$$SITE"

export EBPF_DOCS
upstream-ebpf-docs: $(INSTALLED) ## Write patches for docs.ebpf.io for EBPF_DOCS=/path/to/ebpf-docs: build/ebpf-docs
	@test -n "$$EBPF_DOCS" || { echo 'Name a checkout of isovalent/ebpf-docs:' \
		'make upstream-ebpf-docs EBPF_DOCS=/path/to/ebpf-docs' >&2; exit 1; }
	@$(RUN) upstream ebpf-docs "$$EBPF_DOCS" --signoff "$$SIGNOFF"

.PHONY: linux-is-named
linux-is-named:
	@test -n "$$LINUX" || { echo 'Name a checkout of bpf-next or mainline Linux:' \
		'make upstream LINUX=/path/to/linux' >&2; exit 1; }

upstream-check: $(INSTALLED) ## Check the patches on Debian's newest linux-source
	@$(RUN) upstream check

##@ The model and this directory
divergence: $(INSTALLED) ## Search all pairs of releases again for differences: 8 minutes
	$(RUN) records search

sources: $(INSTALLED) ## Compare changes.py with Debian's kernel sources, or those in LINUX=PATH
	@$(RUN) upstream sources $${LINUX:+"$$LINUX"}

export R
release: $(INSTALLED) ## Add the mainline release R=7.4, and run what depends on its name
	@case $$R in *[!0-9.]*|*.*.*|.*|*.|'') false;; *.*) ;; *) false;; esac || { \
		echo 'Name a release: make release R=7.4' >&2; exit 1; }
	sed -i "s/^NEWEST = .*/NEWEST = \"$$R\"/" reference_model/releases.py
	@$(MAKE) doctest html
	$(RUN) pytest -q tests/reference_model/test_releases.py tests/reference_model/test_changes.py tests/docs/test_ext_tables.py

bench: $(INSTALLED) ## Measure the speed and the memory of the model, and the time of builds
	$(RUN) bench

clean: ## Remove all generated files except .venv
	rm -rf build .hypothesis
	find docs/breaking_changes docs/additions docs/recipes -name '*.rst' -not -name index.rst -delete
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(INSTALLED): | requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'This needs Python 3.11 or later: install one (on Debian 12 or later: apt install' \
		'python3 python3-venv), or name one: make PYTHON=python3.12.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'This Python cannot make a virtual environment: apt install python3-venv.' >&2; exit 1; }
	@test ! -L .venv || { echo '.venv is a symbolic link, and installing would delete what it' \
		'points to. Remove the link (rm .venv) and run make again.' >&2; exit 1; }
	@test ! -e .venv || test -e .venv/pyvenv.cfg || { echo '.venv is not a virtual environment.' \
		'Move it away and run make again.' >&2; exit 1; }
	@test -w . || { echo 'This directory cannot be written, and make needs to create .venv and' \
		'build in it. Work in a copy: make BUILD=/path/to/a/new/directory' >&2; exit 1; }
	@echo 'Installing the tools of requirements.txt into .venv (about 20 seconds, once)'
	@$(PYTHON) -m venv --clear .venv
	@$(RUN) pip install -qq --retries 1 --disable-pip-version-check -r requirements.txt \
		2>.venv/pip.log || { tail -n 1 .venv/pip.log >&2; echo 'The tools were not installed:' \
		'check the network, then run make again.' >&2; exit 1; }
	@touch $@

endif
