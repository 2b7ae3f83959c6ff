"""Sound as samples: decoding, levels and mixing for the telephone, 8 kHz mono µ-law."""
