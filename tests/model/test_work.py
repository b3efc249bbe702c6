"""What a call computes and reads: counted by watching, equal to what the configuration says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model.ceilings import Ceiling, bandwidth
from model.omni import BLOCK, FIRST_CARRIED, OmniConfig
from model.work import Product, module_work, omni_work


@pytest.mark.parametrize("config", [OmniConfig(), OmniConfig(width=128, layers=4, heads=2, hidden=320, window=5)])
def test_a_call_of_the_omni_computes_what_its_configuration_says(config: OmniConfig) -> None:
    work = omni_work(config, integers=True)
    done = {p: n for p, n in work.products.items() if p.integers and p.outputs == 2 * config.hidden}
    assert done == {Product(BLOCK, config.width, 2 * config.hidden, True): config.layers}
    spaces = config.layers - config.time_layers
    scores = Product(BLOCK, config.width // config.heads, BLOCK, False)
    assert work.products[scores] == spaces * config.heads
    linear = 2 * config.width * (4 * config.width + 3 * config.hidden)
    over_time = config.time_layers * 2 * 4 * config.width**2 * FIRST_CARRIED  # these slots are not carried over time
    layers = [p for p in work.products if p.integers and p.rows in (BLOCK, BLOCK - FIRST_CARRIED)]
    assert sum(p.flops * work.products[p] for p in layers) == config.layers * BLOCK * linear - over_time


def test_the_past_is_read_whole_and_a_frame_of_it_is_written() -> None:
    config = OmniConfig()
    frame = 2 * config.time_layers * (BLOCK - FIRST_CARRIED) * config.width * 4
    assert omni_work(config, integers=True).past_bytes == (config.window + 1) * frame


def test_integers_have_a_byte_a_weight_and_channels_alone_stay_in_floats() -> None:
    net = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 4, 1))
    work = module_work(net, lambda: net(torch.zeros(1, 8, 5, 6)), integers=True)
    assert work.products == {Product(30, 9, 8, False): 1, Product(30, 8, 4, True): 1}
    assert work.weight_bytes == 8 * 9 + 8 * 4 + 4 * (8 + 4)


def test_a_ceiling_is_of_the_shapes_that_count_and_bounds_the_rest() -> None:
    large, small = Product(96, 192, 192, True), Product(1, 12, 16, True)
    ceiling = Ceiling([(large, 8), (small, 1)])
    assert [rates.product for rates in ceiling.rates] == [large]
    assert ceiling.flops_per_s(small) == ceiling.flops_per_s(large) > 1e8
    assert ceiling.seconds([(large, 8)]) == pytest.approx(8 * large.flops / ceiling.flops_per_s(large))


def test_memory_is_slower_than_arithmetic_and_faster_than_a_disk() -> None:
    read, copied = bandwidth()
    assert 1e9 < read < 1e13 and 1e9 < copied < 1e13
