"""Whether an answer is right: rules for closed answers, judges for free text."""
