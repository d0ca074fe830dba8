"""The networks that the benchmarks run: standard ones as prototxt, and plain twins of masked ones."""

from collections.abc import Sequence

from segaware_caffe.schema import NetParameter, read_net, write_text


def convolution(name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0, bias: bool = True, group: int = 1) -> str:
    fields = f"num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {pad} group: {group} bias_term: {str(bias).lower()}"
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"'
        f' convolution_param {{ {fields} weight_filler {{ type: "msra" }} }} }}\n'
    )


def normalized(name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0, group: int = 1) -> str:
    """A Convolution without bias, its BatchNorm and its Scale."""
    return convolution(name, bottom, outputs, kernel, stride, pad, bias=False, group=group) + batchnorm(name, name)


def batchnorm(name: str, bottom: str) -> str:
    """A BatchNorm and its Scale, in place or not."""
    return (
        f'layer {{ name: "bn_{name}" type: "BatchNorm" bottom: "{bottom}" top: "{name}" }}\n'
        f'layer {{ name: "scale_{name}" type: "Scale" bottom: "{name}" top: "{name}" scale_param {{ bias_term: true }} }}\n'
    )


def relu(blob: str) -> str:
    return f'layer {{ name: "{blob}/relu" type: "ReLU" bottom: "{blob}" top: "{blob}" }}\n'


def relu6(blob: str) -> str:
    return f'layer {{ name: "{blob}/relu6" type: "ReLU6" bottom: "{blob}" top: "{blob}" }}\n'


def concat(name: str, *bottoms: str) -> str:
    names = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "{name}" type: "Concat" {names} top: "{name}" }}\n'


def total(name: str, *bottoms: str) -> str:
    names = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "{name}" type: "Eltwise" {names} top: "{name}" }}\n'


def global_mean(name: str, bottom: str) -> str:
    fields = "pool: AVE global_pooling: true"
    return f'layer {{ name: "{name}" type: "Pooling" bottom: "{bottom}" top: "{name}" pooling_param {{ {fields} }} }}\n'


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
    return bottlenecks("ResNet-50", size, 1, 1)


def resnext50(size: int = 224) -> str:
    """ResNeXt-50 (32x4d): ResNet-50 with grouped 3x3 convolutions."""
    return bottlenecks("ResNeXt-50", size, 2, 32)


def bottlenecks(name: str, size: int, widening: int, groups: int) -> str:
    text = start(name, size) + normalized("conv1", "data", 64, 7, 2, 3) + relu("conv1") + pooling("pool1", "conv1", 3, 2)
    bottom = "pool1"
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 2):
        for block in range(blocks):
            name, stride = f"res{stage}{'abcdef'[block]}", 2 if block == 0 and stage > 2 else 1
            shortcut = bottom
            if block == 0:
                shortcut = f"{name}_branch1"
                text += normalized(shortcut, bottom, 4 * width, 1, stride)
            text += normalized(f"{name}_2a", bottom, widening * width, 1, stride) + relu(f"{name}_2a")
            text += normalized(f"{name}_2b", f"{name}_2a", widening * width, 3, 1, 1, group=groups) + relu(f"{name}_2b")
            text += normalized(f"{name}_2c", f"{name}_2b", 4 * width, 1)
            text += total(name, shortcut, f"{name}_2c") + relu(name)
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
        text += concat(name, *(f"{name}_{branch}" for branch in ("1", "3", "5", "p")))
        bottom = name
        if name in ("3b", "4e"):
            text += pooling(f"pool{name}", bottom, 3, 2)
            bottom = f"pool{name}"
    return text + pooling("pool5", bottom, 7, 1, pool="AVE") + inner_product("fc", "pool5", 1000) + finish("fc")


