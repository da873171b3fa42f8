"""What the model cards of several commands share: the head, by which hubs file a model, and how to load it.

The fields of the head are those of https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

from nada.checkpoints import hub

LIBRARY = "nada"
HERE = "PATH OF THIS FOLDER"
WHOSE = "`nada` is the package of this project's repository; the one called `nada` on PyPI is another project."


def front_matter(tags: tuple[str, ...], base: str, relation: str = "") -> list[str]:
    """Return the YAML at the top of a card as lines, with the two `---`.

    >>> front_matter(("stylegan2", "model-mixing"), "/mnt/x/ffhq.pkl")
    ['---', 'library_name: nada', 'tags: [stylegan2, model-mixing]', '---']

    Args:
        tags: words without spaces.
        base: spec of the generator that the model was made from.
        relation: of the model to its base, as for `base_fields`.
    """
    fields = {"library_name": LIBRARY, "tags": f"[{', '.join(tags)}]", **base_fields(base, relation)}
    return ["---", *(f"{name}: {value}" for name, value in fields.items()), "---"]


def base_fields(base: str, relation: str = "") -> dict[str, str]:
    """Return the fields that name a model's base; none for a base that is no repository, which hubs refuse.

    >>> base_fields("hf:someone/cats@v2/model.pkl", "adapter")
    {'base_model': 'someone/cats', 'base_model_relation': 'adapter'}
    >>> base_fields("demo")
    {}

    Args:
        relation: "adapter" where the base is needed to use the model, "finetune" where it is not, or nothing.
    """
    if not base.startswith(hub.PREFIX):
        return {}
    named = {"base_model": hub.parse_address(base).repository}
    return {**named, "base_model_relation": relation} if relation else named


def plain_value(value: object) -> str:
    """Return a setting as a person would write it: numbers with four digits that count, lists with commas.

    >>> plain_value(0.008533333333333334), plain_value(1e-05), plain_value(("apple", 0.5)), plain_value(1500.0)
    ('0.008533', '1e-05', 'apple, 0.5', '1500')
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain_value, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def how_to_load(spec: str = "", remark: str = "") -> list[str]:
    """Return lines of Markdown, a block of Python: how to load a generator and have sixteen pictures of it, and
    whose package that needs.

    >>> how_to_load("hf:someone/cats")[2]
    'generator = nada.load_generator("hf:someone/cats")'

    Args:
        spec: under which it is loaded; the card's own folder if empty.
        remark: what stands behind the line that makes the pictures.
    """
    return [
        "```python",
        "import nada",
        f'generator = nada.load_generator("{spec or HERE}")',
        f"pictures = generator.sample(seeds=range(16)){remark}",
        "```",
        "",
        WHOSE,
    ]
