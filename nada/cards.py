"""The head of a model card, by which hubs file a model: the fields that several commands write.

They are those of https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

from nada.checkpoints import hub

LIBRARY = "nada"


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
