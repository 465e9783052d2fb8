"""Label Studio: the server of this machine, and the connection to any."""
