#!/bin/sh
# Make Temporal's two databases and bring their tables up to date; where they are, nothing changes.
# Where the databases are, and who asks, is said by SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu

prepare() {
    temporal-sql-tool --database "$1" create
    temporal-sql-tool --database "$1" setup-schema --version 0.0
    temporal-sql-tool --database "$1" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
