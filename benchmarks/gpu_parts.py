"""The parts of gpu_check.py; each prints a Markdown table.

python benchmarks/gpu_parts.py steps_qwen2 [--tiny]
"""

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import torch
from measure import print_table, synchronize
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM
from transformers.utils import logging

from embedding_designs.study.run_config import RunConfig
from embedding_designs.training.contrastive_loss import contrastive_loss
from embedding_designs.training.model import load_model, untrained_model
from embedding_designs.training.pretrain_base import train_tokenizer
from embedding_designs.training.processes import device

# config.json of mistralai/Mistral-7B-v0.1 and Qwen/Qwen2-0.5B
BASES = {
    "mistral": {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
                "num_attention_heads": 32, "num_key_value_heads": 8, "sliding_window": 4096},
    "qwen2": {"vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
              "num_attention_heads": 14, "num_key_value_heads": 2},
}  # fmt: skip
TINY = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": None}  # fmt: skip
POOL = {
    False: {"latents": 768, "heads": 32, "head_dim": 2048},
    True: {"latents": 8, "heads": 2, "head_dim": 8},
}
LAYERS = {"layers": "all", "layer_weights": True}
DESIGNS = {
    "eos-causal": ("causal", {"kind": "eos", "tokens": "last"}),
    "last-layer-causal": ("causal", {"kind": "last_layer", "tokens": "last"}),
    "multi-layer-causal": ("causal", {"kind": "multi_layer", "tokens": "last", **LAYERS}),
    "last-layer-bidirectional": ("bidirectional", {"kind": "last_layer", "tokens": "all"}),
    "multi-layer-bidirectional": ("bidirectional", {"kind": "multi_layer", "tokens": "mean", **LAYERS}),
}
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# Dense bf16 TFLOP/s, from NVIDIA's data sheets
PEAKS = {"H200": 989, "H100": 989, "A100": 312, "A800": 312, "B200": 2250, "L40S": 362, "4090": 165}


def run_config(design: str, tiny: bool, **recipe: Any) -> RunConfig:
    """Return the config of a run with the paper's recipe; tiny: use a pool of only a few latents."""
    attention, pooling = DESIGNS[design]
    if pooling["kind"] != "eos":
        pooling = pooling | POOL[tiny]
    lora = {"rank": 16, "alpha": 32, "dropout": 0.1, "target_modules": MODULES, "save": "merged"}
    training = {
        "steps": 3, "batch_size": 8, "gradient_accumulation_steps": 4, "learning_rate": 1e-5,
        "warmup_steps": 1, "weight_decay": 0.01, "max_grad_norm": 1.0, "scale": 20.0, "max_seq_length": 512,
        "precision": "bf16", "gradient_checkpointing": False, "shared_texts": "keep",
        "checkpoint_steps": 100, "log_steps": 1, "heldout_steps": 100,
    }  # fmt: skip
    return RunConfig(
        base={"name": "random", "precision": "bf16", "finetuning": "lora", "lora": lora},
        design={"name": design, "attention": attention, "pooling": pooling},
        seed=1,
        training=training | recipe,
    )


def base_folder(folder: Path, architecture: str, tiny: bool, **sizes: Any) -> AutoConfig:
    """Write a config and a small tokenizer, but no weights; return the config."""
    tokenizer = train_tokenizer(["the quick brown fox jumps over the lazy dog"] * 20, vocabulary=300)
    tokenizer.save_pretrained(folder)
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = AutoConfig.for_model(architecture, **(TINY if tiny else BASES[architecture]), **ids, **sizes)
    config.save_pretrained(folder)
    return config


@contextlib.contextmanager
def random_weights(config: AutoConfig) -> Iterator[None]:
    """Give models random bf16 weights, drawn on the GPU, because there are no files with weights."""
    nothing = {"missing_keys": set(), "mismatched_keys": set(), "unexpected_keys": set()}

    def drawn(*args: Any, **kwargs: Any) -> Any:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.bfloat16)
        try:
            with torch.device(device()):
                model = AutoModel.from_config(config)
            return (model, nothing) if kwargs.get("output_loading_info") else model
        finally:
            torch.set_default_dtype(before)

    with (
        patch.object(AutoModel, "from_pretrained", drawn),
        patch("embedding_designs.training.base_checks.check_base_folder", lambda *given: None),
    ):
        yield


