"""Conditions as people name them: classes and known prompts by name or number, any text where a generator reads text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nada.clip import load_encoder
from nada.clip.checks import warn_of_unknown_words
from nada.errors import NadaError, UsageError
from nada.models import Generator
from nada.models.conditions import class_number

Chosen = Sequence[str | int] | str | int


def as_names(chosen: Chosen) -> tuple[str, ...]:
    """Return one condition or several, given by name or number, as names.

    >>> as_names("apple"), as_names([0, "lemon"])
    (('apple',), ('0', 'lemon'))
    """
    return (str(chosen),) if isinstance(chosen, (str, int)) else tuple(map(str, chosen))


class Conditions:
    """Turns the names of conditions into rows for the generator; a text is read by its guide once.

    `chosen` are names or numbers, or a single one; none stands for all that the generator knows. They go by seed: the
    picture of seed s has the condition `s % count`, as `Generator.sample` chooses it.
    """

    def __init__(self, generator: Generator, chosen: Chosen = ()) -> None:
        chosen = as_names(chosen)
        self._generator, self._config = generator, generator.config
        if chosen and not self._config.condition_dim:
            raise UsageError(f"--class {chosen[0]}: this generator has no classes and reads no text.")
        self._rows: dict[str, Tensor] = {}
        everything = [self._name(number) for number in range(self._config.num_conditions)]
        self.names = [self._canonical(name) for name in chosen] or everything
        if self._config.condition_dim and not self.names:
            raise UsageError('This generator reads text and knows no prompt by itself; give one: --class "a red apple".')

    def _name(self, number: int) -> str:
        names = self._config.condition_names
        return names[number] if names else str(number)

    def _canonical(self, name: str) -> str:
        """A name as the generator has it; a text as it is, if only there is something to read it."""
        config, text = self._config, " ".join(name.split())
        known = name in config.condition_names or name.isdecimal() and int(name) < config.num_conditions
        if not config.text_dim or known:
            return self._name(class_number(config, name))
        if not text:
            raise UsageError("--class is empty; give a text for the generator to read.")
        self._rows[text] = self._read(text)
        return text

    def of(self, seed: int) -> str | None:
        """The condition of a seed's picture; None for an unconditional generator."""
        return self.names[seed % len(self.names)] if self.names else None

    def rows(self, names: Sequence[str | None]) -> Tensor | None:
        """Rows `(len(names), condition_dim)`, None for an unconditional generator. Raises UsageError and NadaError."""
        if not self._config.condition_dim:
            return None
        return torch.stack([self._row(name) for name in names]) if names else torch.zeros(0, self._config.condition_dim)

    def _row(self, name: str | None) -> Tensor:
        if name is None:
            raise NadaError("This generator needs a class or text for every picture, and the settings name none.")
        if name not in self._rows:
            known = self._generator.known_conditions
            canonical = self._canonical(name)
            if canonical not in self._rows and known is not None:
                self._rows[canonical] = known[class_number(self._config, canonical)].cpu()
            self._rows[name] = self._rows[canonical]
        return self._rows[name]

    @torch.no_grad()
    def _read(self, text: str) -> Tensor:
        """What the generator's own guide reads in a text, `(text_dim,)`."""
        guide = self._config.text_guide
        if not guide:
            raise UsageError(
                f"--class {text!r} is not a prompt that this generator knows, and it names no guide to read it by."
            )
        encoder = load_encoder(guide)
        warn_of_unknown_words([encoder], (text, ""))
        row = encoder.encode_text([text])[0].cpu()
        if len(row) != self._config.text_dim:
            raise NadaError(
                f"The guide {guide} reads texts as {len(row)} numbers, but this generator needs {self._config.text_dim}."
            )
        return row
