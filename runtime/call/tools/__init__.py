"""What an agent does besides talking: requests of the model, answers to it, and the tools of every agent."""
