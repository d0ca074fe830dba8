"""The solvers of the three families, with placeholders."""

from config_builders.text import Message, Word, solver, variable

TRAINING = "train_${TRAIN_SET}"
FILES = {
    "train_net": f"${{EXP}}/config/${{NET_ID}}/{TRAINING}.prototxt",
    "snapshot_prefix": f"${{EXP}}/model/${{NET_ID}}/{TRAINING}",
}
COMMON = {**FILES, "base_lr": variable("LEARNING_RATE"), "display": 10}
MOMENTUM = {"momentum": 0.9, "weight_decay": 0.0005}
ON_GPU: Message = {"solver_mode": Word("GPU")}


def embs() -> str:
    """Adam at a fixed rate."""
    return solver({**COMMON, "type": "Adam", "lr_policy": "fixed", "max_iter": 24000, "snapshot": 1000, **ON_GPU})


def vgg() -> str:
    """Momentum, the rate cut to a tenth every `${STEP}` iterations."""
    steps = {"lr_policy": "step", "gamma": 0.1, "stepsize": variable("STEP")}
    return solver({**COMMON, **steps, **MOMENTUM, **_lengths(), "solver_mode": variable("SOLVER_MODE")})


def res() -> str:
    """Momentum, the rate falling to zero, gradients of `${ITER_SIZE}` batches added up."""
    policy = {"lr_policy": "poly", "power": 0.9, "iter_size": variable("ITER_SIZE"), "average_loss": 10}
    return solver({**COMMON, **policy, **MOMENTUM, **_lengths(), **ON_GPU})


def embs_bsds500() -> str:
    """Adam, as published, with a rate that falls: a run of minutes has no time to wait for the noise to average out."""
    return solver({**_adam_here(600), "average_loss": 10, "display": 10, "test_iter": 25, "test_interval": 150, "snapshot": 150})


def embs_camvid() -> str:
    """The same, from BSDS500's weights on."""
    return solver({**_adam_here(1200), "average_loss": 10, "display": 10, "test_iter": 25, "test_interval": 300, "snapshot": 300})


def camvid() -> str:
    """Momentum, the rate falling to zero."""
    return solver(
        {
            **_trained_here("seed${SEED}"),
            "base_lr": 0.05,
            "momentum": 0.9,
            "weight_decay": 0.0005,
            "max_iter": 1200,
            "average_loss": 40,
            "display": 20,
            "test_iter": 25,
            "test_interval": 400,
            "snapshot": 400,
        }
    )


def _adam_here(iterations: int) -> Message:
    return {**_trained_here("run"), "base_lr": 0.001, "type": "Adam", "max_iter": iterations}


def _trained_here(run: str) -> Message:
    files = {"net": "segaware/config/${NET_ID}/train.prototxt", "snapshot_prefix": f"segaware/model/${{NET_ID}}/{run}"}
    return {**files, "lr_policy": "poly", "power": 0.9, "random_seed": variable("SEED"), "solver_mode": Word("CPU")}


def _lengths() -> Message:
    return {"max_iter": variable("ITERS"), "snapshot": variable("SNAP")}
