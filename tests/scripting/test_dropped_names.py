"""Names that were dropped are there for a script, mean what they meant, and stay away from everybody else."""

import subprocess
import sys

import numpy as np

SCRIPT = r"""
import warnings; warnings.simplefilter('error')
import collections, fractions, inspect, string, time, io, os, tempfile
import numpy as np
from PIL import Image, ImageDraw, ImageFont
assert (np.float, np.int, np.object, np.str) == (float, int, object, str) and np.bool(1) and np.long(3) == 3
assert np.float_ is np.float64 and np.Inf == np.inf and np.NaN is np.nan
assert np.product([2, 3]) == 6 and np.alltrue([1]) and np.asscalar(np.array([3])) == 3
assert np.in1d([[1, 2]], [2]).tolist() == [False, True] and np.trapz([1., 1.]) == 1
assert np.fromstring(b'\x01\x02', dtype=np.uint8).tolist() == [1, 2] and np.fromstring('1 2', sep=' ').tolist() == [1, 2]
np.fromstring(b'\x01', np.uint8)[0] = 3  # it may be written to
image = Image.new('RGB', (8, 4))
assert image.resize((4, 2), Image.ANTIALIAS).size == (4, 2) and image.tostring() == image.tobytes()
assert Image.fromstring('L', (1, 1), b'a').getpixel((0, 0)) == 97
assert ImageDraw.Draw(image).textsize('hello')[0] > 5 and ImageFont.load_default().getsize('hello')[1] > 3
assert collections.Iterable and collections.Mapping and time.clock() <= time.clock() and fractions.gcd(4, 6) == 2
assert inspect.getargspec(lambda a, b=1: 0).args == ['a', 'b'] and string.letters[0] == 'a'
import scipy.misc
from scipy.misc import imread, imresize, imsave
folder = tempfile.mkdtemp(); path = os.path.join(folder, 'a.png')
imsave(path, np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
assert imread(path).tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
a = imread(path)
assert [imresize(a, (4, 6)).shape, imresize(a, 50).shape, imresize(a, 2.0, 'nearest').shape] == [(4, 6, 3), (1, 1, 3), (4, 4, 3)]
assert imresize(np.ones((2, 2)), (3, 3), mode='F').tolist() == [[1.0] * 3] * 3
assert imread(path, flatten=True).shape == (2, 2)
import skimage.io
from skimage.filter import gaussian
assert skimage.io.imread(path, as_grey=True).shape == (2, 2) and skimage.io.imread(path, True).shape == (2, 2)
import skimage.color, skimage.measure
assert skimage.color.rgb2grey(np.ones((2, 2, 3))).shape == (2, 2) and skimage.measure.compare_mse(np.ones(3), np.ones(3)) == 0
import h5py
with h5py.File(os.path.join(folder, 'a.h5'), 'w') as file:
    file['x'] = np.arange(3)
    assert file['x'].value.tolist() == [0, 1, 2]
import imp
assert imp.reload(string) is string
with open(os.path.join(folder, 'm.py'), 'w') as file: file.write('value = 5')
assert imp.load_source('m', os.path.join(folder, 'm.py')).value == 5
import cv2
assert cv2.CV_LOAD_IMAGE_COLOR == 1
print('fine')
"""


def test_names(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "segaware_caffe", "run", str(tmp_path / "script.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_nobody_else_gets_them():
    import segaware_caffe.scripting  # noqa: F401  (importing changes nothing)

    assert not hasattr(np, "float")
