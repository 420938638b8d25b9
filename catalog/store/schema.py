"""The tables of the metadata database. The migrations make them; the two are compared by a test."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

_now = sa.text("now()")
_no, _yes, _empty = sa.text("false"), sa.text("true"), sa.text("''")


def _role(name: str) -> sa.Column[str]:
    """A column with a role that goes, and is renamed, with the role."""
    key = sa.ForeignKey("roles.name", ondelete="CASCADE", onupdate="CASCADE")
    return sa.Column(name, sa.Text, key, primary_key=True)


settings = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

roles = sa.Table(
    "roles",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("verifier", sa.Text),  # SCRAM-SHA-256$…; a role without one cannot log in by password
    sa.Column("superuser", sa.Boolean, nullable=False),
    sa.Column("login", sa.Boolean, nullable=False),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_now),
    sa.Column("create_role", sa.Boolean, nullable=False, server_default=_no),
    sa.Column("bypass_row_security", sa.Boolean, nullable=False, server_default=_no),
    sa.Column("inherit", sa.Boolean, nullable=False, server_default=_yes),
    sa.Column("valid_until", sa.DateTime(timezone=True)),  # of the password; NULL: for ever
    sa.CheckConstraint("verifier LIKE 'SCRAM-SHA-256$%'", name="verifier"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("role", sa.Text, primary_key=True),  # no foreign key: it may be one of PostgreSQL's own
    _role("member"),
    sa.Column("admin", sa.Boolean, nullable=False, server_default=_no),
    sa.Column("inherit", sa.Boolean, nullable=False, server_default=_yes),
    sa.Column("set_role", sa.Boolean, nullable=False, server_default=_yes),
    sa.Column("grantor", sa.Text, primary_key=True, server_default=_empty),  # '': the metadata server's owner
)

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("role", sa.Text, primary_key=True),  # no foreign key: it may be "public"
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),  # '*': all tables of the schema; '': the schema itself
    sa.Column("privilege", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, primary_key=True, server_default=_empty),  # '': the whole table
    sa.Column("grantor", sa.Text, primary_key=True, server_default=_empty),  # '': the owner
    sa.Column("grantable", sa.Boolean, nullable=False, server_default=_no),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_now),
)

object_grants = sa.Table(
    "object_grants",
    metadata,
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("privilege", sa.Text, primary_key=True),
    sa.Column("function_name", sa.Text, primary_key=True, server_default=_empty),  # '': the database
    sa.Column("grantor", sa.Text, primary_key=True, server_default=_empty),
    sa.Column("grantable", sa.Boolean, nullable=False, server_default=_no),
    sa.Column("held", sa.Boolean, nullable=False, server_default=_yes),  # false: everybody's, and taken
    sa.Column("server_name", sa.Text, primary_key=True, server_default=_empty),  # a source
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, sa.ForeignKey("roles.name", ondelete="CASCADE", onupdate="CASCADE"), nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),  # SHA-256 of 256 random bits
    sa.Column("scopes", postgresql.ARRAY(sa.Text), nullable=False),
    sa.Column("comment", sa.Text, nullable=False, server_default=""),
    sa.Column("expires", sa.DateTime(timezone=True)),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_now),
    sa.Column("last_used", sa.DateTime(timezone=True)),
    sa.Column("revoked", sa.DateTime(timezone=True)),
    sa.CheckConstraint("octet_length(digest) = 32", name="digest"),
    sa.CheckConstraint("scopes <@ ARRAY['read', 'write', 'admin'] AND cardinality(scopes) > 0", name="scopes"),
)

default_privileges = sa.Table(
    "default_privileges",
    metadata,
    sa.Column("creator", sa.Text, primary_key=True, server_default=_empty),
    sa.Column("schema_name", sa.Text, primary_key=True, server_default=_empty),  # '': all schemas
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("privilege", sa.Text, primary_key=True),
    sa.Column("grantable", sa.Boolean, nullable=False, server_default=_no),
    sa.Column("objects", sa.Text, primary_key=True, server_default="TABLES"),
    sa.Column("held", sa.Boolean, nullable=False, server_default=_yes),  # false: everybody's, and taken
)

role_settings = sa.Table(
    "role_settings",
    metadata,
    sa.Column("role", sa.Text, primary_key=True),  # no foreign key: '' are all roles
    sa.Column("of_database", sa.Boolean, primary_key=True),
    sa.Column("settings", sa.ARRAY(sa.Text), nullable=False),  # name=value
)

table_rights = sa.Table(
    "table_rights",
    metadata,
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, sa.ForeignKey("roles.name", ondelete="SET NULL", onupdate="CASCADE")),
    sa.Column("row_security", sa.Boolean, nullable=False, server_default=_no),
    sa.Column("forced", sa.Boolean, nullable=False, server_default=_no),
)

row_policies = sa.Table(
    "row_policies",
    metadata,
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("permissive", sa.Boolean, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("using_expression", sa.Text),
    sa.Column("check_expression", sa.Text),
    sa.Column("state", sa.Text, nullable=False, server_default="enforced"),
)

views = sa.Table(
    "views",
    metadata,
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("view_name", sa.Text, primary_key=True),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("column_names", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("column_types", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("security_invoker", sa.Boolean, nullable=False),
    sa.Column("options", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("comment", sa.Text),
)

comments = sa.Table(
    "comments",
    metadata,
    sa.Column("schema_name", sa.Text, primary_key=True),  # '': a role, or the database
    sa.Column("table_name", sa.Text, primary_key=True, server_default=_empty),  # '': the schema itself
    sa.Column("column_name", sa.Text, primary_key=True, server_default=_empty),
    sa.Column("policy_name", sa.Text, primary_key=True, server_default=_empty),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("role_name", sa.Text, primary_key=True, server_default=_empty),
)

user_mappings = sa.Table(
    "user_mappings",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("role", sa.Text, sa.ForeignKey("roles.name", ondelete="CASCADE", onupdate="CASCADE")),  # NULL: PUBLIC
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("login", sa.Text, nullable=False),
    sa.Column("password", sa.Text),
    sa.UniqueConstraint("role", "source", name="user_mappings_role_key", postgresql_nulls_not_distinct=True),
)

catalogs = sa.Table(
    "catalogs",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("contents", sa.LargeBinary, nullable=False),
    sa.Column("saved", sa.DateTime(timezone=True), nullable=False, server_default=_now),
)

analyzed_tables = sa.Table(
    "analyzed_tables",  # what ANALYZE has found of their rows
    metadata,
    sa.Column("catalog", sa.Text, primary_key=True),  # the database that clients see
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("statistics", sa.LargeBinary, nullable=False),
)

access_history = sa.Table(
    "access_history",  # written by triggers on what decides who may see what
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),  # of access, which the change made
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=_now),
    sa.Column("user_name", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),  # of the object, from 1
    sa.Column("before", postgresql.JSONB),
    sa.Column("after", postgresql.JSONB),
    sa.Column("change", sa.BigInteger, nullable=False, server_default=sa.text("txid_current()")),
    sa.Index("access_history_object_idx", "kind", "object", "revision"),
)

audit_entries = sa.Table(
    "audit_entries",  # partitions, by month, are in the schema audit_months
    metadata,
    sa.Column("filed", sa.Date, primary_key=True),  # the day of the entry; of one node it never goes back
    sa.Column("node", sa.Uuid, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("class", sa.Text, nullable=False),
    sa.Column("previous", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("entry", sa.Text),  # JSON as it was hashed; NULL: retired
    sa.Column("retired_by", sa.Text),
    sa.Index("audit_entries_at_idx", "at", postgresql_using="brin"),
    postgresql_partition_by="RANGE (filed)",
)

audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("node", sa.Uuid, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("updated", sa.DateTime(timezone=True), nullable=False, server_default=_now),
)

plan_feedback = sa.Table(
    "plan_feedback",  # how many rows parts of plans had when they were run
    metadata,
    sa.Column("catalog", sa.Text, primary_key=True),  # the database as clients see it
    sa.Column("digest", sa.Text, primary_key=True),  # of the part, and of who asked
    sa.Column("rows", sa.Double, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("tables", postgresql.JSONB, nullable=False),  # [[schema, name, version, rows], …]
    sa.Index("plan_feedback_at_idx", "catalog", "at"),
)

statement_history = sa.Table(
    "statement_history",  # what statements over the lake took, in milliseconds
    metadata,
    sa.Column("catalog", sa.Text, primary_key=True),  # the database as clients see it
    _role("user_name"),  # who had logged in
    _role("role"),  # whose rights counted
    sa.Column("is_personal", sa.Boolean, primary_key=True),  # what is read may depend on claims
    sa.Column("hides_plan", sa.Boolean, primary_key=True),  # it may depend on what is hidden from the role
    sa.Column("queryid", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("planid", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("query", sa.Text, nullable=False),  # without its constants
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("total", sa.Double, nullable=False),
    sa.Column("least", sa.Double, nullable=False),
    sa.Column("most", sa.Double, nullable=False),
    sa.Column("squares", sa.Double, nullable=False),  # the sum of the squares of the times
    sa.Column("rows", sa.BigInteger, nullable=False),  # sent to clients
    sa.Column("first", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last", sa.DateTime(timezone=True), nullable=False),
    sa.Index("statement_history_last_idx", "catalog", "last"),
)

column_use = sa.Table(
    "column_use",  # how statements read tables: sums over about the last hundred runs
    metadata,
    sa.Column("catalog", sa.Text, primary_key=True),  # the database as clients see it
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, primary_key=True),  # that conditions compare; '': the table itself
    sa.Column("scans", sa.Double, nullable=False),
    sa.Column("known", sa.Double, nullable=False),  # files of the table
    sa.Column("read", sa.Double, nullable=False),  # of these, after pruning
    sa.Column("kept", sa.Double, nullable=False),  # the part of the rows that conditions were expected to keep
    sa.Column("files", sa.BigInteger),  # of the version that was read last
    sa.Column("bytes", sa.BigInteger),  # so too
    sa.Column("expected", sa.Double),  # rows, when they were misjudged last
    sa.Column("found", sa.Double),
    sa.Column("misjudged", sa.DateTime(timezone=True)),
)

plan_pins = sa.Table(
    "plan_pins",  # hints that hold for a statement, whoever runs it
    metadata,
    sa.Column("catalog", sa.Text, primary_key=True),  # the database as clients see it
    sa.Column("queryid", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("query", sa.Text, nullable=False),  # without its constants
    sa.Column("hints", sa.Text, nullable=False),
    sa.Column("tables", postgresql.JSONB, nullable=False),  # [[schema, name, digest of the columns], …]
    sa.Column("pinned_by", sa.Text, sa.ForeignKey("roles.name", ondelete="SET NULL", onupdate="CASCADE")),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
)
