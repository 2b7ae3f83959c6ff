"""Carrying out a `<Dial><Conference>` on a live line: being there, and the music while waiting or on hold."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from urllib.parse import urljoin

from sandbox.account.participants import Participant
from sandbox.network.call_requests import CallRequests
from sandbox.network.conference_room import ConferenceRoom, Member, Music
from sandbox.network.events import Kind
from sandbox.network.live_line import LiveLine
from sandbox.network.media_files import media_audio
from sandbox.network.mixing import Seat
from sandbox.network.phone_call import Redirected
from sandbox.network.racing import first_of
from sandbox.network.twiml import Document, TwimlError
from sandbox.network.verbs import MUSIC, Conference, Pause, Play, Redirect, Say
from sandbox.network.webhooks import DeliveryError, is_audio, read_document
from sandbox.speech.music import hold_music
from sandbox.speech.ulaw import from_pcm

MAX_REPEATS = 1000
NOT_IN_MUSIC = 13238  # Twilio: Dial, Gather, Hangup and Record in the document of a waitUrl
REFUSED = 12200  # which code a full conference has is not known


async def attend(conference: Conference, base: str, line: LiveLine, requests: CallRequests) -> None:
    """Join a conference and stay until it ends, or until the call is put out or cancelled."""
    phone, around = requests.phone, requests.around
    wanted = _absolute(conference, base)
    room = around.exchange.room(wanted, around)
    if len(room.members) >= conference.max_participants:
        requests.alert(REFUSED, base, f"the conference {conference.name} is full")
        return
    member = _member(wanted, room, requests)
    phone.note(Kind.CONNECTED, conference.name)
    room.enter(member)
    try:
        with line.attached(member.seat):
            await _stay(room, member, line, requests)
    finally:
        redirected = isinstance(phone.interruption, Redirected)
        room.leave(member, "participant_updated_via_api" if redirected else "participant_hung_up")
        phone.note(Kind.PARTED, conference.name)


def _absolute(conference: Conference, base: str) -> Conference:
    callback = conference.callback
    wait_url = conference.wait_url
    return replace(
        conference,
        callback=replace(callback, url=urljoin(base, callback.url)) if callback is not None else None,
        wait_url=urljoin(base, wait_url) if wait_url else "",
    )


def _member(conference: Conference, room: ConferenceRoom, requests: CallRequests) -> Member:
    """Return the call as somebody in the room; who was invited has a record already."""
    phone = requests.phone
    record = room.record.participants.get(phone.sid) or Participant(
        phone.call.account_sid,
        room.record.sid,
        phone.sid,
        conference.label,
        conference.muted,
        start_on_enter=conference.start_on_enter,
        end_on_exit=conference.end_on_exit,
    )
    music = Music(None if conference.wait_url == MUSIC else conference.wait_url, conference.wait_method)
    return Member(record, Seat(phone.line), music if conference.wait_url else None)


async def _stay(room: ConferenceRoom, member: Member, line: LiveLine, requests: CallRequests) -> None:
    while member.out is None:
        member.changed.clear()
        announcement, member.announcement = member.announcement, None
        music = room.music(member)
        if announcement is not None:
            await _once(announcement, line, requests)
            room.announced(member)
            member.changed.set()
        elif music is not None:
            await first_of(member.changed.wait(), _play_for_ever(music, line, requests, member))
        else:
            await member.changed.wait()


async def _play_for_ever(music: Music, line: LiveLine, requests: CallRequests, member: Member) -> None:
    """Play music until somebody ends this: a file is repeated, a document is not (silence follows it)."""
    if music.url is None:
        await line.play(_own_music(), MAX_REPEATS)
    else:
        await _once(music, line, requests, repeats=MAX_REPEATS)
    await member.changed.wait()


async def _once(music: Music, line: LiveLine, requests: CallRequests, *, repeats: int = 1) -> None:
    """Play what a URL answers: a file `repeats` times, a document with what it leads to."""
    url, method = music.url or "", music.method
    for _ in range(MAX_REPEATS):
        try:
            reply = await requests.ask(method, url)
            if is_audio(reply):
                await line.play(media_audio(reply.body), repeats)
                return
            document = read_document(reply)
        except DeliveryError as error:
            requests.alert(error.failure.code, url, error.failure.text)
            return
        except TwimlError as error:
            requests.alert(error.code, url, error.text)
            return
        redirect = await _play_document(document, reply.url, line, requests)
        if redirect is None:
            return
        url, method = urljoin(reply.url, redirect.url), redirect.method


async def _play_document(
    document: Document, url: str, line: LiveLine, requests: CallRequests
) -> Redirect | None:
    """Play a document's prompts, and return the redirection that ends it. Twilio: nothing else counts."""
    for verb in document.verbs:
        match verb:
            case Redirect():
                return verb
            case Say() | Play() | Pause():
                sound = await requests.sound(verb, urljoin(url, verb.url) if isinstance(verb, Play) else "")
                words = verb.text if isinstance(verb, Say) else ""
                await line.play(sound, 1 if isinstance(verb, Pause) else verb.loop, words=words)
            case _:
                requests.alert(NOT_IN_MUSIC, url, f"{type(verb).__name__} is not allowed in a waitUrl")
    return None


@cache
def _own_music() -> bytes:
    return from_pcm(hold_music())
