"""What keeps an image from being built, pushed or promoted."""


class ImagesError(Exception):
    """A refusal or a failure, said so that a person can act on it."""
