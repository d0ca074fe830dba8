"""The engine against plain networks, against the networks run literally, and against OpenCV; docs/performance.md is its output.

    python benchmarks/bench_engine.py [--output docs/performance.md] [--quick]

All numbers of one table are medians of interleaved runs in one process, so that ratios hold on a noisy machine.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from measure import environment, in_child, interleaved, peak_gflops, resident, table
from networks import STANDARD, plain_twin
from torch.nn import functional

from segaware_caffe import Net, read_net
from segaware_caffe.net.passes import PASSES
from segaware_caffe.net.timing import timing
from segaware_caffe.ops.geometry import Geometry
from segaware_caffe.ops.masked import masked_convolution, masked_sum, why_not_native
from segaware_caffe.schema import NetParameter
from segaware_caffe.segmentation import without_sinks

ROOT = Path(__file__).resolve().parent.parent

#: channels in and out, size, dilation of 3x3 convolutions; and what the engine is to reach against F.conv2d
SHAPES = ((64, 64, 257, 1, 1.2), (256, 256, 65, 1, 1.2), (512, 512, 65, 2, 1.2), (512, 1024, 65, 12, 1.05), (1024, 21, 65, 1, 1.2))


#: how many steps of a network are listed
DEAREST = 8
#: and of whole networks against OpenCV
OPENCV_TARGETS = {"ResNet-50": 0.8, "VGG-16": 1.0, "GoogLeNet": 0.9}
NETWORK_COLUMNS = (
    "network", "direct", "plain", "fused", "literal", "fused / direct", "target", "fused / plain",
    "direct, MiB", "plain, MiB", "fused, MiB", "literal, MiB", "fused / direct", "target",
)  # fmt: skip


def literal_convolution(x: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, dilation: int) -> torch.Tensor:
    """What the written-out layers do: columns, tiled masks, a product, a 1x1 convolution."""
    columns = functional.unfold(x, 3, dilation=dilation, padding=dilation).view(len(x), -1, *x.shape[2:])
    return functional.conv2d(columns * mask.repeat(1, x.shape[1], 1, 1), weight.flatten(1)[:, :, None, None], bias)


def written_out(channels: int, outputs: int, size: int, dilation: int) -> Net:
    """A masked convolution of the inputs x and m in the layers that it is written in."""
    window = f"kernel_size: 3 pad: {dilation} dilation: {dilation}"
    return Net(f"""
    layer {{ name: "in" type: "Input" top: "x" top: "m" input_param {{
      shape {{ dim: 1 dim: {channels} dim: {size} dim: {size} }} shape {{ dim: 1 dim: 9 dim: {size} dim: {size} }} }} }}
    layer {{ name: "columns" type: "Im2col" bottom: "x" top: "columns" convolution_param {{ {window} }} }}
    layer {{ name: "tiled" type: "Tile" bottom: "m" top: "tiled" tile_param {{ tiles: {channels} }} }}
    layer {{ name: "product" type: "Eltwise" bottom: "columns" bottom: "tiled" top: "product" eltwise_param {{ operation: PROD }} }}
    layer {{ name: "y" type: "Convolution" bottom: "product" top: "y" convolution_param {{
      num_output: {outputs} kernel_size: 3 bottom_is_im2col: true weight_filler {{ type: "gaussian" std: 0.03 }} }} }}
    """)


def kernel_row(channels: int, outputs: int, size: int, dilation: int, target: float, runs: int) -> list[str]:
    x, mask = torch.randn(1, channels, size, size), torch.rand(1, 9, size, size)
    innermost = x.to(memory_format=torch.channels_last)
    net = written_out(channels, outputs, size, dilation)
    weight, bias = net.params["y"]
    geometry = Geometry((3, 3), (1, 1), (dilation,) * 2, (dilation,) * 2)
    seconds = interleaved(
        {
            "plain": lambda: functional.conv2d(x, weight, bias, padding=dilation, dilation=dilation),
            "masked": lambda: masked_convolution(x, mask, weight, bias, geometry),
            "literal": lambda: literal_convolution(x, mask, weight, bias, dilation),
            "net": lambda: net(x=x, m=mask),
            "innermost": lambda: net(x=innermost, m=mask),
        },
        runs,
    )
    shape = f"{channels} to {outputs} at {size}" + (f", dilation {dilation}" if dilation > 1 else "")
    speed = 2 * 9 * channels * outputs * size * size / seconds["masked"] / 1e9
    ratios = [f"{seconds[kind] / seconds['plain']:.2f}x" for kind in ("masked", "net", "innermost")]
    return [shape, *_times(seconds, "plain", "masked", "literal"), *(f"**{ratio}**" for ratio in ratios), f"{target}x", f"{speed:.0f}"]


def sum_row(runs: int) -> str:
    x, mask = torch.randn(1, 21, 257, 257), torch.rand(1, 81, 257, 257)
    geometry = Geometry((9, 9), (1, 1), (4, 4), (1, 1))

    def literal() -> torch.Tensor:
        return (functional.unfold(x, 9, padding=4).view(1, 21, 81, 257, 257) * mask[:, None]).sum(2)

    seconds = interleaved({"masked": lambda: masked_sum(x, mask, geometry), "literal": literal}, max(3, runs // 3))
    return (
        f"A masked sum, 9x9 of 21 channels at 257: {1e3 * seconds['masked']:.1f} ms, literally {1e3 * seconds['literal']:.0f} ms"
        f" ({seconds['literal'] / seconds['masked']:.0f}x)."
    )


def extra_memory(kind: str) -> tuple[float, float]:
    """Run in a process of its own: peak memory that a 64 to 64 convolution at 513 takes beside its bottom, in MiB."""
    x, mask = torch.randn(1, 64, 513, 513), torch.rand(1, 9, 513, 513)
    weight, bias = torch.randn(64, 64, 3, 3), torch.randn(64)
    geometry = Geometry((3, 3), (1, 1), (1, 1), (1, 1))
    run = {
        "plain": lambda: functional.conv2d(x, weight, bias, padding=1),
        "masked": lambda: masked_convolution(x, mask, weight, bias, geometry),
        "literal": lambda: literal_convolution(x, mask, weight, bias, 1),
    }[kind]
    with torch.no_grad():
        masked_convolution(x[..., :9, :9], mask[..., :9, :9], weight, bias, geometry)
        functional.conv2d(x[..., :9, :9], weight, bias)
        before = resident()
        run()
    return before, resident("VmHWM") - before


# -- networks ------------------------------------------------------------------------------------


def config(name: str, size: int) -> NetParameter:
    """One of configs/ at an input size, without the layers that write files; its data layer is fed."""
    names = dict.fromkeys(("NET_ID", "DATA_ROOT", "EXP", "TEST_SET", "TRAIN_SET", "FEATURE_DIR", "DATASET"), "unused")
    rates = dict.fromkeys(("EMBS_LR1", "EMBS_LR2", "EMBS_LR3", "MAIN_LR1", "MAINSCALE_LR1", "MAINSCALE_LR2", "CRF_LR1", "CRF_LR2"), 1)
    sizes = {"BATCH_SIZE": 1, "CROP_SIZE": size, "HALF_SIZE": (size + 1) // 2, "NUM_LABELS": 21}
    return without_sinks(read_net(ROOT / "configs" / f"{name}.prototxt", variables={**names, **rates, **sizes}))


def make(kind: str, name: str, size: int, phase: str = "TEST") -> Net:
    """A network as the engine runs it, literally, or its plain twin under the same engine: all of it, or without Winograd (direct)."""
    proto = config(name, size)
    passes = {"literal": [], "direct": [name for name in PASSES if name != "winograd"]}.get(kind)
    return Net(plain_twin(proto) if kind in ("plain", "direct") else proto, phase, passes=passes)


def forward(net: Net) -> Callable[[], object]:
    data = torch.randn(net.shapes["data"]) * 50
    return lambda: net(data=data)


def training_step(net: Net) -> Callable[[], object]:
    data = torch.randn(net.shapes["data"]) * 50
    label = torch.randint(0, 21, net.shapes["label"]).float()

    def step() -> None:
        net.zero_grad()
        net.forward_loss(data=data, label=label)[0].backward()

    return step


def network_memory(kind: str, name: str, size: int, phase: str) -> tuple[float, float]:
    """Run in a process of its own: memory once the net is built, and at its peak, in MiB."""
    net = make(kind, name, size, phase)
    run = training_step(net) if phase == "TRAIN" else forward(net)
    before = resident()
    for _ in range(2):
        run()
    return before, resident("VmHWM")


def network_row(name: str, size: int, phase: str, runs: int, time_target: float, memory_target: float) -> list[str]:
    kinds = ("direct", "plain", "fused", "literal")
    build = training_step if phase == "TRAIN" else forward
    seconds = interleaved({kind: build(make(kind, name, size, phase)) for kind in kinds}, runs)
    peaks = {kind: in_child(__file__, "network", kind, name, size, phase)[1] for kind in kinds}
    what = f"`{name}` at {size}" + (", forward and backward" if phase == "TRAIN" else "")
    return [
        what,
        *_times(seconds, *kinds),
        f"**{seconds['fused'] / seconds['direct']:.2f}x**",
        f"{time_target}x",
        f"{seconds['fused'] / seconds['plain']:.2f}x",
        *(f"{peaks[kind]:.0f}" for kind in kinds),
        f"**{peaks['fused'] / peaks['direct']:.2f}x**",
        f"{memory_target}x",
    ]


def res_section(runs: int) -> str:
    """res/test at 513: the peak, and what comes after the three ResNets against these."""
    peak = in_child(__file__, "network", "fused", "res/test", 513, "TEST")[1]
    net = make("fused", "res/test", 513)
    trunk = Net(_until(config("res/test", 513), "fc_fusion"))
    seconds = interleaved({"whole": forward(net), "trunks": forward(trunk)}, max(3, runs // 3))
    after = seconds["whole"] - seconds["trunks"]
    return (
        f"`res/test` at 513, three scales, CRF, both sharpenings: peak memory of the process **{peak / 1024:.2f} GB** (target 2.0;"
        f" the reference: about 26); embedding and three ResNets {seconds['trunks']:.2f} s, everything after `fc_fusion`"
        f" {after:.2f} s, **{after / seconds['trunks']:.2f}x** of them (target 0.5x)."
    )


def _until(proto: NetParameter, blob: str) -> NetParameter:
    """The net up to the layer that makes `blob`, with the embedding network."""
    last = next(index for index, layer in enumerate(proto.layer) if blob in layer.top)
    del proto.layer[last + 1 :]
    return proto


def opencv_row(name: str, target: float, runs: int) -> list[str]:
    text = STANDARD[name]()
    with tempfile.TemporaryDirectory() as folder:
        prototxt, weights = Path(folder, "net.prototxt"), Path(folder, "net.caffemodel")
        prototxt.write_text(text)
        net, literal = Net(text), Net(text, passes=[])
        _settle_statistics(net)
        net.save(weights)
        literal.load_weights(weights)
        theirs = cv2.dnn.readNetFromCaffe(str(prototxt), str(weights))
    image = torch.randn(1, 3, 224, 224) * 50
    theirs.setInput(image.numpy())
    difference = (torch.from_numpy(theirs.forward()).flatten() - net(data=image)["prob"].flatten()).abs().max()
    seconds = interleaved({"OpenCV": theirs.forward, "ours": lambda: net(data=image), "literal": lambda: literal(data=image)}, runs)
    ratio = seconds["ours"] / seconds["OpenCV"]
    rate = net.operations / seconds["ours"] / 1e9
    return [name, *_times(seconds, "OpenCV", "ours", "literal"), f"**{ratio:.2f}x**", f"{target}x", f"{difference:.1g}", f"{rate:.0f}"]


def steps_section(name: str, net: Net, runs: int) -> str:
    """The dearest steps of a forward pass, as `segaware-caffe time` measures them."""
    timed = timing(net, runs)
    dearest = sorted(timed.steps, key=lambda step: -step[1])[:DEAREST]
    rows = [
        [
            cost.step.label,
            cost.step.type,
            f"{1e3 * seconds:.1f} ms",
            f"{cost.operations / seconds / 1e9:.0f}",
            f"{cost.operations / seconds / timed.peak:.0%}",
            f"{cost.moved / 2**20:.0f}",
        ]
        for cost, seconds in dearest
    ]
    share = sum(seconds for _, seconds in dearest) / sum(seconds for _, seconds in timed.steps)
    whole = f"{name}: {1e3 * timed.seconds:.0f} ms in {len(timed.steps)} steps; these take {share:.0%} of it."
    return whole + "\n\n" + table(["layers", "step", "time", "GFLOP/s", "of peak", "MiB moved"], rows)


def _settle_statistics(net: Net) -> None:
    """Give BatchNorms the statistics that random data would have left."""
    for layer in net.layers:
        if layer.type == "BatchNorm":
            for blob, value in zip(layer.blobs, (0.0, 1.0, 1.0), strict=True):
                blob.fill_(value)
            layer.blobs[1].uniform_(0.5, 4)


def _times(seconds: dict[str, float], *names: str) -> list[str]:
    return [f"{1e3 * seconds[name]:.0f} ms" if seconds[name] < 10 else f"{seconds[name]:.1f} s" for name in names]


# -- the page ------------------------------------------------------------------------------------


def page(runs: int) -> str:
    """docs/performance.md."""
    x, mask, weight = torch.zeros(1, 1, 1, 1), torch.zeros(1, 9, 1, 1), torch.zeros(1, 1, 3, 3)
    reason = why_not_native(x, mask, weight, Geometry((3, 3), (1, 1), (1, 1), (1, 1)))
    memory = {kind: in_child(__file__, "kernel", kind)[1] for kind in ("plain", "masked", "literal")}
    parts = [
        "# Performance",
        "Written by `benchmarks/bench_engine.py`. Times are medians of interleaved runs in one process; memory is the resident peak of a"
        " process of its own, Python and PyTorch included. No GPU was at hand; [machines.md](machines.md) says what runs on one.",
        f"{environment()}; a 2048x2048 matrix product reaches {peak_gflops():.0f} GFLOP/s. "
        + (f"Without the compiled kernels: {reason}." if reason else "With the compiled kernels."),
        "## Masked 3x3 convolution\n\nAgainst `F.conv2d` of the same shape, and against the written-out layers (literal); through `Net`"
        " from the written-out layers, also of an image whose channels are innermost in memory, as a plain convolution before leaves them.",
        table(
            ["shape", "plain", "masked", "literal", "masked / plain", "Net / plain", "Net, innermost / plain", "target", "GFLOP/s"],
            [kernel_row(*shape, runs) for shape in SHAPES],
        ),
        f"Peak memory beside the bottom, 64 to 64 at 513: plain {memory['plain']:.0f} MiB, masked {memory['masked']:.0f} MiB"
        f" (**{memory['masked'] / memory['plain']:.2f}x**, target 1.05x), literal {memory['literal']:.0f} MiB"
        f" ({memory['literal'] / memory['plain']:.0f}x).",
        sum_row(runs),
        "## Networks\n\nAgainst the same network with plain convolutions (its embedding network still runs), under the same engine: with"
        " each product of the definition taken, as by `F.conv2d` (direct), and with all that the engine has (plain).",
        table(
            NETWORK_COLUMNS,
            [
                network_row("vgg/deploy", 321, "TEST", runs, 1.35, 1.2),
                network_row("vgg/train", 321, "TRAIN", max(3, runs // 3), 1.5, 1.3),
            ],
        ),
        "The targets are held against *direct*. In TEST the engine runs plain 3x3 convolutions of large images by Winograd's algorithm,"
        " with a quarter of the products and four times the weights in memory (the pass `winograd`). It needs the same weights at every"
        " pixel, so masks rule it out: masked convolutions take every product, at the rate of the large matrix product above, and the"
        " fused network gains in its embedding network alone. vgg/train lies at the edge of its target: from run to run 1.33x to 1.57x were"
        " measured. Two fifths of it are the masked convolutions' gradients, most at 115 to 165 GFLOP/s, where their forward products"
        " reach up to 205.",
        res_section(runs),
        "## Standard networks\n\nAgainst OpenCV " + cv2.__version__ + "'s dnn on the same weights, batch 1.",
        table(
            ["network", "OpenCV", "ours", "literal", "ours / OpenCV", "target", "largest difference", "GFLOP/s"],
            [opencv_row(name, target, runs) for name, target in OPENCV_TARGETS.items()],
        ),
        "GFLOP/s are counted as the layers are defined; OpenCV and ours take fewer products for 3x3 convolutions. Usually that costs"
        " accuracy; the points of ours (`ops/winograd.py`) keep a layer's rounding at four to five times that of the direct"
        " sum, and a network's outputs within 1e-5.",
        "## What really runs\n\nThe dearest steps of three networks, as `segaware-caffe time` lists all of them. A step can do the work of"
        " several layers; GFLOP/s are counted as the layers are defined, so that a step which takes fewer products can pass the peak, the"
        " speed of a large matrix product.",
        *(steps_section(name, Net(STANDARD[name]()), runs) for name in ("VGG-16", "ResNet-50")),
        steps_section("`vgg/deploy` at 321", make("fused", "vgg/deploy", 321), runs),
        "## Without a compiler\n\nWhere the kernels were not built, PyTorch's operators do their work. The shipped network"
        " `camvid` with them, without, and in its literal form (`benchmarks/bench_without_kernels.py`).",
        _output_of("bench_without_kernels.py").rstrip(),
        "## Reading weights\n\nA synthetic 500 MB caffemodel (`benchmarks/bench_weights.py`).",
        "```text\n" + _output_of("bench_weights.py").rstrip() + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _output_of(script: str) -> str:
    return subprocess.run([sys.executable, Path(__file__).with_name(script)], capture_output=True, text=True).stdout


def child(kind: str, *args: str) -> None:
    """Measure memory and print it."""
    result = extra_memory(*args) if kind == "kernel" else network_memory(args[0], args[1], int(args[2]), args[3])
    print(*result)


def main() -> None:
    """Measure everything and write the page."""
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the page there (default: print it)")
    parser.add_argument("--quick", action="store_true", help="3 runs of each instead of 9")
    args = parser.parse_args()
    text = page(3 if args.quick else 9)
    if args.output:
        args.output.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
