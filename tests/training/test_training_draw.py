"""What a step draws, and which rows of it a process takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nada.processes import Share
from nada.training.draw import Draw


def test_steps_draw_independently_of_each_other() -> None:
    draws = [Draw(seed, step, 3).uniform(2).tolist() for seed, step in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert draws[0] == draws[3] and draws[0] != draws[1] and draws[0] != draws[2] and draws[1] != draws[2]


def test_rows_of_all_processes_are_the_batch_and_keep_its_groups() -> None:
    for world in (1, 2, 4):
        parts = [Share(rank, world).rows(32, 4) for rank in range(world)]
        assert torch.cat(parts).sort().values.tolist() == list(range(32))
        groups = {tuple(column) for part in parts for column in part.view(4, -1).T.tolist()}
        assert groups == {(k, k + 8, k + 16, k + 24) for k in range(8)}
    uneven = [Share(rank, 2).rows(5, 4) for rank in range(2)]
    assert torch.cat(uneven).sort().values.tolist() == list(range(5))


def test_a_process_draws_its_rows_of_what_one_process_draws() -> None:
    rows = Share(1, 2).rows(8, 4)
    whole, mine = Draw(0, 5, 8), Draw(0, 5, 8, rows=rows)
    for name, arguments in (("normal", (3,)), ("uniform", (1, 1)), ("integers", (0, 9))):
        assert torch.equal(getattr(mine, name)(*arguments), getattr(whole, name)(*arguments)[rows])
    assert mine.chance() == whole.chance() and mine.choice(0, 99) == whole.choice(0, 99)
    assert rows[mine.first_half()[0]].tolist() == [row for row in rows.tolist() if row < 4]


@pytest.mark.parametrize(("batch", "group", "world"), [(8, 4, 2), (8, 1, 2), (12, 3, 2), (4, 4, 4), (7, 1, 1), (1, 1, 1)])
def test_means_over_halves_of_the_processes_are_those_over_the_half_of_the_batch(batch: int, group: int, world: int) -> None:
    """Catches processes that have other parts of the first half than the rest of them, or none of it."""
    values, parts = torch.arange(float(batch)).square(), []
    for rank in range(world):
        rows = Share(rank, world).rows(batch, group)
        half, weight = Draw(0, 0, batch, rows=rows).first_half()
        parts.append(values[rows][half].mean().item() * weight)
    assert np.mean(parts) == pytest.approx(values[: max(batch // 2, 1)].mean().item())
