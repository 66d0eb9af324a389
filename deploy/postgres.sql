-- Dagster's tables have a database of their own beside that of organisations and keys.
CREATE DATABASE dagster OWNER labels;
