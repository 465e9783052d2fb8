"""What the commands on releases and builds print."""
