"""How a run is told to people and programs: one way of telling a file."""
