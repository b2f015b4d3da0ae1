"""One command from request to page, for whoever calls: the command line or Python."""
