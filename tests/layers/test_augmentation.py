"""Augmentation: each step against its definition, in the release's order; refusals."""

import pytest
import torch
from layers.support import make_layer

from segaware_caffe.errors import CaffeError
from segaware_caffe.ops import augmentation

HEIGHT, WIDTH = 5, 6


def pictures(samples=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(samples, channels, HEIGHT, WIDTH, generator=generator) for channels in (3, 3, 2)]


def augment(options, bottoms):
    layer = make_layer(
        f'type: "Augmentation" top: "a" top: "b" top: "f" top: "m" aug_param {{ {options} }}', *(tuple(b.shape) for b in bottoms)
    )
    return layer(*bottoms)


def test_no_step_is_a_copy():
    bottoms = pictures()
    *tops, mask = augment("num_transformations: 0", bottoms)
    assert all(map(torch.equal, tops, bottoms))
    assert mask.shape == (2, 1, HEIGHT, WIDTH)
    assert not mask.any()


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize(("fraction", "shift"), [(0.5, 3), (0.49, 2), (0.1, 0), (-0.1, 0), (-0.34, -2)])
def test_translation(steps, fraction, shift):
    """Moves by whole pixels of the width on both axes; rotation and scaling, the next two steps, do nothing."""
    first, second, flow = pictures()
    options = f"num_transformations: {steps} min_translation: {fraction} max_translation: {fraction}"
    moved, moved_second, moved_flow, mask = augment(options, [first, second, flow])
    for sample in range(2):
        for y in range(HEIGHT):
            for x in range(WIDTH):
                inside = 0 <= y + shift < HEIGHT and 0 <= x + shift < WIDTH
                at = (sample, slice(None), y, x)
                source = (sample, slice(None), y + shift, x + shift)
                assert mask[at] == (0 if inside else 1)
                assert torch.equal(moved[at], first[source] if inside else torch.zeros(3))
                assert torch.equal(moved_second[at], second[source] if inside else torch.zeros(3))
                stretch = torch.tensor([WIDTH / (WIDTH - abs(shift)), HEIGHT / (HEIGHT - abs(shift))])
                torch.testing.assert_close(moved_flow[at], (flow[source] if inside else torch.tensor([1.0, 0])) * stretch)


STILL = "min_translation: 0 max_translation: 0 min_gaussian: 0 max_gaussian: 0"


@pytest.mark.parametrize(
    ("steps", "options", "expected"),
    [
        (4, "", lambda v: v),
        (5, "min_mcc: 2 max_mcc: 2", lambda v: 2 * v),
        (6, "min_mcc: 1 max_mcc: 1 min_contrast: 0.5 max_contrast: 0.5", lambda v: 0.5 * (v - 0.5) + 0.5),
        (7, "min_mcc: 1 max_mcc: 1 min_contrast: 1 max_contrast: 1 min_gamma: 3 max_gamma: 3", lambda v: v**3),
    ],
)
def test_colour_steps_act_on_both_images_alike_and_leave_the_flow(steps, options, expected):
    bottoms = pictures()
    *images, flow, _ = augment(f"num_transformations: {steps} {STILL} {options}", bottoms)
    for image, bottom in zip(images, bottoms, strict=False):
        torch.testing.assert_close(image, expected(bottom))
    assert torch.equal(flow, bottoms[2])


def test_noise_has_one_deviation_for_each_row_and_one_value_for_each_pixel():
    torch.manual_seed(0)
    noise = augmentation.add_noise(torch.zeros(2, 3, 40, 4000), 0.1, 0.4)
    assert torch.equal(noise, noise[:1, :1].expand(2, 3, 40, 4000))
    deviations = noise[0, 0].std(1)
    assert deviations.min() < 0.15
    assert deviations.max() > 0.35
    assert ((deviations > 0.09) & (deviations < 0.42)).all()


def test_colour_factors_differ_between_channels_but_not_images():
    torch.manual_seed(0)
    factors = augmentation.scale_colours(torch.ones(2, 3, 4, 4), 0.5, 2)
    assert len(factors.unique()) == 3
    assert torch.equal(factors[0], factors[1])
    assert 0.5 <= factors.min() <= factors.max() <= 2


def test_brightness_is_noise_of_a_fixed_deviation():
    torch.manual_seed(0)
    noise = augmentation.change_brightness(torch.zeros(2, 3, 100, 100))
    assert torch.equal(noise, noise[:1, :1].expand(2, 3, 100, 100))
    assert noise[0, 0].std().item() == pytest.approx(0.2, rel=0.05)


def test_samples_draw_their_own_numbers_and_carry_no_gradient():
    torch.manual_seed(2)
    bottoms = [torch.ones(4, channels, HEIGHT, WIDTH, requires_grad=True) for channels in (3, 3, 2)]
    tops = augment(f"num_transformations: 8 {STILL}", bottoms)
    assert len({round(float(sample.detach().mean()), 6) for sample in tops[0]}) == 4
    assert not any(top.requires_grad for top in tops)


@pytest.mark.parametrize(
    ("options", "shapes", "sentence"),
    [
        ("num_transformations: -1", [(1, 3, 5, 6), (1, 3, 5, 6), (1, 2, 5, 6)], "num_transformations must not be negative, not -1"),
        ("min_gamma: 2", [(1, 3, 5, 6), (1, 3, 5, 6), (1, 2, 5, 6)], "min_gamma 2 must not exceed max_gamma 1.5"),
        ("", [(1, 1, 5, 6), (1, 1, 5, 6), (1, 2, 5, 6)], "the images must have shape (N, 3, H, W)"),
        ("", [(1, 3, 5, 6), (1, 3, 5, 7), (1, 2, 5, 6)], "the images must have one shape"),
        ("", [(1, 3, 5, 6), (1, 3, 5, 6), (1, 3, 5, 6)], "the flow must have shape 1 2 5 6 (60)"),
        ("max_translation: 0.9", [(1, 3, 5, 6), (1, 3, 5, 6), (1, 2, 5, 6)], "a translation by up to 5 pixels would leave nothing"),
    ],
)
def test_refusals(options, shapes, sentence):
    with pytest.raises(CaffeError) as caught:
        make_layer(f'type: "Augmentation" top: "a" top: "b" top: "f" top: "m" aug_param {{ {options} }}', *shapes)
    assert sentence in str(caught.value)
