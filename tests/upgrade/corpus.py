"""The documents and questions of a kept data folder; a folder holds them as they were when it was made."""

from collections.abc import Mapping, Sequence

ENGLISH: Mapping[str, str] = {
    "winter/oil.md": "# Oil in winter\n\nWhen lamp oil freezes, warm the reservoir to 12 degrees before lighting.\n",
    "winter/doors.md": "# Frozen doors\n\nBrush graphite into the lock in May. A frozen door opens with warm air.\n",
    "winter/ice.md": "# Ice on the lens\n\nWipe ice off the lens with alcohol. Never scrape it with metal.\n",
    "signals/fog.md": "# Fog horn\n\nTwo blasts of the fog horn every ninety seconds while the view is under a mile.\n",
    "signals/flags.md": "# Flags\n\nA red flag over a blue one means that the harbour is closed.\n",
    "signals/lamp.md": "# The lamp\n\nThe lamp turns once in thirty seconds. Wind the clockwork every four hours.\n",
    "stores/grades.md": "# Grades of oil\n\nGrade B oil stays liquid down to minus 20 degrees. Part number KX-4471.\n",
    "stores/paint.md": "# Paint\n\nThe tower is painted white every third summer, the door in red lead, order 88217.\n",
    "stores/water.md": "# Water\n\nRain from the roof fills the cistern. Boil it for ten minutes before drinking.\n",
    "people/keepers.md": "# Keepers\n\nThe first keeper was Ada Lindqvist. Two keepers share the night by watches.\n",
    "people/visits.md": "# Visits\n\nVisitors climb the tower on Sundays at noon, six at a time, with a keeper.\n",
    "people/mail.md": "# Mail\n\nThe supply boat brings mail on the first Tuesday of the month, if the sea allows.\n",
}
GERMAN: Mapping[str, str] = {
    "winter.md": "# Winter\n\nGefrorenes Lampenöl wird vor dem Anzünden auf zwölf Grad erwärmt.\n",
    "nebel.md": "# Nebel\n\nBei Nebel ertönt das Nebelhorn alle neunzig Sekunden zweimal.\n",
    "besuch.md": "# Besuch\n\nBesucher steigen sonntags um zwölf Uhr mit einem Wärter auf den Turm.\n",
}
CHINESE: Mapping[str, str] = {
    "winter.md": "# 冬季用油\n\n灯油结冰时,点灯前先把油箱加热到十二度。\n",
    "fog.md": "# 雾号\n\n有雾时每九十秒鸣雾号两次。\n",
    "visits.md": "# 参观\n\n游客每星期日中午可以登塔,每次六人。\n",
}
CODE: Mapping[str, str] = {
    "lamp.py": "def turn_lamp(seconds: int = 30) -> float:\n    return 360 / seconds\n",
    "horn.py": "def blow_foghorn(times: int = 2, every: float = 90.0) -> None:\n    raise NotImplementedError\n",
}
BUCKET: Mapping[str, str] = {
    "2026/log.md": "# Log\n\nIn March the north window was replaced after the storm.\n",
    "2026/plan.md": "# Plan\n\nIn June the stairs get a new handrail of oak.\n",
}
JUDGED: Sequence[tuple[str, str]] = (
    ("what to do when the lamp oil freezes", "winter/oil.md"),
    ("how is a frozen lock opened", "winter/doors.md"),
    ("remove ice from the glass", "winter/ice.md"),
    ("how often does the fog horn sound", "signals/fog.md"),
    ("which flags close the harbour", "signals/flags.md"),
    ("how fast does the lamp turn", "signals/lamp.md"),
    ("oil that stays liquid in the cold", "stores/grades.md"),
    ("what colour is the tower", "stores/paint.md"),
    ("where does drinking water come from", "stores/water.md"),
    ("who was the first keeper", "people/keepers.md"),
    ("when may visitors climb the tower", "people/visits.md"),
    ("when does the boat bring letters", "people/mail.md"),
)
WAITING = "# Waiting {0}\n\n" + "This page waits in the queue, since the server is killed before its turn. " * 20
BROKEN = b"%PDF-1.4\nno document at all\n"

Maker = tuple[str, Mapping[str, object], Mapping[str, str], str, str]
INSTANCES: Sequence[Maker] = (
    (
        "station",
        {
            "reranking": True,
            "reranking_weight": 0.8,
            "score_threshold": 0.2,
            "max_num_results": 5,
            "query_log": {"enabled": True, "retention_days": 365},
            "custom_metadata": [{"field_name": "author", "data_type": "text"}],
            "retrieval_options": {"keyword_match_mode": "or"},
        },
        ENGLISH,
        "what to do when the lamp oil freezes",
        "winter/oil.md",
    ),
    (
        "turm",
        {"score_threshold": 0.1, "indexing_options": {"keyword_language": "german"}},
        GERMAN,
        "Besucher Turm",
        "besuch.md",
    ),
    (
        "dengta",
        {
            "index_method": {"vector": False, "keyword": True},
            "indexing_options": {"keyword_tokenizer": "trigram", "keyword_language": "cjk"},
        },
        CHINESE,
        "登塔",
        "visits.md",
    ),
    (
        "code",
        {
            "index_method": {"vector": False, "keyword": True},
            "indexing_options": {"keyword_tokenizer": "trigram"},
        },
        CODE,
        "foghorn",
        "horn.py",
    ),
    (
        "vectors",
        {"index_method": {"vector": True, "keyword": False}, "chunk_size": 128, "score_threshold": 0.1},
        {"oil.md": ENGLISH["winter/oil.md"], "fog.md": ENGLISH["signals/fog.md"]},
        "the lamp does not burn in the cold",
        "oil.md",
    ),
    (
        "stemmed",
        {
            "index_method": {"vector": False, "keyword": True},
            "indexing_options": {"keyword_tokenizer": "porter"},
            "retrieval_options": {"keyword_match_mode": "or"},
        },
        {"mail.md": ENGLISH["people/mail.md"], "paint.md": ENGLISH["stores/paint.md"]},
        "painting towers",
        "paint.md",
    ),
)
"""Name, settings, documents, a query and the key of its first result: one of each kind of index."""
