"""Which tone a status word wears, so that one word looks the same on every page."""

TONES: dict[str, str] = {
    **dict.fromkeys(
        ["draft", "closed", "withdrawn", "expired", "retired", "cancelled", "settled", "inactive", "pending", "planned"],
        "neutral",
    ),
    **dict.fromkeys(
        ["running", "submitted", "evaluating", "offered", "open", "shadow", "claimed", "queued", "new", "started", "booked"],
        "info",
    ),
    **dict.fromkeys(
        ["approved", "approve", "accepted", "active", "live", "paid", "kept", "cured", "verified", "stable", "done", "normal"],
        "good",
    ),
    **dict.fromkeys(["referred", "refer", "due", "partial", "part_paid", "special_mention", "watch", "parked"], "caution"),
    **dict.fromkeys(["overdue", "late", "stale", "behind", "substandard"], "warn"),
    **dict.fromkeys(
        ["declined", "decline", "broken", "blocked", "failed", "loss", "breached", "doubtful", "written_off", "charged_off"],
        "bad",
    ),
    **dict.fromkeys(["dispute", "disputed", "hardship", "vulnerable", "hold", "legal_hold", "drill"], "special"),
}


def of(status: str, own: dict[str, str] | None = None) -> str:
    """Return the tone of `status`, the model's own table first."""
    return (own or {}).get(status) or TONES.get(status, "neutral")
