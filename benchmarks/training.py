"""Measures training: steps that pool all layers, of LoRA, and of adaptation, and the quickstart's trainings.

python benchmarks/training.py step [--repeats 5]
python benchmarks/training.py lora [--repeats 3]    # 10 GB of memory
python benchmarks/training.py mntp [--repeats 3]    # 4 GB of memory
python benchmarks/training.py run [--repeats 5]     # after `make study`
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from datasets import Dataset
from measure import COMPARED, compared, hardware, medians, peak_memory_added, print_table
from peft import LoraConfig
from plain import made_plain
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import AutoConfig, AutoModelForCausalLM, set_seed
from transformers.utils import logging

from embedding_designs.common import gpus
from embedding_designs.study.run_config import RunConfig
from embedding_designs.study.run_configs import run_config
from embedding_designs.study.study import load_study
from embedding_designs.training.contrastive_loss import InBatchContrastiveLoss
from embedding_designs.training.language_model_head import load_head
from embedding_designs.training.lora import use_fused_layers
from embedding_designs.training.masked_tokens import MaskedNextTokenLoss
from embedding_designs.training.model import build_model, untrained_model
from embedding_designs.training.pretrain_base import train_tokenizer
from embedding_designs.training.train_run import train_run

STUDY = Path("results/quickstart")
PAPER = {"latents": 768, "heads": 32, "head_dim": 2048}
DESIGN_5 = {
    "attention": "bidirectional",
    "pooling": {"kind": "multi_layer", "tokens": "mean", "layers": "all", "layer_weights": True},
}
STEPS = {
    "all as written, all states kept": {"pooling": "plain", "states": "kept", "checkpointing": False},
    "pooling ours, all states kept": {"pooling": "ours", "states": "kept", "checkpointing": False},
    "pooling ours, states pooled on the fly": {"pooling": "ours", "states": "pooled", "checkpointing": False},
    "the same with checkpointing": {"pooling": "ours", "states": "pooled", "checkpointing": True},
}
MEAN = {"attention": "bidirectional", "pooling": {"kind": "mean", "tokens": "mean"}}
SMOLLM2 = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
           "num_key_value_heads": 3, "vocab_size": 49152}  # fmt: skip
ADAPTER = {
    "r": 16, "lora_alpha": 32,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
}  # fmt: skip
LORA = {
    "PEFT's, dropout 0.1, fp32": {"layers": "PEFT's", "dropout": 0.1, "weights": "fp32", "products": "fp32"},
    "ours, dropout 0.1, fp32": {"layers": "ours", "dropout": 0.1, "weights": "fp32", "products": "fp32"},
    "ours, no dropout, fp32": {"layers": "ours", "dropout": 0.0, "weights": "fp32", "products": "fp32"},
    "PEFT's, dropout 0.1, bf16": {"layers": "PEFT's", "dropout": 0.1, "weights": "fp32", "products": "bf16"},
    "ours, dropout 0.1, bf16": {"layers": "ours", "dropout": 0.1, "weights": "fp32", "products": "bf16"},
    "ours, no dropout, bf16": {"layers": "ours", "dropout": 0.0, "weights": "fp32", "products": "bf16"},
    "the same, the base's weights in bf16":
        {"layers": "ours", "dropout": 0.0, "weights": "bf16", "products": "bf16"},
}  # fmt: skip


def training_step(base: str, sizes: dict[str, int], texts: int, tokens: int, variant: dict) -> Callable:
    """Return a function that runs one training step of design 5, forward and backward."""
    torch.manual_seed(0)
    design = {**DESIGN_5, "pooling": {**DESIGN_5["pooling"], **sizes}}
    model = build_model(base, design, max_seq_length=tokens).train()
    if variant["states"] == "kept":
        made_plain(model, pooling=variant["pooling"] == "plain")
    if variant["checkpointing"]:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    ids = torch.randint(5, model.tokenizer.vocab_size, (3, texts, tokens), device=model.device)
    columns = [{"input_ids": rows, "attention_mask": torch.ones_like(rows)} for rows in ids]
    plain = variant["pooling"] == "plain"
    loss = (MultipleNegativesRankingLoss if plain else InBatchContrastiveLoss)(model, scale=20.0)

    def run() -> None:
        model.zero_grad()
        loss([dict(column) for column in columns], None).backward()

    return run


def lora_step(base: str, texts: int, tokens: int, variant: dict) -> Callable:
    """Return a function that runs one training step of mean pooling with an adapter on every linear layer."""
    torch.manual_seed(0)
    model = build_model(base, MEAN, max_seq_length=tokens, precision=variant["weights"]).train()
    model.add_adapter(LoraConfig(**ADAPTER, lora_dropout=variant["dropout"], task_type="FEATURE_EXTRACTION"))
    if variant["layers"] == "ours":
        use_fused_layers(model[0].model)
    ids = torch.randint(5, model.tokenizer.vocab_size, (3, texts, tokens), device=model.device)
    columns = [{"input_ids": rows, "attention_mask": torch.ones_like(rows)} for rows in ids]
    loss = InBatchContrastiveLoss(model, scale=20.0)

    def run() -> None:
        model.zero_grad()
        with torch.autocast(model.device.type, torch.bfloat16, enabled=variant["products"] == "bf16"):
            value = loss([dict(column) for column in columns], None)
        value.backward()

    return run


def measure_lora(repeats: int) -> None:
    """Print what a step with LoRA takes with PEFT's layers and with ours, on one thread."""
    torch.set_num_threads(1)
    texts, tokens = 32, 32
    with tempfile.TemporaryDirectory() as folder:
        base = random_base(folder, **SMOLLM2)
        case = (base, texts, tokens)
        memory = {key: peak_memory_added(lora_step, *case, variant) for key, variant in LORA.items()}
        seconds = medians({key: lora_step(*case, variant) for key, variant in LORA.items()}, repeats)
    first = next(iter(LORA))
    print(
        f"\nStep with LoRA, 30 layers x 576, {3 * texts} texts of {tokens} tokens, one thread. {hardware()}\n"
    )
    print_table(
        ["layers", "tokens per second", "faster", "MB", "less"],
        [
            [key, f"{3 * texts * tokens / seconds[key]:.0f}", f"{seconds[first] / seconds[key]:.2f}x",
             f"{memory[key] / 2**20:.0f}", f"1/{memory[first] / memory[key]:.1f}"]
            for key in LORA
        ],
    )  # fmt: skip


