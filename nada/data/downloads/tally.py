"""What became of every picture of a download, as a sentence and as a list."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from nada.data.records import Skipped
from nada.data.wording import skipped_lines
from nada.files import write_text

SKIPPED = "skipped.txt"


@dataclass
class Tally:
    """How many were fetched, how many were there before, and which ones were skipped, with the reason."""

    fetched: int = 0
    present: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def summary(self) -> str:
        """One line: the three counts, and how often each reason to skip came up, the most frequent first."""
        counts = f"{self.fetched} fetched, {self.present} already there, {len(self.skipped)} skipped"
        reasons = Counter(reason for _, reason in self.skipped).most_common()
        return ": ".join([counts, ", ".join(f"{count} x {reason}" for reason, count in reasons)] if reasons else [counts])

    def write_skipped(self, folder: Path) -> Path | None:
        """Write names and reasons to `skipped.txt`; where nothing was skipped, remove the list of an earlier run."""
        path = folder / SKIPPED
        if self.skipped:
            return write_text(path, skipped_lines(self.skipped))
        path.unlink(missing_ok=True)
        return None
