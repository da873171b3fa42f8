"""From options to a walk: which generator, which key frames, which domains on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from nada import ops
from nada.checkpoints import load_generator
from nada.checkpoints.loading import find_adaptation, read_base
from nada.config.interpolate import InterpolateConfig
from nada.domains import Blender, Domain, at_strength, load_pair, read_domain
from nada.errors import UsageError
from nada.generation import parse_seeds, styles_of
from nada.generation.painter import compute_of
from nada.interpolation.api import few_seeds, named_conditions, seed_tracks, square
from nada.interpolation.keys import Keys, Look, NoiseMaps
from nada.interpolation.paths import Place, places_of
from nada.interpolation.photographs import photograph_keys
from nada.interpolation.sheets import Sheets
from nada.interpolation.tuned import Beside, TunedWalk, tunings_of
from nada.interpolation.walks import DomainWalk, LatentWalk, StillWalk, Walk
from nada.models import Generator
from nada.precision import compute_exactly, fast_precision
from nada.runs import find_run, pick_device

DEFAULT_SEEDS = "0-3"


@dataclass(frozen=True)
class Film:
    """The frames of a film, and for people on what they are made."""

    sheets: Sheets
    headline: str


def plan_film(config: InterpolateConfig) -> Film:
    """Load what `config` names and settle where the walk goes; no frame is made yet.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for generators, domains and photographs that cannot be had.
    """
    if not (math.isfinite(config.truncation) and config.fps > 0):
        raise UsageError("--truncation is a finite number, and --fps more than 0.")
    _refuse_contradictions(config)
    device = pick_device(config.device)
    compute_exactly(device)
    precision = fast_precision(device) if config.precision == "auto" else config.precision
    between_domains = bool(config.to) or config.from_strength is not None or config.to_strength != 1
    if between_domains and config.space == "z":
        raise UsageError("--space z is for a walk from latent to latent; between domains the latents stay where they are.")
    maker = _DomainFilm if between_domains else _LatentFilm
    made = maker(config, device, precision)
    rows, columns = made.rows(), made.columns
    generator = made.generator
    size = ", ".join(filter(None, (f"{generator.config.resolution} px", generator.config.describe_conditions())))
    head = f"generator {made.name} ({size}){made.way}, {device} {precision}, {ops.describe(device.type)}, {config.frames} frames"
    return Film(Sheets(rows, columns, config.size, config.upscale, config.label, config.fps), head)


def _refuse_contradictions(config: InterpolateConfig) -> None:
    if config.from_picture is None:
        if config.to_picture:
            raise UsageError("--to-picture needs a --from-picture to begin at.")
    elif config.seeds is not None or config.classes or config.space == "z":
        raise UsageError("--from-picture takes the place of --seeds, --class and --space z; give one or the other.")
    elif (config.truncation, config.truncation_centre) != (1.0, "global"):
        raise UsageError("--truncation is for latents; a photograph is walked through as it was found.")
    if config.strength is not None and (config.to or config.from_strength is not None):
        raise UsageError("--strength is for a walk at one strength; between domains give --from-strength and --to-strength.")


def _spec(model: str) -> str:
    return str(find_run("latest")) if model == "latest" else model


def _pictures(config: InterpolateConfig) -> list[str]:
    return [] if config.from_picture is None else [config.from_picture, *config.to_picture]


class _LatentFilm:
    """One generator at one strength, and key frames for each of the walks."""

    def __init__(self, config: InterpolateConfig, device: torch.device, precision: str) -> None:
        self._config, self._precision = config, precision
        self.pair = load_pair(_spec(config.model or "demo"), device)
        if self.pair.domain is None and (config.strength is not None or config.compare):
            flag = "--compare" if config.compare else "--strength"
            raise UsageError(f"{flag} is for an adaptation, and {self.pair.spec} is a whole generator.")
        self.name = self.pair.spec
        self.strength = 1.0 if config.strength is None else config.strength
        self.generator = at_strength(self.pair, self.strength)
        self.columns = 1 if config.columns is None else config.columns
        self.way = ""

    def rows(self) -> list[tuple[str, Walk]]:
        """The walk, with that of the source above it where they are to be compared."""
        pictures = _pictures(self._config)
        photos = None if not pictures else photograph_keys(self.pair.source, pictures, self._config.invert_steps)
        tunings = tunings_of(pictures, [self.pair.spec])
        if photos is not None and tunings:
            self.way = ", photographs in their tuned generators"
            weights = [[float(path == other) for other in tunings] for path in pictures]
            after = self._tuned_walk(photos, [*tunings.values()], weights, self.strength)
            before = self._tuned_walk(photos, [*tunings.values()], weights, 0.0) if self._config.compare else None
        else:
            after = self._walk(self.generator, photos)
            before = self._walk(self.pair.source, photos) if self._config.compare else None
        return [("", after)] if before is None else [("before", before), ("after", after)]

    def _tuned_walk(self, photos: Keys, tunings: list[Domain], weights: list[list[float]], strength: float) -> Walk:
        """A walk in which tunings, and on top of them the adaptation at a strength, move along."""
        own = [] if self.pair.domain is None else [self.pair.domain]
        stops = [[*row, *[strength] * len(own)] for row in weights]
        blender = Blender(self.pair.source, [*tunings, *own], self._config.force)
        return TunedWalk(blender, stops, photos, self._places(photos), compute_of(self._precision))

    def _places(self, keys: Keys) -> list[Place]:
        config = self._config
        return places_of(len(keys.names), config.frames, config.loop, config.easing)

    def _walk(self, generator: Generator, photos: Keys | None) -> Walk:
        config = self._config
        if photos is not None:
            tracks = [photos]
        else:
            seeds = few_seeds(parse_seeds(config.seeds or DEFAULT_SEEDS))
            look = Look(config.truncation, config.truncation_centre)
            tracks = seed_tracks(generator, seeds, config.classes, config.space, look, self.columns)
        return LatentWalk(generator, tracks, self._places(tracks[0]), compute_of(self._precision))


class _DomainFilm:
    """A base, and the weights of domains at every key frame."""

    def __init__(self, config: InterpolateConfig, device: torch.device, precision: str) -> None:
        self._config, self._precision = config, precision
        spec = None if config.model is None else _spec(config.model)
        targets = [read_domain(target) for target in config.to]
        own = read_domain(spec) if spec is not None and find_adaptation(spec) is not None else None
        if own is None and not targets:
            raise UsageError(
                f"{spec or 'demo'} is a whole generator and has no source to walk from; give --model RUN, or --to RUN."
            )
        self.name = spec if spec is not None and own is None else (own or targets[0]).base
        self.generator = load_generator(self.name) if own is None and spec else read_base(self.name, spec or config.to[0])
        self.generator.to(device)
        self.domains = [*([own] if own else []), *targets]
        self.stops = _stops(own is not None, len(targets), config)
        self.way = " and the domains " + ", ".join(domain.name for domain in self.domains)
        self._tiles = 0

    @property
    def columns(self) -> int:
        """Tiles beside one another."""
        return self._config.columns or square(self._tiles)

    def rows(self) -> list[tuple[str, Walk]]:
        """The walk, with the source's pictures above it where they are to be compared."""
        groups = self._groups()
        self._tiles = sum(len(group.names) for group in groups)
        after = Beside([self._walk(self.domains, self.stops, group) for group in groups])
        if not self._config.compare:
            return [("", after)]
        before = Beside([self._walk([], [[]] * len(self.stops), group) for group in groups])
        return [("before", StillWalk(before, 0)), ("", after)]

    def _walk(self, domains: list[Domain], stops: list[list[float]], group: _Group) -> Walk:
        """The tiles of a group through domains, on top of its tuning all the way."""
        config = self._config
        places = places_of(len(stops), config.frames, config.loop, config.easing)
        stops = [[*stop, *[1.0] * len(group.tuning)] for stop in stops]
        blender = Blender(self.generator, [*domains, *group.tuning], config.force)
        compute = compute_of(self._precision)
        return DomainWalk(blender, stops, group.latents, group.names, places, compute, group.noise, told=len(domains))

    def _groups(self) -> list[_Group]:
        """All tiles; photographs for which the generator was tuned each by itself."""
        config = self._config
        if pictures := _pictures(config):
            keys = photograph_keys(self.generator, pictures, config.invert_steps)
            tunings = tunings_of(pictures, [config.model or "", *config.to])
            self.way += ", photographs in their tuned generators" if tunings else ""
            if not tunings:
                return [_photographs(keys, range(len(pictures)), [])]
            own = [[tunings[path]] if path in tunings else [] for path in pictures]
            return [_photographs(keys, [row], tuning) for row, tuning in enumerate(own)]
        seeds = few_seeds(parse_seeds(config.seeds or DEFAULT_SEEDS))
        names, conditions = named_conditions(self.generator, seeds, config.classes)
        look = config.truncation, None, config.truncation_centre
        return [_Group(lambda generator: styles_of(generator, seeds, conditions, *look), names)]


class _Group(NamedTuple):
    """Tiles that are made by one generator: what gives their styles on it, what they are called, their noise."""

    latents: Callable[[Generator], Tensor]
    names: Sequence[str]
    noise: NoiseMaps | None = None
    tuning: Sequence[Domain] = ()


def _photographs(keys: Keys, rows: Sequence[int], tuning: list[Domain]) -> _Group:
    """Some of the photographs as tiles."""
    places = [Place(row, row, 0.0) for row in rows]
    styles = keys.styles(places)
    return _Group(lambda generator: styles, [keys.names[row] for row in rows], keys.noise(places), tuning)


def _stops(own: bool, targets: int, config: InterpolateConfig) -> list[list[float]]:
    """Weights of the domains, that of the model first if it is one, at every key frame."""
    count = int(own) + targets
    begin = config.from_strength
    if begin is None:
        begin = 1.0 if own and targets else 0.0
    first = [begin, *[0.0] * (count - 1)]
    passed = range(int(own) if targets else 0, count)
    return [first, *([config.to_strength if index == target else 0.0 for index in range(count)] for target in passed)]
