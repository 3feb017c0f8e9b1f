"""The demonstration: generated people around real applications, played through the product's own doors."""
