PRAGMA application_id = 1886087540;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE addresses (
      channel TEXT NOT NULL, address TEXT NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (channel, address, person)
    ) WITHOUT ROWID;
INSERT INTO "addresses" VALUES('email','ada@example.com',1);
CREATE TABLE consents (n INTEGER PRIMARY KEY, person TEXT NOT NULL, row TEXT NOT NULL);
INSERT INTO "consents" VALUES(1,'ada','{"id":"c1","person":"ada","status":"given","channel":"email","at":"2023-01-01T00:00:00Z"}');
INSERT INTO "consents" VALUES(2,'ada','{"id":"c2","person":"ada","status":"withdrawn","at":1700000000000000}');
INSERT INTO "consents" VALUES(3,'bob','{"id":"c1","person":"bob","status":"given","channel":"email","at":"2023-01-01T00:00:00Z"}');
CREATE TABLE decisions (number INTEGER PRIMARY KEY, line TEXT NOT NULL, hash TEXT NOT NULL);
INSERT INTO "decisions" VALUES(1,'{"id":"pk-1"}','1cb984e58d742d8b6c9f44671c5622ebd0ac352dd9409818ddd2545525f72990');
INSERT INTO "decisions" VALUES(2,'{"id":"pk-2","verdict":"block","person":"3f9c2a81d0e4"}','8f88e80c76306cf577d6ca50cf8e0170dc725dcecae347430cd5e3110f1c9b47');
INSERT INTO "decisions" VALUES(3,'{"id":"pk-3","verdict":"block","person":"3f9c2a81d0e4"}','0810cb923dcd6443fca4b744287c9045e9440b76eda5423b8f55bf560d59670c');
CREATE TABLE holds (campaign TEXT PRIMARY KEY, because TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "holds" VALUES('spring','why',1700000000000000);
CREATE TABLE imported (
      content BLOB PRIMARY KEY, kept INTEGER NOT NULL, import TEXT NOT NULL, met INTEGER NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "imported" VALUES(X'E6AE9C89075C970FD65E97C7D85FD501',1,'3f240fa466484c47b4c8a386494517af',1);
CREATE TABLE outbox (
      decision TEXT PRIMARY KEY, due INTEGER NOT NULL, provider TEXT NOT NULL, request TEXT NOT NULL,
      context TEXT NOT NULL, attempts INTEGER NOT NULL, lease_until INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
CREATE TABLE people (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, facts TEXT NOT NULL);
INSERT INTO "people" VALUES(1,'ada','{"people":{"id":"ada","country":"FR","zone":"Europe/Paris","age":36},"addresses":[{"person":"ada","channel":"email","address":"Ada@Example.com","shared":false}],"attributes":[{"person":"ada","attribute":"basket","value":"pram","origin":"observed"}],"consents":[{"id":"c1","person":"ada","status":"given","channel":"email","at":"2023-01-01T00:00:00Z"},{"id":"c2","person":"ada","status":"withdrawn","at":1700000000000000}]}');
INSERT INTO "people" VALUES(2,'bob','{"people":{},"addresses":[],"attributes":[],"consents":[{"id":"c1","person":"bob","status":"given","channel":"email","at":"2023-01-01T00:00:00Z"}]}');
CREATE TABLE places (id TEXT PRIMARY KEY, number INTEGER NOT NULL, person TEXT, n INTEGER) WITHOUT ROWID;
INSERT INTO "places" VALUES('pk-1',1,'ada',7);
INSERT INTO "places" VALUES('pk-2',2,NULL,NULL);
INSERT INTO "places" VALUES('pk-3',3,NULL,NULL);
CREATE TABLE sends (
      person TEXT NOT NULL, n INTEGER NOT NULL, state INTEGER NOT NULL, lease_until INTEGER NOT NULL, decision TEXT,
      at, channel, message_class, campaign, logical TEXT, receipt TEXT, odd TEXT, PRIMARY KEY (person, n)
    ) WITHOUT ROWID;
INSERT INTO "sends" VALUES('ada',5,0,0,NULL,1699999999999995,'email','marketing','spring',NULL,NULL,NULL);
INSERT INTO "sends" VALUES('ada',6,3,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "sends" VALUES('ada',7,1,1700000120000000,'pk-1',1700000000000000,'email','marketing','spring','logical',NULL,NULL);
INSERT INTO "sends" VALUES('bob',1,3,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX attempts ON sends (logical) WHERE state = 2;
CREATE INDEX due ON outbox (due);
CREATE VIEW recording AS SELECT
      NULL AS id, NULL AS number, NULL AS line, NULL AS hash, NULL AS before, NULL AS person, NULL AS n,
      NULL AS lease_until, NULL AS at, NULL AS channel, NULL AS message_class, NULL AS campaign, NULL AS logical;
CREATE TRIGGER recording_comes INSTEAD OF INSERT ON recording BEGIN
      SELECT RAISE(ABORT, 'elsewhere')
        WHERE coalesce((SELECT hash FROM decisions ORDER BY number DESC LIMIT 1), '') <> NEW.before;
      SELECT RAISE(ABORT, 'there') WHERE EXISTS (SELECT 1 FROM places WHERE id = NEW.id);
      SELECT RAISE(ABORT, 'moved') WHERE NEW.person IS NOT NULL
        AND coalesce((SELECT max(n) FROM sends WHERE person = NEW.person), 0) <> NEW.n - 1;
      INSERT INTO places (id, number, person, n) VALUES (NEW.id, NEW.number, NEW.person, NEW.n);
      INSERT INTO sends (person, n, state, lease_until, decision, at, channel, message_class, campaign, logical)
        SELECT NEW.person, NEW.n, 1, NEW.lease_until, NEW.id, NEW.at, NEW.channel, NEW.message_class, NEW.campaign,
          NEW.logical WHERE NEW.person IS NOT NULL;
      INSERT INTO decisions (number, line, hash) VALUES (NEW.number, NEW.line, NEW.hash);
    END;
CREATE TRIGGER consents_come BEFORE INSERT ON consents WHEN EXISTS (SELECT 1 FROM consents WHERE n = NEW.n)
    BEGIN SELECT RAISE(ABORT, 'consents are only added'); END;
CREATE TRIGGER consents_stay BEFORE UPDATE ON consents
    BEGIN SELECT RAISE(ABORT, 'consents are only added'); END;
CREATE TRIGGER consents_last BEFORE DELETE ON consents
    BEGIN SELECT RAISE(ABORT, 'consents are only added'); END;
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;
CREATE TRIGGER decisions_last BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;
COMMIT;
