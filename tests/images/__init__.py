"""What becomes of images between registries, without an engine, and the wheels that they are made of."""
