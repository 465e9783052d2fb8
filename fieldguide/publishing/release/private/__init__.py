"""The private part of a release: drawn, sealed, kept out of what is published, and scored by."""