def causal_step(base: str, texts: int, tokens: int) -> Callable:
    """Return a function that runs one step of next-token prediction, as transformers computes its loss."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(base).train()
    ids = torch.randint(5, 2000, (texts, tokens))

    def run() -> None:
        model.zero_grad()
        model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward()

    return run


def mntp_step(base: str, texts: int, tokens: int, share: float) -> Callable:
    """Return a function that runs one step of masked next-token prediction under bidirectional attention."""
    torch.manual_seed(0)
    model = build_model(base, MEAN, max_seq_length=tokens).train()
    head = load_head(model[0].model.get_input_embeddings(), base)
    loss = MaskedNextTokenLoss(model, head, mask_token=4, special=[0, 1, 2], share=share, seed=0)
    ids = torch.randint(5, 2000, (texts, tokens), device=model.device)

    def run() -> None:
        model.zero_grad()
        loss([{"input_ids": ids, "attention_mask": torch.ones_like(ids)}], None).backward()

    return run


def measure_mntp(repeats: int) -> None:
    """Print what a step of MNTP takes next to one of the causal objective on the same tokens."""
    torch.set_num_threads(1)
    texts, tokens = 8, 32
    with tempfile.TemporaryDirectory() as folder:
        base = random_base(folder, **SMOLLM2, tie_word_embeddings=True)
        steps = {"causal objective": partial(causal_step, base, texts, tokens)}
        steps |= {f"MNTP, {share:.0%} masked": partial(mntp_step, base, texts, tokens, share)
                  for share in (0.2, 0.8)}  # fmt: skip
        memory = {key: peak_memory_added(step) for key, step in steps.items()}
        seconds = medians({key: step() for key, step in steps.items()}, repeats)
    first = next(iter(steps))
    print(
        f"\nFull fine-tuning, 30 layers x 576, {texts} texts of {tokens} tokens, one thread. {hardware()}\n"
    )
    print_table(
        ["objective", "tokens per second", "time", "MB"],
        [[key, f"{texts * tokens / seconds[key]:.0f}", f"{seconds[key] / seconds[first]:.2f}",
          f"{memory[key] / 2**20:.0f}"] for key in steps],
    )  # fmt: skip


def random_base(folder: str, **sizes: int | bool) -> str:
    """Write a language model with random weights, 12 layers of 256 dimensions by default."""
    tokenizer = train_tokenizer([" ".join(f"word{n}" for n in range(500))], vocabulary=2000)
    settings = {
        "vocab_size": len(tokenizer), "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 64, "max_position_embeddings": 512,
    }  # fmt: skip
    config = AutoConfig.for_model("mistral", **settings | sizes)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def measure_steps(repeats: int) -> None:
    """Print the cost of a training step of design 5 for each way of keeping the states."""
    for name, sizes, texts in [
        ("the paper's pooling (768 latents, 32 x 2048)", PAPER, 4),
        ("the quickstart's pooling (32 latents, 4 x 64)", {"latents": 32, "heads": 4, "head_dim": 64}, 16),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            case = (random_base(folder), sizes, texts, 128)
            memory = {key: peak_memory_added(training_step, *case, variant) for key, variant in STEPS.items()}
            seconds = medians({key: training_step(*case, variant) for key, variant in STEPS.items()}, repeats)
        first = next(iter(STEPS))
        print(f"\nStep of design 5, 12 layers x 256, {3 * texts} texts of 128 tokens, {name}. {hardware()}\n")
        print_table(
            ["variant", "s", "faster", "MB", "less"],
            [
                [key, f"{seconds[key]:.3f}", f"{seconds[first] / seconds[key]:.2f}x",
                 f"{memory[key] / 2**20:.0f}", f"1/{memory[first] / memory[key]:.1f}"]
                for key in STEPS
            ],
        )  # fmt: skip


def plain_run(config: RunConfig, base: str) -> None:
    """Train a run of the quickstart with the plain formulas and Sentence Transformers' defaults."""
    set_seed(config.seed)
    model = made_plain(untrained_model(config, base))
    with tempfile.TemporaryDirectory() as folder:
        SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=folder, max_steps=config.training["steps"],
                per_device_train_batch_size=config.training["batch_size"],
                learning_rate=config.training["learning_rate"], use_cpu=not torch.cuda.is_available(),
                save_strategy="no", disable_tqdm=True, report_to="none",
            ),
            train_dataset=Dataset.from_parquet(str(STUDY / "data/train.parquet"), keep_in_memory=True),
            loss=MultipleNegativesRankingLoss(model, scale=config.training["scale"]),
        ).train()  # fmt: skip


