# One command each: `make help` lists them. Needs GNU make and a POSIX shell; see README.md for Windows.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?=
OUT ?= out
DATA ?= $(wildcard ../shared/portraits256)
PORTRAITS ?= $(wildcard ../shared/portraits_demo)
ARGS ?=

export PYTHON

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup system-packages run test gpu-test lint bench translations train train-parser train-locator evaluate measure clean

help:
	@printf '%s\n' \
	  'make setup      install everything into $(VENV) (once; PYTHON=... chooses the interpreter)' \
	  'make run        open the editor; without a display, run it offscreen and leave pictures in $(OUT)/' \
	  'make test       run the tests (ARGS=... goes to pytest)' \
	  'make gpu-test   run the tests that need a GPU' \
	  'make lint       ruff, pyright and the import contracts' \
	  'make bench      measure speed and memory on this machine: JSON, also in $(OUT)/, and a table (ARGS=--help)' \
	  'make translations  bring the translation files up to the source' \
	  'make train      train the default model (DATA=folder; ARGS=... goes to models.train)' \
	  'make train-parser  train the face parser (DATA=folder)' \
  'make train-locator train the network that finds faces (DATA=folder)' \
	  'make evaluate   measure the default model (DATA=folder); the report goes to $(OUT)/evaluation/' \
	  'make measure    measure face search, parser and seams (DATA=folder, PORTRAITS=folder of full pictures)' \
  'make clean      remove $(VENV), caches and $(OUT)/'

setup: $(STAMP)

system-packages:
	@sh scripts/system-packages.sh

# Made again when the dependencies change, not when a system package does.
$(STAMP): pyproject.toml | system-packages
	@set -e; python=$$(sh scripts/system-packages.sh --python); \
	if ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
	  echo "Making $(VENV) with $$python"; "$$python" -m venv --clear $(VENV); fi
	@echo 'Installing Maskbrush and its dependencies: several gigabytes the first time, mostly torch'
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]'
	@touch $@
	-@$(BIN)/python -m app prepare  # else the first start does it

run: setup
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname -s)" = Darwin ]; then \
	  exec $(BIN)/python -m app $(ARGS); \
	else \
	  echo 'No display: running the editor offscreen, pictures go to $(OUT)/'; \
	  QT_QPA_PLATFORM=offscreen exec $(BIN)/python -m app demo --out '$(OUT)' $(ARGS); \
	fi

test: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(ARGS)

gpu-test: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m gpu $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: setup
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.bench --out '$(OUT)/bench.json' $(ARGS)

# Without places in the source, the files change only where a text does.
translations: setup
	$(BIN)/pyside6-lupdate -extensions py -locations none -sort-messages -no-obsolete app \
	  -ts resources/translations/maskbrush_zh_CN.ts
	$(BIN)/pyside6-lrelease resources/translations/maskbrush_zh_CN.ts

# The parser behind the perceptual and label losses is another, smaller one than the parser that is shipped and judges.
CRITIC := runs/critic/critic.safetensors

# The data are looked at before anything is installed.
ifneq ($(strip $(DATA)),)
train: setup
	test -e $(CRITIC) || $(BIN)/python -m models.train_parser --data '$(DATA)' --out $(CRITIC) --seed 1 \
	  --channels 16 32 64 96 128 --size 128 --early-size 128 --batch 20 --early-batch 20 --steps 1300
	$(BIN)/python -m models.train --data '$(DATA)' --parser $(CRITIC) $(ARGS)

train-parser: setup
	$(BIN)/python -m models.train_parser --data '$(DATA)' $(ARGS)

train-locator: setup
	$(BIN)/python -m models.train_locator --data '$(DATA)' $(ARGS)

measure: setup
	$(BIN)/python -m tests.measure_parser --data '$(DATA)'
	$(BIN)/python -m tests.measure_faces --data '$(PORTRAITS)' --out '$(OUT)/faces'
	$(BIN)/python -m tests.measure_seams --data '$(PORTRAITS)' --out '$(OUT)/seams'

evaluate: setup
	$(BIN)/python -m models.evaluate resources/weights/maskbrush-256.safetensors --data '$(DATA)' \
	  --parser resources/weights/face-parser.safetensors --out '$(OUT)/evaluation' $(ARGS)
else
train train-parser train-locator evaluate measure:
	@printf '%s\n' \
	  'This needs a folder of portraits with their masks: make $@ DATA=folder. In it:' \
	  '  images/<id>.jpg   square, aligned portraits, all of one size' \
	  '  labels/<id>.png   their masks: one channel, the class ids 0..18 of resources/labels.py, the same size' \
	  '  manifest.csv      with at least the columns id, tier and split (train or val)' \
	  'CelebAMask-HQ as it is distributed will do as well; its authors give it for non-commercial research.' >&2
	@exit 2
endif

clean:
	rm -rf $(VENV) '$(OUT)' build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find app engine models resources tests -name __pycache__ -type d -prune -exec rm -rf {} +
