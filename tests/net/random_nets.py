"""Random nets of the written-out patterns, and random sequences of shapes to feed them."""

import random
from collections.abc import Iterator

Shape = tuple[int, ...]
Shapes = dict[str, Shape]


def layer(name: str, kind: str, bottoms: list[str], param: str = "", tops: list[str] | None = None) -> str:
    blobs = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops or [name])
    return f'layer {{ name: "{name}" type: "{kind}"{blobs} {param} }}\n'


class RandomNet:
    """A prototxt over the inputs x (N, C, H, W), emb (N, E, H, W) and m (N, 9, H, W), grown block by block.

    Most blobs have the size of x; `text` is the whole net.
    """

    BLOCKS = (
        "mask",
        "masked_convolution",
        "masked_convolution",
        "masked_sum",
        "convolution",
        "normalised",
        "partwise",
        "shortcut",
        "elementwise",
    )

    def __init__(self, rng: random.Random, blocks: int = 3):
        self.rng = rng
        #: no layer remembers how many channels the inputs had, so that these may change
        self.free = rng.random() < 0.3
        wide = not self.free and rng.random() < 0.2
        self.channels = {"x": rng.choice([32, 40]) if wide else rng.choice([1, 2, 3, 4, 6])}
        self.window = rng.choice(["kernel_size: 3 pad: 1", "kernel_size: 3 pad: 2 dilation: 2", *["kernel_size: 2"] * self.free])
        self.taps = 4 if self.window == "kernel_size: 2" else 9
        self.shapes: Shapes = {}
        size = (33, 29) if wide else (rng.choice([5, 7, 7, 8]), rng.choice([5, 9, 9, 6]))
        for name, count in (("x", self.channels["x"]), ("emb", rng.choice([1, 3, 8])), ("m", self.taps)):
            self.shapes[name] = (rng.choice([1, 2]), count, *size) if name == "x" else (self.shapes["x"][0], count, *size)
        self.shapes["m"] = self.of_mask(self.shapes["m"])
        self.masks = ["m"]
        self.last = "x"
        self.count = 0
        self.body = ""
        if self.free:
            self.masked_sum()
            self.elementwise()
        else:
            for block in (rng.choice(self.BLOCKS) for _ in range(blocks)):
                getattr(self, block)()
        if rng.random() < 0.5:
            self.add("Reduction", [self.last], "loss_weight: 0.5 reduction_param { operation: MEAN }", channels=1)

    def of_mask(self, shape: Shape) -> Shape:
        """The shape of a mask on an image of this size."""
        cut = int(self.taps == 4)
        return (*shape[:2], shape[2] - cut, shape[3] - cut)

    @property
    def text(self) -> str:
        return self.with_shapes(self.shapes)

    def with_shapes(self, shapes: Shapes) -> str:
        dims = " ".join("shape { " + " ".join(f"dim: {d}" for d in shape) + " }" for shape in shapes.values())
        return layer("in", "Input", [], f"input_param {{ {dims} }}", list(shapes)) + self.body

    def add(self, kind: str, bottoms: list[str], param: str = "", channels: int | None = None, in_place: bool = False) -> str:
        """One layer; its top becomes the last blob."""
        self.count += 1
        name = f"{kind.lower()}{self.count}"
        if self.rng.random() < 0.03:
            param += "".join(f" propagate_down: {self.rng.choice(['true', 'false'])}" for _ in bottoms)
        self.body += layer(name, kind, bottoms, param, [bottoms[0]] if in_place else [name])
        if not in_place:
            self.last = name
            self.channels[name] = channels if channels is not None else self.channels.get(bottoms[0], self.taps)
        return bottoms[0] if in_place else name

    def some(self) -> str:
        """A blob of the size of x; usually the last."""
        return self.last if self.rng.random() < 0.7 else self.rng.choice(list(self.channels))

    def relu(self, blob: str) -> None:
        if self.rng.random() < 0.6:
            slope = self.rng.choice([0, 0, 0.1])
            self.add("ReLU", [blob], f"relu_param {{ negative_slope: {slope} }}", in_place=self.rng.random() < 0.7)

    # -- blocks ----------------------------------------------------------------------------

    def mask(self) -> str:
        norm = self.rng.choice(["L1", "L2"])
        last = self.add("Im2dist", ["emb"], f"convolution_param {{ {self.window} }} im2dist_param {{ norm: {norm} }}", 9)
        if self.rng.random() < 0.8:
            last = self.add("Scale", [last], "scale_param { num_axes: 0 filler { value: -0.3 } }")
        if self.rng.random() < 0.8:
            last = self.add("AbsVal", [last])
        last = self.add("Exp", [last], "exp_param { scale: -1 }")
        self.masks.append(last)
        return last

    def product(self, image: str) -> tuple[str, str]:
        """The written-out columns of an image under a mask, and the tiled mask."""
        mask = self.rng.choice(self.masks)
        tile = self.add("Tile", [mask], f"tile_param {{ tiles: {self.channels[image]} }}", self.taps * self.channels[image])
        column = self.add("Im2col", [image], f"convolution_param {{ {self.window} }}", self.taps * self.channels[image])
        bottoms = [column, tile] if self.rng.random() < 0.5 else [tile, column]
        stable = "" if self.rng.random() < 0.9 else "stable_prod_grad: false"
        return self.add("Eltwise", bottoms, f"eltwise_param {{ operation: PROD {stable} }}"), tile

    def masked_convolution(self) -> None:
        product, _ = self.product(self.some())
        outputs, group = self.rng.choice([(3, 1), (5, 1), (6, 2 if self.channels[product] % 18 == 0 else 1)])
        top = self.convolved(product, outputs, f"kernel_size: 3 bottom_is_im2col: true group: {group}")
        self.relu(top)

    def masked_sum(self) -> None:
        image = self.some()
        product, tile = self.product(image)
        channels = self.channels[image]
        top = self.add("ChannelReduce", [product], f"channel_reduce_param {{ num_channels: {channels} operation: SUM }}", channels)
        if self.rng.random() < 0.6:
            total = self.add("ChannelReduce", [tile], f"channel_reduce_param {{ num_channels: {channels} operation: SUM }}", channels)
            shifted = self.add("Power", [total], "power_param { shift: 0.01 power: -1 }")
            self.add("Eltwise", [top, shifted], "eltwise_param { operation: PROD }")

    def convolved(self, bottom: str, outputs: int, param: str) -> str:
        bias = self.rng.choice(["bias_filler { value: 0.1 }", "bias_term: false"])
        filler = 'weight_filler { type: "msra" }'
        return self.add("Convolution", [bottom], f"convolution_param {{ num_output: {outputs} {param} {filler} {bias} }}", outputs)

    def outputs(self, bottom: str) -> int:
        return 32 if self.channels[bottom] >= 32 else self.rng.choice([2, 4, 6])

    def convolution(self) -> None:
        bottom = self.some()
        form = self.rng.choice(["kernel_size: 1", "kernel_size: 3 pad: 1", "kernel_size: 3 pad: 1", "kernel_size: 3 pad: 2 dilation: 2"])
        self.relu(self.convolved(bottom, self.outputs(bottom), form))

    def normalised(self) -> None:
        top = self.some()
        if self.rng.random() < 0.8:
            top = self.convolved(top, self.outputs(top), "kernel_size: 3 pad: 1")
        top = self.add("BatchNorm", [top], in_place=self.rng.random() < 0.5)
        if self.rng.random() < 0.7:
            top = self.add("Scale", [top], f"scale_param {{ bias_term: {self.rng.choice(['true', 'false'])} }}", in_place=True)
        self.relu(top)

    def partwise(self) -> None:
        bottom = self.some()
        small = self.convolved(bottom, 8, "kernel_size: 3 pad: 1 stride: 2")
        large = self.add("Interp", [small], "interp_param { zoom_factor: 2 }")  # the size of x where that is odd
        joined = self.add("Concat", [bottom, large], channels=self.channels[bottom] + 8)
        self.relu(self.convolved(joined, self.rng.choice([4, 12]), "kernel_size: 1"))
        del self.channels[small]

    def shortcut(self) -> None:
        bottom = self.some()
        top = self.convolved(bottom, self.channels[bottom], "kernel_size: 3 pad: 1")
        self.add("Eltwise", [top, bottom] if self.rng.random() < 0.5 else [bottom, top])
        self.relu(self.last)

    def elementwise(self) -> None:
        kind, param = self.rng.choice([("Power", "power_param { scale: 0.5 shift: 0.1 }"), ("TanH", ""), ("Sigmoid", ""), ("AbsVal", "")])
        self.add(kind, [self.some()], param)

    # -- what it is fed ----------------------------------------------------------------------

    def sequence(self, length: int) -> Iterator[Shapes]:
        """Shapes for one run after another: other batches and sizes, more channels, inputs that do not fit, and the first ones again."""
        for _ in range(length):
            shapes = dict(self.shapes)
            if self.rng.random() < 0.7:
                batch, height, width = self.rng.choice([1, 2, 3]), self.rng.choice([4, 5, 7, 9]), self.rng.choice([3, 5, 6, 11])
                if self.shapes["x"][2] == 33 and self.rng.random() < 0.5:
                    height, width = 33, 31
                shapes = {name: (batch, shape[1], height, width) for name, shape in shapes.items()}
                shapes["m"] = self.of_mask(shapes["m"])
            for name, choices in (("x", [1, 2, 8, 2 * shapes["x"][1]]), ("emb", [1, 2, 5]), ("m", [4, 9, 18, 3])):
                if self.rng.random() < 0.1:
                    shapes[name] = (shapes[name][0], self.rng.choice(choices), *shapes[name][2:])
            if self.rng.random() < 0.1 + 0.4 * self.free:  # x and its mask grow or shrink together
                factor = self.rng.choice([0.5, 2, 3])
                shapes = {n: (s[0], max(1, int(s[1] * (factor if n in ("x", "m") else 1))), *s[2:]) for n, s in shapes.items()}
            yield shapes
