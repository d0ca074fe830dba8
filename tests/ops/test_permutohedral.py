"""The permutohedral lattice against a dictionary of vertices, point by point."""

import math
from collections import defaultdict

import numpy as np
import pytest
import torch

from segaware_caffe.ops import permutohedral
from segaware_caffe.ops.permutohedral import build_lattice, gaussian_filter

FLOAT = np.float32


def simplex(point: np.ndarray) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """The keys of a point's d + 1 vertices and its barycentric weights, in single precision."""
    d = len(point)
    elevated = np.zeros(d + 1, FLOAT)
    total = FLOAT(0)
    for j in range(d, 0, -1):
        scaled = point[j - 1] * FLOAT(math.sqrt(2 / 3) * (d + 1) / math.sqrt(j * (j + 1)))
        elevated[j] = total - FLOAT(j) * scaled
        total = total + scaled
    elevated[0] = total
    turns = np.round(elevated * FLOAT(1 / (d + 1)))  # half to even
    differences = elevated - turns * (d + 1)
    # of equal differences the earlier coordinate ranks first
    rank = [sum(other > mine or (other == mine and j < i) for j, other in enumerate(differences)) for i, mine in enumerate(differences)]
    off = int(turns.sum())
    for i in range(d + 1):
        rank[i] += off
        if rank[i] < 0:
            rank[i] += d + 1
            turns[i] += 1
        elif rank[i] > d:
            rank[i] -= d + 1
            turns[i] -= 1
    weights = np.zeros(d + 2, FLOAT)
    for i in range(d + 1):
        value = (elevated[i] - turns[i] * (d + 1)) * FLOAT(1 / (d + 1))
        weights[d - rank[i]] += value
        weights[d + 1 - rank[i]] -= value
    weights[0] += 1 + weights[d + 1]
    keys = [wrap(int(turns[i]) * (d + 1) + (r if rank[i] <= d - r else r - d - 1) for i in range(d)) for r in range(d + 1)]
    return keys, weights[: d + 1]


def wrap(key) -> tuple[int, ...]:
    """Coordinates are 16 bits wide."""
    return tuple((int(k) + 2**15) % 2**16 - 2**15 for k in key)


def filtered(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The lattice filter with a dictionary for a lattice."""
    n, d = points.shape
    simplices = [simplex(point) for point in points]
    lattice = defaultdict(lambda: np.zeros(values.shape[1]))
    for (keys, weights), value in zip(simplices, values, strict=True):
        for key, weight in zip(keys, weights, strict=True):
            lattice[key] = lattice[key] + weight * value
    if n % 4:
        for key in simplex(np.zeros(d, FLOAT))[0]:
            lattice[key] = lattice[key]
    for axis in range(d + 1):
        step = np.ones(d, int)
        if axis < d:
            step[axis] = -d
        zero = np.zeros(values.shape[1])
        around = [(wrap(np.add(key, step)), wrap(np.subtract(key, step))) for key in lattice]
        lattice = {
            key: value + 0.5 * (lattice.get(before, zero) + lattice.get(after, zero))
            for (key, value), (before, after) in zip(lattice.items(), around, strict=True)
        }
    return np.array(
        [sum(weight * lattice[key] for key, weight in zip(keys, weights, strict=True)) / (1 + 2.0**-d) for keys, weights in simplices]
    )


@pytest.fixture(params=["read", "unread"], autouse=True)
def numbering(request, monkeypatch):
    """Vertices as the CPU numbers them, and as a device does that nobody waits for."""
    if request.param == "unread":
        monkeypatch.setattr(permutohedral, "_number", permutohedral._number_unread)
        monkeypatch.setattr(permutohedral, "_bound", len)


@pytest.mark.parametrize("count", [1, 2, 37, 40])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("spread", [0.5, 2, 40])
def test_against_a_dictionary(count, d, spread):
    random = np.random.default_rng(count + d)
    points = (random.normal(size=(count, d)) * spread + 3).astype(FLOAT)
    values = random.random((count, 3)).astype(FLOAT)
    result = gaussian_filter(build_lattice(torch.from_numpy(points)), torch.from_numpy(values))
    np.testing.assert_allclose(result, filtered(points, values), rtol=1e-5, atol=1e-6)


def test_on_a_grid_whose_points_tie():
    """Points on the lattice's own lines: ties of rounding and of rank decide which vertices there are."""
    rows, columns = np.meshgrid(np.arange(7), np.arange(6), indexing="ij")
    points = np.stack([columns, rows], -1).reshape(-1, 2).astype(FLOAT)
    values = np.eye(42, dtype=FLOAT)
    result = gaussian_filter(build_lattice(torch.from_numpy(points)), torch.from_numpy(values))
    np.testing.assert_allclose(result, filtered(points, values), rtol=1e-5, atol=1e-6)


def test_coordinates_wrap_at_16_bits():
    """Two points far apart meet where their keys agree modulo 2^16, and five such axes still have exact keys."""
    d = 5
    random = np.random.default_rng(0)
    points = (random.normal(size=(60, d)) * 9000).astype(FLOAT)
    unwrapped = max(abs(point) for point in points.ravel()) * math.sqrt(2 / 3) * (d + 1) / math.sqrt(2)
    assert unwrapped > 2**15
    values = random.random((60, 2)).astype(FLOAT)
    result = gaussian_filter(build_lattice(torch.from_numpy(points)), torch.from_numpy(values))
    np.testing.assert_allclose(result, filtered(points, values), rtol=1e-5, atol=1e-6)


def test_it_is_nearly_a_gaussian():
    """Normalised as the dense CRF does, within a few percent of the exact filter."""
    random = np.random.default_rng(1)
    points = (random.random((2000, 2)) * 8).astype(FLOAT)
    values = np.sin(points[:, :1]) + points[:, 1:] / 8
    lattice = build_lattice(torch.from_numpy(points))
    approximate = gaussian_filter(lattice, torch.from_numpy(values)) / gaussian_filter(lattice, torch.ones(2000, 1))
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(-1) / 2)
    exact = kernel @ values / kernel.sum(1, keepdims=True)
    assert np.abs(approximate.numpy() - exact).max() < 0.05 * np.ptp(values)


def test_the_gradient_is_the_transposed_filter():
    generator = torch.Generator().manual_seed(5)
    lattice = build_lattice(3 * torch.rand(50, 3, generator=generator, dtype=torch.float64))
    values = torch.randn(50, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: gaussian_filter(lattice, x), values)
    assert torch.autograd.gradgradcheck(lambda x: gaussian_filter(lattice, x).square(), values)
    matrix, transposed = (gaussian_filter(each, torch.eye(50, dtype=torch.float64)) for each in (lattice, lattice.transposed))
    torch.testing.assert_close(transposed, matrix.T)
    assert not torch.allclose(matrix, matrix.T), "the filter is not symmetric"
