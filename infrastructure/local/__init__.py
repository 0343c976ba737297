"""The local cloud: MiniStack, the Redshift endpoint and the replay of public sources, on loopback only."""
