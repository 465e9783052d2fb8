"""What an answerer is shown: nothing, relevant images, misleading ones, what a system found."""
