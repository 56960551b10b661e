"""What a provider plugin implements: a pure translator between one wire format and sends."""