def our_run(config: RunConfig, base: str) -> None:
    """Train a run of the quickstart as the workflow does, with held-out losses and checkpoints."""
    data = STUDY / "data"
    with tempfile.TemporaryDirectory() as folder:
        checkpoints, log = Path(folder) / "checkpoints", Path(folder) / "log.jsonl"
        train_run(config, base, data / "train.parquet", data / "heldout.parquet", checkpoints, log)


def measure_runs(repeats: int, designs: list[str]) -> None:
    """Print the cost of training runs of the quickstart, with one thread each, as in their rule."""
    torch.set_num_threads(1)
    base, rows = str(STUDY / "bases/mini/model"), []
    for design in designs:
        config = run_config(load_study("config/studies/quickstart.yaml"), "mini", design, seed=1)
        rows.append(
            [design, *compared(partial(plain_run, config, base), partial(our_run, config, base), repeats)]
        )
    print(f"\nOne training run of the quickstart, one thread. {hardware()}\n")
    print_table(["design", *COMPARED], rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("part", choices=["step", "lora", "mntp", "run"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--design", nargs="+", default=["eos-causal", "multi-layer-bidirectional"])
    arguments = parser.parse_args()
    gpus.choose(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if arguments.part == "step":
        measure_steps(arguments.repeats)
    elif arguments.part == "lora":
        measure_lora(arguments.repeats)
    elif arguments.part == "mntp":
        measure_mntp(arguments.repeats)
    else:
        measure_runs(arguments.repeats, arguments.design)


if __name__ == "__main__":
    main()
