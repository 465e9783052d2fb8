"""The sources of a release's photographs: where each is from, and getting what the release itself may not give."""
