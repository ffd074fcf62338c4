"""What a design is on a base: the layers that its pooling reads, and whether the pooling is trained."""

LAYER_CHOICES = ("all", "first_third", "middle_third", "last_third")
TRAINED_POOLINGS = frozenset({"last_layer", "latent_attention", "layer_mix", "multi_layer"})


def layer_numbers(layers: str | list[int], count: int) -> list[int]:
    """Return the numbers, 1 to `count`, of the layers that a design's `layers` means on a base of `count`.

    The first and the last third have (count + 1) // 3 layers each and the middle third has the rest.
    Raises ValueError if the base has too few.
    """
    numbers = list(range(1, count + 1))
    if layers == "all":
        return numbers
    if isinstance(layers, str):
        if count < 3:
            raise ValueError(f"{layers} needs 3 layers or more, and there are {count}")
        outer = (count + 1) // 3
        parts = {
            "first_third": slice(outer),
            "middle_third": slice(outer, -outer),
            "last_third": slice(-outer, None),
        }
        return numbers[parts[layers]]
    if unknown := [number for number in layers if number not in numbers]:
        raise ValueError(f"{layers} holds {unknown[0]}; choose from 1 to {count}")
    return sorted(layers)
