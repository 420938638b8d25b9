"""The tables of masking policies and tags in the metadata database."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from catalog.store.schema import metadata

_now = sa.text("now()")
_POLICY = "masking_policies.name"

masking_policies = sa.Table(
    "masking_policies",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("parameters", ARRAY(sa.Text), nullable=False),
    sa.Column("types", ARRAY(sa.Text), nullable=False),  # of the parameters
    sa.Column("returns", sa.Text, nullable=False),
    sa.Column("expression", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="enforced"),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_now),
)

column_masks = sa.Table(
    "column_masks",
    metadata,
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, primary_key=True),  # as last known
    sa.Column("policy", sa.Text, sa.ForeignKey(_POLICY, onupdate="CASCADE"), nullable=False),
    sa.Column("arguments", ARRAY(sa.Text), nullable=False),  # the masked column first
    sa.Column("identities", ARRAY(sa.Text), nullable=False),  # of the arguments
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("allowed_values", ARRAY(sa.Text)),
)

tag_assignments = sa.Table(
    "tag_assignments",
    metadata,
    sa.Column("tag", sa.Text, sa.ForeignKey("tags.name"), primary_key=True),
    # Empty where the level is not named: a tag on a schema has neither table nor column.
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, primary_key=True),
    sa.Column("identity", sa.Text),
    sa.Column("value", sa.Text, nullable=False),
)

tag_removals = sa.Table(
    "tag_removals",
    metadata,
    sa.Column("tag", sa.Text, sa.ForeignKey("tags.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("schema_name", sa.Text, primary_key=True),
    sa.Column("view_name", sa.Text, primary_key=True),
    sa.Column("identity", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, nullable=False),  # as last known
    sa.Column("made_of", sa.Text, nullable=False),
)

tag_policies = sa.Table(
    "tag_policies",
    metadata,
    sa.Column("tag", sa.Text, sa.ForeignKey("tags.name"), primary_key=True),
    sa.Column("value_type", sa.Text, primary_key=True),
    sa.Column("policy", sa.Text, sa.ForeignKey(_POLICY, onupdate="CASCADE"), nullable=False),
)

masking_secrets = sa.Table(
    "masking_secrets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),  # 32 random bytes
    sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_now),
)
