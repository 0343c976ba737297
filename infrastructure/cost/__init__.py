"""What an environment costs a month, computed from its templates, its parameters and stated prices."""
