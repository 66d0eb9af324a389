-- Dagster's tables are in a separate database from organisations and keys.
CREATE DATABASE dagster OWNER labels;
