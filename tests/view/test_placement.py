from itertools import combinations, pairwise

import pytest

from segaware_caffe.view.placement import BOX_WIDTH, place

GRAPHS = {
    "chain": (3, [(0, 1), (1, 2)]),
    "diamond with a long edge": (5, [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (0, 4)]),
    "two that nothing connects": (2, []),
    "many readers": (8, [(0, n) for n in range(1, 7)] + [(n, 7) for n in range(1, 7)]),
    "nothing": (0, []),
}


@pytest.mark.parametrize(("count", "edges"), GRAPHS.values(), ids=GRAPHS)
def test_edges_run_down_and_boxes_do_not_overlap(count, edges):
    placement = place(count, edges)
    for (source, target), route in zip(edges, placement.routes, strict=True):
        assert route[0] == placement.centres[source] and route[-1] == placement.centres[target]
        assert all(upper[1] < lower[1] for upper, lower in pairwise(route))
    for (x, y), (other_x, other_y) in combinations(placement.centres, 2):
        assert y != other_y or abs(x - other_x) >= BOX_WIDTH
    for x, y in placement.centres:
        assert BOX_WIDTH / 2 <= x <= placement.width - BOX_WIDTH / 2 and 0 < y < placement.height


def test_a_source_stands_above_its_first_reader():
    (_, deep), (_, source), (_, reader) = place(4, [(0, 1), (1, 3), (2, 3)]).centres[1:]
    assert source == deep < reader
