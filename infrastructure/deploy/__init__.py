"""One deploy program for the local cloud and for AWS: python -m infrastructure.deploy ENV."""
