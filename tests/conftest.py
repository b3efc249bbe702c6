"""What holds for all tests: each begins with as many threads of the kernels as the machine has, whatever commands that
others ran in this process were told."""

from collections.abc import Iterator

import pytest

from model import native


@pytest.fixture(autouse=True)
def all_threads() -> Iterator[None]:
    native.use_threads(0)
    yield
    native.use_threads(0)
