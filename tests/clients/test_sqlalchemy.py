"""SQLAlchemy: reflection, Core, the ORM; over psycopg and psycopg2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from tests.clients.conftest import SQLALCHEMY
from tests.gateway import ADA, PASSWORD, RunningGateway

pytestmark = SQLALCHEMY


def url(gateway: RunningGateway, driver: str) -> sa.URL:
    return sa.URL.create(f"postgresql+{driver}", ADA, PASSWORD, gateway.host, gateway.port, gateway.database)


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(gateway: RunningGateway, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url(gateway, request.param))
    yield engine
    engine.dispose()


class Base(DeclarativeBase):
    """Classes of two tables of crm."""


class Nation(Base):
    __tablename__ = "nation"
    __table_args__ = {"schema": "crm"}  # noqa: RUF012 (the form that SQLAlchemy asks for)
    n_nationkey: Mapped[int] = mapped_column(primary_key=True)
    n_name: Mapped[str]
    n_regionkey: Mapped[int] = mapped_column(sa.ForeignKey("crm.region.r_regionkey"))
    region: Mapped[Region] = relationship(back_populates="nations")


class Region(Base):
    __tablename__ = "region"
    __table_args__ = {"schema": "crm"}  # noqa: RUF012 (the form that SQLAlchemy asks for)
    r_regionkey: Mapped[int] = mapped_column(primary_key=True)
    r_name: Mapped[str]
    nations: Mapped[list[Nation]] = relationship(back_populates="region", order_by="Nation.n_name")


def test_reflection(engine: sa.Engine) -> None:
    inspector = sa.inspect(engine)
    assert {"crm", "sales", "supply"} <= set(inspector.get_schema_names())
    assert set(inspector.get_table_names("sales")) == {"lineitem", "orders"}
    lineitem = sa.Table("lineitem", sa.MetaData(), autoload_with=engine, schema="sales")
    assert len(lineitem.columns) == 16
    assert isinstance(lineitem.c.l_quantity.type, sa.Numeric)
    assert (lineitem.c.l_quantity.type.precision, lineitem.c.l_quantity.type.scale) == (15, 2)
    customer = sa.Table("customer", sa.MetaData(), autoload_with=engine, schema="crm")
    assert [column.name for column in customer.primary_key] == ["c_custkey"]
    assert [key.target_fullname for key in customer.foreign_keys] == ["crm.nation.n_nationkey"]
    assert customer.comment == "Customers, each of one nation"
    assert {index.name for index in customer.indexes} == {"customer_mktsegment", "customer_nationkey"}


def test_core_over_reflected_tables_of_three_sources(engine: sa.Engine) -> None:
    metadata = sa.MetaData()
    customer, orders, lineitem, part = (
        sa.Table(name, metadata, autoload_with=engine, schema=schema)
        for schema, name in (("crm", "customer"), ("sales", "orders"), ("sales", "lineitem"), ("supply", "part"))
    )
    query = (
        sa.select(customer.c.c_mktsegment, sa.func.count().label("lines"), sa.func.sum(lineitem.c.l_quantity))
        .join(orders, orders.c.o_custkey == customer.c.c_custkey)
        .join(lineitem, lineitem.c.l_orderkey == orders.c.o_orderkey)
        .join(part, part.c.p_partkey == lineitem.c.l_partkey)
        .where(part.c.p_size < sa.bindparam("size"), customer.c.c_mktsegment.in_(["BUILDING", "MACHINERY"]))
        .group_by(customer.c.c_mktsegment)
        .order_by(customer.c.c_mktsegment)
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"size": 10}).all()
    assert [row[0] for row in rows] == ["BUILDING", "MACHINERY"]
    assert all(row.lines > 100 for row in rows)


def test_the_orm(engine: sa.Engine) -> None:
    with Session(engine) as session:
        region = session.scalars(sa.select(Region).where(Region.r_name == "EUROPE")).one()
        assert [nation.n_name for nation in region.nations][:2] == ["FRANCE", "GERMANY"]
        found = session.get(Nation, 0)
        assert found is not None
        assert found.region.r_name == "AFRICA"
        names = session.scalars(sa.select(Nation.n_name).order_by(Nation.n_name).limit(2).offset(1)).all()
        assert names == ["ARGENTINA", "BRAZIL"]
