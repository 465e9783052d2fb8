"""What a release holds only where `release.parts` asks for it: vectors and drawings."""
