"""Pages of collections, by what they are about."""
