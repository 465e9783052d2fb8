"""What a release must not tell others: secrets, addresses, places of this machine, names of people."""
