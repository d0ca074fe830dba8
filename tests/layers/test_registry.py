"""The registry finds the layers of every room, and a user's class of a type stays."""

import subprocess
import sys

SCRIPT = """
import sys
from segaware_caffe.layers import Layer, layer_class, register, registered

assert "segaware_caffe.data" not in sys.modules

@register("FloData")
class Mine(Layer):
    pass

assert layer_class("FloData") is Mine
assert layer_class("ImageData").__module__ == "segaware_caffe.data.image_layers"
import segaware_caffe.data
assert registered()["FloData"] is Mine
"""


def test_rooms_are_imported_when_a_type_is_looked_for():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
