"""What holds for all tests: OpenMP's threads wait asleep, since others want the same cores, and each test begins with
as many threads of the kernels as the machine has, whatever commands that others ran in this process were told."""

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
from collections.abc import Iterator

import pytest

from model import native


@pytest.fixture(autouse=True)
def all_threads() -> Iterator[None]:
    native.use_threads(0)
    yield
    native.use_threads(0)
