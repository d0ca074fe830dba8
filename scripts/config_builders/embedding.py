"""The embedding network: a small VGG that gives every pixel a 64-D vector, near for pixels of one object."""

from config_builders.layers import CONSTANT, XAVIER, convolution, interp, layer, pooling, relu
from config_builders.text import Message

WIDTHS = (64, 128, 256)
FILLERS = {"weight_filler": XAVIER, "bias_filler": CONSTANT}


def colours(image: str = "data") -> Message:
    """The colours as an embedding of their own, scaled to about one."""
    return layer("Power", "rgb_emb", [image], power_param={"scale": 0.0039215})


def embedding_network(
    prefix: str,
    depths: tuple[int, ...],
    fused: dict[str, Message | None],
    top: str,
    param: list[Message],
    image: str = "data",
    pool: str = "pool",
    memory: Message | None = None,
) -> list[Message]:
    """Blocks of `depths` convolutions called `prefix` + "1_1" etc., fused with the colours into the 64-D `top`.

    `fused` names the convolutions to fuse, each with the Interp fields that bring it to full size (None: it has that).
    """
    layers = []
    bottom = image
    for block, (depth, width) in enumerate(zip(depths, WIDTHS, strict=True), 1):
        if block > 1:
            layers.append(pooling(f"{pool}{block - 1}", bottom, stride=2))
            bottom = f"{pool}{block - 1}"
        for index in range(1, depth + 1):
            name = f"{prefix}{block}_{index}"
            window = {"kernel_size": 3, "pad": 1, **({"stride": 1} if bottom == image else {})}
            layers.append(convolution(name, bottom, param, memory, num_output=width, **window, **FILLERS))
            layers.append(relu(f"relu{block}_{index}", name))
            bottom = name
    parts = ["rgb_emb"]
    for place, resizing in fused.items():
        name = f"{prefix}{place}"
        if resizing:
            layers.append(interp(f"{prefix}{place.replace('_', '')}_resized", name, **resizing))
            name = layers[-1]["name"]
        parts.append(name)
    layers.append(layer("Concat", "fused", parts))
    layers.append(convolution(top, "fused", param, memory, num_output=64, kernel_size=1, pad=0, **FILLERS))
    return layers
