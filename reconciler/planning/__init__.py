"""From a fleet and its accounts to a plan: read, compare, limit, save."""
