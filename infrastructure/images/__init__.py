"""The images: built once by commit, pushed, recorded when DEV is green, promoted by digest."""
