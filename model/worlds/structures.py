"""What stands in a land for ever: a town's houses, as solids.
Knows walls, roofs and colours; refuses to know who lives there."""

from __future__ import annotations

from model.worlds.lands import House, Land
from model.worlds.solids import BOX, ROOF, Body, Colour

PLASTERS: tuple[Colour, ...] = (
    (0.86, 0.78, 0.62), (0.90, 0.87, 0.80), (0.78, 0.52, 0.38), (0.80, 0.70, 0.45), (0.62, 0.68, 0.70),
    (0.84, 0.62, 0.55), (0.70, 0.72, 0.60),
)  # fmt: skip
TILES: tuple[Colour, ...] = ((0.55, 0.24, 0.15), (0.46, 0.20, 0.15), (0.30, 0.29, 0.32), (0.60, 0.32, 0.18))


def standing(land: Land) -> Body:
    """All houses of a land."""
    body = Body()
    for house in land.houses:
        _house(body, house)
    return body


def _house(body: Body, house: House) -> None:
    plaster = PLASTERS[int(house.tint * 977) % len(PLASTERS)]
    tiles = TILES[int(house.tint * 613) % len(TILES)]
    middle, half = house.y + house.walls_m / 2 - 0.5, house.walls_m / 2 + 0.5
    sizes = (house.half_x, half, house.half_z)
    body.add(BOX, (house.x, middle, house.z), sizes, plaster, material="wall", radius=house.tint)
    top = house.y + house.walls_m
    across = int(house.tint * 101) % 2
    eaves = (house.half_x + 0.3, house.roof_m / 2, house.half_z + 0.35)
    if across:
        eaves = (house.half_z + 0.3, house.roof_m / 2, house.half_x + 0.35)
    at = (house.x, top + house.roof_m / 2, house.z)
    body.add(ROOF, at, eaves, tiles, material="wall", turn=1.5707964 * across)
    side = house.half_x * 0.45
    chimney = (house.x + side, top + house.roof_m * 0.75, house.z + 0.3 * house.half_z)
    body.add(BOX, chimney, (0.28, 0.75, 0.28), (0.46, 0.30, 0.24), material="stone")
