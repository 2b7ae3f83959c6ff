"""Short texts by a text model: OpenAI's Responses API, or whatever speaks it at `OPENAI_BASE_URL`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from runtime.settings import Settings

LONGEST_REQUEST = 20.0  # s; whoever waits for a text usually gives up sooner


class TextModelError(Exception):
    """There is no text; the message says why, without content and without the key."""


class TextModel:
    """Asks for one text at a time and keeps nothing on the other side (`store` is off)."""

    def __init__(self, settings: Settings) -> None:
        from openai import AsyncOpenAI

        self._client: AsyncOpenAI = AsyncOpenAI(
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            max_retries=1,
            timeout=LONGEST_REQUEST,
        )
        # What the client would import in the middle of the first call, which would stop all others.
        self._responses = self._client.responses

    async def __call__(self, model: str, instructions: str, text: str, most_tokens: int) -> str:
        """Return what the model writes. Raises `TextModelError`, for an empty text as well."""
        from openai import APIStatusError, OpenAIError

        try:
            response = await self._responses.create(
                model=model, instructions=instructions, input=text, max_output_tokens=most_tokens, store=False
            )
        except APIStatusError as error:
            raise TextModelError(f"the text model's server answered {error.status_code}") from None
        except OpenAIError as error:
            detail = f"the text model cannot be reached ({type(error).__name__})"
            raise TextModelError(detail) from None
        written = response.output_text.strip()
        if not written:
            raise TextModelError("the text model wrote nothing")
        return written

    async def close(self) -> None:
        """Let go of the client."""
        await self._client.close()
