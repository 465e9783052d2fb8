"""How far people are, from plan and log: what is due, what is judged, what remains."""
