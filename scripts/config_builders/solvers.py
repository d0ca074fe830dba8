"""The solvers of the three families and of our own networks, with placeholders."""

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


def camvid() -> str:
    """Adam, the rate falling to zero; scripts/train_models.py fills in each stage."""
    return solver(
        {
            "type": "Adam",
            "momentum": 0.9,
            "base_lr": variable("LEARNING_RATE"),
            "lr_policy": "poly",
            "power": 0.9,
            **_lengths(),
            "snapshot_prefix": "${PREFIX}",
            "display": variable("DISPLAY"),
            "average_loss": 20,
            "random_seed": variable("SEED"),
            "solver_mode": Word("CPU"),
        }
    )


def _lengths() -> Message:
    return {"max_iter": variable("ITERS"), "snapshot": variable("SNAP")}
