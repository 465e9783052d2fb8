"""How well assessors agree, each of them, and the figures of `fieldguide annotate status`."""
