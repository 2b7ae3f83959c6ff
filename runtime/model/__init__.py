"""The ways to the models: sockets to speech models, requests to text models."""
