"""What may be written for features, and that writing it down costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nada
from nada.errors import UsageError
from nada.features.specs import FeatureSpec, parse_features

GUIDES = ["demo", "demo-judge", "ViT-B-32/openai", "ViT-B-32=some/weights.pt", "local-dir:some/folder", "demo@2"]


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("inception", FeatureSpec("inception")),
        ("inception=a=b/c.pth", FeatureSpec("inception", Path("a=b/c.pth"))),
        ("dinov2=d.pth", FeatureSpec("dinov2", Path("d.pth"))),
        ("lpips-alex=x", FeatureSpec("lpips-alex", Path("x"))),
        (" lpips-vgg=x ", FeatureSpec("lpips-vgg", Path("x"))),
        *((text, FeatureSpec("guide", guide=text)) for text in GUIDES),
        *((f"clip:{text}", FeatureSpec("guide", guide=text)) for text in GUIDES),
    ],
)
def test_every_form_is_understood(text: str, spec: FeatureSpec) -> None:
    assert parse_features(text) == spec


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("dinov2", "write dinov2=FILE"),
        ("lpips-vgg=", "write lpips-vgg=FILE"),
        ("inception=", "write inception=FILE"),
        ("inceptoin", "did you mean inception?"),
        ("dino=x.pth", "did you mean dinov2=x.pth?"),
        ("demo-jugde", "did you mean demo-judge?"),
        ("", "write inception, "),
        ("clip:", "is not a guide"),
        ("fid", "write inception, "),
    ],
)
def test_what_means_nothing_is_answered_with_what_would(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        spec = parse_features(text)
        from nada.clip.specs import parse_spec

        parse_spec(spec.guide)
    assert hint in str(raised.value)


def test_importing_the_package_loads_no_torch() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(nada.__file__).parent.parent)!r})\n"
        "import nada.features; nada.features.load_features\n"
        "print(sorted({'torch', 'numpy', 'PIL', 'open_clip', 'torchmetrics'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
