"""From options to a walk: which generator, which key frames, which domains on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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
from nada.interpolation.walks import DomainWalk, LatentWalk, StillWalk, Walk
from nada.models import Generator
from nada.precision import fast_precision
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
    precision = fast_precision(device) if config.precision == "auto" else config.precision
    between_domains = bool(config.to) or config.from_strength is not None or config.to_strength != 1
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
        self.generator = at_strength(self.pair, 1.0 if config.strength is None else config.strength)
        self.columns = 1 if config.columns is None else config.columns
        self.way = ""

    def rows(self) -> list[tuple[str, Walk]]:
        """The walk, with that of the source above it where they are to be compared."""
        pictures = _pictures(self._config)
        photos = None if not pictures else photograph_keys(self.pair.source, pictures, self._config.invert_steps)
        after = self._walk(self.generator, photos)
        if not self._config.compare:
            return [("", after)]
        return [("before", self._walk(self.pair.source, photos)), ("after", after)]

    def _walk(self, generator: Generator, photos: Keys | None) -> Walk:
        config = self._config
        if photos is not None:
            tracks = [photos]
        else:
            seeds = few_seeds(parse_seeds(config.seeds or DEFAULT_SEEDS))
            look = Look(config.truncation, config.truncation_centre)
            tracks = seed_tracks(generator, seeds, config.classes, config.space, look, self.columns)
        places = places_of(len(tracks[0].names), config.frames, config.loop, config.easing)
        return LatentWalk(generator, tracks, places, compute_of(self._precision))


class _DomainFilm:
    """A base, and the weights of domains at every key frame."""

    def __init__(self, config: InterpolateConfig, device: torch.device, precision: str) -> None:
        self._config, self._precision = config, precision
        spec = None if config.model is None else _spec(config.model)
        targets = [read_domain(target) for target in config.to]
        own = read_domain(spec) if spec is not None and find_adaptation(spec) is not None else None
        if own is None and not targets:
            raise UsageError(f"{spec or 'demo'} is a whole generator and has no source to walk from; give --model RUN, or --to RUN.")
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
        config = self._config
        latents, names, noise = self._latents()
        self._tiles = len(names)
        places = places_of(len(self.stops), config.frames, config.loop, config.easing)
        blender = Blender(self.generator, self.domains, config.force)
        compute = compute_of(self._precision)
        walk = DomainWalk(blender, self.stops, latents, names, places, compute, noise)
        if not config.compare:
            return [("", walk)]
        still = DomainWalk(Blender(self.generator, []), [[], []], latents, names, places, compute_of(self._precision), noise)
        return [("before", StillWalk(still, 0)), ("", walk)]

    def _latents(self) -> tuple[Callable[[Generator], Tensor], list[str], NoiseMaps | None]:
        """What gives the styles of the tiles, what they are called, and their noise."""
        config = self._config
        if pictures := _pictures(config):
            keys = photograph_keys(self.generator, pictures, config.invert_steps)
            each = [Place(index, index, 0.0) for index in range(len(pictures))]
            styles = keys.styles(each)
            return lambda generator: styles, list(keys.names), keys.noise(each)
        seeds = few_seeds(parse_seeds(config.seeds or DEFAULT_SEEDS))
        names, conditions = named_conditions(self.generator, seeds, config.classes)
        look = config.truncation, None, config.truncation_centre
        return lambda generator: styles_of(generator, seeds, conditions, *look), names, None


def _stops(own: bool, targets: int, config: InterpolateConfig) -> list[list[float]]:
    """Weights of the domains, that of the model first if it is one, at every key frame."""
    count = int(own) + targets
    begin = config.from_strength
    if begin is None:
        begin = 1.0 if own and targets else 0.0
    first = [begin, *[0.0] * (count - 1)]
    passed = range(int(own) if targets else 0, count)
    return [first, *([config.to_strength if index == target else 0.0 for index in range(count)] for target in passed)]
