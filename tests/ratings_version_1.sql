-- The database as version 1 of the schema left it, with two votes. Never changed.
BEGIN TRANSACTION;
CREATE TABLE candidates (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    arm TEXT,
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    adapter TEXT NOT NULL,
    adapter_sha256 TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    quantisation TEXT NOT NULL,
    prompt_version INTEGER);
INSERT INTO "candidates" VALUES('e7dd9eece294ab5e91a6862f92f01d85','nano','base','nano','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','','','','nf4',1);
INSERT INTO "candidates" VALUES('ba9c8b8cc56ac274e79121acd720fa04','nano-med','tuned','nano','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','nano-med','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','','nf4',1);
CREATE TABLE errors (
    rating TEXT NOT NULL REFERENCES ratings(id),
    position INTEGER NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    harm TEXT NOT NULL,
    start INTEGER,
    stop INTEGER,
    PRIMARY KEY (rating, position));
CREATE TABLE ratings (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    corrects TEXT UNIQUE REFERENCES ratings(id),
    study TEXT NOT NULL,
    reader TEXT NOT NULL,
    case_id TEXT NOT NULL,
    question TEXT NOT NULL,
    domain TEXT NOT NULL,
    question_type TEXT NOT NULL,
    scans TEXT NOT NULL,
    shown TEXT,
    grey_window TEXT,
    look TEXT NOT NULL,
    picture BLOB,
    left_candidate TEXT NOT NULL REFERENCES candidates(id),
    right_candidate TEXT REFERENCES candidates(id),
    left_answer TEXT NOT NULL,
    left_history TEXT NOT NULL,
    left_decoding TEXT,
    left_leaks TEXT NOT NULL,
    left_words INTEGER NOT NULL,
    left_correct INTEGER,
    left_complete INTEGER,
    left_relevant INTEGER,
    left_clear INTEGER,
    left_safe INTEGER,
    left_correctness TEXT,
    right_answer TEXT ,
    right_history TEXT ,
    right_decoding TEXT,
    right_leaks TEXT ,
    right_words INTEGER ,
    right_correct INTEGER,
    right_complete INTEGER,
    right_relevant INTEGER,
    right_clear INTEGER,
    right_safe INTEGER,
    right_correctness TEXT,
    verdict TEXT,
    sureness INTEGER,
    guess TEXT,
    comment TEXT NOT NULL,
    seconds DOUBLE PRECISION,
    blinded BOOLEAN NOT NULL,
    training BOOLEAN NOT NULL,
    repeat_number INTEGER NOT NULL,
    side_seed BIGINT,
    source TEXT NOT NULL,
    created TEXT NOT NULL,
    software TEXT NOT NULL,
    label TEXT NOT NULL,
    digest TEXT NOT NULL);
INSERT INTO "ratings" VALUES(1,'vote-1-r1',NULL,'','r1','case-1','Question 1?','ct','location','["0000000000000000000000000000000000000000000000000000000000000000"]',NULL,NULL,'',NULL,'e7dd9eece294ab5e91a6862f92f01d85','ba9c8b8cc56ac274e79121acd720fa04','An answer of nano to question 1.','[]',NULL,'[]',7,NULL,NULL,NULL,NULL,NULL,NULL,'An answer of nano-med to question 1.','[]',NULL,'[]',7,NULL,NULL,NULL,NULL,NULL,NULL,'right',NULL,NULL,'',NULL,1,0,0,NULL,'','2026-03-01T12:00:00.123456+00:00','MedVLM 0.1.0','Research demo. Not for diagnosis.','c33931f77a5cc3367bef84866f74f76999000200b5760ccb405cb5b56be4a7fd');
INSERT INTO "ratings" VALUES(2,'vote-2-r1',NULL,'','r1','case-2','Question 2?','ct','location','["0000000000000000000000000000000000000000000000000000000000000000"]',NULL,NULL,'',NULL,'ba9c8b8cc56ac274e79121acd720fa04','e7dd9eece294ab5e91a6862f92f01d85','An answer of nano-med to question 2.','[]',NULL,'[]',7,NULL,NULL,NULL,NULL,NULL,NULL,'An answer of nano to question 2.','[]',NULL,'[]',7,NULL,NULL,NULL,NULL,NULL,NULL,'neither',NULL,NULL,'',NULL,1,0,0,NULL,'','2026-03-01T12:00:00.123456+00:00','MedVLM 0.1.0','Research demo. Not for diagnosis.','05ff33d4adb211b2eff958d1e2f57fa3486485a8c5146400548bda7f62289f5d');
CREATE TABLE schema_steps (step INTEGER PRIMARY KEY, run TEXT NOT NULL, software TEXT);
INSERT INTO "schema_steps" VALUES(1,'2026-03-01T12:00:00+00:00','MedVLM 0.1.0');
CREATE INDEX ratings_by_study ON ratings (study, sequence);
COMMIT;
