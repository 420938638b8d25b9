"""The commands' arguments. What a command does is in the module of its name, imported when it runs, for a quick
``--help``.

Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration, 130 interrupted. A user never sees a traceback, but
for a defect of Lakegate's own with ``LAKEGATE_TRACEBACK=1``.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway import optional_packages
from gateway.cli.defaults import DEFAULT_CONFIG, DEFAULT_DEMO
from gateway.cli.output import FAILED, INTERRUPTED, USAGE, CommandError, print_error

app = typer.Typer(
    name="lakegate",
    help="One PostgreSQL endpoint for a whole lake: Delta Lake, Iceberg, PostgreSQL and files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
users = typer.Typer(help="Users, their passwords and what they may read.", no_args_is_help=True)
app.add_typer(users, name="user")
keys = typer.Typer(help="API keys, with which programs log in.", no_args_is_help=True)
app.add_typer(keys, name="key")
audits = typer.Typer(help="The audit: whether it is whole, and its export.", no_args_is_help=True)
app.add_typer(audits, name="audit")
policies = typer.Typer(help="Policies as code: tested, exported, applied.", no_args_is_help=True)
app.add_typer(policies, name="policy")

# Modules are a quarter of a million objects, which all stay: to look at them again and again is in vain.
_YOUNG_OBJECTS = 100_000

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]


@app.callback()
def _before_each_command() -> None:
    """Only what an operator must know is logged; ``serve`` logs at a level of its own."""
    from gateway import logs

    logs.configure("warning")


def main() -> None:
    """Run the command line; the process ends here."""
    optional_packages.leave_out_unused()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])  # a sixth of the processor time until a gateway serves
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except CommandError as error:
        print_error(error.message, error.hint)
        raise SystemExit(error.code) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except Exception as error:
        if os.environ.get("LAKEGATE_TRACEBACK"):
            raise
        raise SystemExit(_explain(error)) from None


def _explain(error: Exception) -> int:
    from catalog.errors import SqlError
    from catalog.server import ServerError
    from gateway.configuration.config import ConfigError

    if isinstance(error, ConfigError):
        print_error(str(error), "docs/configuration.md describes every key")
        return USAGE
    if isinstance(error, SqlError):
        print_error(f"{error.message} (SQLSTATE {error.sqlstate})", error.hint or error.detail)
    elif isinstance(error, ServerError):
        print_error(str(error))
    elif isinstance(error, OSError):
        print_error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    else:
        print_error(
            f"{type(error).__name__}: {error}", "this is a defect of Lakegate; LAKEGATE_TRACEBACK=1 shows where it is"
        )
    return FAILED


@app.command()
def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve the sources of a configuration until SIGTERM or Ctrl-C."""
    from gateway.cli.serve import run

    run(config, log_level)


@app.command()
def demo(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave it running in the background.")] = False,
    scale: Annotated[float, typer.Option(min=0.001, max=100, help="TPC-H's scale; 1 is 6 million order lines.")] = 0.1,
    directory: Annotated[Path, typer.Option(help="Where data and state are kept.")] = DEFAULT_DEMO,
    port: Annotated[int, typer.Option(min=1, max=65535, help="PostgreSQL wire, on loopback.")] = 5433,
    http_port: Annotated[int, typer.Option(min=1, max=65535, help="Health, on loopback.")] = 8433,
) -> None:
    """Lay TPC-H out over Delta, Iceberg, PostgreSQL and files, serve it, and say how to connect."""
    from gateway.cli.demo import DemoOptions, run

    run(DemoOptions(directory.absolute(), scale, port, http_port, detach))


@app.command()
def stop(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="The gateway of this configuration.")] = None,
    directory: Annotated[Path | None, typer.Option(help="The demo in this folder.")] = None,
) -> None:
    """Stop a gateway and its embedded PostgreSQL: the one that runs here, or the one named."""
    from gateway.cli.stop import run

    run(config, directory)


@app.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that each source may take.")] = 30.0,
) -> None:
    """Validate a configuration, reach every source and print what it holds. Exit code 1 if a source fails."""
    from gateway.cli.check import run

    run(config, timeout)


@app.command()
def calibrate(
    config: ConfigOption = DEFAULT_CONFIG,
    write: Annotated[bool, typer.Option("--write", help="Write the section into the configuration.")] = False,
    scale: Annotated[float, typer.Option(min=0.001, max=10, help="A factor of the rows that are measured.")] = 1.0,
) -> None:
    """Measure what joins, files and transfers cost on this machine, by which plans are chosen."""
    from gateway.cli.calibrate import run

    run(config, scale, write=write)


@app.command()
def version() -> None:
    """Print the versions of Lakegate and what it rests on."""
    from gateway.cli.version import run

    run()


