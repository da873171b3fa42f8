"""What a run, or an export of one, tells of its generator: where it came from, who guided it, what it was made to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nada.checkpoints import hub
from nada.checkpoints.native import CONFIG
from nada.checkpoints.records import COMMANDS, read_record, shared_base
from nada.checkpoints.registry import BUNDLED
from nada.errors import NadaError
from nada.files import read_json

_MAX_CHAIN = 8  # adaptations of adaptations
_ADAPTED = ("adapt", "mix")


@dataclass(frozen=True)
class Origin:
    """Where a generator came from; everything is empty for one of which nothing is told.

    Attributes:
        folder: the run; None for what is in no run, as an export or a place on the hub.
        part: the folder inside it that the generator lies in: `best`, `generator`, or nothing for the run itself.
        record: the run's `config.json`.
        base: the origin of the generator that was adapted.
        base_spec: the generator that was adapted; None where there was none, or none that can be had here.
    """

    folder: Path | None = None
    part: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    base: Origin | None = None
    base_spec: str | None = None

    @property
    def is_run(self) -> bool:
        """Whether what the run ended with is judged."""
        return self.folder is not None and self.part in ("", "generator")

    @property
    def is_best(self) -> bool:
        """Whether what a training found best by its own measuring is judged."""
        return self.command == "train" and self.part == "best"

    @property
    def holds_out(self) -> bool:
        """Whether a training kept some of its pictures apart."""
        return bool(self.option("holdout") or self.option("holdout_glob"))

    @property
    def command(self) -> str:
        """ "adapt", "mix", "train" or nothing."""
        return str(self.record.get("command", ""))

    def option(self, name: str) -> Any:
        """An option of the run, None where it has none of that name."""
        options = self.record.get("options")
        return options.get(name) if isinstance(options, dict) else None

    @property
    def guides(self) -> dict[str, str]:
        """Names of the guides that had a part in the weights, by the checksum of theirs; those of the bases, too."""
        own = self.record.get("guide") if self.command in _ADAPTED else None
        found = dict(self.base.guides) if self.base else {}
        for encoder in own.get("encoders", ()) if isinstance(own, dict) else ():
            found[str(encoder.get("sha256"))] = str(encoder.get("name"))
        return found

    @property
    def choosers(self) -> dict[str, str]:
        """Names of the guides that did not guide but chose which weights are kept, by their checksum where it is known."""
        if self.is_best:
            return {"unknown": str(self.option("metrics"))}
        stops = self.option("stop")
        judge = self.record.get("judge") if (self.option("method") == "nada" if stops is None else stops) else None
        return {
            str(encoder.get("sha256")): str(encoder.get("name"))
            for encoder in (judge.get("encoders", ()) if isinstance(judge, dict) else ())
        }

    @property
    def data(self) -> str | None:
        """The pictures that a training on this machine was on."""
        data = self.option("data") if self.command == "train" and self.folder is not None else None
        return data if isinstance(data, str) else None

    @property
    def target_images(self) -> str | None:
        """The pictures that an adaptation on this machine was guided by."""
        images = self.option("target_images") if self.command == "adapt" and self.folder is not None else None
        return images if isinstance(images, str) else None

    @property
    def step(self) -> int:
        """The step that the weights are of, which with a judge may not be the last; 0 where the run does not say."""
        told = None if self.folder is None else self.folder / ("best.json" if self.is_best else "result.json")
        if told is None or not told.is_file():
            return 0
        facts = read_json(told)
        number = facts.get("best_step", facts.get("steps")) if self.command == "adapt" else facts.get("step")
        return number if isinstance(number, int) else 0


def origin_of(spec: str, depth: int = _MAX_CHAIN) -> Origin:
    """What is known of the generator that `spec` names.

    Raises:
        NadaError: for a run whose config.json is damaged, and for what cannot be had from the hub.
    """
    if depth < 0:
        raise NadaError(f"{spec} is an adaptation of an adaptation without end; its {CONFIG} is wrong.")
    if spec.startswith(hub.PREFIX):
        return _shared(hub.fetch_generator(hub.parse_address(spec)), depth)
    if spec in BUNDLED:
        return Origin()
    path = Path(spec).expanduser()
    for folder in (path, path.parent):
        if path.is_dir() and (folder / CONFIG).is_file():
            record = read_json(folder / CONFIG)
            if isinstance(record, dict) and record.get("command") in COMMANDS:
                base = record.get("generator") if record["command"] in _ADAPTED else None
                before = origin_of(base, depth - 1) if isinstance(base, str) and base else None
                return Origin(folder, "" if folder == path else path.name, record, before, base)
    return _shared(path, depth) if path.exists() else Origin()


def _shared(place: Path, depth: int) -> Origin:
    """What an export says, in which nothing is written; its base may be out of reach."""
    record = read_record(place)
    base = shared_base(place, record) if record.get("command") in _ADAPTED else None
    try:
        before = origin_of(base, depth - 1) if base else None
    except NadaError:  # whoever compares with it is told
        before = None
    return Origin(record=record, base=before, base_spec=base)
