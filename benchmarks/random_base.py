"""A language model with random weights and a tokenizer, for the benchmarks."""

from transformers import AutoConfig, AutoModelForCausalLM

from embedding_designs.training.pretrain_base import train_tokenizer


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
