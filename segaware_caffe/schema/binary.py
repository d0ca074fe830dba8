"""Binary messages of every dialect of Caffe (spec/layers.md 1.7, dialects.md 2).

Files of forks that have numbers of their own are brought to the schema's numbers first
(`fork_numbers`). The release and BVLC gave the LayerParameter numbers 143 to 148 to different fields. In the schema
the release keeps them and BVLC's six fields have private numbers, 20000 higher. The numbers of a
file are changed to the schema's before protobuf parses it, and back after it wrote one. What a
number means is settled layer by layer, by `type`, so that a net may mix layers of both dialects.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, EncodeError, Message

from segaware_caffe.errors import CaffeError, ParseError
from segaware_caffe.schema.dialects import FORKS
from segaware_caffe.schema.fork_numbers import PRIVATE_OFFSET, SHARED_NUMBERS, translate
from segaware_caffe.schema.messages import LayerParameter, NetParameter, message_class

_PROTO = descriptor_pb2.FieldDescriptorProto

SEGAWARE, BVLC, DEEPLAB_V1 = "segaware", "bvlc", "deeplab-v1"
#: Layer types that only one dialect has.
_SEGAWARE_TYPES = (
    "AdaptiveBiasChannel Augmentation BiasChannel ChannelReduce DenseCRF DistLoss DomainTransform"
    " DomainTransformForwardOnly FloData Im2dist Im2parity ImageSegData Interp L1Loss MatRead MatWrite NormConv"
    " NormConvMeanfield NospConvMeanfield SegAccuracy SmoothL1Loss SpatialProduct TwoImageData UniqueLabel"
)
_BVLC_TYPES = "Clip Crop Input LSTM LSTMUnit Parameter RNN Swish"
_DIALECT_OF_TYPE = dict.fromkeys(_SEGAWARE_TYPES.split(), SEGAWARE) | dict.fromkeys(_BVLC_TYPES.split(), BVLC)

#: Which numbers of a message hold nets or layers.
_NESTED = {"SolverParameter": ("NetParameter", (21, 22, 25)), "NetParameter": ("LayerParameter", (100,))}
_LAYER_NAME, _LAYER_TYPE = 1, 2


def read_binary(data: bytes, name: str, dialect: str | None = None) -> Any:
    """The message `caffe.<name>` that `data` holds.

    `dialect` ("segaware", "bvlc" or a fork's, one of `dialects.FORKS`) says who wrote the file; without
    it what it holds does. Raises CaffeError where neither settles what a field means, and for damaged data.
    """
    fork = dialect if dialect in FORKS else None
    if fork is None:
        _check_dialect(dialect, f"or a fork's: {', '.join(FORKS)}")
    message = message_class(name)()
    try:
        own = translate(data, name, fork) if dialect not in (SEGAWARE, BVLC) else data
        message.ParseFromString(_renumber(own, name, BVLC if fork else dialect, _to_private))
        if name == "NetParameter" and dialect in (None, DEEPLAB_V1) and any(map(_is_of_deeplab, message.layers)):
            message.ParseFromString(_renumber(translate(data, name, DEEPLAB_V1), name, SEGAWARE, _to_private))
            _settle_v1(message)
    except DecodeError as error:
        raise ParseError(f"Not a binary {name}, or a damaged one: {error}") from None
    missing = message.FindInitializationErrors()
    if missing:
        raise ParseError(f"The binary {name} is missing required fields: {', '.join(missing)}")
    return message


def write_binary(message: Message, dialect: str | None = None) -> bytes:
    """`message` as a file of that dialect ("segaware" or "bvlc"), or as one that `read_binary` can settle by itself.

    Words of other forks keep the schema's numbers, under which this package reads them again.

    Raises CaffeError for a field that the dialect lacks, and for missing required fields.
    """
    _check_dialect(dialect)
    name = message.DESCRIPTOR.name
    if isinstance(message, NetParameter) and any(map(_is_of_deeplab, message.layers)):
        _check_holes(message)
    try:
        return _renumber(message.SerializeToString(), name, dialect, _from_private)
    except EncodeError as error:
        raise CaffeError(f"The {name} cannot be written: {error}") from None


def _check_dialect(dialect: str | None, others: str = "") -> None:
    if dialect not in (None, SEGAWARE, BVLC):
        raise CaffeError(f'Unknown dialect {dialect!r}: it is "{SEGAWARE}" or "{BVLC}" {others}'.rstrip())


def _settle_v1(net: Any) -> None:
    """Give the V1 layers of DeepLab v1 their types, of whose numbers BVLC and HED use two for others, in place.

    Its nets show by their other types and fields (spec/dialects.md 2).
    """
    for layer in net.layers:
        if layer.type == layer.DECONVOLUTION and (layer.HasField("image_data_param") or not layer.HasField("convolution_param")):
            layer.type = layer.IMAGE_SEG_DATA
        elif layer.type == layer.CROP:
            layer.type = layer.SEG_ACCURACY


def _check_holes(net: Any) -> None:
    """DeepLab v1 has `hole` under the numbers of these: where its V1 layers are, nobody could read them back."""
    for layer in net.layers:
        for field in ("force_nd_im2col", "dilation", "bottom_is_im2col"):
            given = layer.convolution_param.dilation if field == "dilation" else layer.convolution_param.HasField(field)
            if given:
                raise CaffeError(
                    f"V1 layer '{layer.name}' has {field}, which V1 nets with layers of DeepLab v1 cannot have: upgrade the net"
                )


def _is_of_deeplab(layer: Any) -> bool:
    """Whether only DeepLab v1 has such a V1 layer; its seg_accuracy_param is what BVLC reads as loss_param."""
    return (
        layer.INTERP <= layer.type <= layer.ONEHOT
        or layer.HasField("strict_dim")
        or layer.HasField("seg_accuracy_param")
        or (layer.type == layer.CROP and layer.HasField("loss_param"))
        or (layer.type == layer.DECONVOLUTION and layer.HasField("image_data_param"))
    )


def _envelope(name: str, numbers: Iterable[int]) -> type[Message]:
    """A message that has only the fields `numbers`, as raw bytes `f<number>`; protobuf carries the others along."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="envelope")
    message = file.message_type.add(name=name)
    for number in numbers:
        message.field.add(name=f"f{number}", number=number, label=_PROTO.LABEL_REPEATED, type=_PROTO.TYPE_BYTES)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name], pool)[f"envelope.{name}"]


