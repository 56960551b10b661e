"""The tables of a SQLite store, and the version they are written under.

people      facts: JSON of everything kept about a person but sends (`cells.Facts`), so that it is read at once
addresses   where a person is reached: `cells.found_at`; derived from the facts
consents    the ledger: rows as they came, beside the facts, chained; nothing is ever removed, and changed only
            when a person is forgotten (see `chain`)
sends       one person's history, numbered by write. state: 0 sent, 1 reserved, 2 ended, 3 no send but
            the number of the latest other write about the person. odd: JSON of an imported row whose
            cells do not fit the columns
imported    which rows of history were imported, by content: how often they are there, and how often
            the import of that number brought them
decisions   the log: lines, chained; likewise
places      where a decision's line stands in the log and its slot in somebody's history
holds, outbox
suppressions  hashes of addresses nothing may be sent to, under the secret of that name; nothing is ever removed
secrets     made with the file
recording   no table: a decision and its slot put in here are recorded by one statement, or refused:
            `elsewhere` the log does not end in `before`, `there` it holds the decision, `moved` the slot
            is not the person's next
"""

from __future__ import annotations

VERSION = 2
APPLICATION = 0x706B6974  # `pkit`: says that a SQLite file is ours

_SUPPRESSIONS = (
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, secret TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO secrets VALUES ('suppressions', lower(hex(randomblob(32))))",
    """CREATE TABLE suppressions (
      hash TEXT NOT NULL, because TEXT NOT NULL, at INTEGER NOT NULL, evidence TEXT NOT NULL, channel TEXT NOT NULL,
      PRIMARY KEY (hash, because, evidence)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER suppressions_stay BEFORE UPDATE ON suppressions
    BEGIN SELECT RAISE(ABORT, 'suppressions are only added'); END""",
    """CREATE TRIGGER suppressions_last BEFORE DELETE ON suppressions
    BEGIN SELECT RAISE(ABORT, 'suppressions are only added'); END""",
)

TABLES = (
    "CREATE TABLE people (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, facts TEXT NOT NULL)",
    """CREATE TABLE addresses (
      channel TEXT NOT NULL, address TEXT NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (channel, address, person)
    ) WITHOUT ROWID""",
    """CREATE TABLE consents (
      n INTEGER PRIMARY KEY, person TEXT NOT NULL, row TEXT NOT NULL, hash TEXT NOT NULL, nonce TEXT NOT NULL,
      digest TEXT
    )""",
    """CREATE TABLE sends (
      person TEXT NOT NULL, n INTEGER NOT NULL, state INTEGER NOT NULL, lease_until INTEGER NOT NULL, decision TEXT,
      at, channel, message_class, campaign, logical TEXT, receipt TEXT, odd TEXT, PRIMARY KEY (person, n)
    ) WITHOUT ROWID""",
    "CREATE INDEX attempts ON sends (logical) WHERE state = 2",
    """CREATE TABLE imported (
      content BLOB PRIMARY KEY, kept INTEGER NOT NULL, import TEXT NOT NULL, met INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE decisions (
      number INTEGER PRIMARY KEY, line TEXT NOT NULL, hash TEXT NOT NULL, nonce TEXT NOT NULL, digest TEXT
    )""",
    "CREATE TABLE places (id TEXT PRIMARY KEY, number INTEGER NOT NULL, person TEXT, n INTEGER) WITHOUT ROWID",
    "CREATE TABLE holds (campaign TEXT PRIMARY KEY, because TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE outbox (
      decision TEXT PRIMARY KEY, due INTEGER NOT NULL, provider TEXT NOT NULL, request TEXT NOT NULL,
      context TEXT NOT NULL, attempts INTEGER NOT NULL, lease_until INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
    "CREATE INDEX due ON outbox (due)",
    """CREATE VIEW recording AS SELECT
      NULL AS id, NULL AS number, NULL AS line, NULL AS hash, NULL AS nonce, NULL AS before, NULL AS person, NULL AS n,
      NULL AS lease_until, NULL AS at, NULL AS channel, NULL AS message_class, NULL AS campaign, NULL AS logical""",
    """CREATE TRIGGER recording_comes INSTEAD OF INSERT ON recording BEGIN
      SELECT RAISE(ABORT, 'elsewhere')
        WHERE coalesce((SELECT hash FROM decisions ORDER BY number DESC LIMIT 1), '') <> NEW.before;
      SELECT RAISE(ABORT, 'there') WHERE EXISTS (SELECT 1 FROM places WHERE id = NEW.id);
      SELECT RAISE(ABORT, 'moved') WHERE NEW.person IS NOT NULL
        AND coalesce((SELECT max(n) FROM sends WHERE person = NEW.person), 0) <> NEW.n - 1;
      INSERT INTO places (id, number, person, n) VALUES (NEW.id, NEW.number, NEW.person, NEW.n);
      INSERT INTO sends (person, n, state, lease_until, decision, at, channel, message_class, campaign, logical)
        SELECT NEW.person, NEW.n, 1, NEW.lease_until, NEW.id, NEW.at, NEW.channel, NEW.message_class, NEW.campaign,
          NEW.logical WHERE NEW.person IS NOT NULL;
      INSERT INTO decisions (number, line, hash, nonce) VALUES (NEW.number, NEW.line, NEW.hash, NEW.nonce);
    END""",
    # A row that replaces another by its number fires no trigger on DELETE, so it is refused where it comes in.
    """CREATE TRIGGER consents_come BEFORE INSERT ON consents WHEN EXISTS (SELECT 1 FROM consents WHERE n = NEW.n)
    BEGIN SELECT RAISE(ABORT, 'consents are only added'); END""",
    # Redaction is the one change: once, of the text alone, and by `verify` only where a forgetting accounts for it.
    """CREATE TRIGGER consents_stay BEFORE UPDATE ON consents WHEN NOT (
      NEW.n = OLD.n AND NEW.hash = OLD.hash AND OLD.nonce <> '' AND NEW.nonce = '' AND NEW.digest IS NOT NULL
      AND NEW.person = '' AND NEW.row = '')
    BEGIN SELECT RAISE(ABORT, 'consents are only added'); END""",
    """CREATE TRIGGER consents_last BEFORE DELETE ON consents
    BEGIN SELECT RAISE(ABORT, 'consents are only added'); END""",
    """CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions WHEN NOT (
      NEW.number = OLD.number AND NEW.hash = OLD.hash AND OLD.nonce <> '' AND NEW.nonce = '' AND NEW.digest IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END""",
    """CREATE TRIGGER decisions_last BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END""",
    *_SUPPRESSIONS,
)
