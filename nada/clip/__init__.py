"""Guides: how far pictures are from what a sentence, or other pictures, ask for."""

from nada.clip.encoders import Encoder, OpenClipEncoder, load_encoder
from nada.clip.guide import Guide, GuideLoss

__all__ = ["Encoder", "Guide", "GuideLoss", "OpenClipEncoder", "load_encoder"]
