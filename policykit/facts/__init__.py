"""Facts for one send: consent, counting, time and lineage (M6-M9), derived by one pure function."""
