"""Run by test_protobuf_versions.py with nothing installed but one protobuf: the schema room, end to end.

The package's own __init__ would import torch, so a bare package of the same name stands in for it.
"""

import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]

package = ModuleType("segaware_caffe")
package.__path__ = [str(ROOT / "segaware_caffe")]
sys.modules["segaware_caffe"] = package

from google import protobuf  # noqa: E402
from google.protobuf.internal import api_implementation  # noqa: E402

from segaware_caffe import schema  # noqa: E402
from segaware_caffe.errors import CaffeError  # noqa: E402


def check_networks() -> None:
    """Text into a message, filtered, and both ways out and in again."""
    net = schema.read_net("configs/res/test.prototxt", schema.read_variables("configs/res/voc_val.vars"))
    assert len(schema.filter_net(net, "TRAIN").layer) == 1407
    assert schema.parse_text(schema.write_text(net), "NetParameter") == net
    assert schema.read_binary(schema.write_binary(net), "NetParameter") == net
    solver = schema.read_solver("configs/embs/solver.prototxt", schema.read_variables("configs/embs/coco_trainval.vars"))
    assert solver.type == "Adam"
    assert schema.parse_text(schema.write_text(solver), "SolverParameter") == solver


def check_numbers() -> None:
    """The ends of the ranges, floats to the last bit, and escapes.

    Not the largest float32: protobuf 4.22 without its compiled runtime makes that an infinity.
    """
    net = schema.NetParameter(name='"\\\n\x00é', input_dim=[2**31 - 1, -(2**31)])
    net.input_shape.add(dim=[2**63 - 1, -(2**63)])
    net.layer.add(loss_weight=[0.1, 1 / 3, 1e-45, 3.4e38, float("inf")], propagate_down=[True, False])
    assert schema.parse_text(schema.write_text(net), "NetParameter") == net
    datum = schema.Datum(data=bytes(range(256)))
    assert schema.parse_text(schema.write_text(datum), "Datum") == datum


def check_upgrades() -> None:
    """The reference's own pairs."""
    golden = ROOT / "tests" / "golden" / "upstream" / "upgrade"
    before = sorted(golden.glob("*.before.prototxt"))
    assert before
    for path in before:
        after = path.with_name(path.name.replace("before", "after")).read_text()
        assert schema.read_net(path) == schema.parse_text(after, "NetParameter"), path.name


def check_dialects() -> None:
    """A number that both dialects use, settled by type."""
    net = schema.read_net("layer { type: 'Input' input_param { shape { dim: 2 } } } layer { type: 'Interp' interp_param { height: 3 } }")
    data = schema.write_binary(net)
    assert schema.NetParameter.FromString(data) != net
    assert schema.read_binary(data, "NetParameter") == net


def check_errors() -> None:
    """Mistakes are CaffeErrors whatever the runtime."""
    for wrong in (
        lambda: schema.read_net("layer { typ: 'x' }"),
        lambda: schema.read_net("layer { dist_loss_param { alpha: 1 } }"),
        lambda: schema.read_net("input_dim: 2147483648"),
        lambda: schema.read_net(r'name: "\xff"'),
        lambda: schema.read_binary(b"\x0a\x05ab", "NetParameter"),
        lambda: schema.write_binary(schema.LayerParameter(dist_loss_param={"alpha": 1})),
        lambda: schema.read_binary(b"\x92\x09\x00", "DistLossParameter"),
    ):
        try:
            wrong()
        except CaffeError:
            continue
        raise AssertionError("no CaffeError")


def check_own_words() -> None:
    """Fields that a user adds, in text, binary and Python."""
    piece = "message Own { optional float a = 1 [default = 2]; }"
    piece += "extend LayerParameter { optional Own own = 5001; repeated int32 own_list = 5002; }"
    schema.extend_schema(piece)
    schema.extend_schema(piece)
    net = schema.read_net("layer { own { a: 3 } own_list: [1, 2] }")
    assert (net.layer[0].own.a, list(net.layer[0].own_list), net.layer[0].HasField("own")) == (3, [1, 2], True)
    assert schema.read_binary(schema.write_binary(net), "NetParameter") == net
    assert schema.read_net(schema.write_text(net)) == net
    assert (schema.LayerParameter().own.a, schema.LayerParameter().HasField("own")) == (2, False)


check_networks()
check_numbers()
check_upgrades()
check_dialects()
check_errors()
check_own_words()
print(protobuf.__version__, api_implementation.Type())
