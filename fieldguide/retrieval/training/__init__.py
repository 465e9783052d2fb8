"""Training of the weights that this repository ships: what to learn from comes in, a network goes out.

Apart from `fieldguide.models`, so that a change here makes no stage that only uses the weights run again.
"""
