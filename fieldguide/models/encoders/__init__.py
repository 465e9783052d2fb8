"""The encoders of this package, one file a provider; importing this registers them all."""

from fieldguide.models.encoders import clip, conse, dinov2, e5v, mobilenetv2, onnx, openclip, siglip, text_tower

__all__ = ["clip", "conse", "dinov2", "e5v", "mobilenetv2", "onnx", "openclip", "siglip", "text_tower"]
