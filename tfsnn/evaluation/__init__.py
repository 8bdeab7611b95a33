"""Evaluation of spiking networks on labelled images."""
