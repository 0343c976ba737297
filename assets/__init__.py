"""What the data is: one folder a source or mart, declarations only."""
