"""Steps of a language model with the sizes of SmolLM2: LoRA's layers, attention by layer, adaptation.

`python benchmarks/training.py lora | attention | mntp` prints the tables.
"""

import tempfile
from collections.abc import Callable
from functools import partial

import torch
from measure import against_first, hardware, medians, peak_memory_added, print_table, training_step
from peft import LoraConfig
from random_base import random_base
from transformers import AutoModelForCausalLM

from embedding_designs.training.contrastive_loss import InBatchContrastiveLoss
from embedding_designs.training.language_model_head import load_head
from embedding_designs.training.lora import use_fused_layers
from embedding_designs.training.masked_tokens import MaskedNextTokenLoss
from embedding_designs.training.model import build_model

MEAN = {"attention": "bidirectional", "pooling": {"kind": "mean", "tokens": "mean"}}
SMOLLM2 = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
           "num_key_value_heads": 3, "vocab_size": 49152}  # fmt: skip
ADAPTER = {
    "r": 16, "lora_alpha": 32,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
}  # fmt: skip
ATTENTIONS = {
    "causal": "causal",
    "bidirectional": "bidirectional",
    "bidirectional in the last third": {"bidirectional": "last_third"},
    "bidirectional in every second layer": {"bidirectional": list(range(2, 31, 2))},
}
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
    return training_step(model, loss, columns, bf16=variant["products"] == "bf16")


def measure_lora(repeats: int) -> None:
    """Print what a step with LoRA takes with PEFT's layers and with ours, on one thread."""
    torch.set_num_threads(1)
    texts, tokens = 32, 32
    with tempfile.TemporaryDirectory() as folder:
        base = random_base(folder, **SMOLLM2)
        case = (base, texts, tokens)
        memory = {key: peak_memory_added(lora_step, *case, variant) for key, variant in LORA.items()}
        seconds = medians({key: lora_step(*case, variant) for key, variant in LORA.items()}, repeats)
    print(f"\nStep with LoRA, 30 layers x 576, {3 * texts} texts of {tokens} tokens. {hardware()}\n")
    print_table(
        ["layers", "tokens per second", "faster", "MB", "less"],
        against_first(seconds, memory, lambda took: f"{3 * texts * tokens / took:.0f}"),
    )


def attention_step(base: str, texts: int, tokens: int, attention: str | dict) -> Callable:
    """Return a function that runs one full fine-tuning step; every other text is a quarter padding."""
    torch.manual_seed(0)
    model = build_model(base, {**MEAN, "attention": attention}, max_seq_length=tokens).train()
    ids = torch.randint(5, model.tokenizer.vocab_size, (2, texts // 2, tokens), device=model.device)
    mask = torch.ones_like(ids)
    mask[:, ::2, : tokens // 4] = 0
    columns = [{"input_ids": rows, "attention_mask": real} for rows, real in zip(ids, mask, strict=True)]
    return training_step(model, InBatchContrastiveLoss(model, scale=20.0), columns)


def measure_attention(repeats: int) -> None:
    """Print what a step takes with attention by layer next to one with the same attention in all layers."""
    torch.set_num_threads(1)
    texts, tokens = 32, 64
    with tempfile.TemporaryDirectory() as folder:
        base = random_base(folder, **SMOLLM2)
        seconds = medians(
            {name: attention_step(base, texts, tokens, attention) for name, attention in ATTENTIONS.items()},
            repeats,
        )
    first = next(iter(ATTENTIONS))
    print(f"\nFull fine-tuning, 30 layers x 576, {texts} texts of {tokens} tokens. {hardware()}\n")
    print_table(
        ["attention", "tokens per second", "time"],
        [[name, f"{texts * tokens / took:.0f}", f"{took / seconds[first]:.2f}"]
         for name, took in seconds.items()],
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
    return training_step(model, loss, [{"input_ids": ids, "attention_mask": torch.ones_like(ids)}])


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
    print(f"\nFull fine-tuning, 30 layers x 576, {texts} texts of {tokens} tokens. {hardware()}\n")
    print_table(
        ["objective", "tokens per second", "time", "MB"],
        [[key, f"{texts * tokens / seconds[key]:.0f}", f"{seconds[key] / seconds[first]:.2f}",
          f"{memory[key] / 2**20:.0f}"] for key in steps],
    )  # fmt: skip
