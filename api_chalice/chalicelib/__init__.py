"""The API's own code. Only `routes` knows Chalice; everything else is plain Python and runs without it."""
