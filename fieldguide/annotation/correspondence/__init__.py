"""What is said about the judging and is no judgment: questions, replies, training, reasons."""
