"""Reports: JSON is the product; text, HTML columns and JUnit properties are derived from it."""
