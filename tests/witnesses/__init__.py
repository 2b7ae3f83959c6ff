"""Other people's clients, servers and apps of our protocols, against ours; `make witnesses` runs them."""
