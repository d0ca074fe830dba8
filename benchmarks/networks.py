"""The networks that the benchmarks run: standard ones as prototxt, and plain twins of masked ones."""

from segaware_caffe.schema import NetParameter


def convolution(name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0, bias: bool = True) -> str:
    fields = f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {pad} bias_term: {str(bias).lower()}"
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"'
        f' convolution_param {{ {fields} weight_filler {{ type: "msra" }} }} }}\n'
    )


def relu(blob: str) -> str:
    return f'layer {{ name: "{blob}/relu" type: "ReLU" bottom: "{blob}" top: "{blob}" }}\n'


def pooling(name: str, bottom: str, kernel: int, stride: int, pad: int = 0, pool: str = "MAX") -> str:
    return (
        f'layer {{ name: "{name}" type: "Pooling" bottom: "{bottom}" top: "{name}"'
        f" pooling_param {{ pool: {pool} kernel_size: {kernel} stride: {stride} pad: {pad} }} }}\n"
    )


def inner_product(name: str, bottom: str, outputs: int) -> str:
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}"'
        f' inner_product_param {{ num_output: {outputs} weight_filler {{ type: "gaussian" std: 0.005 }} }} }}\n'
    )


def start(name: str, size: int) -> str:
    return f'name: "{name}"\ninput: "data" input_dim: 1 input_dim: 3 input_dim: {size} input_dim: {size}\n'


def finish(bottom: str) -> str:
    return f'layer {{ name: "prob" type: "Softmax" bottom: "{bottom}" top: "prob" }}\n'


def resnet50(size: int = 224) -> str:
    """ResNet-50 with BatchNorm and Scale layers, as published for Caffe."""

    def normalized(name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> str:
        return (
            convolution(name, bottom, outputs, kernel, stride, pad, bias=False)
            + f'layer {{ name: "bn_{name}" type: "BatchNorm" bottom: "{name}" top: "{name}" }}\n'
            + f'layer {{ name: "scale_{name}" type: "Scale" bottom: "{name}" top: "{name}" scale_param {{ bias_term: true }} }}\n'
        )

    text = start("ResNet-50", size) + normalized("conv1", "data", 64, 7, 2, 3) + relu("conv1") + pooling("pool1", "conv1", 3, 2)
    bottom = "pool1"
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 2):
        for block in range(blocks):
            name, stride = f"res{stage}{'abcdef'[block]}", 2 if block == 0 and stage > 2 else 1
            shortcut = bottom
            if block == 0:
                shortcut = f"{name}_branch1"
                text += normalized(shortcut, bottom, 4 * width, 1, stride)
            text += normalized(f"{name}_2a", bottom, width, 1, stride) + relu(f"{name}_2a")
            text += normalized(f"{name}_2b", f"{name}_2a", width, 3, 1, 1) + relu(f"{name}_2b")
            text += normalized(f"{name}_2c", f"{name}_2b", 4 * width, 1)
            text += f'layer {{ name: "{name}" type: "Eltwise" bottom: "{shortcut}" bottom: "{name}_2c" top: "{name}" }}\n' + relu(name)
            bottom = name
    return text + pooling("pool5", bottom, 7, 1, pool="AVE") + inner_product("fc1000", "pool5", 1000) + finish("fc1000")


def vgg16(size: int = 224) -> str:
    """VGG-16."""
    text, bottom = start("VGG-16", size), "data"
    for stage, (count, width) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), 1):
        for number in range(1, count + 1):
            name = f"conv{stage}_{number}"
            text += convolution(name, bottom, width, 3, pad=1) + relu(name)
            bottom = name
        text += pooling(f"pool{stage}", bottom, 2, 2)
        bottom = f"pool{stage}"
    for name, outputs in (("fc6", 4096), ("fc7", 4096)):
        text += inner_product(name, bottom, outputs) + relu(name)
        bottom = name
    return text + inner_product("fc8", bottom, 1000) + finish("fc8")


def googlenet(size: int = 224) -> str:
    """GoogLeNet without its side classifiers."""

    def lrn(name: str, bottom: str) -> str:
        fields = "local_size: 5 alpha: 0.0001 beta: 0.75"
        return f'layer {{ name: "{name}" type: "LRN" bottom: "{bottom}" top: "{name}" lrn_param {{ {fields} }} }}\n'

    def activated(name: str, *args: int | str, **fields: int) -> str:
        return convolution(name, *args, **fields) + relu(name)

    text = start("GoogLeNet", size) + activated("conv1", "data", 64, 7, stride=2, pad=3) + pooling("pool1", "conv1", 3, 2)
    text += lrn("norm1", "pool1") + activated("conv2r", "norm1", 64, 1) + activated("conv2", "conv2r", 192, 3, pad=1)
    text += lrn("norm2", "conv2") + pooling("pool2", "norm2", 3, 2)
    bottom = "pool2"
    inception = {
        "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
    }  # fmt: skip
    for name, (one, reduce3, three, reduce5, five, project) in inception.items():
        text += activated(f"{name}_1", bottom, one, 1)
        text += activated(f"{name}_3r", bottom, reduce3, 1) + activated(f"{name}_3", f"{name}_3r", three, 3, pad=1)
        text += activated(f"{name}_5r", bottom, reduce5, 1) + activated(f"{name}_5", f"{name}_5r", five, 5, pad=2)
        text += pooling(f"{name}_pool", bottom, 3, 1, 1) + activated(f"{name}_p", f"{name}_pool", project, 1)
        bottoms = " ".join(f'bottom: "{name}_{branch}"' for branch in ("1", "3", "5", "p"))
        text += f'layer {{ name: "{name}" type: "Concat" {bottoms} top: "{name}" }}\n'
        bottom = name
        if name in ("3b", "4e"):
            text += pooling(f"pool{name}", bottom, 3, 2)
            bottom = f"pool{name}"
    return text + pooling("pool5", bottom, 7, 1, pool="AVE") + inner_product("fc", "pool5", 1000) + finish("fc")


STANDARD = {"ResNet-50": resnet50, "VGG-16": vgg16, "GoogLeNet": googlenet}


def plain_twin(net: NetParameter) -> NetParameter:
    """The same network with plain convolutions: each masked one reads its image itself, in the window that Im2col had.

    The embedding network stays, its top being a net output; what made masks of it is gone.
    """
    twin = NetParameter()
    twin.CopyFrom(net)
    makers = {top: layer for layer in net.layer for top in layer.top if top not in layer.bottom}
    for layer in twin.layer:
        if layer.type == "Convolution" and layer.convolution_param.bottom_is_im2col:
            product = makers[layer.bottom[0]]
            columns = next(makers[blob] for blob in product.bottom if makers[blob].type == "Im2col")
            window, outputs = columns.convolution_param, layer.convolution_param
            layer.bottom[0] = columns.bottom[0]
            outputs.ClearField("bottom_is_im2col")
            for field in ("pad", "dilation", "stride"):
                outputs.ClearField(field)
                getattr(outputs, field).extend(getattr(window, field))
    gone = ("Im2col", "Im2dist", "AbsVal", "Exp", "Tile")
    kept = [layer for layer in twin.layer if layer.type not in gone and not _of_masks(layer)]
    twin.ClearField("layer")
    twin.layer.extend(kept)
    return twin


def _of_masks(layer: object) -> bool:
    product = layer.type == "Eltwise" and layer.eltwise_param.operation == 0
    return product or (layer.type == "Scale" and layer.scale_param.num_axes == 0)
