"""From a fleet and its accounts to an import: find the public URL, read everything, decide, write it down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from reconciler.importing.decisions import Imported, import_numbers
from reconciler.importing.files import ImportFiles, import_files
from reconciler.importing.inventory import inventory
from reconciler.planning.diff import Policy
from reconciler.planning.reading import Readers
from reconciler.resource.live import LiveNumber
from reconciler.resource.marker import marker_in
from schemas.environment import PUBLIC_URL
from schemas.errors import TmError
from schemas.fleet import Fleet

# No URL is under it: without a public URL only markers tell what is ours.
_NO_URL = "https://no-public-url.invalid"


async def make_import(
    fleet: Fleet, folder: Path, environ: Mapping[str, str], readers: Readers, now: datetime
) -> tuple[Imported, ImportFiles]:
    """Return what to declare and the files that declare it.

    Raises TmError when an account or a file cannot be read, and where no public URL is to be found.
    """
    if not fleet.accounts:
        raise TmError("no account is known", hint="Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.")
    is_known = bool(environ.get(PUBLIC_URL)) or any(kind == "Service" for kind, _ in fleet.entries)
    live = await inventory(fleet, fleet.service.public_url if is_known else _NO_URL, readers)
    public_url = fleet.service.public_url if is_known else _public_url_of(live)
    service = fleet.service.model_copy(update={"public_url": public_url})
    policy = Policy(public_url=public_url, fallback_url=service.fallback_url)
    imported = import_numbers(replace(fleet, service=service), live, policy, now)
    return imported, import_files(fleet, folder, imported, None if is_known else public_url)


def _public_url_of(live: Iterable[LiveNumber]) -> str:
    """Return the public URL that most numbers of ours were applied with. Raises TmError if there is none."""
    bases = Counter(
        base
        for record in live
        for _, url in record.stored.urls()
        if marker_in(url) and (base := url.partition("/voice/")[0]) != url
    )
    if not bases:
        hint = f"Set {PUBLIC_URL}, or declare a Service: the URL where Twilio is to find the agents."
        raise TmError("no Service is declared, and no number of the account tells the public URL", hint=hint)
    return bases.most_common(1)[0][0]
