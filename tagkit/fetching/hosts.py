"""Hugging Face and Civitai: where they are, and which of them gets which token."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

HUGGING_FACE = "https://huggingface.co"
CIVITAI = "https://civitai.com"


class Hosts(msgspec.Struct, frozen=True):
    """Addresses without a final slash. A token goes to its own host and to no other."""

    hugging_face: str = HUGGING_FACE
    civitai: str = CIVITAI
    hugging_face_token: str = ""
    civitai_token: str = ""

    def __repr__(self) -> str:
        """Without the tokens, so that no report or traceback can show them."""
        return f"Hosts({self.hugging_face!r}, {self.civitai!r})"

    def placed(self, url: str) -> str:
        """The URL, at the mirror if one stands for its host."""
        for usual, chosen in ((HUGGING_FACE, self.hugging_face), (CIVITAI, self.civitai)):
            if url.startswith(f"{usual}/"):
                return chosen + url[len(usual) :]
        return url

    def headers(self, url: str) -> dict[str, str]:
        """The header that logs in, where there is a token for the URL's host."""
        tokens = {self.hugging_face: self.hugging_face_token, self.civitai: self.civitai_token}
        for address, token in tokens.items():
            if token and urlsplit(url)[:2] == urlsplit(address)[:2]:
                return {"Authorization": f"Bearer {token}"}
        return {}

    def token_name(self, url: str) -> str:
        """The environment variable whose token the URL's host would read, if it is known."""
        names = {self.hugging_face: "HF_TOKEN", self.civitai: "CIVITAI_TOKEN"}
        return next(
            (name for each, name in names.items() if urlsplit(each)[:2] == urlsplit(url)[:2]), ""
        )


def hosts_of(environment: Mapping[str, str]) -> Hosts:
    """The hosts and tokens of HF_ENDPOINT, HF_TOKEN, CIVITAI_ENDPOINT and CIVITAI_TOKEN."""
    return Hosts(
        (environment.get("HF_ENDPOINT") or HUGGING_FACE).rstrip("/"),
        (environment.get("CIVITAI_ENDPOINT") or CIVITAI).rstrip("/"),
        environment.get("HF_TOKEN", "").strip(),
        environment.get("CIVITAI_TOKEN", "").strip(),
    )
