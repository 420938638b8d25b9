"""Those of SQLAlchemy's own tests of a dialect that ask what there is."""

from sqlalchemy.testing.suite.test_reflection import *  # noqa: F403
from sqlalchemy.testing.suite.test_unicode_ddl import *  # noqa: F403
