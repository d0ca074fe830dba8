"""Tiles: they cover an axis, see around what they answer for, and together give what the whole photograph would."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segaware_caffe.segmentation import tiles
from segaware_caffe.segmentation.tiles import resampled, spans


@given(fitted=st.integers(1, 3000), tile=st.integers(8, 700), factor=st.floats(1, 5))
def test_tiles_cover_an_axis_once_and_see_around_what_they_answer_for(fitted, tile, factor):
    whole = round(fitted * factor)
    found = spans(whole, fitted, tile)
    assert [span.first for span in found] == [0, *(span.last for span in found[:-1])] and found[-1].last == whole
    assert found[0].start == 0 and found[-1].start + found[-1].valid == fitted
    assert all(0 < span.valid <= tile and span.first < span.last for span in found)
    assert len({span.start for span in found}) == len(found)
    around = tile // 16 - 1
    scale = fitted / whole
    for span in found:
        assert span.start == 0 or span.first * scale - span.start >= around
        assert span.start + span.valid == fitted or span.start + span.valid - span.last * scale >= around


@pytest.mark.parametrize(("tile", "multiple"), [(33, 2), (321, 16), (513, 32), (1025, 32)])
def test_tiles_begin_where_grids_of_pools_do(tile, multiple):
    starts = [span.start for span in spans(5000, 5000, tile)]
    assert len(starts) > 4 and all(start % multiple == 0 for start in starts)


@pytest.mark.parametrize("whole", [(90, 70), (180, 200), (900, 91)], ids=["as it is", "larger", "much taller"])
@pytest.mark.parametrize("elements", [2**23, 500], ids=["at once", "in strips"])
def test_scores_of_tiles_are_those_of_the_whole_at_its_resolution(whole, elements, monkeypatch):
    monkeypatch.setattr(tiles, "ELEMENTS", elements)
    fitted, tile = (90, 70), 48
    scores = torch.randn(3, *fitted, generator=torch.Generator().manual_seed(0))
    found = torch.full((3, *whole), torch.nan)
    for rows in spans(whole[0], fitted[0], tile):
        for columns in spans(whole[1], fitted[1], tile):
            own = scores[:, rows.start : rows.start + rows.valid, columns.start : columns.start + columns.valid]
            padded = torch.nn.functional.pad(own, (0, tile - columns.valid, 0, tile - rows.valid), value=1e9)
            for first, strip in resampled(padded, rows, columns):
                assert strip.numel() <= max(elements, 3 * whole[1])
                found[:, first : first + strip.shape[1], columns.first : columns.last] = strip
    truth = torch.nn.functional.interpolate(scores[None].double(), whole, mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(found.double(), truth, rtol=0, atol=1e-4)