def attention(tiny: bool) -> None:
    """Compare implementations of attention in bf16 with eager attention in float32, with padding."""
    ways: dict[str, Any] = {"eager": None, "sdpa": None}
    if device() == "cuda":
        kinds = ["FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH"]
        ways |= {f"sdpa {kind.lower()}": getattr(SDPBackend, kind) for kind in kinds}
        ways |= {"flash_attention_2": None} if importlib.util.find_spec("flash_attn") else {}
    rows = []
    for architecture in BASES:
        sizes = TINY | {"hidden_size": 512, "head_dim": 128}
        for mode in ("causal", "bidirectional"):
            torch.manual_seed(0)
            config = AutoConfig.for_model(architecture, **sizes)
            exact = AutoModel.from_config(config, attn_implementation="eager").to(device()).eval()
            exact.config.is_causal = mode == "causal"
            for way, kernel in ways.items():
                rows.append([architecture, mode, way, *_compared(exact, config, way, kernel)])
    print_table(
        ["architecture", "attention", "implementation", "sees later tokens", "change by padding",
         "error vs. float32"], rows
    )  # fmt: skip
    if "flash_attention_2" not in ways:
        print("\nflash_attention_2: flash_attn is not installed")


@torch.no_grad()
def _compared(exact: torch.nn.Module, config: AutoConfig, way: str, kernel: Any) -> list[str]:
    model = AutoModel.from_config(config, attn_implementation=way.split()[0]).to(device()).eval()
    model.load_state_dict(exact.state_dict())
    model.to(torch.bfloat16).config.is_causal = exact.config.is_causal
    ids = torch.randint(3, 400, (2, 64), device=device())
    mask = torch.ones_like(ids)
    mask[1, :20] = 0  # padding on the left
    other = ids.clone()
    other[:, -1] = (other[:, -1] + 1) % 400
    try:
        with sdpa_kernel(kernel) if kernel else torch.no_grad():
            states = model(input_ids=ids, attention_mask=mask)[0]
            alone = model(input_ids=ids[1:, 20:])[0]
            changed = model(input_ids=other, attention_mask=mask)[0]
    except Exception as error:
        return [f"not possible: {str(error).splitlines()[0][:60]}", "", ""]
    right = exact(input_ids=ids, attention_mask=mask)[0]
    real = mask.bool()
    sees = not torch.equal(states[0, 0], changed[0, 0])
    padding = (states[1, 20:] - alone[0]).float().norm() / alone.float().norm()
    off = (states.float() - right)[real].norm() / right[real].norm()
    return ["yes" if sees else "no", f"{padding:.2%}", f"{off:.2%}"]


def steps(architecture: str, tiny: bool) -> None:
    """Run real training steps of each design; print memory, speed, and share of the GPU's bf16 peak."""
    name = torch.cuda.get_device_name() if device() == "cuda" else ""
    peak = next((tflops for gpu, tflops in PEAKS.items() if gpu in name), None)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        base = base_folder(Path(folder), architecture, tiny)
        for design in DESIGNS:
            for checkpointing in (False, True):
                try:
                    rows.append(
                        [design, checkpointing, *_step(design, base, folder, tiny, checkpointing, peak)]
                    )
                    break
                except torch.OutOfMemoryError:
                    rows.append([design, checkpointing, "out of memory"])
                    torch.cuda.empty_cache()
            print(" | ".join(map(str, rows[-1])), file=sys.stderr, flush=True)
    columns = ["design", "checkpointing", "trained M", "peak GiB", "s per micro-step", "tokens/s", "TFLOP/s",
               "share of peak", "optimizer s"]  # fmt: skip
    print_table(columns, [row + [""] * (len(columns) - len(row)) for row in rows])
    print(
        "\nRandom weights in bf16, pooling in float32, LoRA rank 16. A micro-step has 8 queries of 32 tokens"
        f" and 16 documents of {24 if tiny else 256}. TFLOP/s counts all matrix products, including"
        f" recomputed ones; peak: {peak}."
    )


def _step(
    design: str, base: AutoConfig, folder: str, tiny: bool, checkpointing: bool, peak: float | None
) -> list[str]:
    config = run_config(design, tiny, gradient_checkpointing=checkpointing)
    torch.manual_seed(0)
    with random_weights(base):
        model = untrained_model(config, folder).train()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    loss = contrastive_loss(model, config.training)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-5, fused=device() == "cuda")
    lengths = (32, *[24 if tiny else 256] * 2)
    ids = [torch.randint(3, base.vocab_size, (8, length), device=device()) for length in lengths]
    columns = [{"input_ids": rows, "attention_mask": torch.ones_like(rows)} for rows in ids]

    def micro_step() -> None:
        with torch.autocast(device(), torch.bfloat16):
            value = loss([dict(column) for column in columns], None)
        value.backward()

    def update() -> None:
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    if device() == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with FlopCounterMode(display=False) as counted:
        micro_step()
    update()  # creates the optimizer's states
    seconds = _timed(lambda: [micro_step() for _ in range(3)]) / 3
    update_seconds = _timed(update)
    memory = torch.cuda.max_memory_allocated() / 2**30 if device() == "cuda" else float("nan")
    rate = counted.get_total_flops() / seconds / 1e12
    trained = sum(weight.numel() for weight in weights) / 1e6
    tokens = sum(rows.numel() for rows in ids)
    return [
        f"{trained:.1f}", f"{memory:.1f}", f"{seconds:.3f}", f"{tokens / seconds:.0f}",
        f"{rate:.1f}", f"{rate / peak:.0%}" if peak else "", f"{update_seconds:.3f}",
    ]  # fmt: skip


