"""A release in the forms that other programs read: the hub's, BEIR's, Croissant's, and how it is cited."""
