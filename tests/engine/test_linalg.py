"""Linear algebra where PyTorch's own table of operators does not look: failures, blocks, sizes, chains."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest

import retrograd
from retrograd import linalg
from retrograd.ops.eliminate import eliminated


@pytest.fixture
def torch() -> ModuleType:
    return importlib.import_module("torch")


SINGULAR = [[[2.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]]


@pytest.mark.oracle
@pytest.mark.parametrize("function", ["inv", "solve", "cholesky"])
def test_a_failure_names_the_matrix_and_the_pivot_as_pytorch_does(torch: ModuleType, function: str) -> None:
    said = []
    for library in (retrograd, torch):
        matrices = library.tensor(SINGULAR)
        arguments = (matrices, library.ones(2, 2, 1)) if function == "solve" else (matrices,)
        with pytest.raises(library.linalg.LinAlgError) as caught:
            getattr(library.linalg, function)(*arguments)
        said.append(str(caught.value))
    assert said[0].rstrip(".") in said[1]
    assert "Batch element 1" in said[0]


def test_what_fails_leaves_the_other_matrices_of_the_batch_alone() -> None:
    inverse, info = linalg.inv_ex(retrograd.tensor(SINGULAR))
    assert info.tolist() == [0, 2]
    assert inverse[0].tolist() == [[0.5, 0.0], [0.0, 0.25]]
    assert bool(inverse[1].isnan().all())
    solution, info = linalg.solve_ex(retrograd.tensor(SINGULAR), retrograd.ones(2, 2, 1))
    assert info.tolist() == [0, 2]
    assert solution[0].flatten().tolist() == [0.5, 0.25]


@pytest.mark.parametrize("order", range(1, 6))
def test_cholesky_says_which_leading_minor_is_not_positive(order: int) -> None:
    matrix = np.diag([4.0] * 5)
    matrix[order - 1, order - 1] = -1.0
    factor, info = linalg.cholesky_ex(retrograd.tensor(matrix))
    assert info.item() == order
    assert factor.diagonal().tolist() == [2.0] * (order - 1) + [0.0] * (6 - order)


def test_a_triangle_with_a_zero_on_its_diagonal_leads_to_infinity() -> None:
    triangle = retrograd.tensor([[1.0, 5.0], [1.0, 0.0]])
    found = linalg.solve_triangular(triangle, retrograd.tensor([[1.0], [2.0]]), upper=False)
    assert found.flatten().tolist() == [1.0, float("inf")]


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(70, 70), (100, 40), (40, 100), (2, 33, 65)])
def test_lu_of_more_columns_than_a_block(torch: ModuleType, shape: tuple[int, ...]) -> None:
    value = np.random.default_rng(3).normal(size=shape)
    mine, theirs = linalg.lu_factor(retrograd.tensor(value)), torch.linalg.lu_factor(torch.tensor(value))
    np.testing.assert_array_equal(mine.pivots.numpy(), theirs.pivots.numpy())
    np.testing.assert_allclose(mine.LU.numpy(), theirs.LU.numpy(), rtol=1e-9, atol=1e-9)
    compact, pivots = eliminated(retrograd.device("cpu").xp, value)  # what a device without LAPACK runs
    np.testing.assert_array_equal(pivots, theirs.pivots.numpy())
    np.testing.assert_allclose(compact, theirs.LU.numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.oracle
def test_matrix_exponentials_of_every_size_in_one_batch(torch: ModuleType) -> None:
    value = np.random.default_rng(4).normal(size=(4, 5, 5)) * np.array([1e-9, 1e-2, 1.0, 30.0])[:, None, None]
    found = linalg.matrix_exp(retrograd.tensor(value)).numpy()
    np.testing.assert_allclose(found, torch.linalg.matrix_exp(torch.tensor(value)).numpy(), rtol=1e-9, atol=1e-15)


def test_the_gradient_of_a_singular_determinant_is_the_matrix_of_cofactors() -> None:
    matrix = retrograd.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=retrograd.float64, requires_grad=True)
    linalg.det(matrix).backward()
    np.testing.assert_allclose(matrix.grad.numpy(), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-12)


def test_a_chain_of_products_is_cut_where_it_costs_least() -> None:
    from retrograd.functional.vectors import _cuts

    cuts = _cuts([30, 35, 15, 5, 10, 20, 25])  # the example of Cormen et al., figure 15.5
    assert cuts[0, 5] == 2
    assert cuts[0, 2] == 0
    assert cuts[3, 5] == 4


@pytest.mark.oracle
@pytest.mark.parametrize(
    "equation", ["ab,bc->ac", "aab->b", "...a,ba->...b", "ab,cd->", "ba", "a,a->a", "abc,cd,de->eab"]
)
def test_einsum_and_its_gradient(torch: ModuleType, equation: str) -> None:
    rng = np.random.default_rng(5)
    sizes = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 3}
    values = []
    for labels in equation.split("->")[0].split(","):
        wide = (2, 1) if "..." in labels else ()
        values.append(rng.normal(size=(*wide, *(sizes[each] for each in labels.replace("...", "")))))
    answers = []
    for library in (retrograd, torch):
        operands = [library.tensor(each, requires_grad=True) for each in values]
        out = library.einsum(equation, *operands)
        (out * out).sum().backward()
        answers.append([out.detach().numpy(), *(each.grad.numpy() for each in operands)])
    for mine, theirs in zip(*answers, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ab,bc->ac", retrograd.ones(2, 2)), "2 operands were specified in the equation, but 1 given"),
        (("ab->c", retrograd.ones(2, 2)), "c does not appear in the equation"),
        (("a->a", retrograd.ones(2, 2)), "does not match the number of dimensions"),
        (("ab,bc->ac", retrograd.ones(2, 3), retrograd.ones(2, 3)), "does not broadcast"),
        (("a1->a", retrograd.ones(2, 2)), "invalid subscript"),
    ],
)
def test_einsum_says_what_does_not_fit(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        retrograd.einsum(*arguments)


@pytest.mark.oracle
def test_low_rank_factorisations_draw_as_pytorch_does(torch: ModuleType) -> None:
    value = np.random.default_rng(6).normal(size=(5, 9))
    answers = []
    for library in (retrograd, torch):
        library.manual_seed(1)
        matrix = library.tensor(value)
        answers.append([library.svd_lowrank(matrix, 3)[1].numpy(), library.pca_lowrank(matrix, 2)[1].numpy()])
    for mine, theirs in zip(*answers, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9)
