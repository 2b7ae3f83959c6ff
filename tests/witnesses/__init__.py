"""Other people's clients and servers of the Realtime protocol, against ours; `make witnesses` runs them."""