@users.command("add")
def user_add(
    name: str,
    config: ConfigOption = DEFAULT_CONFIG,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from its input.")] = False,
    superuser: Annotated[bool, typer.Option("--superuser", help="May read everything.")] = False,
    grant: Annotated[list[str] | None, typer.Option(help="May read this schema or schema.table; repeatable.")] = None,
    update: Annotated[bool, typer.Option("--update", help="The user exists: new password, further grants.")] = False,
) -> None:
    """Add a user. The password is asked for on the terminal."""
    from gateway.cli.users import UserRequest, add

    add(config, UserRequest(name, superuser, tuple(grant or ()), update), password_stdin=password_stdin)


@users.command("list")
def user_list(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List users and what they may read."""
    from gateway.cli.users import print_all

    print_all(config)


@users.command("remove")
def user_remove(name: str, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Remove a user with all grants."""
    from gateway.cli.users import remove

    remove(config, name)


@users.command("passwd")
def user_passwd(
    name: str,
    config: ConfigOption = DEFAULT_CONFIG,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from its input.")] = False,
) -> None:
    """Change a user's password. It is asked for on the terminal."""
    from gateway.cli.users import set_password

    set_password(config, name, password_stdin=password_stdin)


@keys.command("create")
def key_create(
    role: str,
    config: ConfigOption = DEFAULT_CONFIG,
    scope: Annotated[list[str] | None, typer.Option(help="read (the default), write or admin; repeatable.")] = None,
    expires: Annotated[str, typer.Option(help='After an interval or at a time, such as "90d"; "never".')] = "90d",
    comment: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make an API key for a user, and print it: it is shown this once."""
    from gateway.cli.keys import KeyRequest, create

    create(config, KeyRequest(role, frozenset(scope or ("read",)), expires, comment))


@keys.command("list")
def key_list(role: Annotated[str | None, typer.Argument()] = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List API keys, of all users or of one, without their secrets."""
    from gateway.cli.keys import print_all

    print_all(config, role)


@keys.command("revoke")
def key_revoke(identifier: Annotated[str, typer.Argument(metavar="ID")], config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Revoke an API key by its id. Sessions that it opened end with their next statement."""
    from gateway.cli.keys import revoke

    revoke(config, identifier)


@audits.command("verify")
def audit_verify(
    config: ConfigOption = DEFAULT_CONFIG,
    since: Annotated[str | None, typer.Option("--from", help="The first day, such as 2026-01-31.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day.")] = None,
) -> None:
    """Walk the chains of entries and name the first break. Exit code 1 if there is one."""
    from gateway.cli.audit import verify

    verify(config, since, until)


@audits.command("export")
def audit_export(
    to: Annotated[str, typer.Option(help="A file, syslog://host:port, syslog+udp://host:port or https://….")],
    config: ConfigOption = DEFAULT_CONFIG,
    form: Annotated[str, typer.Option("--format", help="ocsf, or json: the entries as they are.")] = "ocsf",
    state: Annotated[Path | None, typer.Option(help="A file that keeps how far the export has come.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with entries to come.")] = False,
) -> None:
    """Send the audit to a file or a collector."""
    from gateway.audit.export import ExportOptions
    from gateway.cli.audit import export

    export(config, ExportOptions(form, to, state, follow))


@policies.command("test")
def policy_test(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of cases (docs/policies.md).")],
) -> None:
    """Try what roles see under policies, on rows of the file's own. Exit code 1 if a case is not as it is to be."""
    from gateway.cli.policies import test

    test(files)


@policies.command("export")
def policy_export(
    config: ConfigOption = DEFAULT_CONFIG,
    form: Annotated[str, typer.Option("--format", help="sql, or yaml: statements under headings.")] = "sql",
) -> None:
    """Print roles (without passwords), privileges, policies, masks and tags as statements, in a fixed order."""
    from gateway.cli.policies import export

    export(config, form)


@policies.command("apply")
def policy_apply(
    file: Path,
    config: ConfigOption = DEFAULT_CONFIG,
    diff: Annotated[bool, typer.Option("--diff", help="Only show the statements.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    drops: Annotated[bool, typer.Option("--drop", help="Drop roles and secrets that the file does not have.")] = False,
    user: Annotated[
        str | None, typer.Option(help="Who logs in at the gateway; as psql: PGUSER and PGPASSWORD.")
    ] = None,
) -> None:
    """Make the policies those of a file, by statements that the running gateway carries out."""
    from gateway.cli.policies import ApplyRequest, apply

    apply(config, ApplyRequest(file, diff, drops, yes, user))


@policies.command("simulate")
def policy_simulate(
    config: ConfigOption = DEFAULT_CONFIG,
    file: Annotated[Path | None, typer.Option("--policies", help="A file of policies, as `export` writes it.")] = None,
    drafts: Annotated[bool, typer.Option("--drafts", help="Have drafts and shadows in force.")] = False,
    since: Annotated[str, typer.Option(help='How far back in the audit, such as "7d".')] = "7d",
    statements: Annotated[Path | None, typer.Option(help="Statements of a YAML file in place of the audit's.")] = None,
) -> None:
    """Ask past statements again, under the policies that are and under a draft, and print which would change."""
    from gateway.cli.policies import simulate
    from gateway.rehearsal.replay import Draft

    simulate(config, Draft(file, drafts), since, statements)
