"""What is told: how far a command is, how long it takes, and what was found, in lines."""
