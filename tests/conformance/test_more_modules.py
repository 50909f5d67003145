"""Modules that PyTorch's table has not, held to PyTorch in the same way."""

from __future__ import annotations

from typing import Any

import pytest

Shape = tuple[int, ...]

SAMPLES: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[Shape, ...]]] = [
    ("AlphaDropout", (0.3,), {}, ((4, 5),)),
    ("ChannelShuffle", (3,), {}, ((2, 6, 4, 4),)),
    ("CosineSimilarity", (), {"dim": 0}, ((3, 4), (3, 4))),
    ("Dropout", (), {"p": 0.2}, ((4, 5),)),
    ("Dropout1d", (0.4,), {}, ((4, 5, 3),)),
    ("Dropout2d", (0.4,), {}, ((4, 5, 3, 2),)),
    ("Dropout3d", (0.4,), {}, ((4, 5, 3, 2, 2),)),
    ("FeatureAlphaDropout", (0.4,), {}, ((4, 5, 3),)),
    ("Flatten", (), {"start_dim": 0, "end_dim": 1}, ((2, 3, 4),)),
    ("Fold", ((4, 5), (2, 2)), {"stride": 1, "padding": (1, 0)}, ((2, 12, 20),)),
    ("Hardsigmoid", (), {}, ((4, 5),)),
    ("Identity", (), {}, ((4, 5),)),
    ("PairwiseDistance", (), {"p": 3.0, "keepdim": True}, ((3, 4), (3, 4))),
    ("PixelShuffle", (2,), {}, ((2, 8, 3, 3),)),
    ("PixelUnshuffle", (2,), {}, ((2, 2, 4, 6),)),
    ("RReLU", (), {"lower": 0.1, "upper": 0.4}, ((4, 5),)),
    ("TripletMarginLoss", (), {"margin": 0.7, "swap": True}, ((4, 5), (4, 5), (4, 5))),
    ("TripletMarginWithDistanceLoss", (), {"margin": 2.0, "reduction": "sum"}, ((4, 5), (4, 5), (4, 5))),
    ("Unflatten", (1, (2, -1)), {}, ((3, 8),)),
    ("Unfold", ((2, 3),), {"dilation": (2, 1), "padding": 1, "stride": (1, 2)}, ((2, 3, 5, 6),)),
    ("Upsample", ((4, 7),), {"mode": "bicubic"}, ((2, 3, 3, 4),)),
    ("Upsample", (), {"scale_factor": (2.0, 3.0)}, ((2, 3, 3, 4),)),
    ("Upsample", (), {"scale_factor": 2, "mode": "linear", "align_corners": False}, ((2, 3, 4),)),
    ("UpsamplingBilinear2d", ((5, 6),), {}, ((2, 3, 3, 4),)),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}, ((2, 3, 3, 4),)),
]  # fmt: skip
"""Name, arguments and options of the module, shapes of what it is called with."""


@pytest.mark.oracle
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), SAMPLES, ids=lambda each: str(each)[:30])
def test_module_holds(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], shapes: tuple[Shape, ...], training: bool
) -> None:
    import torch

    import retrograd
    from conformance.check_module import same_call, same_module

    mine = getattr(retrograd.nn, name)(*args, **kwargs).train(training)
    theirs = getattr(torch.nn, name)(*args, **kwargs).train(training)
    same_module(mine, theirs)
    torch.manual_seed(0)
    same_call(mine, theirs, [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes], {})


@pytest.mark.oracle
@pytest.mark.parametrize("target", [[3, 0, 11, 7, 2, 4, 19], 12])
def test_adaptive_softmax_holds(target: Any) -> None:
    import torch

    import retrograd
    from conformance.check_module import same_call, same_module
    from conformance.compare import same
    from conformance.convert import converted

    mine, theirs = (
        t.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0, head_bias=True).to(t.float64)
        for t in (retrograd, torch)
        if t.manual_seed(3) is not None
    )
    same_module(mine, theirs)
    classes = torch.tensor(target)
    input = torch.randn(*classes.shape, 8, dtype=torch.float64, requires_grad=True)
    same_call(mine, theirs, [input, classes], {})
    if classes.ndim:
        same(mine.log_prob(converted(input)), theirs.log_prob(input), "log probabilities")
        many = torch.randn(50, 8, dtype=torch.float64)
        same(mine.predict(converted(many)), theirs.predict(many), "prediction")
        for wrong in (torch.tensor([20] * 7), torch.tensor([0] * 6), classes[None]):
            for module, given in ((mine, converted), (theirs, lambda each: each)):
                with pytest.raises(RuntimeError):
                    module(given(input), given(wrong))


def test_adaptive_softmax_refuses_cutoffs_out_of_order() -> None:
    import retrograd

    for cutoffs in ([], [4, 2], [0, 2], [3, 3], [3, 10]):
        with pytest.raises(ValueError, match="cutoffs should be"):
            retrograd.nn.AdaptiveLogSoftmaxWithLoss(4, 10, cutoffs)


@pytest.mark.oracle
@pytest.mark.parametrize("options", [{}, {"mode": "sum", "padding_idx": 1}, {"mode": "max"}, {"norm_type": 1.0}])
def test_bags_of_embeddings_hold(options: dict[str, Any]) -> None:
    import torch

    import retrograd
    from conformance.check_module import same_call, same_module

    made = []
    for t in (retrograd, torch):
        t.manual_seed(1)
        made.append(t.nn.EmbeddingBag(6, 3, dtype=t.float64, **options))
    same_module(*made)
    same_call(*made, [torch.tensor([[1, 2, 4], [5, 1, 1]])], {})
    same_call(*made, [torch.tensor([1, 2, 4, 5, 0]), torch.tensor([0, 2, 2])], {})
    table = [[1.0, 2.0], [3.0, 4.0]]
    fixed = [t.nn.EmbeddingBag.from_pretrained(t.tensor(table), mode="sum") for t in (retrograd, torch)]
    same_module(*fixed)
    weights = torch.tensor([[0.5, 2.0]], requires_grad=True)
    same_call(*fixed, [torch.tensor([[0, 1]])], {"per_sample_weights": weights})
    assert not fixed[0].weight.requires_grad


@pytest.mark.oracle
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_unpooling_holds(rank: int) -> None:
    import torch

    import retrograd
    from conformance.check_module import same_call, same_module

    input = torch.randn(2, 3, *[6] * rank, dtype=torch.float64)
    values, places = getattr(torch.nn, f"MaxPool{rank}d")(2, return_indices=True)(input)
    modules = [getattr(t.nn, f"MaxUnpool{rank}d")(2) for t in (retrograd, torch)]
    same_module(*modules)
    same_call(*modules, [values.requires_grad_(), places], {})
    same_call(*modules, [values, places], {"output_size": [7] * rank})
