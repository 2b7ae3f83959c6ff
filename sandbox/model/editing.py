"""What a client does to the conversation by hand: adds, reads, removes and cuts items."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sandbox.model import client_events as ask
from sandbox.model import server_events as tell
from sandbox.model.items import Conversation, Entry, checked


def edit(
    conversation: Conversation,
    event: ask.ItemCreate | ask.ItemRetrieve | ask.ItemDelete | ask.ItemTruncate,
    new_id: Callable[[str], str],
) -> list[tell.ServerEvent]:
    """Do it and return the confirmation; raise `RefusedError` for what cannot be done."""
    match event:
        case ask.ItemCreate():
            return _create(conversation, event, new_id)
        case ask.ItemRetrieve():
            return [tell.ItemRetrieved(item=conversation.find(event.item_id, wanted_for="retrieve").item)]
        case ask.ItemDelete():
            conversation.delete(event.item_id)
            return [tell.ItemDeleted(item_id=event.item_id)]
        case ask.ItemTruncate():
            conversation.truncate(event.item_id, event.content_index, event.audio_end_ms)
            return [
                tell.ItemTruncated(
                    item_id=event.item_id,
                    content_index=event.content_index,
                    audio_end_ms=event.audio_end_ms,
                )
            ]


def _create(
    conversation: Conversation, event: ask.ItemCreate, new_id: Callable[[str], str]
) -> list[tell.ServerEvent]:
    item = checked(event.item)
    if not item.id:
        item = msgspec.structs.replace(item, id=new_id("item"))
    previous = conversation.add(Entry(item), after=event.previous_item_id)
    return [
        tell.ItemAdded(item=item, previous_item_id=previous),
        tell.ItemDone(item=item, previous_item_id=previous),
    ]
