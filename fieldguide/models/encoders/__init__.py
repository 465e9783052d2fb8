"""The encoders of this package, one file a provider; importing this registers them all."""
