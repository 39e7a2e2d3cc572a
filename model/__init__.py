"""Reference systems that axis-audit is demonstrated on; each can be trained from here."""
