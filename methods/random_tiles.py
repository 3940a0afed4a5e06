"""Random real images, shrunk and joined as tiles: the control of methods that distil tiles.

A set of tiled images holds factor^2 times as many small ones in the same bytes; what is gained by
that alone is not gained by distilling.
"""

from __future__ import annotations

from dataclasses import dataclass

from ddbench import DistilledSet, Method, MethodSettings, setting

from ._tiles import evaluation, tiles_of_real_images


class RandomTiles(Method):
    """Shrunken real images of each class, drawn uniformly, several in the space of one."""

    needs_equal_counts = False
    selects = True

    @dataclass
    class Settings(MethodSettings):
        """Settings of the tiles."""

        factor: int = setting(2, "rows and columns of tiles in an image", low=1, high=8)
        flipped_students: bool = setting(
            True, "whether the authors' evaluation may flip images; not of digits"
        )

    settings: Settings

    def finish(self) -> DistilledSet:
        """The drawn images."""
        return self.task.distilled_set(
            tiles_of_real_images(self.task, self.settings.factor),
            self.task.class_ids(),
            evaluation=evaluation(self.settings.flipped_students),
            tile_factor=self.settings.factor,
        )
