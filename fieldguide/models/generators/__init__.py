"""The generators of this package, one file a provider; importing this registers them all."""

from fieldguide.models.generators import flow_matching, ip_adapter, openai_images, pipeline

__all__ = ["flow_matching", "ip_adapter", "openai_images", "pipeline"]
