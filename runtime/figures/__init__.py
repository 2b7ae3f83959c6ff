"""What a node tells about itself: log lines, metrics, load, cost."""
