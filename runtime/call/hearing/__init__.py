"""What the caller says, presses and means: into the ear of the model, and to the floor."""
