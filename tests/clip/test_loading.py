"""Weights of every form arrive bit for bit, with the right activation; unfit files end in sentences."""

from __future__ import annotations

import json
import pickle
import shutil
import warnings
from pathlib import Path

import pytest
import torch

from nada.clip import load_encoder
from nada.clip.loading import load_model
from nada.clip.specs import parse_spec
from nada.errors import NadaError

FORMS = ["safetensors", "pt", "bin", "training", "torchscript"]


def quick_gelu_of(spec: str, **options) -> bool:
    return load_model(parse_spec(spec), **options).quick_gelu


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore:.*which activation")
def test_every_form_of_file_round_trips_bit_for_bit(weights, tiny_model, form: str) -> None:
    loaded = load_model(parse_spec(f"tiny={weights[form]}"))
    state = loaded.model.state_dict()
    assert state.keys() == tiny_model.state_dict().keys()
    for name, tensor in tiny_model.state_dict().items():
        assert state[name].equal(tensor), name
    assert not loaded.model.training and not any(p.requires_grad for p in loaded.model.parameters())


def test_no_warning_of_random_weights_reaches_the_user(weights, caplog) -> None:
    load_model(parse_spec(f"tiny-quickgelu={weights['pt']}"))
    assert "randomly" not in caplog.text


def test_half_precision_weights_become_single_precision(guide_folder: Path, tiny_model) -> None:
    state = load_model(parse_spec(f"local-dir:{guide_folder}")).model.state_dict()
    for name, tensor in tiny_model.state_dict().items():
        assert state[name].dtype is torch.float32 and state[name].equal(tensor.half().float())


def test_quick_gelu_follows_what_is_known_of_the_weights(weights, tmp_path, open_clip, monkeypatch) -> None:
    """The trap: OpenAI's weights load into a GELU model without any complaint, and then encode wrongly."""
    file = {"file": str(weights["pt"])}
    published = {"openai": {**file, "quick_gelu": True}, "laion": file}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", published)
    named = {name: tmp_path / name for name in ("tiny-OpenAI.pt", "tiny_laion.pt")}
    for path in named.values():
        shutil.copy(weights["pt"], path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quick_gelu_of("tiny/openai")
        assert not quick_gelu_of("tiny/laion")
        assert quick_gelu_of(f"tiny-quickgelu={weights['pt']}")
        assert quick_gelu_of(f"tiny={weights['torchscript']}")
        assert quick_gelu_of(f"tiny={named['tiny-OpenAI.pt']}")
        assert not quick_gelu_of(f"tiny={named['tiny_laion.pt']}")
        assert not quick_gelu_of(f"tiny-wide={_wide(open_clip, tmp_path)}")  # no twin, so nothing is open
        assert quick_gelu_of("tiny/laion", quick_gelu=True)
        assert not quick_gelu_of("tiny/openai", quick_gelu=False)
    with pytest.warns(UserWarning, match="tiny-quickgelu="):
        assert not quick_gelu_of(f"tiny={weights['pt']}")


def _wide(open_clip, folder: Path) -> Path:
    torch.save(open_clip.create_model("tiny-wide").state_dict(), folder / "wide.pt")
    return folder / "wide.pt"


def test_quick_gelu_changes_what_is_encoded_and_is_recorded(weights) -> None:
    images = torch.rand(1, 3, 32, 32)
    quick, exact = (load_encoder(f"tiny={weights['pt']}", quick_gelu=value) for value in (True, False))
    assert not torch.allclose(quick.encode_image(images), exact.encode_image(images), atol=1e-4)
    assert quick.describe()["quick_gelu"] is True and exact.describe()["quick_gelu"] is False


def test_missing_file_and_wrong_architecture_are_named(weights, open_clip, tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="nowhere.pt does not exist"):
        load_model(parse_spec("tiny=nowhere.pt"))
    for form in FORMS:
        with pytest.raises(NadaError, match="does not hold weights of tiny-wide"):
            load_model(parse_spec(f"tiny-wide={weights[form]}"))


class _Attack:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_pickled_code_is_refused_and_not_run(open_clip, tmp_path: Path) -> None:
    path, mark = tmp_path / "evil.pt", tmp_path / "called"
    torch.save({"state_dict": _Attack(mark)}, path)
    with pytest.raises(NadaError, match="evil.pt"):
        load_model(parse_spec(f"tiny-quickgelu={path}"))
    path.write_bytes(pickle.dumps(_Attack(mark), protocol=2))
    with pytest.raises(NadaError, match="evil.pt"):
        load_model(parse_spec(f"tiny-quickgelu={path}"))
    assert not mark.exists()


def test_nan_truncated_and_empty_files_end_in_sentences(weights, tiny_model, tmp_path: Path) -> None:
    state = {name: tensor.clone() for name, tensor in tiny_model.state_dict().items()}
    state["visual.proj"][0, 0] = float("nan")
    torch.save(state, tmp_path / "nan.pt")
    with pytest.raises(NadaError, match="NaN"):
        load_model(parse_spec(f"tiny-quickgelu={tmp_path / 'nan.pt'}"))
    for form in ("safetensors", "pt", "torchscript"):
        for size in (0, 5000):
            path = tmp_path / f"cut{size}{weights[form].suffix}"
            path.write_bytes(weights[form].read_bytes()[:size])
            with pytest.raises(NadaError, match="cut"):
                load_model(parse_spec(f"tiny-quickgelu={path}"))


def _without(name: str):
    return lambda folder: (folder / name).unlink()


def _wrong_config(folder: Path) -> None:
    (folder / "open_clip_config.json").write_text('{"model_cfg": {"text_cfg": {}}}')


def _small_table(folder: Path) -> None:
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["vocab_size"] = 500
    (folder / "open_clip_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    "damage, told",
    [
        (_without("open_clip_config.json"), "has no open_clip_config.json"),
        (_without("open_clip_model.safetensors"), "holds no weights"),
        (_without("bpe.txt.gz"), "lacks its vocabulary bpe.txt.gz"),
        (lambda folder: (folder / "open_clip_config.json").write_text("{"), "cannot be read as JSON"),
        (lambda folder: (folder / "open_clip_config.json").write_text("{}"), "no model_cfg"),
        (lambda folder: (folder / "nada.json").write_text("[]"), "does not hold a JSON object"),
        (_wrong_config, "open_clip cannot build"),
        (_small_table, "522 tokens but its model knows 500"),
        (shutil.rmtree, "there is no folder"),
    ],
)
def test_damaged_folder_says_what_is_wrong_with_it(guide_folder: Path, damage, told: str) -> None:
    damage(guide_folder)
    with pytest.raises(NadaError, match=told):
        load_model(parse_spec(f"local-dir:{guide_folder}"))


def test_folder_without_weights_is_never_random(guide_folder: Path) -> None:
    (guide_folder / "open_clip_model.safetensors").rename(guide_folder / "other.txt")
    with pytest.raises(NadaError):
        load_encoder(f"local-dir:{guide_folder}")


def test_folder_as_a_hub_holds_it_loads_without_notes_of_ours(guide_folder: Path) -> None:
    (guide_folder / "nada.json").unlink()
    encoder = load_encoder(f"local-dir:{guide_folder}")
    assert len(encoder.templates) == 80 and encoder.unknown_words("xyzzy") == []
    assert (encoder.describe()["filter"], encoder.describe()["antialias"]) == ("bilinear", True)
