"""`caffe.proto.caffe_pb2`: every message and enum of the schema, as generated code offers them, and a file's bytes."""

import copy
import pickle
import re

import pytest
from google.protobuf import text_format
from google.protobuf.message import EncodeError

from segaware_caffe import schema
from segaware_caffe.pycaffe.proto import caffe_pb2

FILE = schema.NetParameter.DESCRIPTOR.file
#: a net whose field numbers the two dialects read differently
UPSTREAM = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }
layer { name: "c" type: "Crop" crop_param { axis: 1 } }"""
FORK = 'layer { name: "d" type: "Im2dist" bottom: "x" top: "d" convolution_param { kernel_size: 3 } }'


@pytest.mark.parametrize("name", sorted(FILE.message_types_by_name))
def test_every_message_is_there(name):
    cls = getattr(caffe_pb2, name)
    assert cls.DESCRIPTOR.full_name == f"caffe.{name}"
    assert {field.name for field in cls.DESCRIPTOR.fields} == {field.name for field in FILE.message_types_by_name[name].fields}
    for enum in FILE.message_types_by_name[name].enum_types:
        for value in enum.values:
            assert getattr(cls, value.name) == value.number


def test_enums_of_the_file_are_there():
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST, caffe_pb2.Phase.Name(1), caffe_pb2.Phase.Value("TRAIN")) == (0, 1, "TEST", 0)
    assert caffe_pb2.PoolingParameter.PoolMethod.items() == [("MAX", 0), ("AVE", 1), ("STOCHASTIC", 2)]


@pytest.mark.parametrize("text", [UPSTREAM, FORK])
def test_bytes_are_those_of_a_file_of_that_dialect(text):
    net = text_format.Merge(text, caffe_pb2.NetParameter())
    data = net.SerializeToString()
    assert data == schema.write_binary(schema.parse_text(text, "NetParameter"))
    assert caffe_pb2.NetParameter.FromString(data) == net
    again = caffe_pb2.NetParameter(name="gone")
    assert again.ParseFromString(data) == len(data) and again == net
    assert again.MergeFromString(data) == len(data) and len(again.layer) == 2 * len(net.layer)
    assert copy.deepcopy(net) == net == pickle.loads(pickle.dumps(net))


def test_a_layer_alone_and_a_net_in_a_solver_have_them_too():
    layer = text_format.Merge(UPSTREAM, caffe_pb2.NetParameter()).layer[0]
    assert b"\xfa\x08" in layer.SerializeToString(), "143, length-delimited: upstream's input_param"
    solver = caffe_pb2.SolverParameter(net_param=caffe_pb2.NetParameter(layer=[layer]))
    assert caffe_pb2.SolverParameter.FromString(solver.SerializeToString()) == solver
    assert caffe_pb2.LayerParameter.FromString(layer.SerializeToString()).input_param.shape[0].dim == [2]


def test_missing_required_fields():
    net = caffe_pb2.NetParameter(layer=[caffe_pb2.LayerParameter(blobs=[caffe_pb2.BlobProto()])])
    assert net.SerializeToString() == net.SerializePartialToString()
    required = [name for name in FILE.message_types_by_name if getattr(caffe_pb2, name)().FindInitializationErrors()]
    for name in required:
        with pytest.raises(EncodeError):
            getattr(caffe_pb2, name)().SerializeToString()


def test_text_is_in_the_order_of_caffe_proto():
    param = caffe_pb2.SolverParameter(net="a", base_lr=0.5, test_iter=[3], random_seed=1, weight_decay=5e-4)
    assert str(param) == 'net: "a"\ntest_iter: 3\nbase_lr: 0.5\nweight_decay: 0.0005\nrandom_seed: 1\n'
    assert text_format.Parse(str(param), caffe_pb2.SolverParameter()) == param
    conv = caffe_pb2.ConvolutionParameter(dilation=[2], stride=[1], kernel_size=[3], pad=[1], group=2, bias_term=False)
    assert str(conv).split()[::2] == ["bias_term:", "pad:", "kernel_size:", "stride:", "dilation:", "group:"]
    layer = caffe_pb2.LayerParameter(power_param={}, scale_param={}, loss_param={}, batch_norm_param={}, relu_param={}, crop_param={})
    assert re.findall(r"(\w+)_param", str(layer)) == ["loss", "batch_norm", "crop", "power", "relu", "scale"]


def test_the_package_keeps_messages_of_its_own():
    assert type(caffe_pb2.NetParameter()) is not schema.NetParameter
    assert schema.read_net(text_format.Merge(UPSTREAM, caffe_pb2.NetParameter())).layer[1].crop_param.axis == 1
    with pytest.raises(AttributeError, match="NoSuchParameter"):
        caffe_pb2.NoSuchParameter  # noqa: B018
