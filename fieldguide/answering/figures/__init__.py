"""What answers say: accuracy by context, differences, the share of the gap that retrieval closes."""
