"""Published forecasters that are trained on the forecast itself: which there are, how they are built and trained."""