def mobilenet(size: int = 224) -> str:
    """MobileNet v1: depthwise and 1x1 convolutions in turn."""
    text, bottom, channels = start("MobileNet", size) + normalized("conv1", "data", 32, 3, 2, 1) + relu("conv1"), "conv1", 32
    layers = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for number, (outputs, stride) in enumerate(layers, 2):
        depthwise, pointwise = f"conv{number}_dw", f"conv{number}_pw"
        text += normalized(depthwise, bottom, channels, 3, stride, 1, group=channels) + relu(depthwise)
        text += normalized(pointwise, depthwise, outputs, 1) + relu(pointwise)
        bottom, channels = pointwise, outputs
    return text + global_mean("pool", bottom) + convolution("fc", "pool", 1000, 1) + finish("fc")


def inverted_residuals(name: str, size: int, stages: Sequence[tuple[int, int, int, int, int]], last: int) -> str:
    """Blocks of (1x1 that widens, depthwise, 1x1 that narrows); a stage is (widening, outputs, count, stride, kernel)."""
    text, bottom, channels = start(name, size) + normalized("conv1", "data", 32, 3, 2, 1) + relu6("conv1"), "conv1", 32
    for stage, (factor, outputs, count, first_stride, kernel) in enumerate(stages, 1):
        for block in range(count):
            name, before, stride = f"block{stage}_{block}", bottom, first_stride if block == 0 else 1
            wide = factor * channels
            if factor > 1:
                text += normalized(f"{name}_wide", bottom, wide, 1) + relu6(f"{name}_wide")
                bottom = f"{name}_wide"
            text += normalized(f"{name}_dw", bottom, wide, kernel, stride, kernel // 2, group=wide) + relu6(f"{name}_dw")
            text += normalized(f"{name}_narrow", f"{name}_dw", outputs, 1)
            bottom = f"{name}_narrow"
            if stride == 1 and channels == outputs:
                text += total(name, before, bottom)
                bottom = name
            channels = outputs
    text += normalized("conv_last", bottom, last, 1) + relu6("conv_last")
    return text + global_mean("pool", "conv_last") + convolution("fc", "pool", 1000, 1) + finish("fc")


def mobilenet_v2(size: int = 224) -> str:
    """MobileNet v2."""
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    return inverted_residuals("MobileNet-v2", size, [(*stage, 3) for stage in stages], 1280)


def efficientnet_lite(size: int = 224) -> str:
    """EfficientNet-Lite0: inverted residuals, some of 5x5."""
    stages = [
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ]
    return inverted_residuals("EfficientNet-Lite0", size, stages, 1280)


def squeezenet(size: int = 227) -> str:
    """SqueezeNet 1.1: a 1x1 convolution, then 1x1 and 3x3 ones side by side."""
    text = start("SqueezeNet", size) + convolution("conv1", "data", 64, 3, 2) + relu("conv1") + pooling("pool1", "conv1", 3, 2)
    bottom = "pool1"
    for number, width in enumerate((16, 16, 32, 32, 48, 48, 64, 64), 2):
        name = f"fire{number}"
        text += convolution(f"{name}_squeeze", bottom, width, 1) + relu(f"{name}_squeeze")
        text += convolution(f"{name}_1", f"{name}_squeeze", 4 * width, 1) + relu(f"{name}_1")
        text += convolution(f"{name}_3", f"{name}_squeeze", 4 * width, 3, pad=1) + relu(f"{name}_3")
        text += concat(name, f"{name}_1", f"{name}_3")
        bottom = name
        if number in (3, 5):
            text += pooling(f"pool{number}", name, 3, 2)
            bottom = f"pool{number}"
    return text + convolution("conv10", bottom, 1000, 1) + relu("conv10") + global_mean("pool10", "conv10") + finish("pool10")


def densenet121(size: int = 224) -> str:
    """DenseNet-121: every layer reads all before it in its block."""
    text = start("DenseNet-121", size) + normalized("conv1", "data", 64, 7, 2, 3) + relu("conv1") + pooling("pool1", "conv1", 3, 2, 1)
    bottom, channels = "pool1", 64
    for block, count in enumerate((6, 12, 24, 16), 1):
        for number in range(count):
            name = f"dense{block}_{number}"
            text += batchnorm(f"{name}_in", bottom) + relu(f"{name}_in")
            text += normalized(f"{name}_1", f"{name}_in", 128, 1) + relu(f"{name}_1")
            text += convolution(f"{name}_3", f"{name}_1", 32, 3, pad=1, bias=False) + concat(name, bottom, f"{name}_3")
            bottom, channels = name, channels + 32
        name = f"transition{block}"
        text += batchnorm(name, bottom) + relu(name)
        bottom = name
        if block < 4:
            channels //= 2
            text += convolution(f"{name}_1", name, channels, 1, bias=False) + pooling(f"{name}_pool", f"{name}_1", 2, 2, pool="AVE")
            bottom = f"{name}_pool"
    return text + global_mean("pool", bottom) + convolution("fc", "pool", 1000, 1) + finish("fc")


def shufflenet(size: int = 224) -> str:
    """ShuffleNet 1x with three groups: grouped 1x1 convolutions, shuffled channels, depthwise convolutions."""
    groups = 3
    text = start("ShuffleNet", size) + normalized("conv1", "data", 24, 3, 2, 1) + relu("conv1") + pooling("pool1", "conv1", 3, 2)
    bottom, channels = "pool1", 24
    for stage, (outputs, count) in enumerate(((240, 4), (480, 8), (960, 4)), 2):
        for block in range(count):
            name, first = f"stage{stage}_{block}", block == 0
            inner, rest = outputs // 4, outputs - channels if first else outputs
            text += normalized(f"{name}_1", bottom, inner, 1, group=1 if stage == 2 and first else groups) + relu(f"{name}_1")
            text += (
                f'layer {{ name: "{name}_shuffle" type: "ShuffleChannel" bottom: "{name}_1" top: "{name}_shuffle"'
                f" shuffle_channel_param {{ group: {groups} }} }}\n"
            )
            text += normalized(f"{name}_dw", f"{name}_shuffle", inner, 3, 2 if first else 1, 1, group=inner)
            text += normalized(f"{name}_2", f"{name}_dw", rest, 1, group=groups)
            if first:
                text += pooling(f"{name}_pool", bottom, 3, 2, pool="AVE") + concat(name, f"{name}_pool", f"{name}_2") + relu(name)
            else:
                text += total(name, bottom, f"{name}_2") + relu(name)
            bottom, channels = name, outputs
    return text + global_mean("pool", bottom) + convolution("fc", "pool", 1000, 1) + finish("fc")


def lenet(size: int = 28) -> str:
    """LeNet of Caffe's examples."""
    text = (
        start("LeNet", size).replace("input_dim: 3", "input_dim: 1", 1)
        + convolution("conv1", "data", 20, 5)
        + pooling("pool1", "conv1", 2, 2)
    )
    text += convolution("conv2", "pool1", 50, 5) + pooling("pool2", "conv2", 2, 2) + inner_product("ip1", "pool2", 500) + relu("ip1")
    return text + inner_product("ip2", "ip1", 10) + finish("ip2")


def training(name: str, batch: int) -> str:
    """A network as it is trained: batches, and a loss against labels in place of probabilities."""
    net = read_net({"LeNet": lenet, **STANDARD}[name]())
    last = net.layer[-1]
    last.name, last.type = "loss", "SoftmaxWithLoss"
    last.bottom.append("label")
    last.top[:] = ["loss"]
    source = net.layer[0]
    source.top.append("label")
    source.input_param.shape[0].dim[0] = batch
    source.input_param.shape.add().dim.append(batch)
    return write_text(net)


STANDARD = {"ResNet-50": resnet50, "VGG-16": vgg16, "GoogLeNet": googlenet}
#: what else users run: kinds of convolutions rather than names
FURTHER = {
    "MobileNet": mobilenet,
    "MobileNet-v2": mobilenet_v2,
    "EfficientNet-Lite0": efficientnet_lite,
    "SqueezeNet": squeezenet,
    "DenseNet-121": densenet121,
    "ShuffleNet": shufflenet,
    "ResNeXt-50": resnext50,
}


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
