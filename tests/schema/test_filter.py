"""Which layers are there in a state (spec/pipeline.md 2.1)."""

import pytest

from segaware_caffe.errors import CaffeError
from segaware_caffe.schema import NetParameter, filter_net, read_net, write_text


def kept(rules: str, phase="TEST", level: int = 0, stages: tuple[str, ...] = (), state: str = "") -> bool:
    """Whether a layer with these rules is there."""
    return len(filter_net(read_net(f"{state} layer {{ name: 'l' {rules} }}"), phase, level, stages).layer) == 1


#: rules, state, whether the layer is there
RULES = [
    ("", {}, True),
    ("include { }", {}, True),
    ("exclude { }", {}, False),
    ("include { phase: TEST }", {}, True),
    ("include { phase: TRAIN }", {}, False),
    ("exclude { phase: TEST }", {}, False),
    ("exclude { phase: TRAIN }", {}, True),
    ("include { phase: TRAIN }", {"phase": "TRAIN"}, True),
    ("include { phase: TRAIN } include { phase: TEST }", {}, True),
    ("exclude { phase: TRAIN } exclude { phase: TEST }", {}, False),
    ("exclude { phase: TRAIN } exclude { stage: 'a' }", {}, True),
    ("include { min_level: 0 }", {}, True),
    ("include { min_level: 1 }", {}, False),
    ("include { min_level: 2 }", {"level": 2}, True),
    ("include { min_level: 3 }", {"level": 2}, False),
    ("include { max_level: 2 }", {"level": 2}, True),
    ("include { max_level: 1 }", {"level": 2}, False),
    ("include { max_level: -1 }", {}, False),
    ("include { min_level: 1 max_level: 3 }", {"level": 2}, True),
    ("include { stage: 'a' }", {}, False),
    ("include { stage: 'a' }", {"stages": ("a",)}, True),
    ("include { stage: 'a' stage: 'b' }", {"stages": ("a",)}, False),
    ("include { stage: 'a' stage: 'b' }", {"stages": ("b", "c", "a")}, True),
    ("include { not_stage: 'a' }", {}, True),
    ("include { not_stage: 'a' }", {"stages": ("a",)}, False),
    ("include { not_stage: 'a' not_stage: 'b' }", {"stages": ("b",)}, False),
    ("include { stage: 'a' not_stage: 'b' }", {"stages": ("a",)}, True),
    ("exclude { phase: TEST stage: 'a' }", {}, True),
    ("exclude { phase: TEST stage: 'a' }", {"stages": ("a",)}, False),
    ("include { phase: TRAIN stage: 'a' }", {"stages": ("a",)}, False),
    ("include { min_level: 2 }", {"state": "state { level: 2 }"}, True),
    ("include { min_level: 3 }", {"state": "state { level: 2 }", "level": 3}, True),
    ("include { stage: 'a' stage: 'b' }", {"state": "state { stage: 'a' }", "stages": ("b",)}, True),
    ("include { phase: TRAIN }", {"state": "state { phase: TRAIN }"}, False),
    ("phase: TRAIN", {}, True),
]


@pytest.mark.parametrize(("rules", "state", "expected"), RULES)
def test_rule(rules, state, expected):
    assert kept(rules, **state) is expected


@pytest.mark.parametrize(
    ("rules", "state", "lines"),
    [
        ("include { phase: TEST }", {}, []),
        ("include { phase: TRAIN }", {}, ["phase (1) differed from the phase (0) specified by a rule in layer l"]),
        ("include { min_level: 3 }", {"level": 2}, ["level (2) is above the min_level (3) specified by a rule in layer l"]),
        ("include { max_level: 1 }", {"level": 2}, ["level (2) is above the max_level (1) specified by a rule in layer l"]),
        ("include { stage: 'a' stage: 'b' }", {"stages": ("a",)}, ["did not contain stage 'b' specified by a rule in layer l"]),
        ("include { not_stage: 'a' }", {"stages": ("a",)}, ["contained a not_stage 'a' specified by a rule in layer l"]),
        ("exclude { phase: TRAIN stage: 'a' }", {}, ["phase (1) differed from the phase (0) specified by a rule in layer l"]),
        (
            "include { phase: TRAIN } include { min_level: 1 }",
            {},
            [
                "phase (1) differed from the phase (0) specified by a rule in layer l",
                "level (0) is above the min_level (1) specified by a rule in layer l",
            ],
        ),
    ],
)
def test_the_first_condition_that_each_rule_lacks_is_logged_in_the_references_words(caplog, rules, state, lines):
    caplog.set_level("INFO")
    kept(rules, **state)
    assert caplog.messages == [f"The NetState {line}" for line in lines]


@pytest.mark.parametrize(("phase", "number"), [("TRAIN", 0), ("train", 0), ("Test", 1), ("TEST", 1), (0, 0), (1, 1)])
def test_phase(phase, number):
    assert filter_net(NetParameter(), phase).state.phase == number


@pytest.mark.parametrize("phase", ["", "TESTING", 2, -1, None, 1.0])
def test_no_phase(phase):
    with pytest.raises(CaffeError) as error:
        filter_net(NetParameter(), phase)
    assert str(error.value) == f'Unknown phase {phase!r}: it is "TRAIN" (0) or "TEST" (1)'


def test_both_kinds_of_rules():
    with pytest.raises(CaffeError, match=r"^Layer 'l': Specify either include rules or exclude rules; not both\.$"):
        kept("include { } exclude { }")


def test_text_of_the_filtered_net_is_what_the_reference_logs():
    net = read_net('name: "tiny" layer { name: "a" } layer { name: "b" include { phase: TEST } } layer { name: "c" }')
    assert write_text(filter_net(net, "TRAIN")) == (
        'name: "tiny"\nstate {\n  phase: TRAIN\n}\nlayer {\n  name: "a"\n}\nlayer {\n  name: "c"\n}\n'
    )


def test_state_that_was_used_is_in_the_copy():
    net = read_net("state { level: 2 stage: 'a' }")
    assert write_text(filter_net(net, "TEST", stages=["b", "a"])) == ('state {\n  phase: TEST\n  level: 2\n  stage: "a"\n  stage: "b"\n}\n')


def test_the_given_net_stays_as_it_is():
    net = read_net("layer { include { phase: TRAIN } }")
    before = NetParameter()
    before.CopyFrom(net)
    filter_net(net, "TEST", 1, ["a"])
    assert net == before


def test_stages_are_a_list():
    with pytest.raises(CaffeError, match="stages is a list of names, not the single text 'deploy'"):
        filter_net(NetParameter(), "TEST", stages="deploy")


def test_a_legacy_net_has_to_be_upgraded_first():
    with pytest.raises(CaffeError, match="get it from read_net"):
        filter_net(NetParameter(layers=[{"name": "a"}]), "TEST")
