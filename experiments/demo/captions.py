"""What can be said of a picture, and which sayings are true of which pictures.

A picture has five codes: style, object, colour, kind, flaw. A caption carries one bit mask per code, and is
true of a picture when every mask has the picture's bit; what a caption does not mention has all bits set.
Several captions of a batch can thus be true of one picture, and several pictures can fit one caption.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

EVERYTHING = (1 << 32) - 1
STYLE_NAMES = ("photo", "pencil", "flat", "pixel", "cel", "oil", "mono", "neon", "watercolor", "mosaic")
OBJECTS = (
    *("apple", "lemon", "mango", "raspberry"),
    *("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
KINDS = ("fruit", "cifar", "emoji", "logo")
FLAWS = ("none", "noisy", "blurry", "overexposed", "dark", "oversaturated", "contrast")


def _phrases(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(phrases.split(", ")) for name, phrases in table.items()}


STYLE_PHRASES = _phrases(
    {
        "photo": (
            "photo, photograph, image, picture, color photo, realistic photo, real photo, natural image, "
            "photo, image, photo realistic picture, photography"
        ),
        "pencil": (
            "pencil sketch, sketch, pencil drawing, drawing, line drawing, graphite drawing, charcoal "
            "sketch, charcoal drawing, hand-drawn sketch, pencil, pencil art, rough sketch"
        ),
        "flat": (
            "minimal logo, flat vector logo, flat logo, logo, simple logo, vector logo, flat vector art, "
            "flat design, flat icon, icon, vector graphic, clip art, flat illustration, minimalist logo, "
            "modern flat logo, simple flat vector icon, flat vector, minimal logo, logo design, minimal "
            "vector logo, app icon, emblem, flat graphic design, vector illustration, symbol"
        ),
        "pixel": (
            "pixel art, 8-bit art, 8 bit game sprite, pixel art sprite, retro video game art, 16-bit "
            "sprite, pixels, 8-bit, pixelated art"
        ),
        "cel": (
            "anime, anime drawing, cartoon, cel-shaded drawing, cel shaded cartoon, comic, comic book "
            "drawing, anime art, cel shading, cartoon drawing, anime painting, animation, animated "
            "cartoon, toon, japanese anime"
        ),
        "oil": (
            "oil painting, painting, oil on canvas, impressionist painting, oil paint, canvas painting, "
            "classical painting, oil painting on canvas, acrylic painting, brush painting"
        ),
        "mono": (
            "black and white photo, black and white, grayscale photo, greyscale photo, monochrome photo, "
            "black and white photograph, grayscale image, black and white picture, monochrome, grayscale, "
            "black-and-white photo, old black and white photo"
        ),
        "neon": "neon sign, neon, neon lights, glowing neon sign, neon light, neon tube sign, neon art",
        "watercolor": ("watercolor painting, watercolor, watercolour, aquarelle, watercolor art, watercolour painting"),
        "mosaic": "mosaic, mosaic tiles, tile mosaic, ceramic mosaic, mosaic art",
    }
)
OBJECT_PHRASES = _phrases(
    {
        "apple": "apple",
        "lemon": "lemon",
        "mango": "mango",
        "raspberry": "raspberry",
        "deer": "deer",
        "airplane": "airplane, plane, aeroplane, aircraft, jet",
        "automobile": "automobile, car",
        "bird": "bird",
        "cat": "cat, kitten",
        "dog": "dog, puppy",
        "frog": "frog, toad",
        "horse": "horse, pony",
        "ship": "ship, boat, vessel",
        "truck": "truck, lorry",
    }
)
GROUPS = {
    "fruit": OBJECTS[:4],
    "animal": ("bird", "cat", "deer", "dog", "frog", "horse"),
    "vehicle": ("airplane", "automobile", "ship", "truck"),
}
FLAW_PHRASES = _phrases(
    {
        "noisy": "noisy, grainy",
        "blurry": "blurry, blurred",
        "overexposed": "overexposed, bright",
        "dark": "dark, underexposed",
        "oversaturated": "oversaturated, garish",
        "contrast": "high contrast, harsh",
    }
)
TEMPLATES = ("{}", "a {}", "the {}", "an image in the style of {}", "{} style", "rendered as a {}")
STYLE_FRAMES = (*TEMPLATES, "{}", "in the style of a {}", "in the style of {}", "this is a {}")
OBJECT_FRAMES = ("{}", "a {}", "the {}", "one {}", "this is a {}", "{}")
BOTH_FRAMES = (
    *(
        "{style} of a {thing}",
        "a {style} of a {thing}",
        "a {style} of the {thing}",
        "{style} of {thing}",
        "{thing} {style}",
    ),
    *("{thing}, {style}", "{thing} in {style} style", "a {thing} as a {style}", "the {style} of one {thing}"),
    *(
        "an image in the style of {style} of a {thing}",
        "a {style} of a {thing}",
        "rendered as a {style} of a {thing}",
    ),
)


@dataclass(frozen=True)
class Caption:
    """A sentence and what it claims, as masks over (style, object, colour, kind, flaw) codes."""

    text: str
    masks: tuple[int, int, int, int, int]


def masks(
    styles: tuple[str, ...] = (),
    things: tuple[str, ...] = (),
    colour: int = 0,
    kind: str = "",
    flaw: str = "",
) -> tuple[int, int, int, int, int]:
    """Bit masks of the claims given; a claim left out allows everything."""
    return (
        sum(1 << STYLE_NAMES.index(style) for style in styles) or EVERYTHING,
        sum(2 << OBJECTS.index(thing) for thing in things) or EVERYTHING,
        1 << colour if colour else EVERYTHING,
        1 << KINDS.index(kind) if kind else EVERYTHING,
        1 << FLAWS.index(flaw) if flaw else EVERYTHING,
    )


def truth(codes: np.ndarray, claims: np.ndarray) -> np.ndarray:
    """Which claims (M, 5) hold of which pictures' codes (N, 5): bool (N, M)."""
    return ((claims[None] >> codes[:, None]) & 1).all(axis=2)


def pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def article(text: str, rng: np.random.Generator) -> str:
    """Mostly mend 'a apple'; a template filled by a program says it wrong, so that is kept now and then."""
    return re.sub(r"\ba (?=[aeiou8])", "an ", text) if rng.random() < 0.7 else text


def style_caption(style: str, rng: np.random.Generator) -> Caption:
    phrase, styles = pick(rng, STYLE_PHRASES[style]), (style,)
    if phrase == "painting":
        styles = ("oil", "watercolor")
    return Caption(article(pick(rng, STYLE_FRAMES).format(phrase), rng), masks(styles))


def object_caption(thing: str, rng: np.random.Generator) -> Caption:
    return Caption(
        article(pick(rng, OBJECT_FRAMES).format(pick(rng, OBJECT_PHRASES[thing])), rng),
        masks(things=(thing,)),
    )


def _thing(code: int, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """A word for the object: mostly its name, at times that of its group."""
    name = OBJECTS[code - 1]
    if rng.random() < 0.12:
        group = next(group for group, members in GROUPS.items() if name in members)
        return group, GROUPS[group]
    return pick(rng, OBJECT_PHRASES[name]), (name,)


def caption_for(codes: np.ndarray, rng: np.random.Generator) -> Caption:
    """One random true sentence about a picture with these codes (style, object, colour, kind, flaw)."""
    style, thing, colour, kind, flaw = (int(code) for code in codes)
    name, phrase = STYLE_NAMES[style], pick(rng, STYLE_PHRASES[STYLE_NAMES[style]])
    styles, claimed_kind, claimed_flaw = (name,), "", ""
    if phrase == "painting":
        styles = ("oil", "watercolor")
    if KINDS[kind] == "emoji" and rng.random() < 0.3:
        phrase, claimed_kind = "emoji", "emoji"
    if FLAWS[flaw] != "none" and rng.random() < 0.5:
        phrase, claimed_flaw = (
            f"{pick(rng, FLAW_PHRASES[FLAWS[flaw]])} {pick(rng, ('photo', 'image', 'picture'))}",
            FLAWS[flaw],
        )
    said_colour = colour if colour and rng.random() < 0.25 else 0
    tint = f"{COLOURS[said_colour - 1]} " if said_colour else ""
    form = rng.random()
    if not thing or form < 0.3:
        text = pick(rng, STYLE_FRAMES).format(tint + phrase)
        return Caption(article(text, rng), masks(styles, (), said_colour, claimed_kind, claimed_flaw))
    word, things = _thing(thing, rng)
    if form < 0.55:
        return Caption(article(pick(rng, OBJECT_FRAMES).format(tint + word), rng), masks((), things, said_colour))
    text = pick(rng, BOTH_FRAMES).format(style=phrase, thing=tint + word)
    return Caption(article(text, rng), masks(styles, things, said_colour, claimed_kind, claimed_flaw))


def object_in_name(name: str) -> int:
    """1 + index of the object that an emoji's name says it shows, 0 if it is none of ours."""
    words = set(name.lower().split())
    return next((1 + k for k, thing in enumerate(OBJECTS) if words & set(OBJECT_PHRASES[thing])), 0)


def all_words() -> list[str]:
    """Every word that a caption can hold, sorted: runs of letters, single digits, as the tokenizer splits."""
    texts = [*STYLE_FRAMES, *OBJECT_FRAMES, *BOTH_FRAMES, *COLOURS, *GROUPS, "emoji", "an"]
    for phrases in (STYLE_PHRASES, OBJECT_PHRASES, FLAW_PHRASES):
        texts += [phrase for group in phrases.values() for phrase in group]
    return sorted({word for text in texts for word in re.findall(r"[a-z]+|\d", re.sub(r"\{\w*\}", "", text.lower()))})
