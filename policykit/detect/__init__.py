"""Finding personal data by what columns and fields are called and by what stands in them. No value ever leaves it."""
