"""FRePo: a flax checkpoint, an .npz of one step, or the state dict of its torch branch.

yongchaoz/FRePo: `params/{x_proto, y_proto}` (N, H, W, C); `np/step*.npz` with `image` and `label`;
`best_ckpt.pt` with `syndata_state_dict/{x_syn (N, C, H, W), y_syn}`.
"""

from __future__ import annotations

from ..importing.importer import ImportedSet, Importer, images_of, labels_of
from ..importing.source import Source
from ._prototypes import checkpoint, part, read_prototypes

STATE = "syndata_state_dict"


class Prototypes(Importer):
    """Images and centred targets."""

    def recognises(self, source: Source) -> int:
        if part(checkpoint(source), "params"):
            return 2
        if source.kind == "npz" and {"image", "label"} <= source.table.keys():
            return 2
        state = source.table.get(STATE)
        return 3 if isinstance(state, dict) and {"x_syn", "y_syn"} <= state.keys() else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        if part(checkpoint(source), "params"):
            return read_prototypes(checkpoint(source), "params")
        if source.kind == "npz":
            table, names, layout = source.table, ("image", "label"), "NHWC"
        else:
            table, names, layout = source.table[STATE], ("x_syn", "y_syn"), "NCHW"
        images = images_of(table[names[0]], f"{source}: {names[0]}")
        labels = labels_of(table[names[1]], len(images), f"{source}: {names[1]}")
        return ImportedSet(images, labels, layout=layout, label_kind="targets")
