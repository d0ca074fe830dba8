"""A small text that asks for much: refused before anything is allocated, and taken where the user raises the bound."""

import time
import tracemalloc

import pytest

from segaware_caffe import CaffeError, Net
from segaware_caffe.limits import ELEMENTS, LAYERS, MEMORY, POSITIONS, STEPS, Limit

INPUT = 'input: "data" input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }\n'


def dummy(name: str, *dims: int) -> str:
    shape = " ".join(f"dim: {dim}" for dim in dims)
    return f'layer {{ name: "{name}" type: "DummyData" top: "{name}" dummy_data_param {{ shape {{ {shape} }} }} }}\n'


def layer(kind: str, fields: str, *bottoms: str) -> str:
    return f'layer {{ name: "l" type: "{kind}" {" ".join(f"bottom: {name!r}" for name in bottoms)} top: "t" {fields} }}\n'


KERNEL = "convolution_param { num_output: 1 kernel_size: 317 pad: 200 }"
ATTACKS = {
    "a DummyData of 10^9 elements": (ELEMENTS, dummy("d", 1000, 1000, 1000)),
    "a hundred of 5 * 10^8": (MEMORY, "".join(dummy(f"d{index}", 1000, 1000, 500) for index in range(200))),
    "10^5 kernel positions, Convolution": (POSITIONS, INPUT + layer("Convolution", KERNEL, "data")),
    "10^5 kernel positions, Im2col": (POSITIONS, INPUT + layer("Im2col", KERNEL, "data")),
    "10^5 kernel positions, Im2dist": (POSITIONS, INPUT + layer("Im2dist", KERNEL, "data")),
    "10^5 kernel positions, NormConv": (POSITIONS, INPUT + layer("NormConv", KERNEL, "data", "data")),
    "4^20 bins": (POSITIONS, INPUT + layer("SPP", "spp_param { pyramid_height: 20 }", "data")),
    "10^9 iterations of a CRF": (
        STEPS,
        dummy("u", 1, 2, 4, 4)
        + dummy("i", 1, 3, 4, 4)
        + layer("MultiStageMeanfield", "multi_stage_meanfield_param { num_iterations: 1000000000 }", "u", "u", "i"),
    ),
    "10^6 time steps": (
        STEPS,
        dummy("x", 1000000, 1, 1) + dummy("c", 1000000, 1) + layer("RNN", "recurrent_param { num_output: 1 }", "x", "c"),
    ),
    "weights of 10^9": (ELEMENTS, INPUT + layer("InnerProduct", "inner_product_param { num_output: 1000000000 }", "data")),
    "20,000 layers": (LAYERS, INPUT + 'layer { name: "s" type: "Silence" bottom: "data" }\n' * 20_000),
}


@pytest.mark.parametrize(("limit", "text"), ATTACKS.values(), ids=ATTACKS)
def test_refused_before_anything_is_allocated(limit: Limit, text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(CaffeError) as error:
            Net(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert f"more than the {limit.most()} that are taken unasked; if they are meant, raise {limit.variable}" in str(error.value)
    assert len(str(error.value)) < 500
    assert peak < 100e6 + 20 * len(text)


def test_the_user_raises_a_bound_and_lowers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = INPUT + layer("Im2col", "convolution_param { kernel_size: 3 }", "data")
    monkeypatch.setenv(POSITIONS.variable, "8")
    with pytest.raises(
        CaffeError, match=r"^layer 'l' \(Im2col\): a kernel \(3, 3\) of 9 positions, more than the 8 that are taken unasked"
    ):
        Net(text)
    monkeypatch.setenv(POSITIONS.variable, "9")
    assert len(Net(text).layers) == 2
    monkeypatch.setenv(POSITIONS.variable, "many")
    with pytest.raises(CaffeError, match=rf"^{POSITIONS.variable} must be a number, not 'many'$"):
        Net(text)


@pytest.mark.slow
def test_a_text_of_as_many_messages_as_are_read_answers_soon() -> None:
    start = time.process_time()
    with pytest.raises(CaffeError, match="layers, more than"):
        Net("layer{}" * (2**18 - 1))
    assert time.process_time() - start < 60
