"""From sources to the corpus: read, checked, told apart, packed."""
