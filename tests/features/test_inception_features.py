"""Inception: the same network as others have, and the name FID for its published weights alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from misbehaving_server import Fault, Page, misbehaving_server
from torch import Tensor, nn
from torch.nn import functional

from nada._compat import _ensure_torchvision
from nada.errors import NadaError, UsageError
from nada.features import InceptionFeatures, inception, load_features
from nada.files import hash_file

PUBLISHED = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


@pytest.fixture(scope="module")
def extractor(inception_file: Path) -> InceptionFeatures:
    return load_features(f"inception={inception_file}")


def layers(network: nn.Module, run: Callable[[], Any]) -> dict[str, Tensor]:
    """What each layer gives, by name, while `run` runs."""
    found: dict[str, Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda _layer, _input, output, name=name: found.__setitem__(name, output.clone()))
        for name, layer in network.named_children()
        if name.startswith(("Conv2d_", "Mixed_"))
    ]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    return found


def patched_torchvision(monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """torchvision's Inception with the pools of TensorFlow's graph in place of its own."""
    _ensure_torchvision()
    module = pytest.importorskip("torchvision.models.inception", reason="torchvision is not installed")
    with torch.device("meta"):
        network = module.Inception3(num_classes=1008, aux_logits=False, init_weights=False)
    last = {"now": False}
    network.Mixed_7c.register_forward_pre_hook(lambda *_: last.__setitem__("now", True))

    def pool(x: Tensor, kernel_size: int, stride: int, padding: int) -> Tensor:
        if last["now"]:
            return functional.max_pool2d(x, kernel_size, stride, padding)
        return functional.avg_pool2d(x, kernel_size, stride, padding, count_include_pad=False)

    names = {"relu": functional.relu, "max_pool2d": functional.max_pool2d, "avg_pool2d": pool}
    monkeypatch.setattr(module, "F", SimpleNamespace(**names))
    return network.eval()


def test_every_layer_is_that_of_torchvision_with_tensorflows_pools(
    extractor: InceptionFeatures, inception_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a chain in the wrong order, a stride or a padding, a pool that counts its padding or is of the wrong kind."""
    oracle = patched_torchvision(monkeypatch)
    state = torch.load(inception_file, weights_only=True)
    counts = {name: torch.tensor(0) for name in oracle.state_dict() if name.endswith("num_batches_tracked")}
    oracle.load_state_dict({**state, **counts}, assign=True)
    pixels = torch.randn(1, 3, 155, 155, generator=torch.Generator().manual_seed(0))
    ours, theirs = layers(extractor._network, lambda: extractor._network(pixels)), layers(oracle, lambda: oracle(pixels))
    assert len(ours) == 16 and ours.keys() == theirs.keys()
    for name, output in ours.items():
        assert output.std() > 1e-3, f"nothing is left of the signal in {name}"
        torch.testing.assert_close(output, theirs[name], rtol=1e-4, atol=1e-4 * float(output.abs().max()), msg=name)


def test_features_and_logits_are_those_of_torch_fidelity(
    extractor: InceptionFeatures, inception_file: Path, pictures: np.ndarray
) -> None:
    _ensure_torchvision()
    module = pytest.importorskip(
        "torch_fidelity.feature_extractor_inceptionv3", reason="torch-fidelity is not installed", exc_type=ImportError
    )
    wanted = ["2048", "logits_unbiased"]
    oracle = module.FeatureExtractorInceptionV3("x", wanted, feature_extractor_weights_path=str(inception_file))
    features, logits = oracle(torch.from_numpy(pictures[:2]).permute(0, 3, 1, 2))
    found = extractor.features(pictures[:2])
    assert np.ptp(found, axis=0).mean() > 1e-3
    assert found == pytest.approx(features.numpy(), rel=1e-5, abs=1e-5)
    assert extractor.logits_of(found) == pytest.approx(logits.numpy(), rel=1e-4, abs=1e-4)


def test_logits_leave_out_the_bias(extractor: InceptionFeatures, pictures: np.ndarray) -> None:
    found, logits = extractor.features(pictures[:1]), extractor.logits(pictures[:1])
    weight = extractor._network.fc.weight.double().numpy()
    assert logits.shape == (1, 1008) and logits.dtype == np.float32
    assert logits == pytest.approx(found.astype(np.float64) @ weight.T, rel=1e-4, abs=1e-4)
    assert np.abs(extractor._network.fc.bias.numpy()).max() > 0.1
    with pytest.raises(NadaError, match=r"features \(N, 2048\), not \(1, 1008\)"):
        extractor.logits_of(logits)


