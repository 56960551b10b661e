"""One file per transport: how its outgoing requests are caught, and answered in the provider's place."""
