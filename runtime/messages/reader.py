"""From messages as they came to the words that an agent is to answer: files are fetched and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.call.usage import Usage
from runtime.messages.files import may_be_shown
from runtime.messages.turn import Words

if TYPE_CHECKING:
    from runtime.call.text.text_events import File
    from runtime.messages.contact import Inbound
    from runtime.messages.files import FilePlace, FileReader
    from schemas import Account

MOST_SHOWN: Final = 32 * 1024 * 1024  # characters of files in one request to a model
TOO_MUCH: Final = "[a file that cannot be read: there were too many at once]"
EMPTY: Final = "[a message without words]"


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Reads the messages of one turn. `place` is taken for files that the model looks at."""

    files: FileReader
    account: Account
    place: FilePlace

    async def read(self, messages: Sequence[Inbound]) -> Words:
        """Return what messages say together; what cannot be read of them is said in words."""
        texts: list[str] = []
        shown: list[File] = []
        usage = Usage()
        number = 0
        if any(may_be_shown(reference) for message in messages for reference in message.files):
            await self.place.take()
        for message in messages:
            texts.append(message.text)
            for reference in message.files:
                number += 1
                found = await self.files.read(reference, self.account, number=number)
                usage += found.usage or Usage()
                fits = (
                    found.file is None or sum(len(file.data) for file in (*shown, found.file)) <= MOST_SHOWN
                )
                texts.append(found.words if fits else TOO_MUCH)
                shown += [found.file] if found.file is not None and fits else []
        text = "\n".join(text for text in texts if text) or EMPTY
        return Words(tuple(message.sid for message in messages), text, tuple(shown), usage)
