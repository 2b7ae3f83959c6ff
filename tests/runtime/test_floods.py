"""A stream that sends far more than a call can, through webhook and stream in virtual time."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.office import open_office
from tests.runtime.virtual_time import run

FRAME = bytes(160)


def test_a_flood_of_audio_breaks_the_stream_before_the_model_is_given_all_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_office(tmp_path) as office:
            answer = await office.webhook()
            async with await office.phone(answer) as phone:
                phone.start()
                for _ in range(3000):  # a minute of audio at once
                    phone.speak(FRAME)
                await phone.until(lambda phone: phone.close_code is not None)
            await office.over()
            assert len(office.model.heard("input_audio_buffer.append")) < 1100
            record = await office.record()
            assert (record["status"], record["end_reason"]) == ("completed", "media_error")

    run(story())
