"""Files on their way in: what is larger than any page takes is passed over as it arrives, and fills neither memory nor disk."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile

LARGEST = 64 * 1024 * 1024 + 64 * 1024  # the largest file of any form, and what the form adds to it


class Bounded(FileUploadHandler):
    """Stands before the handlers that keep files. The page says the sentence: `too_large` tells it from a file that was left out."""

    passed_over = False

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  Django's own name
        content_length: int,
        boundary: Any,  # bytes; Django's stubs say text
        encoding: str | None = None,
    ) -> None:
        """Note what the request says it carries."""
        self.passed_over = content_length > LARGEST

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Let the file go by.

        :raises SkipFile: if the request is larger than any form
        """
        super().new_file(*args, **kwargs)
        if self.passed_over:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def too_large(request: Any, largest: int = LARGEST) -> bool:
    """Return whether a request says it carries more than `largest` bytes."""
    told = str(request.META.get("CONTENT_LENGTH") or "0")
    return told.isascii() and told.isdigit() and int(told) > largest
