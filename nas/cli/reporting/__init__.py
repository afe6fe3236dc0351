"""The verbs that draw finished searches: a page (`report`), one figure (`plot`)."""