_PRIVATE_NUMBERS = [number + PRIVATE_OFFSET for number in SHARED_NUMBERS]
_LAYER = _envelope("Layer", [_LAYER_NAME, _LAYER_TYPE, *SHARED_NUMBERS, *_PRIVATE_NUMBERS])
_PARENTS = {name: _envelope(name, numbers) for name, (_, numbers) in _NESTED.items()}

#: Moves the fields of one layer, given the dialect settled for it (or None); says whether any moved.
_Mover = Callable[[Message, str | None], bool]


def _renumber(data: bytes, name: str, dialect: str | None, move: _Mover) -> bytes:
    """`data`, which is a `name`, with `move` applied to its layers."""
    if name == "LayerParameter":
        return _renumber_layers([data], dialect, move)[0]
    if name not in _NESTED:
        return data
    inner, numbers = _NESTED[name]
    parent = _PARENTS[name].FromString(data)
    for number in numbers:
        items = getattr(parent, f"f{number}")
        if inner == "LayerParameter":
            renumbered = _renumber_layers(items, dialect, move)
        else:
            renumbered = [_renumber(item, inner, dialect, move) for item in items]
        del items[:]
        items.extend(renumbered)
    return parent.SerializeToString()


def _renumber_layers(blocks: Sequence[bytes], dialect: str | None, move: _Mover) -> list[bytes]:
    """The layers of one net: each settled by `dialect`, its own type, or the types of the others."""
    layers = [_LAYER.FromString(block) for block in blocks]
    of_types = [_DIALECT_OF_TYPE.get(_text(layer, _LAYER_TYPE)) for layer in layers]
    of_net = {found for found in of_types if found}
    of_others = of_net.pop() if len(of_net) == 1 else None
    return [
        layer.SerializeToString() if move(layer, dialect or of_type or of_others) else block
        for block, layer, of_type in zip(blocks, layers, of_types, strict=True)
    ]


def _to_private(layer: Message, dialect: str | None) -> bool:
    """From a file's numbers to the schema's."""
    held = _held(layer, SHARED_NUMBERS)
    if held and dialect is None:
        meanings = " or ".join(_field_name(number) for number in (held[0], held[0] + PRIVATE_OFFSET))
        raise ParseError(
            f"{_titled(layer)} holds field {held[0]}, which means {meanings}, and no layer's type"
            f' tells which: name the dialect, "{SEGAWARE}" or "{BVLC}"'
        )
    if dialect == BVLC:
        _move(layer, held, PRIVATE_OFFSET)
    return bool(held) and dialect == BVLC


def _from_private(layer: Message, dialect: str | None) -> bool:
    """From the schema's numbers to a file's."""
    private = _held(layer, _PRIVATE_NUMBERS)
    for owner, held in ((SEGAWARE, _held(layer, SHARED_NUMBERS)), (BVLC, private)):
        if held and owner != dialect:
            lacking = f"which the {dialect} dialect lacks" if dialect else "and no layer's type tells a reader so"
            raise ParseError(f"{_titled(layer)} has {_field_name(held[0])} of the {owner} dialect, {lacking}")
    _move(layer, private, -PRIVATE_OFFSET)
    return bool(private)


def _held(layer: Message, numbers: Iterable[int]) -> list[int]:
    return [number for number in numbers if getattr(layer, f"f{number}")]


def _move(layer: Message, numbers: Iterable[int], offset: int) -> None:
    for number in numbers:
        getattr(layer, f"f{number + offset}").extend(getattr(layer, f"f{number}"))
        layer.ClearField(f"f{number}")


def _text(layer: Message, number: int) -> str:
    """The last value of a string field, which is the one that counts."""
    return b"".join(getattr(layer, f"f{number}")[-1:]).decode(errors="replace")


def _titled(layer: Message) -> str:
    return f"Layer '{_text(layer, _LAYER_NAME)}' of type '{_text(layer, _LAYER_TYPE)}'"


def _field_name(number: int) -> str:
    return LayerParameter.DESCRIPTOR.fields_by_number[number].name
