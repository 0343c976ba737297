"""The Chalice project: app.py and chalicelib/, which Chalice packs at the root of the function's package."""
