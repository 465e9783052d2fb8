"""The encoders of this package, one file a provider; importing this registers them all."""

from fieldguide.models.encoders import conse, mobilenetv2, openclip, text_tower

__all__ = ["conse", "mobilenetv2", "openclip", "text_tower"]