@pytest.mark.filterwarnings("error")
def test_logits_of_features_that_are_mapped_from_a_file(
    extractor: InceptionFeatures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where torch warns a person of an array that is read-only, or rows are lost between two blocks."""
    features = np.random.default_rng(0).random((7, 2048), np.float32)
    np.save(tmp_path / "features.npy", features)
    whole = extractor.logits_of(features)
    monkeypatch.setattr(inception, "_ROWS", 3)
    found = extractor.logits_of(np.load(tmp_path / "features.npy", mmap_mode="r"))
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-4)
    assert extractor.logits_of(features[:0]).shape == (0, 1008)


def test_features_do_not_depend_on_the_company(
    extractor: InceptionFeatures, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = extractor.features(pictures[:2])
    assert together.shape == (2, 2048) and together.dtype == np.float32
    monkeypatch.setattr(extractor, "at_once", 1)
    np.testing.assert_allclose(extractor.features(pictures[1::-1])[::-1], together, rtol=1e-5, atol=1e-5)
    assert extractor.features(pictures[:0]).shape == (0, 2048)


def test_only_the_published_weights_are_called_fid(
    extractor: InceptionFeatures, inception_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inception.SHA256 == PUBLISHED
    digest = hash_file(inception_file)
    assert (extractor.name, extractor.distance_name) == ("inception=weights-inception.pth", f"fd_inception_{digest[:8]}")
    monkeypatch.setattr(inception, "SHA256", digest)
    published = load_features(f"inception={inception_file}", resize="clean")
    assert (published.name, published.tag, published.distance_name) == ("inception", "inception", "FID")
    facts = published.describe()
    assert facts["sha256"] == digest and facts["published"] is True and facts["file"] == str(inception_file)
    assert (facts["resize"], facts["filter"], facts["antialias"], facts["range"]) == (
        "clean",
        "bicubic",
        True,
        "(x - 128) / 128",
    )
    assert extractor.describe()["resize"] == "legacy" and extractor.describe()["published"] is False


def test_torchvisions_own_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(1000, 2048)}, tmp_path / "inception_v3_google.pth")
    with pytest.raises(NadaError, match="torchvision's Inception of 1000 classes, another network"):
        load_features(f"inception={tmp_path / 'inception_v3_google.pth'}")


def test_the_published_file_is_fetched_once_and_checked(
    tmp_path: Path, inception_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NADA_CACHE", str(tmp_path))
    with misbehaving_server() as server:
        monkeypatch.setattr(inception, "URL", f"{server.url}/weights.pth")
        server.pages["/weights.pth"] = Page(b"something else")
        with pytest.raises(NadaError, match="the sha256 checksum is"):
            load_features("inception")
        server.pages["/weights.pth"] = Page(inception_file.read_bytes())
        monkeypatch.setattr(inception, "SHA256", hash_file(inception_file))
        path = inception.cached_weights()
        assert path == inception.cached_weights() and path.is_relative_to(tmp_path)
    assert server.paths == ["/weights.pth"] * 2
    assert hash_file(path) == hash_file(inception_file)


def test_without_the_server_another_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_CACHE", str(tmp_path))
    with misbehaving_server() as server:
        monkeypatch.setattr(inception, "URL", f"{server.url}/weights.pth")
        server.faults["/weights.pth"] = [Fault(status=404)]
        with pytest.raises(NadaError, match="give that file as inception=FILE; the features demo-judge come with"):
            load_features("inception")


def test_a_cached_file_that_is_not_the_published_one_is_refused(
    tmp_path: Path, inception_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NADA_CACHE", str(tmp_path))
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / inception.FILE).symlink_to(inception_file)
    with pytest.raises(NadaError, match="is not the published file"):
        load_features("inception")


def test_the_convention_is_checked_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match="There is no resize convention 'lanczos'"):
        load_features("inception", resize="lanczos")
    assert not list(tmp_path.iterdir())
