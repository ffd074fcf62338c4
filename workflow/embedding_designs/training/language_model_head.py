"""The head of a causal language model, which computes the logits of the next token from the last states."""

from typing import Any

from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast

from .base_checks import in_one_line
from .model import PRECISIONS


class LanguageModelHead(nn.Module):
    """A language model without its decoder.

    It is frozen, unless it shares its weights with the token embeddings. It uses the model's forward pass,
    so that logits are scaled or capped as in its architecture. embeddings: the token embeddings of the
    decoder that the states come from.
    """

    def __init__(self, language_model: PreTrainedModel, embeddings: nn.Module):
        super().__init__()
        head = language_model.get_output_embeddings()
        tied = head.weight is language_model.get_input_embeddings().weight
        setattr(language_model, language_model.base_model_prefix, GivenStates())
        self.rest = language_model.requires_grad_(False)
        if tied:
            head.weight = embeddings.weight

    def forward(self, states: Tensor) -> Tensor:
        """Return the logits of the next token, (n, vocabulary), from states (n, dim)."""
        return self.rest(inputs_embeds=states[None], use_cache=False).logits[0]


class GivenStates(nn.Module):
    """Takes the place of a decoder, and returns the states that it is given as the last ones."""

    def forward(self, *arguments: Any, inputs_embeds: Tensor, **kwargs: Any) -> BaseModelOutputWithPast:
        """Return the states, (1, n, dim), as a decoder would."""
        return BaseModelOutputWithPast(last_hidden_state=inputs_embeds)


def load_head(
    embeddings: nn.Module,
    base: str,
    precision: str = "fp32",
    asked_by: str | None = None,
    trust_remote_code: bool = False,
    **hub: Any,
) -> LanguageModelHead:
    """Return the head of a base, given its decoder's token embeddings; other arguments: as for `build_model`.

    Raises BadInput if the base's files have no head.
    """
    with in_one_line(asked_by or base):
        model, report = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=PRECISIONS[precision],
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            **hub,
        )
        if missing := report["missing_keys"]:
            raise ValueError(
                f"has no language model head ({min(missing)} is missing), which an adaptation needs;"
                " use the language model itself"
            )
    return LanguageModelHead(model, embeddings)
