"""Names and tags that do not exist, and weights that cannot be fetched, each end in one helpful sentence."""

from __future__ import annotations

import socket
import time

import pytest

from nada.clip import load_encoder
from nada.errors import NadaError, UsageError


@pytest.mark.parametrize(
    "spec, told",
    [
        ("vit-b-32/openai", "did you mean ViT-B-32/openai"),
        ("ViT-B-23=w.pt", "did you mean ViT-B-.*=w.pt"),
        ("dmeo", "did you mean demo"),
        ("qqqqqq", "write demo, NAME/TAG"),
        ("ViT-B/32", "write ViT-B-32/TAG or ViT-B-32=FILE"),
        ("ViT-B-32", "such as ViT-B-32/openai"),
        ("ViT-B-32/openia", "did you mean ViT-B-32/openai"),
        ("ViT-B-32/qqq", "its tags are openai, "),
        ("tiny/qqq", "give a file as tiny=FILE"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(open_clip, spec: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_encoder(spec)


def test_without_network_the_answer_comes_at_once(open_clip, monkeypatch, tmp_path) -> None:
    """The hub's own client retries for three quarters of a minute where no host can be resolved."""
    from huggingface_hub import constants

    def fail(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    started = time.monotonic()
    with pytest.raises(NadaError, match=r"no network.*ViT-B-32=FILE.*'demo'"):
        load_encoder("ViT-B-32/openai")
    assert time.monotonic() - started < 5
    assert constants.HF_HUB_OFFLINE is False


def test_failing_download_gives_its_reason(open_clip, monkeypatch) -> None:
    def fail(config):
        raise RuntimeError("403\nForbidden")

    monkeypatch.setattr(open_clip, "download_pretrained", fail)
    monkeypatch.setattr("nada.clip.registry._resolves", lambda host: True)
    with pytest.raises(NadaError, match="403 Forbidden.*give a local file"):
        load_encoder("ViT-B-32/openai")
