# MedVLM. A machine with Python 3.11 needs nothing else:
#
#   make run               install, then open the app          ARGS="--port 8000" passes options on
#   make test              install, then run every test        ARGS="-k dicom" passes options on
#   make check             lint, format and types
#   make demo              drawn papers to scores in small: data, training, evaluation, in about 10 minutes
#   make bench [SMOKE=1]   measure; SMOKE=1 runs every benchmark in small
#   make install           only install and assemble the embedded model
#
# Each works alone on a fresh clone. What is installed is remembered by the contents of the requirement files,
# so a second call starts at once and a changed pin installs itself.

VENV := .venv
PYTHON := $(VENV)/bin/python
PINS := requirements.txt constraints.txt
RUN_READY := $(VENV)/ready-run-$(shell cat $(PINS) | cksum | tr ' ' '-')
DEV_READY := $(VENV)/ready-dev-$(shell cat $(PINS) requirements-dev.txt | cksum | tr ' ' '-')
export MEDVLM_PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test check bench demo install model chromium postgresql

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

run: install
	$(PYTHON) app.py $(ARGS)

test: $(DEV_READY) model chromium postgresql
	$(PYTHON) -m pytest -n 2 --no-loadscope-reorder $(ARGS)

check: $(DEV_READY)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

bench: $(DEV_READY) model chromium
	$(PYTHON) -m tests.bench $(if $(SMOKE),--smoke) $(ARGS)

demo: install
	$(PYTHON) -m train demo $(ARGS)

install: $(RUN_READY) model

# Looks at what is there and writes only what is missing or damaged.
model: $(RUN_READY)
	@$(PYTHON) -m medvlm assemble

chromium:
	@sh .ci/chromium

postgresql:
	@sh .ci/postgresql

$(RUN_READY):
	@sh .ci/install $(VENV) $@ requirements.txt

$(DEV_READY): $(RUN_READY)
	@sh .ci/install $(VENV) $@ requirements-dev.txt