def _timed(function: Any) -> float:
    synchronize()
    began = time.perf_counter()
    function()
    synchronize()
    return time.perf_counter() - began


def resume(tiny: bool) -> None:
    """Stop a training with SIGTERM, resume it, and compare it with an uninterrupted one."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base_folder(work / "base", "qwen2", tiny)
        config = AutoConfig.from_pretrained(work / "base")
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(work / "base")
        words = [f"the quick {'brown ' * (row % 9)}fox number {row} jumps" for row in range(200)]
        columns = {name: [f"{word} {name}" for word in words] for name in ("query", "positive", "negative")}
        pd.DataFrame(columns).to_parquet(work / "train.parquet")
        pd.DataFrame(columns).head(16).to_parquet(work / "heldout.parquet")
        recipe = {"steps": 12, "gradient_accumulation_steps": 4 if tiny else 16}
        config = run_config("multi-layer-bidirectional", tiny, **recipe)
        (work / "config.json").write_text(json.dumps(config.to_json()))
        _train(work, "uninterrupted", None)
        seconds = _train(work, "stopped", 2)
        checkpoint = sum(file.stat().st_size for file in (work / "stopped-work").rglob("*"))
        _train(work, "stopped", None)
        ends = [load_model(work / name).state_dict() for name in ("uninterrupted", "stopped")]
        off = max((ends[0][name].float() - ends[1][name].float()).abs().max().item() for name in ends[0])
        summary = json.loads((work / "stopped.jsonl").read_text().splitlines()[-1])
        print_table(
            ["SIGTERM to exit, s", "checkpoint, MB", "resumed from step", "weights differ by at most"],
            [[f"{seconds:.1f}", checkpoint // 2**20, summary["resumed_from_step"], f"{off:.1e}"]],
        )


def _train(work: Path, name: str, stop_after: int | None) -> float:
    """Train a run and return the seconds until it exited.

    stop_after: send SIGTERM once this many lines are logged, and measure from then on.
    """
    command = [sys.executable, "-m", "embedding_designs.training.train_design", str(work / "config.json")]
    command += ["--base", str(work / "base"), "--train", str(work / "train.parquet")]
    command += ["--heldout", str(work / "heldout.parquet")]
    command += ["--checkpoints", str(work / f"{name}-work"), "--output", str(work / name)]
    command += ["--training-log", str(work / f"{name}.jsonl")]
    output = (work / f"{name}.txt").open("w")
    running = subprocess.Popen(command, stdout=output, stderr=output)
    log = work / f"{name}-work" / "training.jsonl"
    while stop_after and running.poll() is None:
        if log.exists() and len(log.read_text().splitlines()) >= stop_after:
            running.send_signal(signal.SIGTERM)
            break
        time.sleep(0.01)
    began = time.perf_counter()
    expected = 128 + signal.SIGTERM if stop_after else 0
    if running.wait() != expected:
        raise SystemExit(
            f"training exited with {running.returncode}: {(work / f'{name}.txt').read_text()[-300:]}"
        )
    return time.perf_counter() - began


def quickstart(tiny: bool) -> None:
    """Run the quickstart with all three seeds; tiny: only plan the smoke study."""
    if importlib.util.find_spec("snakemake") is None:
        print("skipped: snakemake is not installed")
        return
    here = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        for part in ("Snakefile", "workflow", "config", "profiles", "envs", "resources", "requirements.lock"):
            os.symlink(here / part, Path(folder) / part)
        # Four runs share the GPU at a time, because each of them leaves most of it idle.
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--resources", "gpu=4"]
        command += ["--dry-run", "--config", "study=smoke"] if tiny else ["--config", "study=quickstart"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        began = time.perf_counter()
        ran = subprocess.run(
            command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        if ran.returncode:
            raise SystemExit(f"snakemake: {' '.join(ran.stderr.split())[-300:]}")
        page = Path(folder) / "results/quickstart/findings.html"
        made = f"a findings page of {page.stat().st_size // 1024} kB" if page.exists() else "only planned"
        print(f"{time.perf_counter() - began:.0f} s, {made}")


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("part", choices=["attention", "steps_qwen2", "steps_mistral", "resume", "quickstart"])
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if arguments.part.startswith("steps_"):
        steps(arguments.part.removeprefix("steps_"), arguments.tiny)
    else:
        {"attention": attention, "resume": resume, "quickstart": quickstart}[arguments.part](arguments.tiny)


if __name__ == "__main__":
    main()
